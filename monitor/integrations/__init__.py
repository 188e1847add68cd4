"""Plug-ins that run inside other programs. They import only the host, `monitor.client` and the types of `probes`."""
