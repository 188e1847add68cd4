"""Counts of real traffic: by time and result, tokens by day and application, and keys for deduplication. Pure."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Final, TypeAlias

from monitor.domain.epoch import EPOCH
from monitor.traffic.calls import Call
from monitor.traffic.known import REMEMBERED
from probes._model import ErrorClass

FINEST_S: Final = 10
"""The bucket size of counts, in seconds; coarser buckets are sums of these."""
_APPS: Final = 200
"""Applications per day that are counted separately."""
OTHERS: Final = "(others)"
"""The name under which further applications are counted."""
ROWS: Final = 200_000
"""The maximum number of counts that wait for a failing store."""
_ROOM_SHARE: Final = 0.01
"""The share of the maximum that is freed at once: finding the oldest counts takes tens of milliseconds."""

TrafficKey: TypeAlias = tuple[str, int, ErrorClass | None]
"""The key of a count: endpoint, start in seconds since 1970 (a multiple of `FINEST_S`), error."""
UsageKey: TypeAlias = tuple[date, str, str]
"""The key of token sums: day (UTC), endpoint, application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The sum of several requests."""

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
    """Calls that are stored in one transaction. Storing a batch again changes nothing."""

    id: str
    """16 hex digits; a batch with a stored id is ignored."""
    at: datetime
    """When the batch was made."""
    keys: Sequence[int]
    """The keys of the calls."""
    counts: Mapping[TrafficKey, int]
    activity: Mapping[UsageKey, Tokens]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficTally:
    """The number of calls of an endpoint that began in a span of time, by error."""

    endpoint: str
    start: datetime
    error: ErrorClass | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """An application's usage of an endpoint in a day (UTC)."""

    day: date
    endpoint: str
    app: str
    """Empty: not reported."""
    tokens: Tokens


@dataclass(slots=True, kw_only=True)
class PendingTraffic:
    """Calls that wait to be stored. The number of counts is bounded."""

    keys: deque[tuple[datetime, list[int]]] = field(default_factory=deque)
    """By their time of arrival, in its order."""
    counts: dict[TrafficKey, int] = field(default_factory=dict)
    activity: dict[UsageKey, Tokens] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys or self.counts or self.activity)

    def add(self, calls: Iterable[Call], now: datetime) -> None:
        """Add calls."""
        if self.keys and self.keys[-1][0] > now:  # a clock that was ahead has come back
            self.keys = deque((min(at, now), keys) for at, keys in self.keys)
        arrived: list[int] = []
        for call in calls:
            arrived.append(call.key)
            if call.judges:
                key = (call.endpoint, seconds_of(call.at) // FINEST_S * FINEST_S, call.error)
                self.counts[key] = self.counts.get(key, 0) + 1
            use = (call.at.astimezone(UTC).date(), call.endpoint, call.app)
            self.activity[use] = self.activity.get(use, _NONE) + _tokens_of(call)
        if arrived:
            self.keys.append((now, arrived))

    def shed(self, now: datetime, most: int = ROWS) -> int:
        """Drop old keys, and the oldest counts when there are more than `most`. Returns the number of dropped calls."""
        while self.keys and self.keys[0][0] < now - REMEMBERED:
            self.keys.popleft()
        excess = len(self.counts) - most
        if excess <= 0:
            return 0
        oldest = heapq.nsmallest(excess + int(most * _ROOM_SHARE), self.counts, key=itemgetter(1))
        return sum(self.counts.pop(key) for key in oldest)

    def counted(self, batch_id: str, now: datetime) -> TrafficBatch:
        """All pending calls as a batch."""
        keys = [key for _, arrived in self.keys for key in arrived]
        return TrafficBatch(id=batch_id, at=now, keys=keys, counts=self.counts, activity=self.activity)


class Apps:
    """The applications of each day. Applications beyond the limit share one name, so that tables stay bounded."""

    def __init__(self, most: int = _APPS) -> None:
        self._most = most
        self._days: dict[date, set[str]] = {}

    def restore(self, day: date, app: str) -> None:
        """Restore a stored application."""
        self._days.setdefault(day, set()).add(app)

    def name(self, app: str, at: datetime) -> str:
        """The name under which an application is counted on the day of `at`."""
        day = at.astimezone(UTC).date()
        known = self._days.setdefault(day, set())
        if app not in known and len(known) >= self._most:
            return OTHERS if app else ""
        known.add(app)
        for old in [kept for kept in self._days if kept < day - timedelta(days=1)]:
            del self._days[old]
        return app


def seconds_of(at: datetime) -> int:
    """Whole seconds since 1970."""
    return (at - EPOCH) // timedelta(seconds=1)


def _tokens_of(call: Call) -> Tokens:
    return Tokens(
        requests=1,
        prompt_tokens=call.prompt_tokens,
        output_tokens=call.output_tokens,
        reasoning_tokens=call.reasoning_tokens,
    )


_NONE: Final = Tokens()
