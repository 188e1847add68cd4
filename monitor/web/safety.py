"""Headers that keep browsers from making of an answer what it is not, and say no more of the server than they must."""

from __future__ import annotations

from collections.abc import Mapping

from multidict import CIMultiDict, istr

SAFE: Mapping[str, str] = {
    istr("X-Content-Type-Options"): "nosniff",
    istr("Referrer-Policy"): "no-referrer",
    istr("Content-Security-Policy"): "default-src 'none'; frame-ancestors 'none'",
    istr("Cross-Origin-Resource-Policy"): "same-origin",
    istr("Server"): "providerwatch",
}
SURE = next(iter(SAFE))
"""Where this one is, the others are."""
OF_UNCHANGED: Mapping[str, str] = {name: value for name, value in SAFE.items() if name in {SURE, "Server"}}
"""Those of a 304: the others hold for what its reader has kept, and came with it."""


def make_safe(headers: CIMultiDict[str]) -> None:
    """Add them. What the handler set stays."""
    for name, value in SAFE.items():
        headers.setdefault(name, value)
