"""Housekeeping of the store while the daemon runs: one short slice at a time, so that writes do not wait.

It pauses while the store fails, so that samples have priority.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.domain.ongoing_failure import OngoingFailure
from monitor.pipeline.store_call import store_call
from monitor.store import Retention, Size, Store, StoreError
from monitor.store.retention_clock import ClockReading, RetentionClock, horizon_to_restore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HousekeeperCallbacks:
    """The functions that the housekeeper calls."""

    now: Callable[[], datetime]
    troubled: Callable[[], bool]
    """Whether the store fails."""
    slice_done: Callable[[float], None]
    """After each slice, with its duration in seconds."""
    measured: Callable[[Size], None]
    """Takes the size of the store after housekeeping."""
    clock_read: Callable[[ClockReading], None] = lambda _: None
    """Takes each reading of the clock that retention uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HousekeepingIntervals:
    """Intervals of the housekeeper."""

    breath_s: float = 0.02
    """Pause between two slices while there is more to do."""
    every_s: float = 30.0
    """From the last slice to the next run."""


class Housekeeper:
    """Runs the housekeeping of a store, and measures its size each time."""

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
        self._failure = OngoingFailure()

    @property
    def error(self) -> str | None:
        """Why the last run failed; None: it succeeded."""
        return self._failure.reason

    async def run(self) -> None:
        """Run housekeeping until cancelled."""
        while True:
            self._look.clear()
            if not self._callbacks.troubled():
                await self._work()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._intervals.every_s):
                    await self._look.wait()

    def apply(self, retention: Retention) -> None:
        """Use another retention from now on, and run housekeeping at once."""
        self._retention = retention
        self.look()

    def look(self) -> None:
        """Run at once: the wall clock was stepped."""
        self._look.set()

    async def check_clock(self) -> ClockReading:
        """Compare the clock with the store, and lower a retention horizon that a clock ahead of time has set."""
        now, times = self._callbacks.now(), await self._store.times()
        restored = horizon_to_restore(now, self._retention.raw, times)
        if restored is not None and times.horizon is not None:
            await self._store.lower_horizon(restored)
            words = (
                "retention horizon set back from %s to %s: it was set while the clock was ahead. "
                "Later samples are stored again"
            )
            log.warning(words, _minute(times.horizon), _minute(restored), extra={"action": "horizon_restored"})
        reading = self._clock.read(now, time.monotonic(), times)
        self._callbacks.clock_read(reading)
        self._log_clock(now, reading)
        return reading

    def _log_clock(self, now: datetime, reading: ClockReading) -> None:
        if reading.is_held and not self._was_held:
            words = (
                "the clock is at %s, but the newest time in the store is %s: retention deletes nothing for one hour, "
                "then catches up by one day per hour. Set the clock if it is wrong"
            )
            log.warning(words, _minute(now), _minute(reading.until), extra={"action": "clock_leap"})
        elif self._was_held and not reading.is_held:
            log.info("retention follows the clock again", extra={"action": "clock_followed"})
        self._was_held = reading.is_held

    async def _work(self) -> None:
        try:
            with store_call(self._failure, log, "store housekeeping failed: unexpected error", "tidy_failed"):
                await self._run_upkeep(await self.check_clock())
                self._callbacks.measured(await self._store.size())
        except StoreError as error:
            self._failed(str(error))
        else:
            if self._failure.ends():
                log.info("store housekeeping works again", extra={"action": "tidy_recovered"})

    async def _run_upkeep(self, reading: ClockReading) -> None:
        """Run slices while there is more to do and the store works."""
        retention = replace(self._retention, until=reading.until) if reading.is_held else self._retention
        while not self._callbacks.troubled():
            began_s = time.monotonic()
            more = await self._store.upkeep(self._callbacks.now(), retention)
            self._callbacks.slice_done(time.monotonic() - began_s)
            if not more:
                return
            await asyncio.sleep(self._intervals.breath_s)

    def _failed(self, reason: str) -> None:
        if self._failure.begins(reason):
            log.warning("store housekeeping failed; trying again: %s", reason, extra={"action": "tidy_failed"})


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
