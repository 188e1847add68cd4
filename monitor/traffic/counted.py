"""Counts of real traffic: by time and result, tokens by day and application, and keys for deduplication. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
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

    keys: list[tuple[datetime, int]] = field(default_factory=list)
    """Each with its time of arrival."""
    counts: dict[TrafficKey, int] = field(default_factory=dict)
    activity: dict[UsageKey, Tokens] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys or self.counts or self.activity)

    def add(self, calls: Iterable[Call], now: datetime) -> None:
        """Add calls."""
        for call in calls:
            self.keys.append((now, call.key))
            if call.judges:
                key = (call.endpoint, seconds_of(call.at) // FINEST_S * FINEST_S, call.error)
                self.counts[key] = self.counts.get(key, 0) + 1
            use = (call.at.astimezone(UTC).date(), call.endpoint, call.app)
            self.activity[use] = self.activity.get(use, _NONE) + _tokens_of(call)

    def shed(self, now: datetime, most: int = ROWS) -> int:
        """Drop old keys, and the oldest counts beyond `most`. Returns the number of dropped calls."""
        if self.keys and self.keys[0][0] < now - REMEMBERED:
            self.keys = [(at, key) for at, key in self.keys if at >= now - REMEMBERED]
        excess = len(self.counts) - most
        oldest = sorted(self.counts, key=lambda key: key[1])[: max(excess, 0)]
        return sum(self.counts.pop(key) for key in oldest)

    def counted(self, batch_id: str, now: datetime) -> TrafficBatch:
        """All pending calls as a batch."""
        keys = [key for _, key in self.keys]
        return TrafficBatch(id=batch_id, at=now, keys=keys, counts=self.counts, activity=self.activity)


class Apps:
    """The applications of each day. Those beyond the limit share one name, so that tables stay bounded."""

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
        for old in [each for each in self._days if each < day - timedelta(days=1)]:
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
