"""Renders the scoreboard on request, a few rows at a time, so that the event loop is never blocked for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from monitor.scoreboard.board import Board
from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import Snapshot

_AT_ONCE: Final = 5
"""Rows that are rendered without a pause; usually no more change between two requests."""
_TURN_S: Final = 0.002
"""How long rows are rendered in one turn of the event loop. A request beside it takes several turns."""


class Renderer:
    """Renders one board for its readers. Rows are rendered on request only."""

    def __init__(self, board: Board, now: Callable[[], datetime]) -> None:
        self._board = board
        self._now = now
        self._task: asyncio.Task[None] | None = None

    def row(self, name: str) -> Row | None:
        """One endpoint's newest row; None: there is no such endpoint."""
        return self._board.row(name, self._now())

    async def snapshot(self) -> Snapshot:
        """The newest snapshot. Requests that arrive while one is rendered share the next one."""
        if self._task is not None:
            await asyncio.shield(self._task)
        if self._task is None:
            now = self._now()
            names = self._board.overdue(now)
            if len(names) <= _AT_ONCE:
                self._board.render(names, now)
                return self._board.renew(now)
            self._task = asyncio.create_task(self._render(names), name="render-scores")
            self._task.add_done_callback(self._done)
        await asyncio.shield(self._task)
        return self._board.snapshot

    async def close(self) -> None:
        """Cancel the rendering, because there are no readers any more."""
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _render(self, names: list[str]) -> None:
        turn_s = time.monotonic() + _TURN_S
        while names:
            for name in names:
                self._board.render([name], self._now())
                if time.monotonic() > turn_s:
                    await asyncio.sleep(0)
                    turn_s = time.monotonic() + _TURN_S
            names = self._board.unrendered  # those that another configuration has added meanwhile
        self._board.renew(self._now())

    def _done(self, _: object) -> None:
        self._task = None
