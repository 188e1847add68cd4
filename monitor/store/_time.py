"""Times as the store counts them: microseconds and hours since 1970. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from monitor.domain.epoch import EPOCH

HOUR_S: Final = 3_600
HOURS_A_DAY: Final = 24
MICROSECONDS_A_SECOND: Final = 1_000_000
MICROSECONDS_AN_HOUR: Final = HOUR_S * MICROSECONDS_A_SECOND
MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = timedelta(seconds=HOUR_S)


def microseconds(at: datetime) -> int:
    """A moment as the database holds it: microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def hour(at: datetime) -> int:
    """The hour since 1970 that a moment is in."""
    return (at - EPOCH) // _HOUR
