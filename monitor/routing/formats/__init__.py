"""File formats of routers, one per module."""
