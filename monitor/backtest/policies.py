"""Policies that say whether an endpoint may be used: the simple rules that people use, and ours. Pure.

Each is fed the same samples, in the order in which they became known, and asked the same. A figure is taken at its
word: for the chance that the next request succeeds within its SLO.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol, TypeAlias

from monitor.domain.status import Status
from monitor.score.endpoint import Shared
from monitor.score.health import Health, Observation, advance, settle, view_of
from monitor.score.hmm import chance
from monitor.score.outcomes import SampleOutcome

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HALF: Final = 0.5
_MINUTE_S, _HALF_HOUR_S = 60.0, 1_800.0
_TOO_MANY: Final = 3
"""Failures within a minute that set an endpoint aside, however many successes there were."""
_WELL, _USABLE = 0.95, 0.8
"""Uptimes of the last half hour from which an endpoint is as good as any, and may be used."""


class UnknownPolicyError(Exception):
    """There is no policy of this name; the message says which there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSample:
    """A counted sample, as a policy meets it."""

    id: str
    endpoint: str
    known_s: float
    """When it ended, in seconds since 1970: it says nothing before."""
    seen: Observation

    @property
    def judges(self) -> bool:
        """Whether policies are judged by it: it asked for tokens, or its endpoint has no probe that does."""
        return not self.seen.reach

    @property
    def failed(self) -> bool:
        """By the provider's fault."""
        return self.seen.outcome is SampleOutcome.FAILED

    @property
    def good(self) -> bool:
        """Whether it succeeded within its SLO."""
        return self.seen.outcome is SampleOutcome.OK and self.seen.within_slo


class Policy(Protocol):
    """What is made of one endpoint's samples. The moments that it is asked about never go back."""

    def see(self, counted: CountedSample) -> Iterable[str]:
        """Take in a sample of the endpoint; the other endpoints whose status it changed."""

    def figure(self, at_s: float) -> float:
        """What is published as the chance of success at a moment, 0..1."""

    def usable(self, at_s: float) -> bool:
        """Whether a router may use the endpoint at a moment."""

    def turns_s(self, at_s: float) -> float:
        """The first moment after `at_s` at which that may change without news; infinite: there is none."""


PolicyFactory: TypeAlias = Callable[[Mapping[str, str]], Mapping[str, Policy]]
"""Makes the policies of all endpoints, by id, from their providers."""


class ConsecutiveFailures:
    """Down after so many failures in a row, until a success."""

    __slots__ = ("_failures", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures = 0

    def see(self, counted: CountedSample) -> Iterable[str]:
        """See `Policy.see`."""
        if counted.judges:
            self._failures = self._failures + 1 if counted.failed else 0
        return ()

    def figure(self, at_s: float) -> float:
        """See `Policy.figure`."""
        return 1.0 if self.usable(at_s) else 0.0

    def usable(self, at_s: float) -> bool:
        """See `Policy.usable`."""
        return self._failures < self._limit

    def turns_s(self, at_s: float) -> float:
        """See `Policy.turns_s`."""
        return math.inf


class RecentRatio:
    """The share of successes within SLO among the last so many; down while more than half of them failed."""

    __slots__ = ("_failed", "_good", "_last")

    def __init__(self, count: int) -> None:
        self._last: deque[CountedSample] = deque(maxlen=count)
        self._good = self._failed = 0

    def see(self, counted: CountedSample) -> Iterable[str]:
        """See `Policy.see`."""
        if counted.judges:
            if len(self._last) == self._last.maxlen:
                self._count(self._last[0], -1)
            self._last.append(counted)
            self._count(counted, 1)
        return ()

    def figure(self, at_s: float) -> float:
        """See `Policy.figure`."""
        return self._good / len(self._last) if self._last else 1.0

    def usable(self, at_s: float) -> bool:
        """See `Policy.usable`."""
        return self._failed <= len(self._last) * _HALF

    def turns_s(self, at_s: float) -> float:
        """See `Policy.turns_s`."""
        return math.inf

    def _count(self, counted: CountedSample, number: int) -> None:
        self._good += number * counted.good
        self._failed += number * counted.failed


class MovingAverage:
    """An exponentially weighted average of successes within SLO; down while that of failures is above a half."""

    __slots__ = ("_failed", "_good", "_weight")

    def __init__(self, weight: float) -> None:
        self._weight = weight
        self._good, self._failed = 1.0, 0.0

    def see(self, counted: CountedSample) -> Iterable[str]:
        """See `Policy.see`."""
        if counted.judges:
            self._good += self._weight * (counted.good - self._good)
            self._failed += self._weight * (counted.failed - self._failed)
        return ()

    def figure(self, at_s: float) -> float:
        """See `Policy.figure`."""
        return self._good

    def usable(self, at_s: float) -> bool:
        """See `Policy.usable`."""
        return self._failed <= _HALF

    def turns_s(self, at_s: float) -> float:
        """See `Policy.turns_s`."""
        return math.inf


class RecentWindow:
    """How many samples of the last so many seconds there were, and how many of them failed."""

    __slots__ = ("_kept", "_seconds", "failed")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: deque[tuple[float, bool]] = deque()
        self.failed = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, at_s: float, *, failed: bool) -> None:
        """Keep one that became known at a moment, and let go of those that are too old then."""
        self._kept.append((at_s, failed))
        self.failed += failed
        self.forget(at_s)

    def forget(self, at_s: float) -> None:
        """Let go of those that are too old at a moment."""
        while self.forgets_s() <= at_s:
            self.failed -= self._kept.popleft()[1]

    def forgets_s(self) -> float:
        """When the oldest is too old; infinite: there is none."""
        return self._kept[0][0] + self._seconds if self._kept else math.inf


