"""Checks once a second: event loop lag, lost log records, steps of the wall clock, and systemd's watchdog."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from monitor.daemon import systemd
from monitor.daemon.log_queue import LogLosses, losses
from monitor.scheduler.scheduler import Schedule
from monitor.workers.loop_lag import LoopLag
from monitor.workers.pool import WorkerPool
from monitor.workers.runner import Runner

log = logging.getLogger(__name__)

_BEAT_S: Final = 1.0
_CLOCK_STEP_S: Final = 1.0
_LAG_BEAT_S: Final = 0.2
"""Interval of lag measurements. Short intervals are not needed: no probe is timed on this event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatCallbacks:
    """The functions that each heartbeat calls."""

    loop_lag: Callable[[float], None]
    """Takes the largest event loop lag since the last heartbeat, in seconds."""
    log_losses: Callable[[LogLosses], None]
    """Takes the number of log records that were lost since the last heartbeat."""
    is_ahead: Callable[[datetime], bool]
    """Whether the daemon used a time later than this one: the clock stepped forward and back between two heartbeats."""
    clock_stepped: Callable[[datetime], None]
    """Takes the new time after a step of the wall clock."""
    is_alive: Callable[[float], bool]
    """Whether probing makes progress; takes the allowed delay in seconds."""


class Heartbeat:
    """Runs once a second while the daemon serves. Pings systemd's watchdog only while probing makes progress."""

    def __init__(
        self,
        callbacks: HeartbeatCallbacks,
        notifier: systemd.Notifier,
        watchdog_s: float | None,
        wall_clock_s: Callable[[], float] = time.time,
        beat_s: float = _BEAT_S,
    ) -> None:
        """`watchdog_s`: the interval of watchdog pings; None: no watchdog."""
        self._callbacks = callbacks
        self._notifier = notifier
        self._watchdog_s = watchdog_s
        self._wall_clock_s = wall_clock_s
        self._beat_s = beat_s if watchdog_s is None else min(beat_s, watchdog_s / 2)
        self._offset_s = self._offset_now_s()
        self._losses = LogLosses()

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            lag = LoopLag(_LAG_BEAT_S)
            group.create_task(lag.watch(), name="loop-lag")
            while True:
                await asyncio.sleep(self._beat_s)
                self._callbacks.loop_lag(lag.take())
                self._follow_clock()
                self._count_log_losses()
                if self._watchdog_s is not None and self._callbacks.is_alive(2 * self._watchdog_s):
                    self._notifier.watchdog()

    def _count_log_losses(self) -> None:
        before, self._losses = self._losses, losses()
        dropped, suppressed = self._losses.dropped - before.dropped, self._losses.suppressed - before.suppressed
        self._callbacks.log_losses(LogLosses(dropped=dropped, suppressed=suppressed))

    def _follow_clock(self) -> None:
        before_s, self._offset_s = self._offset_s, self._offset_now_s()
        step_s, now = self._offset_s - before_s, datetime.fromtimestamp(self._wall_clock_s(), UTC)
        if abs(step_s) > _CLOCK_STEP_S or self._callbacks.is_ahead(now):
            log.warning("the wall clock was stepped by %+.1f s", step_s, extra={"action": "clock_step"})
            self._callbacks.clock_stepped(now)

    def _offset_now_s(self) -> float:
        return self._wall_clock_s() - time.monotonic()


class ProbeProgress:
    """Whether probing makes progress, for systemd's watchdog."""

    def __init__(self, schedule: Schedule, runner: Runner, pool: WorkerPool) -> None:
        self._schedule = schedule
        self._runner = runner
        self._pool = pool
        self._began_s = time.monotonic()

    def is_alive(self, margin_s: float) -> bool:
        """False if a probe is overdue by more than the margin and no worker has answered since it was due."""
        now, now_s = datetime.now(UTC), time.monotonic()
        next_due = self._schedule.next_due()
        due_s = systemd.next_due_s(
            next_tick_s=None if next_due is None else now_s + (next_due - now).total_seconds(),
            running_until_s=self._runner.running_until_s.values(),
            waiting_since_s=self._runner.waiting_since_s.values(),
            first_given_up_s=self._runner.first_given_up_s,
        )
        progress_s = self._pool.last_answer_s or self._began_s
        return systemd.is_alive(now_s=now_s, last_progress_s=progress_s, due_s=due_s, margin_s=margin_s)
