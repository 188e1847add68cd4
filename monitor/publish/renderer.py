"""Renders the scoreboard for readers when they ask, a few rows at a time: the loop is never held up for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from monitor.publish.board import Board
from monitor.publish.scores import Row
from monitor.publish.snapshot import Snapshot

_SLICE: Final = 40
"""Rows that are rendered in one turn of the loop: some milliseconds' worth, and more than usually change at once."""


class Renderer:
    """What readers of one board get. Rows are rendered on request only."""

    def __init__(self, board: Board, now: Callable[[], datetime]) -> None:
        self._board = board
        self._now = now
        self._task: asyncio.Task[None] | None = None

    def row(self, name: str) -> Row | None:
        """One endpoint's newest row; None where there is no such endpoint."""
        return self._board.row(name, self._now())

    async def snapshot(self) -> Snapshot:
        """The newest snapshot. Those who ask while one is made share the next, which holds what came since it began."""
        if self._task is not None:
            await asyncio.shield(self._task)
        if self._task is None:
            now = self._now()
            names = self._board.overdue(now)
            if len(names) <= _SLICE:
                self._board.render(names, now)
                return self._board.renew(now)
            self._task = asyncio.create_task(self._render(names), name="render-scores")
            self._task.add_done_callback(self._done)
        await asyncio.shield(self._task)
        return self._board.snapshot

    async def _render(self, names: list[str]) -> None:
        for begin in range(0, len(names), _SLICE):
            self._board.render(names[begin : begin + _SLICE], self._now())
            await asyncio.sleep(0)
        self._board.renew(self._now())

    def _done(self, _: object) -> None:
        self._task = None
