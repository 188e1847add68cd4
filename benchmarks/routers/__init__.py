"""How soon routers follow a status, and how many requests fail until they do."""
