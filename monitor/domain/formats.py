"""The names of the file formats that routers read."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """A file format. `monitor/routing/formats/render.py` says which module writes it."""

    SCORES = "scores"
    OPENROUTER = "openrouter"
    ENVOY_EDS = "envoy-eds"
    TRAEFIK = "traefik"
    HAPROXY_MAP = "haproxy-map"
    VLLM = "vllm"

    @property
    def has_weights(self) -> bool:
        """Whether the file holds only members and weights, so that most samples do not change it."""
        return self in {Format.ENVOY_EDS, Format.TRAEFIK, Format.HAPROXY_MAP, Format.VLLM}
