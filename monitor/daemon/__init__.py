"""The daemon's own affairs: what it writes to its log about the endpoints it watches."""
