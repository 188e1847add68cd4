"""New endpoints: the published score after each sample, beside the true chance."""

from __future__ import annotations

import random
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.scoring.detectors import START, moment, seconds
from monitor.domain.status import Status
from monitor.score.health import Health, Observation, assess
from monitor.score.outcomes import SampleOutcome
from monitor.score.probe_interval import IntervalLimits, next_probe
from monitor.score.provider import ProviderState
from probes._model import ErrorClass

_ERRORS: Final = (ErrorClass.SERVER_ERROR, ErrorClass.OVERLOADED, ErrorClass.TIMEOUT_TTFT, ErrorClass.CONNECT)
_STALE_S: Final = 1e9
_SIBLINGS_KNOWN: Final = 200
"""Samples of each sibling before the new endpoint's first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A kind of new endpoint and its probing."""

    good: float
    """Share of requests that succeed in the long run."""
    burst: float | None = None
    """Mean number of failures in a row; None: samples are independent."""
    every_s: float = 60.0
    adaptive: bool = False
    """Whether it has extra probes, as the daemon makes them."""
    siblings: int = 0
    """Other endpoints of its provider, which work and have a history."""
    known: int = 0
    """Good samples before it became bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What the daemon publishes after a sample, and the true chance."""

    at_s: float
    score: float
    low: float
    high: float
    status: Status
    true: float
    """The chance that the next request succeeds."""
    good: bool
    """Whether the sample succeeded."""

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.true <= self.high


def life(case: Case, counts: Container[int], samples: int, seed: str) -> list[Point]:
    """The points of one new endpoint after the given counts of samples."""
    chance = random.Random(seed)
    newcomer = _Newcomer(case)
    outcomes = _Outcomes(case, chance)
    at_s, tick_s, found = 0.0, 0.0, []
    for number in range(case.known + samples):
        good = number < case.known or outcomes.next()
        if newcomer.siblings and at_s == tick_s:
            newcomer.observe_siblings(at_s)
        newcomer.observe(at_s, good=good, error=chance.choice(_ERRORS))
        if number - case.known + 1 in counts:
            found.append(newcomer.point(at_s, outcomes.true, good=good))
        if at_s >= tick_s:
            tick_s += case.every_s
        at_s = newcomer.next_s(at_s, tick_s)
    return found


class _Outcomes:
    """A random sequence of successes and failures."""

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
        """The chance that the next request succeeds."""
        case = self._case
        if case.burst is None or case.good in {0.0, 1.0}:
            return case.good
        ends = 1 / case.burst
        return ends if self._failing else 1 - min(ends * (1 - case.good) / case.good, 1.0)


class _Newcomer:
    """A new endpoint and its siblings, as the daemon scores them."""

    def __init__(self, case: Case) -> None:
        self._health = Health(since=START)
        self._provider = ProviderState[None]()
        self._limits = IntervalLimits(least_s=2.0, most_s=case.every_s) if case.adaptive else None
        self.siblings = [Health(since=START) for _ in range(case.siblings)]
        for number in range(_SIBLINGS_KNOWN if case.siblings else 0):
            self.observe_siblings((number - _SIBLINGS_KNOWN) * case.every_s)

    def observe_siblings(self, at_s: float) -> None:
        """A successful sample of each sibling."""
        for place, health in enumerate(self.siblings):
            self.siblings[place] = self._provider.absorb(health, _seen(at_s, good=True))

    def observe(self, at_s: float, *, good: bool, error: ErrorClass) -> None:
        """A sample of the new endpoint."""
        seen = _seen(at_s, good=good)
        seen = seen if good else replace(seen, error=error)
        self._health = self._provider.absorb(self._health, seen)

    def point(self, at_s: float, true: float, *, good: bool) -> Point:
        """What the daemon publishes of the new endpoint."""
        found = assess(self._health, self._provider.belief, moment(at_s), stale_s=_STALE_S)
        low, high = found.confidence or (0.0, 1.0)
        return Point(at_s=at_s, score=found.score or 0.0, low=low, high=high, status=found.status, true=true, good=good)

    def next_s(self, at_s: float, tick_s: float) -> float:
        """The time of the next probe."""
        wanted = None if self._limits is None else next_probe(self._health, self._limits)
        if wanted is None:
            return tick_s
        wanted_s = max(seconds(wanted), at_s + 1.0)
        return wanted_s if wanted_s + 2.0 <= tick_s else tick_s


def _seen(at_s: float, *, good: bool) -> Observation:
    return Observation(at=moment(at_s), outcome=SampleOutcome.OK if good else SampleOutcome.FAILED, within_slo=True)


def lives(case: Case, counts: Sequence[int], seed: str, count: int) -> Iterator[list[Point]]:
    """The points of many new endpoints."""
    for number in range(count):
        yield life(case, counts, max(counts), f"{seed}-{number}")
