"""Plug-ins that run inside other programs. They import only the host, `client`, `domain` and `probes`."""
