"""When a probe is worth its money: at once after a surprise, then ever later; often while an endpoint is down. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.domain.status import Status
from monitor.score.health import SURPRISE_MEMORY, Health

_DOWN_SHARE: Final = 8
"""One that is down is probed after every eighth of the time that it has been down."""
_DEGRADED_SHARE: Final = 2
"""One that is degraded is probed so many times as often as one that is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalLimits:
    """How far apart probes of an endpoint are to be, in seconds."""

    least_s: float
    most_s: float


def next_probe(health: Health, limits: IntervalLimits) -> datetime | None:
    """When an endpoint wants its next probe, at the latest; None: it has not been measured yet, or nothing is known."""
    if health.measured_at is None or health.interval_from is None:
        return None
    # Whether the surprise was chance is worth knowing at once, whatever the limits.
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
