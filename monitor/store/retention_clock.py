"""From which time retention counts back: a clock that leaps must not delete history. Pure: time is an argument.

The wall clock is an input like any other. It may be ahead by days (a machine that starts before its time is
synchronised), and a store may have been off for months; at that moment the two look the same. So retention does not
follow a leap at once: it goes on from where it was, waits an hour of real time, and then catches up by a day an hour.
A clock that is put right within the hour has deleted nothing. One that comes back is followed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.store._protocol import Times

PLAUSIBLE: Final = timedelta(hours=1)
"""A longer time than that between what is known and what the clock says is a leap."""
HOLD_S: Final = 3_600.0
"""Of real time, in which a leap is not followed."""
CATCH_UP: Final = 24
"""Afterwards retention goes so many times as fast as real time, until it has caught up."""
NEVER_SHORTER: Final = timedelta(days=2)
"""The shortest retention of raw samples that a configuration may ask for: no horizon is nearer to the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """What retention makes of the clock."""

    until: datetime
    """Retention counts back from here."""
    ahead: timedelta
    """By how much the clock is ahead of that; zero while it is followed."""

    @property
    def is_held(self) -> bool:
        """Whether retention does not follow the clock now."""
        return bool(self.ahead)


class RetentionClock:
    """Follows the wall clock of a process that runs for long."""

    def __init__(self) -> None:
        self._read: tuple[datetime, float] | None = None
        """Where retention counted from when it was last asked, and when that was on the monotonic clock."""
        self._leapt_s: float | None = None

    def read(self, now: datetime, now_s: float, times: Times) -> ClockReading:
        """From when retention counts. `now_s`: the monotonic clock. `times`: what the store knows."""
        until = self._until(now, now_s, times)
        self._read = until, now_s
        return ClockReading(until=until, ahead=now - until)

    def _until(self, now: datetime, now_s: float, times: Times) -> datetime:
        last, passed = known(times), timedelta()
        if self._read is not None:
            last, passed = self._read[0], timedelta(seconds=now_s - self._read[1])
        if last is None or now <= last + passed + PLAUSIBLE:
            self._leapt_s = None
            return now
        if self._leapt_s is None:
            self._leapt_s = now_s
        return min(now, last + passed * (1 if now_s - self._leapt_s < HOLD_S else CATCH_UP))


def known(times: Times) -> datetime | None:
    """The latest time that a store vouches for; None when it has seen none.

    Not its newest sample, where retention counted already: samples of a clock that is ahead are dated by it.
    """
    return times.newest if times.counted_from is None else times.counted_from


def horizon_to_restore(now: datetime, raw: timedelta, times: Times) -> datetime | None:
    """Where the horizon belongs when a clock that was ahead left it too near to the present, or beyond it.

    None: it is where it may be. `raw`: the retention of raw samples.
    """
    nearest = now - min(raw, NEVER_SHORTER) + PLAUSIBLE
    return now - raw if times.horizon is not None and times.horizon > nearest else None
