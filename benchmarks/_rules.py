"""Rules that others use to tell whether an endpoint is well. Each is fed the same probes and asked the same.

A rule gives a figure, and says when it calls the endpoint down. What chance of success a figure stands for is learned
on other seeds (`Calibration`), so that none is held to have meant a probability where it meant a state.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

_FINE, _EDGE = 8.0, 1e-3
_PRIOR_WEIGHT = 2.0


class Rule(Protocol):
    """Of one endpoint."""

    down_below: float
    """It calls an endpoint down whose figure is less than this."""

    def see(self, at_s: float, *, failed: bool, good: bool) -> None:
        """Take in a counted sample, good when it succeeded within its SLO."""

    def figure(self, at_s: float) -> float:
        """What it makes of the endpoint at a moment, 0..1; more is better."""


class InARow:
    """So many failures in a row are an outage."""

    down_below = 0.5

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures = 0

    def see(self, at_s: float, *, failed: bool, good: bool) -> None:
        """Success ends a row, however slow."""
        self._failures = self._failures + 1 if failed else 0

    def figure(self, at_s: float) -> float:
        """A state, and no more."""
        return 0.0 if self._failures >= self._limit else 1.0


class LastRatio:
    """The share of successes within SLO among the last so many."""

    down_below = 0.5

    def __init__(self, count: int) -> None:
        self._last: deque[bool] = deque()
        self._count = count
        self._good = 0

    def see(self, at_s: float, *, failed: bool, good: bool) -> None:
        """The oldest leaves."""
        self._last.append(good)
        self._good += good
        if len(self._last) > self._count:
            self._good -= self._last.popleft()

    def figure(self, at_s: float) -> float:
        """The share."""
        return self._good / len(self._last) if self._last else 1.0


class RowAndRatio:
    """An outage after so many failures in a row, or else the ratio of a long time: a router that was thought about."""

    down_below = 0.5

    def __init__(self, limit: int, count: int) -> None:
        self._row, self._ratio = InARow(limit), LastRatio(count)

    def see(self, at_s: float, *, failed: bool, good: bool) -> None:
        """Both do."""
        self._row.see(at_s, failed=failed, good=good)
        self._ratio.see(at_s, failed=failed, good=good)

    def figure(self, at_s: float) -> float:
        """The worse of both."""
        return min(self._row.figure(at_s), self._ratio.figure(at_s))


class MovingAverage:
    """An exponentially weighted moving average of successes within SLO."""

    down_below = 0.5

    def __init__(self, weight: float) -> None:
        self._weight = weight
        self._value = 1.0

    def see(self, at_s: float, *, failed: bool, good: bool) -> None:
        """The newest weighs so much, all before it the rest."""
        self._value += self._weight * (good - self._value)

    def figure(self, at_s: float) -> float:
        """The average."""
        return self._value


class Cooldown:
    """LiteLLM's: more than half of a minute's requests failed, or three of them, then it is left alone for a minute."""

    down_below = 0.5

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._recent: deque[tuple[float, bool]] = deque()
        self._until_s = 0.0

    def see(self, at_s: float, *, failed: bool, good: bool) -> None:
        """An SLO does not count."""
        self._recent.append((at_s, failed))
        while self._recent[0][0] <= at_s - 60.0:
            self._recent.popleft()
        failures = sum(failed for _, failed in self._recent)
        if failures > len(self._recent) / 2 or failures >= 3:
            self._until_s = at_s + self._seconds

    def figure(self, at_s: float) -> float:
        """Whether it is let alone."""
        return 0.0 if at_s < self._until_s else 1.0


class Thresholds:
    """OpenRouter's: uptime of the last half hour from 95 %, from 80 %, or below."""

    down_below = 0.25

    def __init__(self) -> None:
        self._recent: deque[tuple[float, bool]] = deque()
        self._ok = 0

    def see(self, at_s: float, *, failed: bool, good: bool) -> None:
        """An SLO does not count."""
        self._recent.append((at_s, not failed))
        self._ok += not failed
        while self._recent[0][0] <= at_s - 1800.0:
            self._ok -= self._recent.popleft()[1]

    def figure(self, at_s: float) -> float:
        """One of three."""
        if not self._recent:
            return 1.0
        uptime = self._ok / len(self._recent)
        return 1.0 if uptime >= 0.95 else 0.5 if uptime >= 0.8 else 0.0


RIVALS: Final[Mapping[str, Callable[[], Rule]]] = {
    "1 failure": lambda: InARow(1),
    "2 failures in a row": lambda: InARow(2),
    "3 failures in a row": lambda: InARow(3),
    "ratio of the last 5": lambda: LastRatio(5),
    "ratio of the last 30": lambda: LastRatio(30),
    "2 in a row, else the last 1,500": lambda: RowAndRatio(2, 1500),
    "moving average, 0.3": lambda: MovingAverage(0.3),
    "moving average, 0.2": lambda: MovingAverage(0.2),
    "moving average, 0.1": lambda: MovingAverage(0.1),
    "moving average, 0.02": lambda: MovingAverage(0.02),
    "LiteLLM's cooldown": Cooldown,
    "OpenRouter's thresholds": Thresholds,
}
TWO_IN_A_ROW: Final = "2 failures in a row"


class Calibration:
    """What share of requests succeeded within SLO where a rule gave such a figure; by fine bins of the figure."""

    def __init__(self) -> None:
        self._all: Counter[int] = Counter()
        self._good: Counter[int] = Counter()
        self._shares: dict[int, float] = {}

    def learn(self, figures: Iterable[float], succeeded: Iterable[bool]) -> None:
        """Take in what a rule said, and what then came of it."""
        self._shares = {}
        for figure, success in zip(figures, succeeded, strict=True):
            place = _place(figure)
            self._all[place] += 1
            self._good[place] += success

    def add(self, other: Calibration) -> None:
        """Take in what another learned."""
        self._shares = {}
        self._all.update(other._all)
        self._good.update(other._good)

    def chance(self, figure: float) -> float:
        """What a figure stands for; one that was never seen, what the nearest does."""
        if not self._shares:
            self._fit()
        place = _place(figure)
        if place not in self._shares:
            self._shares[place] = self._shares[min(self._shares, key=lambda known: abs(known - place))]
        return self._shares[place]

    def _fit(self) -> None:
        base = self._good.total() / self._all.total()
        for place, count in self._all.items():
            self._shares[place] = (self._good[place] + _PRIOR_WEIGHT * base) / (count + _PRIOR_WEIGHT)


def _place(figure: float) -> int:
    """Finer towards 0 and 1, where a little is a great difference."""
    return round(_FINE * math.log((figure + _EDGE) / (1 - figure + _EDGE)))
