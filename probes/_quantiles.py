"""Quantiles of a small list, with linear interpolation between neighbours (Hyndman and Fan's type 7)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of `ordered` lies; `ordered` ascends and is not empty.

    Infinite values stand for "never": a quantile that touches one is infinite.
    """
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    weight = position - low
    if weight == 0:
        return ordered[low]
    if math.isinf(ordered[low + 1]):
        return math.inf
    return ordered[low] + weight * (ordered[low + 1] - ordered[low])
