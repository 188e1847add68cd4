"""The heartbeat: its reports, and the pings of the watchdog."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from monitor.daemon.heartbeat import Heartbeat, HeartbeatCallbacks
from monitor.daemon.log_queue import LogLosses
from monitor.daemon.systemd import Notifier
from tests.integration.daemon.parts import end, until


@dataclass
class Watched:
    """A heart that beats fast, and what it reported."""

    ahead: bool = False
    alive: bool = True
    shift_s: float = 0.0
    lags_s: list[float] = field(default_factory=list)
    lost: list[LogLosses] = field(default_factory=list)
    steps: list[datetime] = field(default_factory=list)
    margins_s: list[float] = field(default_factory=list)

    def heart(self, watchdog_s: float | None = None, address: str | None = None) -> Heartbeat:
        callbacks = HeartbeatCallbacks(
            loop_lag=self.lags_s.append,
            log_losses=self.lost.append,
            is_ahead=lambda _: self.ahead,
            clock_stepped=self.steps.append,
            is_alive=self._is_alive,
        )
        notifier = Notifier.from_env({} if address is None else {"NOTIFY_SOCKET": address})
        return Heartbeat(callbacks, notifier, watchdog_s, lambda: time.time() + self.shift_s, beat_s=0.002)

    def _is_alive(self, margin_s: float) -> bool:
        self.margins_s.append(margin_s)
        return self.alive

    async def beats(self, count: int) -> None:
        seen = len(self.lags_s)
        await until(lambda: len(self.lags_s) >= seen + count)


@asynccontextmanager
async def beating(heart: Heartbeat) -> AsyncIterator[None]:
    task = asyncio.create_task(heart.run())
    yield
    await end(task)


async def test_each_beat_reports_lag_and_losses_and_a_steady_clock_is_no_step() -> None:
    watched = Watched()
    async with beating(watched.heart()):
        await watched.beats(5)
    assert all(lag_s >= 0 for lag_s in watched.lags_s)
    assert sum(lost.dropped for lost in watched.lost[1:]) == 0
    assert (watched.steps, watched.margins_s) == ([], [])


async def test_a_step_of_the_wall_clock_is_reported_once_with_the_time_that_it_shows() -> None:
    watched = Watched()
    async with beating(watched.heart()):
        await watched.beats(1)
        watched.shift_s = -86_400.0
        await watched.beats(3)
    (shown,) = watched.steps
    assert shown < datetime.now(UTC)
    assert shown.tzinfo is UTC


async def test_a_leap_that_came_back_between_two_beats_is_a_step_too() -> None:
    watched = Watched(ahead=True)
    async with beating(watched.heart()):
        await until(lambda: watched.steps)


async def test_the_watchdog_is_fed_while_probing_moves_only(tmp_path: Path) -> None:
    watched = Watched(alive=False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        async with beating(watched.heart(watchdog_s=7.0, address=str(tmp_path / "notify"))):
            await watched.beats(3)
            heard = _heard(systemd)
            watched.alive = True
            await watched.beats(3)
            assert (heard, set(_heard(systemd))) == ([], {b"WATCHDOG=1"})
    assert set(watched.margins_s) == {14.0}


def _heard(systemd: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(systemd.recv(100))
        except BlockingIOError:
            return found
