"""How long history is kept: used by the configuration and by the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each tier is kept. A tier is kept at least as long as the tier that it is made from."""

    raw: timedelta = timedelta(days=7)
    hourly: timedelta = timedelta(days=400)
    daily: timedelta = timedelta(days=3650)
    until: datetime | None = None
    """The reference time; None: now. It is earlier than now while the clock is not trusted."""
