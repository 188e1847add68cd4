"""The HTTP API: server, middleware, routes and their responses."""