class Cooldown:
    """After LiteLLM's: set aside for a minute when more than half of a minute's requests failed, or three of them."""

    __slots__ = ("_lately", "_until_s")

    def __init__(self) -> None:
        self._lately = RecentWindow(_MINUTE_S)
        self._until_s = -math.inf

    def see(self, counted: CountedSample) -> Iterable[str]:
        """See `Policy.see`."""
        if counted.judges:
            self._lately.add(counted.known_s, failed=counted.failed)
            if self._lately.failed > min(len(self._lately) * _HALF, _TOO_MANY - 1):
                self._until_s = counted.known_s + _MINUTE_S
        return ()

    def figure(self, at_s: float) -> float:
        """See `Policy.figure`."""
        return 1.0 if self.usable(at_s) else 0.0

    def usable(self, at_s: float) -> bool:
        """See `Policy.usable`."""
        return at_s >= self._until_s

    def turns_s(self, at_s: float) -> float:
        """See `Policy.turns_s`."""
        return self._until_s if at_s < self._until_s else math.inf


class Thresholds:
    """After OpenRouter's: uptime of the last half hour is 95 % or more, 80 % or more, or less. No SLO counts."""

    __slots__ = ("_lately",)

    def __init__(self) -> None:
        self._lately = RecentWindow(_HALF_HOUR_S)

    def see(self, counted: CountedSample) -> Iterable[str]:
        """See `Policy.see`."""
        if counted.judges:
            self._lately.add(counted.known_s, failed=counted.failed)
        return ()

    def figure(self, at_s: float) -> float:
        """See `Policy.figure`."""
        uptime = self._uptime(at_s)
        return 1.0 if uptime >= _WELL else _HALF if uptime >= _USABLE else 0.0

    def usable(self, at_s: float) -> bool:
        """See `Policy.usable`."""
        return self._uptime(at_s) >= _USABLE

    def turns_s(self, at_s: float) -> float:
        """See `Policy.turns_s`."""
        self._lately.forget(at_s)
        return self._lately.forgets_s()

    def _uptime(self, at_s: float) -> float:
        self._lately.forget(at_s)
        return 1 - self._lately.failed / len(self._lately) if self._lately else 1.0


class FilterPolicy:
    """Ours, as the scoreboard runs it: down by its status, and what is known of a provider all its endpoints share."""

    __slots__ = ("_endpoint", "_health", "_shared", "_siblings")

    def __init__(self, endpoint: str, shared: Shared, siblings: dict[str, FilterPolicy]) -> None:
        self._endpoint = endpoint
        self._health = Health(since=_NEVER)
        self._shared = shared
        self._siblings = siblings
        siblings[endpoint] = self

    @property
    def status(self) -> Status:
        """What is published; one that nothing was heard of for long is unknown, whatever stands here."""
        return self._health.status

    def see(self, counted: CountedSample) -> Iterable[str]:
        """See `Policy.see`."""
        was, seen = self._health.status, counted.seen
        self._health, self._shared.belief = advance(self._health, self._shared.belief, seen)
        fell = self._health.status is Status.DOWN and was is not Status.DOWN
        if not (fell or self._shared.is_news()):
            return ()
        others = ((name, other) for name, other in self._siblings.items() if other is not self)
        return [name for name, other in others if other.settle(seen.at)]

    def settle(self, at: datetime) -> bool:
        """Follow what others' samples said of the provider; True when that changed the status."""
        before = self._health
        self._health = settle(before, self._shared.belief, at)
        return self._health is not before

    def figure(self, at_s: float) -> float:
        """See `Policy.figure`."""
        view = view_of(self._health, self._shared.belief)
        return chance(view, at_s).score

    def usable(self, at_s: float) -> bool:
        """See `Policy.usable`."""
        return self._health.status is not Status.DOWN

    def turns_s(self, at_s: float) -> float:
        """See `Policy.turns_s`."""
        return math.inf


NAMES: Final = (
    *("filter", "failures-1", "failures-2", "failures-3", "ratio-5", "ratio-30"),
    *("average-0.3", "average-0.1", "cooldown", "thresholds"),
)
"""What is compared unless somebody names others."""
_FIXED: Final[Mapping[str, Callable[[], Policy]]] = {"cooldown": Cooldown, "thresholds": Thresholds}
_COUNT: Final = re.compile(r"(failures|ratio)-([1-9]\d{0,3})")
_WEIGHT: Final = re.compile(r"average-(0\.\d{1,6})")


def policy_factory(name: str) -> PolicyFactory:
    """What makes the policies of a name. Raises UnknownPolicyError."""
    if name == "filter":
        return _acquainted
    if name in _FIXED:
        return _apart(_FIXED[name])
    if found := _COUNT.fullmatch(name):
        kind, count = ConsecutiveFailures if found[1] == "failures" else RecentRatio, int(found[2])
        return _apart(lambda: kind(count))
    found = _WEIGHT.fullmatch(name)
    if found is None or float(found[1]) == 0:
        raise UnknownPolicyError(
            f"{name} is no policy: there are filter, failures-N, ratio-N, average-0.N, cooldown and thresholds"
        )
    weight = float(found[1])
    return _apart(lambda: MovingAverage(weight))


def _apart(make: Callable[[], Policy]) -> PolicyFactory:
    return lambda providers: {name: make() for name in providers}


def _acquainted(providers: Mapping[str, str]) -> Mapping[str, Policy]:
    shared = {provider: Shared() for provider in providers.values()}
    siblings: dict[str, dict[str, FilterPolicy]] = {provider: {} for provider in shared}
    return {name: FilterPolicy(name, shared[provider], siblings[provider]) for name, provider in providers.items()}
