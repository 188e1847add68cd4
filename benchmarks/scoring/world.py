"""A simulated world of providers: the chances of a request at any time, and the episode that causes them.

Episodes start at random and have log-normal lengths: hard and partial outages, slowness and flapping, of one endpoint
or a whole provider; rate limits; times without a local network. Each endpoint also has its own rate of single failures
and missed SLOs. This module does not depend on scoring.
"""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from probes._model import ErrorClass

DAY_S: Final = 86_400.0


class EpisodeKind(Enum):
    """A kind of trouble."""

    HARD = "hard"
    PARTIAL = "partial"
    SLOW = "slow"
    FLAPPING = "flapping"
    LIMITED = "rate limits"
    LASTING = "bad for good"
    OFFLINE = "vantage offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The chances of a request: to fail, and to be too slow if it succeeds."""

    failure_chance: float
    slow_chance: float
    limited_chance: float = 0.0
    """Chance to be refused for the account's rate limit."""
    error_classes: tuple[tuple[ErrorClass, float], ...] = ()
    """Error classes of failures, with their weights."""

    @property
    def good(self) -> float:
        """Chance to succeed within the SLO; a refusal for a rate limit does not count."""
        return (1 - self.failure_chance) * (1 - self.slow_chance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time span with one kind of trouble."""

    begin_s: float
    end_s: float
    kind: EpisodeKind
    shared: bool
    """Whether it affects the whole provider."""
    depth: float
    """Severity, 0..1."""

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return self.end_s - self.begin_s


class Timeline:
    """Episodes by time; they may overlap."""

    __slots__ = ("_begins", "_longest_s", "episodes")

    def __init__(self, episodes: Sequence[Episode] = ()) -> None:
        self.episodes = sorted(episodes, key=lambda episode: episode.begin_s)
        self._begins = [episode.begin_s for episode in self.episodes]
        self._longest_s = max((episode.length_s for episode in self.episodes), default=0.0)

    def between(self, from_s: float, to_s: float) -> Iterator[Episode]:
        """Episodes that overlap a span, the newest first."""
        place = bisect.bisect_right(self._begins, to_s) - 1
        while place >= 0 and self._begins[place] >= from_s - self._longest_s:
            if self.episodes[place].end_s > from_s:
                yield self.episodes[place]
            place -= 1

    def under_way(self, at_s: float) -> Iterator[Episode]:
        """Episodes at a point in time."""
        return self.between(at_s, at_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The chances of an endpoint without any episode."""

    failure_chance: float
    slow_chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint and its episodes, without those of the vantage's own network."""

    provider: int
    model: int
    baseline: Baseline
    timeline: Timeline

    def conditions(self, at_s: float) -> Conditions:
        """The conditions of a request at that time: those of the worst episode."""
        return self.worst(at_s)[0]

    def worst(self, at_s: float) -> tuple[Conditions, Episode | None]:
        """The same, with the episode that causes them; None: the baseline."""
        found, why = (
            Conditions(
                failure_chance=self.baseline.failure_chance, slow_chance=self.baseline.slow_chance, error_classes=_ANY
            ),
            None,
        )
        for episode in self.timeline.under_way(at_s):
            worse = _conditions(episode, at_s)
            if worse.limited_chance > found.limited_chance or worse.good < found.good:
                found, why = worse, episode
        return found, why


_ANY: Final = (
    (ErrorClass.SERVER_ERROR, 4.0), (ErrorClass.OVERLOADED, 4.0), (ErrorClass.TIMEOUT_TTFT, 3.0),
    (ErrorClass.TRUNCATED, 2.0), (ErrorClass.STREAM_ERROR, 1.0), (ErrorClass.CONNECT, 1.0), (ErrorClass.EMPTY, 0.5),
)  # fmt: skip
_HARD: Final = (
    ((ErrorClass.CONNECT, 1.0),),
    ((ErrorClass.SERVER_ERROR, 1.0),),
    ((ErrorClass.TIMEOUT_TTFT, 3.0), (ErrorClass.TIMEOUT_TOTAL, 1.0)),
    ((ErrorClass.OVERLOADED, 1.0),),
    ((ErrorClass.SERVER_ERROR, 2.0), (ErrorClass.CONNECT, 1.0), (ErrorClass.TIMEOUT_TTFT, 1.0)),
)
"""Error classes of hard outages: one outage mostly has one of these sets."""
_PARTIAL: Final = ((ErrorClass.OVERLOADED, 4.0), (ErrorClass.SERVER_ERROR, 3.0), (ErrorClass.TIMEOUT_TTFT, 1.0))
_OFFLINE: Final = ((ErrorClass.CONNECT, 2.0), (ErrorClass.DNS, 1.0))


def _conditions(episode: Episode, at_s: float) -> Conditions:
    face = _HARD[int(episode.begin_s * 1e3) % len(_HARD)]
    match episode.kind:
        case EpisodeKind.HARD:
            return Conditions(failure_chance=0.97 + 0.03 * episode.depth, slow_chance=0.3, error_classes=face)
        case EpisodeKind.PARTIAL:
            return Conditions(failure_chance=0.12 + 0.6 * episode.depth, slow_chance=0.1, error_classes=_PARTIAL)
        case EpisodeKind.SLOW:
            return Conditions(
                failure_chance=0.01,
                slow_chance=0.5 + 0.5 * episode.depth,
                error_classes=((ErrorClass.TIMEOUT_TTFT, 1.0),),
            )
        case EpisodeKind.FLAPPING:
            turn_s = 60.0 + 240.0 * episode.depth
            down = int((at_s - episode.begin_s) / turn_s) % 2 == 0
            return Conditions(failure_chance=0.98 if down else 0.02, slow_chance=0.05, error_classes=face)
        case EpisodeKind.LIMITED:
            return Conditions(
                failure_chance=0.003, slow_chance=0.02, limited_chance=0.3 + 0.7 * episode.depth, error_classes=_ANY
            )
        case EpisodeKind.LASTING:
            return Conditions(failure_chance=0.1 + 0.85 * episode.depth, slow_chance=0.05, error_classes=_PARTIAL)
        case EpisodeKind.OFFLINE:
            return Conditions(failure_chance=1.0, slow_chance=0.0, error_classes=_OFFLINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRate:
    """How often a kind of episode starts, and how long it lasts."""

    kind: EpisodeKind
    per_day: float
    """For one endpoint, or for one provider if shared."""
    median_s: float
    sigma: float
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """Parameters of a world."""

    rates: tuple[EpisodeRate, ...]
    baseline: Baseline | None = None
    """Baseline of every endpoint; None: each endpoint has its own."""
    clustered: bool = False
    """Whether episodes come in clusters, on workdays, in the afternoon (UTC); else at any time."""
    poor: float = 0.0
    """Share of endpoints that are bad from the start."""
    turn: float = 0.0
    """Share of endpoints that become bad and never recover."""


QUIET: Final = Baseline(failure_chance=0.003, slow_chance=0.0)
"""Only single failures."""
_RATES: Final = (
    EpisodeRate(kind=EpisodeKind.HARD, per_day=0.08, median_s=600, sigma=1.0),
    EpisodeRate(kind=EpisodeKind.PARTIAL, per_day=0.10, median_s=1_500, sigma=1.0),
    EpisodeRate(kind=EpisodeKind.SLOW, per_day=0.12, median_s=1_800, sigma=0.9),
    EpisodeRate(kind=EpisodeKind.FLAPPING, per_day=0.03, median_s=2_400, sigma=0.7),
    EpisodeRate(kind=EpisodeKind.LIMITED, per_day=0.05, median_s=900, sigma=0.8),
    EpisodeRate(kind=EpisodeKind.HARD, per_day=0.06, median_s=900, sigma=1.0, shared=True),
    EpisodeRate(kind=EpisodeKind.PARTIAL, per_day=0.08, median_s=1_800, sigma=1.0, shared=True),
    EpisodeRate(kind=EpisodeKind.SLOW, per_day=0.05, median_s=1_800, sigma=0.9, shared=True),
)
FULL: Final = Climate(rates=_RATES)
"""All kinds of trouble, and endpoints that differ."""
STORMY: Final = Climate(rates=tuple(replace(rate, per_day=5 * rate.per_day) for rate in _RATES), baseline=QUIET)
"""The same trouble five times as often, of endpoints that otherwise have only single failures."""
OUTAGES: Final = Climate(
    rates=(
        EpisodeRate(kind=EpisodeKind.HARD, per_day=0.20, median_s=600, sigma=1.0),
        EpisodeRate(kind=EpisodeKind.HARD, per_day=0.15, median_s=900, sigma=1.0, shared=True),
    ),
    baseline=QUIET,
)
"""Only full outages: an endpoint works, or it does not."""
RECORDED: Final = Climate(
    rates=(
        EpisodeRate(kind=EpisodeKind.HARD, per_day=0.08, median_s=60, sigma=0.8),
        EpisodeRate(kind=EpisodeKind.HARD, per_day=0.015, median_s=1_800, sigma=1.3),
        EpisodeRate(kind=EpisodeKind.PARTIAL, per_day=0.03, median_s=3_600, sigma=1.3),
        EpisodeRate(kind=EpisodeKind.SLOW, per_day=0.03, median_s=4_500, sigma=1.3),
        EpisodeRate(kind=EpisodeKind.FLAPPING, per_day=0.01, median_s=3_600, sigma=1.2),
        EpisodeRate(kind=EpisodeKind.LIMITED, per_day=0.05, median_s=900, sigma=0.8),
        EpisodeRate(kind=EpisodeKind.HARD, per_day=0.03, median_s=2_400, sigma=1.3, shared=True),
        EpisodeRate(kind=EpisodeKind.PARTIAL, per_day=0.06, median_s=4_500, sigma=1.3, shared=True),
        EpisodeRate(kind=EpisodeKind.SLOW, per_day=0.03, median_s=4_500, sigma=1.3, shared=True),
    ),
    clustered=True,
    poor=0.05,
    turn=0.05,
)
"""After public records: trouble is rarer, lasts two to three times longer, is clustered, and may never end."""
OFFLINE: Final = EpisodeRate(kind=EpisodeKind.OFFLINE, per_day=0.03, median_s=300, sigma=0.7)
_SHORTEST_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Size of a world."""

    providers: int = 4
    models: int = 3
    days: float = 12.0

    @property
    def endpoints(self) -> int:
        """Number of endpoints: every provider has every model."""
        return self.providers * self.models


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All endpoints over a number of days."""

    size: Size
    endpoints: Sequence[Endpoint]
    """Grouped by provider."""
    offline: Timeline
    """When the vantage had no network."""

    @property
    def until_s(self) -> float:
        """End of the world's time."""
        return self.size.days * DAY_S

    def probed(self, number: int, at_s: float) -> tuple[Conditions, bool]:
        """The conditions of a probe of an endpoint, and whether the vantage is offline."""
        for episode in self.offline.under_way(at_s):
            return _conditions(episode, at_s), True
        return self.endpoints[number].conditions(at_s), False


_AFTERNOON_S: Final = (14 * 3_600.0, 23 * 3_600.0)
_WEEKEND: Final = (2, 3)
"""Days of the week, counted from Thursday, on which a world begins."""


def world(seed: str, size: Size, climate: Climate = FULL) -> World:
    """A random world in which every provider has every model; equal seeds give equal worlds."""
    chance = random.Random(seed)
    offline = Timeline(list(_episodes(OFFLINE, size.days, chance)))
    endpoints = []
    for provider in range(size.providers):
        # Some providers fail ten times as often as others.
        onset_factor = chance.lognormvariate(0.0, 0.8)
        come = _clustered if climate.clustered else _episodes
        shared = [item for rate in climate.rates if rate.shared for item in come(rate, size.days, chance, onset_factor)]
        for model in range(size.models):
            own_factor = chance.lognormvariate(0.0, 0.6)
            rates = [rate for rate in climate.rates if not rate.shared]
            own = [item for rate in rates for item in come(rate, size.days, chance, own_factor)]
            own += _for_good(climate, size.days, chance)
            baseline = climate.baseline or _baseline(chance)
            endpoints.append(
                Endpoint(provider=provider, model=model, baseline=baseline, timeline=Timeline([*own, *shared]))
            )
    return World(size=size, endpoints=endpoints, offline=offline)


def staged(size: Size, episodes: Sequence[Sequence[Episode]] = (), offline: Sequence[Episode] = ()) -> World:
    """A world with only single failures and the given episodes of each provider."""
    timelines = [Timeline(item) for item in episodes] + [Timeline()] * (size.providers - len(episodes))
    endpoints = [
        Endpoint(provider=provider, model=model, baseline=QUIET, timeline=timelines[provider])
        for provider in range(size.providers)
        for model in range(size.models)
    ]
    return World(size=size, endpoints=endpoints, offline=Timeline(offline))


def _baseline(chance: random.Random) -> Baseline:
    return Baseline(
        failure_chance=min(chance.lognormvariate(math.log(0.003), 0.7), 0.05),
        slow_chance=min(chance.lognormvariate(math.log(0.008), 1.0), 0.2),
    )


def _episodes(rate: EpisodeRate, days: float, chance: random.Random, onset_factor: float = 1.0) -> Iterator[Episode]:
    at_s = 0.0
    while True:
        at_s += chance.expovariate(rate.per_day * onset_factor / DAY_S)
        if at_s >= days * DAY_S:
            return
        length_s = max(chance.lognormvariate(math.log(rate.median_s), rate.sigma), _SHORTEST_S)
        yield Episode(begin_s=at_s, end_s=at_s + length_s, kind=rate.kind, shared=rate.shared, depth=chance.random())
        at_s += length_s


def _clustered(rate: EpisodeRate, days: float, chance: random.Random, onset_factor: float = 1.0) -> Iterator[Episode]:
    """As many episodes in the long run, but clustered and at working hours."""
    at_s = -chance.random() * 30 * DAY_S
    mean_s = DAY_S / (rate.per_day * onset_factor)
    while True:
        soon = chance.random() < 0.15
        at_s += chance.expovariate(1 / 10_800) if soon else mean_s * chance.lognormvariate(math.log(0.57), 1.2)
        begin_s = _at_work(at_s, chance)
        if begin_s >= days * DAY_S:
            return
        length_s = max(chance.lognormvariate(math.log(rate.median_s), rate.sigma), _SHORTEST_S)
        if begin_s >= 0:
            end_s = begin_s + length_s
            yield Episode(begin_s=begin_s, end_s=end_s, kind=rate.kind, shared=rate.shared, depth=chance.random())
        at_s += length_s


def _at_work(at_s: float, chance: random.Random) -> float:
    """Moves most weekend starts two days later and about half of all starts into the afternoon."""
    day, second = divmod(at_s, DAY_S)
    if day % 7 in _WEEKEND and chance.random() < 0.85:
        day += 2
    if chance.random() < 0.55:
        second = chance.uniform(*_AFTERNOON_S)
    return day * DAY_S + second


def _for_good(climate: Climate, days: float, chance: random.Random) -> list[Episode]:
    """The episode that never ends, if an endpoint has one."""
    if not climate.poor + climate.turn:
        return []
    drawn = chance.random()
    if drawn >= climate.poor + climate.turn:
        return []
    begin_s = 0.0 if drawn < climate.poor else chance.random() * days * DAY_S
    end_s = (days + 1) * DAY_S
    return [Episode(begin_s=begin_s, end_s=end_s, kind=EpisodeKind.LASTING, shared=False, depth=chance.random())]
