"""The daemon's own process: what it needs of the machine, its signals, its log, what it logs of the endpoints."""
