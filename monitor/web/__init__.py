"""The HTTP API: read-only routes over the newest snapshot."""
