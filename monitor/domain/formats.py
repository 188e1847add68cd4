"""The names of the shapes that routers read: for the configuration, the command line and those that write them."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """A shape; each is made in one file of `monitor/publish/`, and `monitor/routing/formats/render.py` says which."""

    SCORES = "scores"
    OPENROUTER = "openrouter"
    ENVOY_EDS = "envoy-eds"
    TRAEFIK = "traefik"
    HAPROXY_MAP = "haproxy-map"
    VLLM = "vllm"

    @property
    def has_weights(self) -> bool:
        """Whether it tells what to use and how much, and no figure beside that: mostly it stays as it is."""
        return self in {Format.ENVOY_EDS, Format.TRAEFIK, Format.HAPROXY_MAP, Format.VLLM}
