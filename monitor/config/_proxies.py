"""Warns about proxy variables in the environment, which Providerwatch does not read."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from monitor.config._addresses import is_this_machine
from monitor.config.model import Config
from probes._proxy import unused_variable


def unused_proxy(config: Config, env: Mapping[str, str]) -> str | None:
    """A warning if a variable sets a proxy and the file does not; None if all endpoints are on this machine."""
    endpoints = [spec.endpoint for spec in config.endpoints]
    variable = unused_variable(env, "https")
    is_far = any(not is_this_machine(urlsplit(endpoint.base_url).hostname or "") for endpoint in endpoints)
    if variable is None or not is_far or any(endpoint.proxy is not None for endpoint in endpoints):
        return None
    return f"the environment variable {variable} is ignored; write `proxy: http://host:port` or `proxy: direct`"
