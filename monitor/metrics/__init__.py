"""Prometheus metrics of the daemon and of every endpoint."""
