"""The last 24 hours of each endpoint, hour by hour, from stored counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from monitor.charts.uptime_strip import UptimeBucket
from monitor.domain.epoch import EPOCH
from monitor.domain.maintenance import MaintenanceWindow
from monitor.history.buckets import OutcomeOf
from monitor.score.outcomes import SampleOutcome
from monitor.store import SampleTally
from monitor.traffic.counted import TrafficTally

HOUR: Final = timedelta(hours=1)
HOURS: Final = 24
_NONE: Final = (0,) * len(SampleOutcome)

HourCounts: TypeAlias = Mapping[str, Mapping[datetime, Sequence[int]]]
"""By endpoint and start of the hour: the counts of samples by `SampleOutcome`."""


def first_hour(now: datetime) -> datetime:
    """The start of the oldest of the hours that are shown; the newest contains `now`."""
    return now - (now - EPOCH) % HOUR - (HOURS - 1) * HOUR


def hour_counts(tallies: Iterable[SampleTally], traffic: Iterable[TrafficTally], outcome_of: OutcomeOf) -> HourCounts:
    """The counts of probes and real traffic together, as uptime counts them."""
    found: dict[str, dict[datetime, list[int]]] = {}
    for endpoint, at, error, count in (
        *((tally.endpoint, tally.bucket, tally.error, tally.count) for tally in tallies),
        *((tally.endpoint, tally.start, tally.error, tally.count) for tally in traffic),
    ):
        hour = found.setdefault(endpoint, {}).setdefault(at, [*_NONE])
        hour[outcome_of(error)] += count
    return found


def hour_buckets(
    counts: Mapping[datetime, Sequence[int]], maintenance: Sequence[MaintenanceWindow], now: datetime
) -> tuple[UptimeBucket, ...]:
    """The hours of one endpoint, the oldest first."""
    begin = first_hour(now)
    return tuple(_bucket(begin + number * HOUR, counts, maintenance) for number in range(HOURS))


def _bucket(
    at: datetime, counts: Mapping[datetime, Sequence[int]], maintenance: Sequence[MaintenanceWindow]
) -> UptimeBucket:
    is_maintenance = bool(maintenance) and any(span.begin < at + HOUR and at < span.end for span in maintenance)
    return _made(at, tuple(counts.get(at, _NONE)), maintenance=is_maintenance)


@lru_cache(maxsize=16_384)
def _made(at: datetime, count: tuple[int, ...], *, maintenance: bool) -> UptimeBucket:
    """Cached: most hours of most endpoints are alike, and equal objects are found quickly in the cache of strips."""
    return UptimeBucket(
        at=at,
        ok=count[SampleOutcome.OK],
        failed=count[SampleOutcome.FAILED],
        rate_limited=count[SampleOutcome.RATE_LIMITED],
        maintenance=maintenance,
        network=count[SampleOutcome.NETWORK] > 0,
    )
