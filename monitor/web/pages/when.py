"""Times for pages: UTC in the markup, for scripts that show the reader's own zone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.charts.figures import iso


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A time as `<time>` shows it."""

    machine: str
    """`2026-11-22T06:00:00Z`."""
    utc: str
    """`2026-11-22 06:00:00 UTC`."""
    words: str
    """What is shown without JavaScript."""


def when(at: datetime, now: datetime, words: str | None = None) -> When:
    """A time; in words `06:00 UTC` on the day of `now`, else with the date."""
    utc = at.astimezone(UTC)
    same_day = utc.date() == now.astimezone(UTC).date()
    clock = f"{utc:%H:%M} UTC" if same_day else f"{utc:%Y-%m-%d %H:%M} UTC"
    return When(machine=iso(at), utc=f"{utc:%Y-%m-%d %H:%M:%S} UTC", words=clock if words is None else words)
