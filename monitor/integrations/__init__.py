"""Plug-ins that run inside other people's programs. They import the host, `monitor.client`, `probes`'s words."""
