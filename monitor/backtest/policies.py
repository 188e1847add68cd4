"""Policies that decide whether an endpoint may be used: common simple rules, and Providerwatch's own. Pure.

Every policy gets the same samples in the order in which they became known. Its figure is interpreted as the probability
that the next request succeeds within its SLO.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from monitor.domain.epoch import EPOCH
from monitor.domain.status import Status
from monitor.score.health import Health, Observation, view_of
from monitor.score.hmm import chance
from monitor.score.outcomes import SampleOutcome
from monitor.score.provider import ProviderState, has_fallen

_HALF: Final = 0.5
_MINUTE_S, _HALF_HOUR_S = 60.0, 1_800.0
_TOO_MANY: Final = 3
"""Failures within a minute that start a cooldown, regardless of the number of successes."""
_WELL, _USABLE = 0.95, 0.8
"""Uptimes of the last half hour from which an endpoint is fully usable, and usable at all."""


class UnknownPolicyError(Exception):
    """An unknown policy; the message lists the known ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSample:
    """A counted sample."""

    id: str
    endpoint: str
    known_s: float
    """End of the sample, in seconds since 1970. Policies do not see the sample before this time."""
    seen: Observation

    @property
    def judges(self) -> bool:
        """Whether the sample judges policies: it asked for tokens, or its endpoint has no probe that does."""
        return not self.seen.reach

    @property
    def failed(self) -> bool:
        """Whether the provider failed."""
        return self.seen.outcome is SampleOutcome.FAILED

    @property
    def good(self) -> bool:
        """Whether it succeeded within its SLO."""
        return self.seen.outcome is SampleOutcome.OK and self.seen.within_slo


class Policy(Protocol):
    """A policy for one endpoint. The times of its calls never decrease."""

    def see(self, counted: CountedSample) -> Iterable[str]:
        """Handle a sample of the endpoint; returns the other endpoints whose status changed."""

    def figure(self, at_s: float) -> float:
        """The published probability of success at a moment, 0..1."""

    def usable(self, at_s: float) -> bool:
        """Whether a router may use the endpoint at a moment."""

    def turns_s(self, at_s: float) -> float:
        """The first time after `at_s` at which `usable` may change without a sample; infinite: there is none."""


PolicyFactory: TypeAlias = Callable[[Mapping[str, str]], Mapping[str, Policy]]
"""Makes the policies of all endpoints by id, from their providers."""


class ConsecutiveFailures:
    """Down after so many consecutive failures, until a success."""

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
    """The share of successes within SLO among the last samples; down while more than half of them failed."""

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
    """An exponentially weighted average of successes within SLO; down while that of failures is above one half."""

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
    """The number of samples and of failures in the last so many seconds."""

    __slots__ = ("_kept", "_seconds", "failed")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: deque[tuple[float, bool]] = deque()
        self.failed = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, at_s: float, *, failed: bool) -> None:
        """Add a sample that became known at a moment, and drop old ones."""
        self._kept.append((at_s, failed))
        self.failed += failed
        self.forget(at_s)

    def forget(self, at_s: float) -> None:
        """Drop samples that are too old at a moment."""
        while self.forgets_s() <= at_s:
            self.failed -= self._kept.popleft()[1]

    def forgets_s(self) -> float:
        """When the oldest sample is too old; infinite: there is none."""
        return self._kept[0][0] + self._seconds if self._kept else math.inf


class Cooldown:
    """As in LiteLLM: down for a minute when more than half of a minute's requests failed, or three of them."""

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
    """As in OpenRouter: uptime of the last half hour is at least 95 %, at least 80 %, or less. SLOs do not count."""

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
    """Providerwatch's own policy, as on the scoreboard: endpoints share the belief about their provider."""

    __slots__ = ("_health", "_provider", "endpoint")

    def __init__(self, endpoint: str, provider: ProviderState[FilterPolicy]) -> None:
        self.endpoint = endpoint
        self._health = Health(since=EPOCH)
        self._provider = provider
        provider.join(self)

    @property
    def status(self) -> Status:
        """The published status, before stale samples make it unknown."""
        return self._health.status

    def see(self, counted: CountedSample) -> Iterable[str]:
        """See `Policy.see`."""
        was, seen = self._health.status, counted.seen
        self._health = self._provider.absorb(self._health, seen)
        others = self._provider.affected(self, fell=has_fallen(was, self._health.status))
        return [other.endpoint for other in others if other.settle(seen.at)]

    def settle(self, at: datetime) -> bool:
        """Update the status after the provider's belief changed; True: the status changed."""
        before = self._health
        self._health = self._provider.settle(before, at)
        return self._health is not before

    def figure(self, at_s: float) -> float:
        """See `Policy.figure`."""
        view = view_of(self._health, self._provider.belief)
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
"""The policies that are compared by default."""
_FIXED: Final[Mapping[str, Callable[[], Policy]]] = {"cooldown": Cooldown, "thresholds": Thresholds}
_COUNT: Final = re.compile(r"(failures|ratio)-([1-9]\d{0,3})")
_WEIGHT: Final = re.compile(r"average-(0\.\d{1,6})")


def policy_factory(name: str) -> PolicyFactory:
    """The factory of a policy by its name. Raises UnknownPolicyError."""
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
            f"{name}: unknown policy; use filter, failures-N, ratio-N, average-0.N, cooldown or thresholds"
        )
    weight = float(found[1])
    return _apart(lambda: MovingAverage(weight))


def _apart(make: Callable[[], Policy]) -> PolicyFactory:
    return lambda providers: {name: make() for name in providers}


def _acquainted(providers: Mapping[str, str]) -> Mapping[str, Policy]:
    states = {provider: ProviderState[FilterPolicy]() for provider in providers.values()}
    return {name: FilterPolicy(name, states[provider]) for name, provider in providers.items()}
