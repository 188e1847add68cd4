"""Deadlines that allow for a late event loop: data that arrived in time is handled first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_TURNS = 2
"""Turns of the event loop between a deadline and its timeout: one to read available data, one to process it.

After a process was stopped and continued, the event loop runs timers before it reads sockets.
"""


class MovableDeadline:
    """A deadline on the event loop's clock that can be moved while it runs.

    Data that arrived before the deadline is handled first, even when the event loop is late.
    """

    def __init__(self, timeout: asyncio.Timeout, at_s: float) -> None:
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle = self._loop.call_at(at_s, self._pass)
        self._closed = False
        self.at_s = at_s
        self.late_s = 0.0
        """How late the event loop noticed the deadline."""

    def move(self, at_s: float) -> None:
        """Move the deadline; no effect after it has passed or was closed."""
        if self._closed or self._timeout.expired():
            return
        self._timer.cancel()
        self._timeout.reschedule(None)
        self.at_s, self.late_s = at_s, 0.0
        self._timer = self._loop.call_at(at_s, self._pass)

    def close(self) -> None:
        """Cancel the deadline."""
        self._closed = True
        self._timer.cancel()

    def _pass(self) -> None:
        self.late_s = self._loop.time() - self.at_s
        self._end(_TURNS)

    def _end(self, turns: int) -> None:
        if turns:
            self._timer = self._loop.call_soon(self._end, turns - 1)
        else:
            self._timeout.reschedule(self.at_s)  # in the past, so it takes effect after this turn


@asynccontextmanager
async def until(at_s: float) -> AsyncIterator[MovableDeadline]:
    """Run the block until a time on the event loop's clock. Raises TimeoutError when it takes longer."""
    async with asyncio.timeout(None) as timeout:
        deadline = MovableDeadline(timeout, at_s)
        try:
            yield deadline
        finally:
            deadline.close()
