"""Addresses of pages, and of the same page with another query. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

OVERVIEW = "/"
MODELS = "/models/"
BUILT: frozenset[str] = frozenset({OVERVIEW, MODELS})
"""The pages that exist. A name is a link only if its page exists."""


def model_path(model: str) -> str:
    """The page of a model; its name is usually `author/slug`."""
    return f"{MODELS}{quote(model, safe='/', errors='replace')}"


def model_link(model: str) -> str | None:
    """The page of a model; None while there is no such page."""
    return model_path(model) if MODELS in BUILT else None


def with_query(path: str, query: Mapping[str, str | None]) -> str:
    """The address with those parameters that have a value."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given, errors='replace')}" if given else path
