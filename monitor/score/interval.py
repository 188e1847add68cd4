"""The confidence interval of a mixture of probabilities, each known from so many samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, TypeAlias

from monitor.score.outcomes import Z95, wilson

_TAIL: Final = 0.025
"""The probability beyond either end of the interval."""
_STEPS: Final = 11
"""Bisection steps: exact to 1/2,000 of the distance to the mean."""
_NEGLIGIBLE: Final = 1e-3
_ROOT_2: Final = math.sqrt(2)

Part: TypeAlias = tuple[float, float, float]
"""A component: its share of the mixture, its mean, and its number of samples."""


def interval(parts: Iterable[Part], middle: float) -> tuple[float, float]:
    """The 95 % interval of a probability whose mean is `middle`; the mean is always within.

    With one component it is Wilson's interval, but its end nearest to 0 or 1 is reached when the samples allow it.
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
    """The quantile of the mixture between two bounds, by bisection."""
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
    """The share of the mixture below a value."""
    spread = value * (1 - value)
    found = 0.0
    for share, middle, weight in parts:
        deviation = math.sqrt(max(middle * (1 - middle), spread, 1e-12) / weight)
        found += share * (1 + math.erf((value - middle) / deviation / _ROOT_2)) / 2
    return found
