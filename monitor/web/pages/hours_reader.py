"""Reads the last hours of all endpoints from the store: one read for all pages, kept for some seconds."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.domain.ongoing_failure import OngoingFailure
from monitor.store import StoreError
from monitor.web.context import HistoryContext
from monitor.web.pages.hourly import HOUR, HourCounts, first_hour, hour_counts

log = logging.getLogger(__name__)

_HOUR_S: Final = int(HOUR.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursRead:
    """The hours as they were read at a time."""

    at: datetime
    counts: HourCounts


class HoursReader:
    """The newest read. A page waits for a newer one only if it is not of this hour or is old, and then not for long."""

    def __init__(
        self, history: HistoryContext, *, fresh_s: float = 15.0, kept_s: float = 120.0, patience_s: float = 1.0
    ) -> None:
        self._history = history
        self._fresh_s = fresh_s
        self._kept_s = kept_s
        self._patience_s = patience_s
        self._newest: HoursRead | None = None
        self._reading: asyncio.Task[HoursRead] | None = None
        self._failure = OngoingFailure()

    async def newest(self) -> HoursRead | None:
        """The hours; None if they could not be read yet."""
        now, newest = self._history.now(), self._newest
        is_of_this_hour = newest is not None and first_hour(newest.at) == first_hour(now)
        age_s = math.inf if newest is None else abs((now - newest.at).total_seconds())
        if is_of_this_hour and age_s < self._fresh_s:
            return newest
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(now), name="hours of the overview")
            self._reading.add_done_callback(self._ended)
        if not is_of_this_hour or age_s >= self._kept_s:
            await asyncio.wait([self._reading], timeout=self._patience_s)
        return self._newest

    async def close(self) -> None:
        """Cancel a running read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, now: datetime) -> HoursRead:
        store, since = self._history.store, first_hour(now)
        tallies = await store.tallies(since, _HOUR_S)
        traffic = await store.traffic(since, _HOUR_S)
        counts = await asyncio.to_thread(hour_counts, tallies, traffic, self._history.judge)
        self._newest = HoursRead(at=now, counts=counts)
        return self._newest

    def _ended(self, task: asyncio.Task[HoursRead]) -> None:
        self._reading = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            if self._failure.ends():
                log.info("history can be read again", extra={"action": "history_recovered"})
        elif self._failure.begins(str(error)):
            trace = None if isinstance(error, StoreError) else error  # a StoreError has the reason in its message
            log.warning("cannot read history: %s", error, exc_info=trace, extra={"action": "history_failed"})
