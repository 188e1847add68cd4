"""A deadline that a late event loop does not bring forward."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_TURNS = 2
"""Of the event loop between a deadline and the end of waiting: one to read what is there, one to hand it on.

A loop whose process was stopped and continued runs its timers before it looks at its sockets.
"""


class MovableDeadline:
    """When waiting ends, by the event loop's clock; it can be moved while the waiting lasts.

    What has come by then is taken first, even when the loop itself looks late.
    """

    def __init__(self, timeout: asyncio.Timeout, at_s: float) -> None:
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle = self._loop.call_at(at_s, self._pass)
        self._closed = False
        self.at_s = at_s
        self.late_s = 0.0
        """How late the event loop was to see it pass."""

    def move(self, at_s: float) -> None:
        """Wait until then instead; of no effect once the waiting has ended."""
        if self._closed or self._timeout.expired():
            return
        self._timer.cancel()
        self._timeout.reschedule(None)
        self.at_s, self.late_s = at_s, 0.0
        self._timer = self._loop.call_at(at_s, self._pass)

    def close(self) -> None:
        """The waiting has ended."""
        self._closed = True
        self._timer.cancel()

    def _pass(self) -> None:
        self.late_s = self._loop.time() - self.at_s
        self._end(_TURNS)

    def _end(self, turns: int) -> None:
        if turns:
            self._timer = self._loop.call_soon(self._end, turns - 1)
        else:
            self._timeout.reschedule(self.at_s)  # which has passed: it takes effect after this turn


@asynccontextmanager
async def until(at_s: float) -> AsyncIterator[MovableDeadline]:
    """Let the block run until then by the event loop's clock. Raises TimeoutError when it takes longer."""
    async with asyncio.timeout(None) as timeout:
        deadline = MovableDeadline(timeout, at_s)
        try:
            yield deadline
        finally:
            deadline.close()
