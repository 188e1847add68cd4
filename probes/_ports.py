"""The ports of URLs without a port. Pure."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
"""By scheme."""
