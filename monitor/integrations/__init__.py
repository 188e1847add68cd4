"""Plug-ins that run inside other people's programs. Each imports its host, `monitor.client` and the words of `probes`."""
