"""Calls as what is kept of them: counts by time and ending, tokens by day and application, and their keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

from monitor.traffic.calls import Call
from monitor.traffic.known import REMEMBERED
from probes._model import ErrorClass

FINEST_S: Final = 10
"""Calls are counted by so many seconds; coarser counts are made of these."""
APPS: Final = 200
"""Applications in a day that are told apart."""
OTHERS: Final = "(others)"
"""In place of those beyond."""
ROWS: Final = 200_000
"""Counts that wait for a store that fails."""
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

TrafficKey: TypeAlias = tuple[str, int, ErrorClass | None]
"""What calls are counted by: endpoint, begin in seconds since 1970 (a multiple of `FINEST_S`), how they ended."""
UsageKey: TypeAlias = tuple[date, str, str]
"""What tokens are summed by: day of UTC, endpoint, application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What requests used together."""

    requests: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            requests=self.requests + other.requests,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficBatch:
    """Calls that are stored in one transaction, once, however often that is tried."""

    id: str
    """16 hex digits: what is stored under it is not counted again."""
    at: datetime
    """When it was made."""
    keys: Sequence[int]
    """Of the ids of the calls."""
    counts: Mapping[TrafficKey, int]
    activity: Mapping[UsageKey, Tokens]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficTally:
    """How many calls of an endpoint began in a span of time and ended the same way."""

    endpoint: str
    start: datetime
    error: ErrorClass | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What an application used of an endpoint in a day of UTC."""

    day: date
    endpoint: str
    app: str
    """Empty: that was not said."""
    tokens: Tokens


@dataclass(slots=True, kw_only=True)
class PendingTraffic:
    """Calls that wait to be stored; what they are counted by is bounded, whatever comes."""

    keys: list[tuple[datetime, int]] = field(default_factory=list)
    """With when they came."""
    counts: dict[TrafficKey, int] = field(default_factory=dict)
    activity: dict[UsageKey, Tokens] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys or self.counts or self.activity)

    def add(self, calls: Iterable[Call], now: datetime) -> None:
        """Count calls in."""
        for call in calls:
            self.keys.append((now, call.key))
            if call.judges:
                key = (call.endpoint, seconds_of(call.at) // FINEST_S * FINEST_S, call.error)
                self.counts[key] = self.counts.get(key, 0) + 1
            use = (call.at.astimezone(UTC).date(), call.endpoint, call.app)
            self.activity[use] = self.activity.get(use, _NONE) + _tokens_of(call)

    def shed(self, now: datetime, most: int = ROWS) -> int:
        """Give up what will not be asked for again, and the oldest beyond a bound; how many calls that were."""
        if self.keys and self.keys[0][0] < now - REMEMBERED:
            self.keys = [(at, key) for at, key in self.keys if at >= now - REMEMBERED]
        excess = len(self.counts) - most
        oldest = sorted(self.counts, key=lambda key: key[1])[: max(excess, 0)]
        return sum(self.counts.pop(key) for key in oldest)

    def counted(self, batch_id: str, now: datetime) -> TrafficBatch:
        """All of it, to be stored."""
        keys = [key for _, key in self.keys]
        return TrafficBatch(id=batch_id, at=now, keys=keys, counts=self.counts, activity=self.activity)


class Apps:
    """The applications of the day: those beyond the bound are taken together, so that no table grows without end."""

    def __init__(self, most: int = APPS) -> None:
        self._most = most
        self._days: dict[date, set[str]] = {}

    def restore(self, day: date, app: str) -> None:
        """One that was told apart before."""
        self._days.setdefault(day, set()).add(app)

    def name(self, app: str, at: datetime) -> str:
        """What an application is counted as on the day of `at`."""
        day = at.astimezone(UTC).date()
        known = self._days.setdefault(day, set())
        if app not in known and len(known) >= self._most:
            return OTHERS if app else ""
        known.add(app)
        for old in [each for each in self._days if each < day - timedelta(days=1)]:
            del self._days[old]
        return app


def seconds_of(at: datetime) -> int:
    """Whole seconds since 1970."""
    return (at - _EVER) // timedelta(seconds=1)


def _tokens_of(call: Call) -> Tokens:
    return Tokens(
        requests=1,
        prompt_tokens=call.prompt_tokens,
        output_tokens=call.output_tokens,
        reasoning_tokens=call.reasoning_tokens,
    )


_NONE: Final = Tokens()
