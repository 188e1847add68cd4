"""The rules that common tools use to decide whether an endpoint works, and two that no tool uses.

They are the policies of `providerwatch backtest` and receive the same probes. One thing is added: `Calibration` learns
in other worlds which chance of success a figure stands for, since some rules give a state and not a probability.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from monitor.backtest.policies import (
    ConsecutiveFailures,
    Cooldown,
    CountedSample,
    MovingAverage,
    Policy,
    RecentRatio,
    Thresholds,
)

_FINE, _EDGE = 8.0, 1e-3
_PRIOR_WEIGHT = 2.0


class RowAndRatio:
    """Down after a number of failures in a row, else the success ratio of a long time."""

    def __init__(self, limit: int, count: int) -> None:
        self._row, self._ratio = ConsecutiveFailures(limit), RecentRatio(count)

    def see(self, counted: CountedSample) -> Iterable[str]:
        """Passes the sample to both rules."""
        return chain(self._row.see(counted), self._ratio.see(counted))

    def figure(self, at_s: float) -> float:
        """The lower figure of the two."""
        return min(self._row.figure(at_s), self._ratio.figure(at_s))

    def usable(self, at_s: float) -> bool:
        """Until the run of failures is complete."""
        return self._row.usable(at_s)

    def turns_s(self, at_s: float) -> float:
        """Never: only a sample changes the figure."""
        return math.inf


RIVALS: Final[Mapping[str, Callable[[], Policy]]] = {
    "1 failure": lambda: ConsecutiveFailures(1),
    "2 failures in a row": lambda: ConsecutiveFailures(2),
    "3 failures in a row": lambda: ConsecutiveFailures(3),
    "ratio of the last 5": lambda: RecentRatio(5),
    "ratio of the last 30": lambda: RecentRatio(30),
    "2 in a row, else the last 1,500": lambda: RowAndRatio(2, 1500),
    "moving average, 0.3": lambda: MovingAverage(0.3),
    "moving average, 0.2": lambda: MovingAverage(0.2),
    "moving average, 0.1": lambda: MovingAverage(0.1),
    "moving average, 0.02": lambda: MovingAverage(0.02),
    "LiteLLM's cooldown": Cooldown,
    "OpenRouter's thresholds": Thresholds,
}
TWO_IN_A_ROW: Final = "2 failures in a row"


@dataclass(slots=True, kw_only=True)
class _Block:
    """Adjacent bins of a figure that share one chance."""

    places: list[int]
    good: float
    all: float

    @property
    def chance(self) -> float:
        return self.good / self.all

    def take(self, other: _Block) -> None:
        """Merges the next block into this one."""
        self.places += other.places
        self.good += other.good
        self.all += other.all


class Calibration:
    """The share of requests that succeeded within their SLO, by a rule's figure; monotonic.

    The figure is divided into fine bins; bins that break the order are pooled (isotonic regression).
    """

    def __init__(self) -> None:
        self._all: Counter[int] = Counter()
        self._good: Counter[int] = Counter()
        self._shares: dict[int, float] = {}
        """The chance of each place that was learned."""
        self._nearest: dict[int, float] = {}
        """The chance of each place that was looked up. Apart: such a place is no neighbour of another one."""

    def learn(self, figures: Iterable[float], succeeded: Iterable[bool]) -> None:
        """Adds figures of a rule and the results of the requests."""
        self._forget()
        for figure, success in zip(figures, succeeded, strict=True):
            place = _place(figure)
            self._all[place] += 1
            self._good[place] += success

    def add(self, other: Calibration) -> None:
        """Adds the counts of another calibration."""
        self._forget()
        self._all.update(other._all)
        self._good.update(other._good)

    def chance(self, figure: float) -> float:
        """The chance for a figure; an unknown figure has the chance of the nearest known one."""
        if not self._shares:
            self._shares = {place: block.chance for block in self._blocks() for place in block.places}
        place = _place(figure)
        if place not in self._nearest:
            self._nearest[place] = self._shares[min(self._shares, key=lambda known: abs(known - place))]
        return self._nearest[place]

    def _forget(self) -> None:
        """What was learned has changed."""
        self._shares, self._nearest = {}, {}

    def _blocks(self) -> list[_Block]:
        base = self._good.total() / self._all.total()
        found: list[_Block] = []
        for place, count in sorted(self._all.items()):
            good = self._good[place] + _PRIOR_WEIGHT * base
            found.append(_Block(places=[place], good=good, all=count + _PRIOR_WEIGHT))
            while len(found) > 1 and found[-2].chance >= found[-1].chance:
                last = found.pop()
                found[-1].take(last)
        return found


def _place(figure: float) -> int:
    """The bin of a figure. Bins are finer towards 0 and 1, where small differences matter most."""
    return round(_FINE * math.log((figure + _EDGE) / (1 - figure + _EDGE)))
