"""The daemon process: wiring of all parts, signals, log, resource limits, systemd."""
