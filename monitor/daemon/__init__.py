"""The daemon's own process: what it needs of the machine, and what it logs of the endpoints that it watches."""
