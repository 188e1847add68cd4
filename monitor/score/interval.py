"""Where a chance lies that may be one of several, each known as well as so many samples tell. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, TypeAlias

from monitor.score.outcomes import Z95, wilson

_TAIL: Final = 0.025
"""Of what is believed, how much may lie beyond either end."""
_STEPS: Final = 11
"""Halvings: to two thousandths of the way to the mean."""
_NEGLIGIBLE: Final = 1e-3
_ROOT_2: Final = math.sqrt(2)

Part: TypeAlias = tuple[float, float, float]
"""How much of the belief it holds, where its middle is, and how many samples it is known from."""


def interval(parts: Iterable[Part], middle: float) -> tuple[float, float]:
    """The 95 % interval of a chance whose mean is `middle`; that is always within.

    Of one part alone it is Wilson's, but for the end that is nearest to 0 or 1, which is reached when the samples do
    not speak against it.
    """
    kept = [part for part in parts if part[0] > _NEGLIGIBLE]
    if len(kept) == 1:
        return _of_one(*kept[0][1:], middle)
    total = math.fsum(share for share, _, _ in kept)
    low = _where(kept, _TAIL * total, 0.0, middle)
    high = _where(kept, (1 - _TAIL) * total, middle, 1.0)
    return low, high


def _of_one(share: float, weight: float, middle: float) -> tuple[float, float]:
    reach = Z95 * math.sqrt(share * (1 - share) / weight)
    low, high = wilson(share * weight, weight)
    return min(low, max(share - reach, 0.0), middle), max(high, min(share + reach, 1.0), middle)


def _where(parts: list[Part], wanted: float, low: float, high: float) -> float:
    """Between two bounds, where so much lies below; a bound if it is not between."""
    if _below(parts, low) >= wanted:
        return low
    if _below(parts, high) <= wanted:
        return high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _below(parts, middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _below(parts: list[Part], value: float) -> float:
    """How much of the belief is below a value."""
    spread = value * (1 - value)
    found = 0.0
    for share, middle, weight in parts:
        deviation = math.sqrt(max(middle * (1 - middle), spread, 1e-12) / weight)
        found += share * (1 + math.erf((value - middle) / deviation / _ROOT_2)) / 2
    return found
