"""Keeps the store quick and small while the daemon runs: a slice at a time, so that nobody waits for it.

It stands back while the store does not take samples: what little such a store can do belongs to them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.config.model import Config
from monitor.store import Retention, Size, Store, StoreError
from monitor.store.retention_clock import ClockReading, RetentionClock, horizon_to_restore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HousekeeperCallbacks:
    """Who is asked, and who is told of what."""

    now: Callable[[], datetime]
    troubled: Callable[[], bool]
    """Whether the store does not take samples."""
    slice_done: Callable[[float], None]
    """After each slice: the seconds that it took."""
    measured: Callable[[Size], None]
    """How large the store is, after tidying."""
    clock_read: Callable[[ClockReading], None] = lambda _: None
    """What retention makes of the clock, each time that it is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HousekeepingIntervals:
    """How often things are done."""

    breath_s: float = 0.02
    """Between two slices, while there is more to do."""
    every_s: float = 30.0
    """From the last slice to the next look."""


class Housekeeper:
    """Tidies for ever, and measures each time."""

    def __init__(
        self,
        store: Store,
        retention: Retention,
        callbacks: HousekeeperCallbacks,
        intervals: HousekeepingIntervals = HousekeepingIntervals(),
    ) -> None:
        self._store = store
        self._retention = retention
        self._callbacks = callbacks
        self._intervals = intervals
        self._clock = RetentionClock()
        self._was_held = False
        self._look = asyncio.Event()
        self.error: str | None = None
        """Why it could not do its work when it last tried; None: it could."""

    async def run(self) -> None:
        """Tidy and measure until cancelled."""
        while True:
            self._look.clear()
            if not self._callbacks.troubled():
                await self._work()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._intervals.every_s):
                    await self._look.wait()

    def apply(self, retention: Retention) -> None:
        """Keep everything so long from now on; a look at what that changes comes at once."""
        self._retention = retention
        self.look()

    def look(self) -> None:
        """Work at once: the wall clock was stepped, or retention is another."""
        self._look.set()

    async def check_clock(self) -> ClockReading:
        """Hold the clock against the store, and take back a horizon that a clock which was ahead has left."""
        now, times = self._callbacks.now(), await self._store.times()
        restored = horizon_to_restore(now, self._retention.raw, times)
        if restored is not None:
            await self._store.lower_horizon(restored)
            words = (
                "retention horizon set back to %s: a clock that was ahead had moved it to %s. "
                "Later samples are stored again"
            )
            log.warning(words, _minute(restored), _minute(times.horizon), extra={"action": "horizon_restored"})
        reading = self._clock.read(now, time.monotonic(), times)
        self._callbacks.clock_read(reading)
        self._log_clock(now, reading)
        return reading

    def _log_clock(self, now: datetime, reading: ClockReading) -> None:
        if reading.is_held and not self._was_held:
            words = (
                "the clock says %s, but the newest time in the store is %s: nothing is deleted for one hour, "
                "then retention catches up by one day per hour. Set the clock if it is wrong"
            )
            log.warning(words, _minute(now), _minute(reading.until), extra={"action": "clock_leap"})
        elif self._was_held and not reading.is_held:
            log.info("retention follows the clock again", extra={"action": "clock_followed"})
        self._was_held = reading.is_held

    async def _work(self) -> None:
        try:
            await self._run_upkeep(await self.check_clock())
            self._callbacks.measured(await self._store.size())
        except StoreError as error:
            self._failed(str(error))
        except Exception as error:
            if self.error is None:
                log.exception("tidying failed in a way that the store does not know", extra={"action": "tidy_failed"})
            self._failed(f"{type(error).__name__} inside the store")
        else:
            if self.error is not None:
                log.info("the store is tidied again", extra={"action": "tidy_recovered"})
            self.error = None

    async def _run_upkeep(self, reading: ClockReading) -> None:
        """Slice by slice while there is more to do."""
        retention = replace(self._retention, until=reading.until) if reading.is_held else self._retention
        while not self._callbacks.troubled():
            began_s = time.monotonic()
            more = await self._store.upkeep(self._callbacks.now(), retention)
            self._callbacks.slice_done(time.monotonic() - began_s)
            if not more:
                return
            await asyncio.sleep(self._intervals.breath_s)

    def _failed(self, reason: str) -> None:
        if self.error is None:
            log.warning("the store is not tidied, tried again later: %s", reason, extra={"action": "tidy_failed"})
        self.error = reason


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def retention_of(config: Config) -> Retention:
    """How long each tier is kept, as the store takes it."""
    spec = config.retention
    return Retention(
        raw=timedelta(seconds=spec.raw_s),
        hourly=timedelta(seconds=spec.hourly_s),
        daily=timedelta(seconds=spec.daily_s),
    )
