"""From times to pixels, with ticks at whole hours, days and months of UTC. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from monitor.charts.figures import MONTHS

_STEPS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
) + tuple(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12, 24, 48, 7 * 24, 14 * 24))
_MONTH_STEPS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 600, 1200)
_MONDAY: Final = datetime(1970, 1, 5, tzinfo=UTC)
"""Every step divides the time since this midnight, and weeks begin on Mondays."""
_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=31)
_LEAST: Final = timedelta(microseconds=1)
_MINUTE: Final = timedelta(minutes=1)
_LAST_YEAR: Final = 9999
_YEAR: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTick:
    """A time at an axis. `form` says what `text` shows of it: `time`, `day`, `month` or `year`."""

    at: datetime
    text: str
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeScale:
    """`start` at pixel `left`, `end` at pixel `right`."""

    start: datetime
    end: datetime
    left: float
    right: float

    def at(self, moment: datetime) -> float:
        """The pixel of a time; a time outside lies on the edge."""
        share = (min(max(moment, self.start), self.end) - self.start) / max(self.end - self.start, _LEAST)
        return self.left + share * (self.right - self.left)

    def holds(self, moment: datetime) -> bool:
        """Whether a time lies within the scale."""
        return self.start <= moment <= self.end

    def ticks(self, most: int) -> tuple[TimeTick, ...]:
        """Ticks at round times, `most` + 1 at most."""
        span = self.end - self.start
        for step in _STEPS:
            if span <= step * most:
                return tuple(_tick(at, step) for at in self._every(step))
        for months in (step for step in _MONTH_STEPS if span <= _MONTH * step * (most + 2)):
            ticks = tuple(_month_tick(at, months) for at in self._every_months(months))
            if len(ticks) <= most + 1:
                return ticks
        return ()

    def _every(self, step: timedelta) -> Iterator[datetime]:
        at = _MONDAY - (_MONDAY - self.start) // step * step
        while at <= self.end:
            yield at
            at += step

    def _every_months(self, step: int) -> Iterator[datetime]:
        start = self.start.astimezone(UTC)
        months = -(-(start.year * _YEAR + start.month - 1) // step) * step
        while months // _YEAR <= _LAST_YEAR:
            at = datetime(months // _YEAR, months % _YEAR + 1, 1, tzinfo=UTC)
            if at > self.end:
                return
            if at >= self.start:
                yield at
            months += step


def _tick(at: datetime, step: timedelta) -> TimeTick:
    if step >= _DAY or at.hour == at.minute == at.second == 0:
        return TimeTick(at=at, text=f"{at.day} {MONTHS[at.month - 1]}", form="day")
    text = f"{at:%H:%M}" if step >= _MINUTE else f"{at:%H:%M:%S}"
    return TimeTick(at=at, text=text, form="time")


def _month_tick(at: datetime, step: int) -> TimeTick:
    if step >= _YEAR:
        return TimeTick(at=at, text=str(at.year), form="year")
    text = f"{MONTHS[at.month - 1]} {at.year}" if at.month == 1 else MONTHS[at.month - 1]
    return TimeTick(at=at, text=text, form="month")
