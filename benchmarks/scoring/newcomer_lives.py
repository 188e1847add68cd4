"""New endpoints: what the score says of each from its first sample on, beside what is true."""

from __future__ import annotations

import random
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.scoring.detectors import START, moment, seconds
from monitor.domain.status import Status
from monitor.score.health import Health, Observation, advance, assess
from monitor.score.hmm import NEW, ProviderBelief
from monitor.score.outcomes import SampleOutcome
from monitor.score.probe_interval import IntervalLimits, next_probe
from probes._model import ErrorClass

_ERRORS: Final = (ErrorClass.SERVER_ERROR, ErrorClass.OVERLOADED, ErrorClass.TIMEOUT_TTFT, ErrorClass.CONNECT)
_STALE_S: Final = 1e9
_SIBLINGS_KNOWN: Final = 200
"""Samples of each sibling before the newcomer comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What newcomers are like, and how they are probed."""

    good: float
    """How many requests succeed, in the long run."""
    burst: float | None = None
    """How many failures come in a row in the mean; None: each sample is drawn for itself."""
    every_s: float = 60.0
    paced: bool = False
    """Whether it is probed beside its ticks, where the daemon would."""
    siblings: int = 0
    """Other endpoints of its provider, which are well and known."""
    known: int = 0
    """Good samples before it turned bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What is published after a sample, and what is true."""

    at_s: float
    score: float
    low: float
    high: float
    status: Status
    true: float
    """The chance that the next request succeeds."""
    good: bool
    """Whether the sample did."""

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.true <= self.high


def life(case: Case, counts: Container[int], samples: int, seed: str) -> list[Point]:
    """What is published of one newcomer after so many of its samples."""
    chance = random.Random(seed)
    cast = _Cast(case)
    weather = _Weather(case, chance)
    at_s, tick_s, found = 0.0, 0.0, []
    for number in range(case.known + samples):
        good = number < case.known or weather.next()
        if cast.siblings and at_s == tick_s:
            cast.tell_siblings(at_s)
        cast.tell(at_s, good=good, error=chance.choice(_ERRORS))
        if number - case.known + 1 in counts:
            found.append(cast.point(at_s, weather.true, good=good))
        if at_s >= tick_s:
            tick_s += case.every_s
        at_s = cast.next_s(at_s, tick_s)
    return found


class _Weather:
    """Successes and failures, one after the other."""

    def __init__(self, case: Case, chance: random.Random) -> None:
        self._case, self._chance = case, chance
        self._failing = chance.random() >= case.good

    def next(self) -> bool:
        """Whether the next request succeeds."""
        good = self._chance.random() < self.true
        self._failing = not good
        return good

    @property
    def true(self) -> float:
        """How likely that is."""
        case = self._case
        if case.burst is None or case.good in {0.0, 1.0}:
            return case.good
        ends = 1 / case.burst
        return ends if self._failing else 1 - min(ends * (1 - case.good) / case.good, 1.0)


class _Cast:
    """A newcomer, and its provider's other endpoints."""

    def __init__(self, case: Case) -> None:
        self._health = Health(since=START)
        self._shared: ProviderBelief = NEW
        self._limits = IntervalLimits(least_s=2.0, most_s=case.every_s) if case.paced else None
        self.siblings = [Health(since=START) for _ in range(case.siblings)]
        for number in range(_SIBLINGS_KNOWN if case.siblings else 0):
            self.tell_siblings((number - _SIBLINGS_KNOWN) * case.every_s)

    def tell_siblings(self, at_s: float) -> None:
        """All is well with them."""
        for place, health in enumerate(self.siblings):
            self.siblings[place], self._shared = advance(health, self._shared, _seen(at_s, good=True))

    def tell(self, at_s: float, *, good: bool, error: ErrorClass) -> None:
        """A sample of the newcomer."""
        seen = _seen(at_s, good=good)
        seen = seen if good else replace(seen, error=error)
        self._health, self._shared = advance(self._health, self._shared, seen)

    def point(self, at_s: float, true: float, *, good: bool) -> Point:
        """What is published of it."""
        found = assess(self._health, self._shared, moment(at_s), stale_s=_STALE_S)
        low, high = found.confidence or (0.0, 1.0)
        return Point(at_s=at_s, score=found.score or 0.0, low=low, high=high, status=found.status, true=true, good=good)

    def next_s(self, at_s: float, tick_s: float) -> float:
        """When it is probed next."""
        wanted = None if self._limits is None else next_probe(self._health, self._limits)
        if wanted is None:
            return tick_s
        wanted_s = max(seconds(wanted), at_s + 1.0)
        return wanted_s if wanted_s + 2.0 <= tick_s else tick_s


def _seen(at_s: float, *, good: bool) -> Observation:
    return Observation(at=moment(at_s), outcome=SampleOutcome.OK if good else SampleOutcome.FAILED, within_slo=True)


def lives(case: Case, counts: Sequence[int], seed: str, count: int) -> Iterator[list[Point]]:
    """Those of many newcomers."""
    for number in range(count):
        yield life(case, counts, max(counts), f"{seed}-{number}")
