"""The probe interval: short after a surprise, then doubling; short while an endpoint is down. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.domain.status import Status
from monitor.score.health import SURPRISE_MEMORY, Health

_DOWN_SHARE: Final = 8
"""An endpoint that is down is probed after each eighth of the time since it went down."""
_DEGRADED_SHARE: Final = 2
"""A degraded endpoint is probed this many times as often as one that is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalLimits:
    """The shortest and longest probe interval of an endpoint, in seconds."""

    least_s: float
    most_s: float


def next_probe(health: Health, limits: IntervalLimits) -> datetime | None:
    """When the next probe of an endpoint is due at the latest; None: it has no counted sample yet."""
    if health.measured_at is None or health.interval_from is None:
        return None
    # A surprise is confirmed at once, regardless of the limits.
    gap_s = (
        0.0
        if health.since_surprise == 0
        else min(_backed_off_s(health.since_surprise, limits), _regular_s(health, limits))
    )
    return health.interval_from + timedelta(seconds=gap_s)


def _backed_off_s(since_surprise: int, limits: IntervalLimits) -> float:
    return limits.least_s * 2.0 ** min(since_surprise - 1, SURPRISE_MEMORY)


def _regular_s(health: Health, limits: IntervalLimits) -> float:
    match health.status, health.interval_from:
        case Status.DOWN, datetime() as interval_from:
            gap_s = (interval_from - health.since).total_seconds() / _DOWN_SHARE
        case Status.DEGRADED, _:
            gap_s = limits.most_s / _DEGRADED_SHARE
        case _:
            gap_s = limits.most_s
    return min(max(gap_s, limits.least_s), limits.most_s)
