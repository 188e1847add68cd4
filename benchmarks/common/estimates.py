"""Figures with 95 % intervals from many worlds, by bootstrap over the worlds.

Worlds and not requests, since the requests of one outage fail together.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

_DRAWS: Final = 300
_TAIL: Final = 0.025

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval; None: never, or no data."""

    value: float | None
    low: float | None
    high: float | None
    digits: int = 3

    def __str__(self) -> str:
        return f"{self._shown(self.value)} ({self._shown(self.low)} .. {self._shown(self.high)})"

    def _shown(self, value: float | None) -> str:
        return "never" if value is None else f"{value:,.{self.digits}f}"


def estimate(parts: Sequence[Part], figure: Callable[[Sequence[Part]], float], digits: int = 3) -> Estimate:
    """A figure of all worlds with its bootstrap interval."""
    chance = random.Random(0)
    drawn = sorted(figure(chance.choices(parts, k=len(parts))) for _ in range(_DRAWS))
    edge = int(_TAIL * _DRAWS)
    return Estimate(
        value=_finite(figure(parts)), low=_finite(drawn[edge]), high=_finite(drawn[-1 - edge]), digits=digits
    )


def middle(values: Sequence[float], share: float = 0.5) -> float:
    """A quantile of values that may be infinite; infinite without values."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else math.inf


def ratio(part: float, whole: float) -> float:
    """A ratio; infinite if the whole is 0."""
    return part / whole if whole else math.inf


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
