"""A made-up world of providers that fail as providers do: what each request would meet at any moment, and why.

Trouble comes at random and lasts log-normally: hard outages, partial ones, slowness, flapping; of one endpoint, of a
whole provider, of the vantage's own network; and rate limits. Endpoints also have a background of lone failures and
misses, each its own. Nothing here knows of any scoring.
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


class Shape(Enum):
    """What an episode of trouble is like."""

    HARD = "hard"
    PARTIAL = "partial"
    SLOW = "slow"
    FLAPPING = "flapping"
    LIMITED = "rate limits"
    LASTING = "bad for good"
    OFFLINE = "vantage offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meets:
    """What a request meets: how likely it fails, and how likely one that succeeds is too slow."""

    fails: float
    slow: float
    limited: float = 0.0
    """How likely it is refused for the account's rate limit."""
    classes: tuple[tuple[ErrorClass, float], ...] = ()
    """Of failures, with their weights."""

    @property
    def good(self) -> float:
        """How likely it succeeds within its SLO; one that was refused for a rate limit says nothing."""
        return (1 - self.fails) * (1 - self.slow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A span of trouble."""

    begin_s: float
    end_s: float
    shape: Shape
    shared: bool
    """Whether it is the whole provider's."""
    depth: float
    """How bad, 0..1."""

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
        """Those under way at some time of a span, the newest first."""
        place = bisect.bisect_right(self._begins, to_s) - 1
        while place >= 0 and self._begins[place] >= from_s - self._longest_s:
            if self.episodes[place].end_s > from_s:
                yield self.episodes[place]
            place -= 1

    def under_way(self, at_s: float) -> Iterator[Episode]:
        """Those at a moment."""
        return self.between(at_s, at_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What an endpoint is like when all is well."""

    fails: float
    slow: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint's life: what any client of it meets, whatever becomes of the vantage's own network."""

    provider: int
    model: int
    habit: Habit
    timeline: Timeline

    def meets(self, at_s: float) -> Meets:
        """What a request at that moment would meet: the worst of all that is the matter."""
        return self.worst(at_s)[0]

    def worst(self, at_s: float) -> tuple[Meets, Episode | None]:
        """The same, and what is to blame for it."""
        found, why = Meets(fails=self.habit.fails, slow=self.habit.slow, classes=_ANY), None
        for episode in self.timeline.under_way(at_s):
            worse = _meets(episode, at_s)
            if worse.limited > found.limited or worse.good < found.good:
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
"""One outage shows mostly one face."""
_PARTIAL: Final = ((ErrorClass.OVERLOADED, 4.0), (ErrorClass.SERVER_ERROR, 3.0), (ErrorClass.TIMEOUT_TTFT, 1.0))
_OFFLINE: Final = ((ErrorClass.CONNECT, 2.0), (ErrorClass.DNS, 1.0))


def _meets(episode: Episode, at_s: float) -> Meets:
    face = _HARD[int(episode.begin_s * 1e3) % len(_HARD)]
    match episode.shape:
        case Shape.HARD:
            return Meets(fails=0.97 + 0.03 * episode.depth, slow=0.3, classes=face)
        case Shape.PARTIAL:
            return Meets(fails=0.12 + 0.6 * episode.depth, slow=0.1, classes=_PARTIAL)
        case Shape.SLOW:
            return Meets(fails=0.01, slow=0.5 + 0.5 * episode.depth, classes=((ErrorClass.TIMEOUT_TTFT, 1.0),))
        case Shape.FLAPPING:
            turn_s = 60.0 + 240.0 * episode.depth
            down = int((at_s - episode.begin_s) / turn_s) % 2 == 0
            return Meets(fails=0.98 if down else 0.02, slow=0.05, classes=face)
        case Shape.LIMITED:
            return Meets(fails=0.003, slow=0.02, limited=0.3 + 0.7 * episode.depth, classes=_ANY)
        case Shape.LASTING:
            return Meets(fails=0.1 + 0.85 * episode.depth, slow=0.05, classes=_PARTIAL)
        case Shape.OFFLINE:
            return Meets(fails=1.0, slow=0.0, classes=_OFFLINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How often a shape comes, and how long it lasts."""

    shape: Shape
    a_day: float
    """Of one endpoint, or of one provider when it is shared."""
    median_s: float
    sigma: float
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """What a world is like."""

    kinds: tuple[Kind, ...]
    habit: Habit | None = None
    """Of every endpoint; None: each has its own."""
    clustered: bool = False
    """Whether trouble comes in clusters, on workdays, in the afternoon (UTC); else at any time."""
    poor: float = 0.0
    """How many endpoints are bad from their first moment on."""
    turn: float = 0.0
    """How many turn bad for good."""


QUIET: Final = Habit(fails=0.003, slow=0.0)
"""Nothing but lone failures."""
_KINDS: Final = (
    Kind(shape=Shape.HARD, a_day=0.08, median_s=600, sigma=1.0),
    Kind(shape=Shape.PARTIAL, a_day=0.10, median_s=1_500, sigma=1.0),
    Kind(shape=Shape.SLOW, a_day=0.12, median_s=1_800, sigma=0.9),
    Kind(shape=Shape.FLAPPING, a_day=0.03, median_s=2_400, sigma=0.7),
    Kind(shape=Shape.LIMITED, a_day=0.05, median_s=900, sigma=0.8),
    Kind(shape=Shape.HARD, a_day=0.06, median_s=900, sigma=1.0, shared=True),
    Kind(shape=Shape.PARTIAL, a_day=0.08, median_s=1_800, sigma=1.0, shared=True),
    Kind(shape=Shape.SLOW, a_day=0.05, median_s=1_800, sigma=0.9, shared=True),
)
FULL: Final = Climate(kinds=_KINDS)
"""All shapes of trouble, and endpoints that differ."""
STORMY: Final = Climate(kinds=tuple(replace(kind, a_day=5 * kind.a_day) for kind in _KINDS), habit=QUIET)
"""The same trouble five times as often, of endpoints that are all well without it."""
OUTAGES: Final = Climate(
    kinds=(
        Kind(shape=Shape.HARD, a_day=0.20, median_s=600, sigma=1.0),
        Kind(shape=Shape.HARD, a_day=0.15, median_s=900, sigma=1.0, shared=True),
    ),
    habit=QUIET,
)
"""A simpler one: an endpoint works, or it does not."""
RECORDED: Final = Climate(
    kinds=(
        Kind(shape=Shape.HARD, a_day=0.08, median_s=60, sigma=0.8),
        Kind(shape=Shape.HARD, a_day=0.015, median_s=1_800, sigma=1.3),
        Kind(shape=Shape.PARTIAL, a_day=0.03, median_s=3_600, sigma=1.3),
        Kind(shape=Shape.SLOW, a_day=0.03, median_s=4_500, sigma=1.3),
        Kind(shape=Shape.FLAPPING, a_day=0.01, median_s=3_600, sigma=1.2),
        Kind(shape=Shape.LIMITED, a_day=0.05, median_s=900, sigma=0.8),
        Kind(shape=Shape.HARD, a_day=0.03, median_s=2_400, sigma=1.3, shared=True),
        Kind(shape=Shape.PARTIAL, a_day=0.06, median_s=4_500, sigma=1.3, shared=True),
        Kind(shape=Shape.SLOW, a_day=0.03, median_s=4_500, sigma=1.3, shared=True),
    ),
    clustered=True,
    poor=0.05,
    turn=0.05,
)
"""After public records: trouble is rarer, lasts two to three times longer, comes in clusters, and some never ends."""
OFFLINE: Final = Kind(shape=Shape.OFFLINE, a_day=0.03, median_s=300, sigma=0.7)
_SHORTEST_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a world is."""

    providers: int = 4
    models: int = 3
    days: float = 12.0

    @property
    def endpoints(self) -> int:
        """Every provider has every model."""
        return self.providers * self.models


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All endpoints over a number of days."""

    size: Size
    endpoints: Sequence[Endpoint]
    """Those of a provider stand together."""
    offline: Timeline
    """When the vantage had no network."""

    @property
    def until_s(self) -> float:
        """Its end."""
        return self.size.days * DAY_S

    def probed(self, number: int, at_s: float) -> tuple[Meets, bool]:
        """What a probe of an endpoint meets, and whether that is the vantage's own network."""
        for episode in self.offline.under_way(at_s):
            return _meets(episode, at_s), True
        return self.endpoints[number].meets(at_s), False


_AFTERNOON_S: Final = (14 * 3_600.0, 23 * 3_600.0)
_WEEKEND: Final = (2, 3)
"""Days of the world's week, which begins on a Thursday."""


def world(seed: str, size: Size, climate: Climate = FULL) -> World:
    """A world in which every provider has every model; the same one for the same seed."""
    chance = random.Random(seed)
    offline = Timeline(list(_episodes(OFFLINE, size.days, chance)))
    endpoints = []
    for provider in range(size.providers):
        # Some providers fail ten times as often as others.
        luck = chance.lognormvariate(0.0, 0.8)
        come = _clustered if climate.clustered else _episodes
        shared = [each for kind in climate.kinds if kind.shared for each in come(kind, size.days, chance, luck)]
        for model in range(size.models):
            own_luck = chance.lognormvariate(0.0, 0.6)
            kinds = [kind for kind in climate.kinds if not kind.shared]
            own = [each for kind in kinds for each in come(kind, size.days, chance, own_luck)]
            own += _for_good(climate, size.days, chance)
            habit = climate.habit or _habit(chance)
            endpoints.append(Endpoint(provider=provider, model=model, habit=habit, timeline=Timeline([*own, *shared])))
    return World(size=size, endpoints=endpoints, offline=offline)


def staged(size: Size, episodes: Sequence[Sequence[Episode]] = (), offline: Sequence[Episode] = ()) -> World:
    """A world with nothing but lone failures, and these episodes of each provider."""
    timelines = [Timeline(each) for each in episodes] + [Timeline()] * (size.providers - len(episodes))
    endpoints = [
        Endpoint(provider=provider, model=model, habit=QUIET, timeline=timelines[provider])
        for provider in range(size.providers)
        for model in range(size.models)
    ]
    return World(size=size, endpoints=endpoints, offline=Timeline(offline))


def _habit(chance: random.Random) -> Habit:
    return Habit(
        fails=min(chance.lognormvariate(math.log(0.003), 0.7), 0.05),
        slow=min(chance.lognormvariate(math.log(0.008), 1.0), 0.2),
    )


def _episodes(kind: Kind, days: float, chance: random.Random, luck: float = 1.0) -> Iterator[Episode]:
    at_s = 0.0
    while True:
        at_s += chance.expovariate(kind.a_day * luck / DAY_S)
        if at_s >= days * DAY_S:
            return
        length_s = max(chance.lognormvariate(math.log(kind.median_s), kind.sigma), _SHORTEST_S)
        yield Episode(begin_s=at_s, end_s=at_s + length_s, shape=kind.shape, shared=kind.shared, depth=chance.random())
        at_s += length_s


def _clustered(kind: Kind, days: float, chance: random.Random, luck: float = 1.0) -> Iterator[Episode]:
    """The same number in the long run, but soon after each other or after a long pause, and when people work."""
    at_s = -chance.random() * 30 * DAY_S
    mean_s = DAY_S / (kind.a_day * luck)
    while True:
        soon = chance.random() < 0.15
        at_s += chance.expovariate(1 / 10_800) if soon else mean_s * chance.lognormvariate(math.log(0.57), 1.2)
        begin_s = _at_work(at_s, chance)
        if begin_s >= days * DAY_S:
            return
        length_s = max(chance.lognormvariate(math.log(kind.median_s), kind.sigma), _SHORTEST_S)
        if begin_s >= 0:
            end_s = begin_s + length_s
            yield Episode(begin_s=begin_s, end_s=end_s, shape=kind.shape, shared=kind.shared, depth=chance.random())
        at_s += length_s


def _at_work(at_s: float, chance: random.Random) -> float:
    """Of what would begin at a weekend most begins on Monday, and half of all in the afternoon instead."""
    day, second = divmod(at_s, DAY_S)
    if day % 7 in _WEEKEND and chance.random() < 0.85:
        day += 2
    if chance.random() < 0.55:
        second = chance.uniform(*_AFTERNOON_S)
    return day * DAY_S + second


def _for_good(climate: Climate, days: float, chance: random.Random) -> list[Episode]:
    """What never ends, if an endpoint has it."""
    if not climate.poor + climate.turn:
        return []
    drawn = chance.random()
    if drawn >= climate.poor + climate.turn:
        return []
    begin_s = 0.0 if drawn < climate.poor else chance.random() * days * DAY_S
    end_s = (days + 1) * DAY_S
    return [Episode(begin_s=begin_s, end_s=end_s, shape=Shape.LASTING, shared=False, depth=chance.random())]
