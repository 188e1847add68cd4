"""The reference time of retention: a clock step must not delete history. Pure: time is an argument.

The wall clock may be ahead by days (before the machine synchronises its time), and a store may have been off for
months; at start both look the same. So retention does not follow a forward step at once: it keeps its reference time
for an hour of real time, and then catches up by a day per hour. A clock that is corrected within the hour has deleted
nothing. A backward step is followed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.store._protocol import Times

_PLAUSIBLE: Final = timedelta(hours=1)
"""A longer gap between the store and the clock is a clock step."""
_HOLD_S: Final = 3_600.0
"""Real time during which a forward step is not followed."""
_CATCH_UP: Final = 24
"""Afterwards retention runs this many times as fast as real time until it has caught up."""
_NEVER_SHORTER: Final = timedelta(days=2)
"""The shortest configurable retention of raw samples: the horizon is never nearer to the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """The reference time of retention at a moment."""

    until: datetime
    """The reference time."""
    ahead: timedelta
    """How far the clock is ahead of the reference time; zero while retention follows the clock."""

    @property
    def is_held(self) -> bool:
        """Whether retention does not follow the clock."""
        return bool(self.ahead)


class RetentionClock:
    """Follows the wall clock of a long-running process."""

    def __init__(self) -> None:
        self._read: tuple[datetime, float] | None = None
        """The last reference time, and its time on the monotonic clock."""
        self._leapt_s: float | None = None

    def read(self, now: datetime, now_s: float, times: Times) -> ClockReading:
        """The reference time now. `now_s`: the monotonic clock. `times`: the times in the store."""
        until = self._until(now, now_s, times)
        self._read = until, now_s
        return ClockReading(until=until, ahead=now - until)

    def _until(self, now: datetime, now_s: float, times: Times) -> datetime:
        last, passed = known(times), timedelta()
        if self._read is not None:
            last, passed = self._read[0], timedelta(seconds=now_s - self._read[1])
        if last is None or now <= last + passed + _PLAUSIBLE:
            self._leapt_s = None
            return now
        if self._leapt_s is None:
            self._leapt_s = now_s
        return min(now, last + passed * (1 if now_s - self._leapt_s < _HOLD_S else _CATCH_UP))


def known(times: Times) -> datetime | None:
    """The latest trusted time in a store; None: there is none.

    After the first retention run it is not the newest sample, since a clock that is ahead dates samples.
    """
    return times.newest if times.counted_from is None else times.counted_from


def horizon_to_restore(now: datetime, raw: timedelta, times: Times) -> datetime | None:
    """The correct horizon when a clock that was ahead moved it too near to the present; None: it is correct.

    `raw`: the retention of raw samples.
    """
    nearest = now - min(raw, _NEVER_SHORTER) + _PLAUSIBLE
    return now - raw if times.horizon is not None and times.horizon > nearest else None
