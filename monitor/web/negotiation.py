"""Whether a client takes gzip: `Accept-Encoding`, as RFC 9110 section 12.5.3 has it. Pure."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=64)
def accepts_gzip(header: str) -> bool:
    """Whether gzip is taken at all, and not less gladly than plain bytes where these are named."""
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip()] = _weight(parameters)
    gzip = max(weights.get(name, 0.0) for name in ("gzip", "x-gzip"))
    if not weights.keys() & {"gzip", "x-gzip"}:
        gzip = weights.get("*", 0.0)
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
