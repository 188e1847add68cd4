"""The formats of routers, one a file."""
