"""Calls that end: what the database was asked runs to its end, though whoever asked may be cancelled.

A cancelled driver call leaves its connection, and the write lock that it may hold, to a thread that nobody waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Calls:
    """The database calls under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """The call's result. When the caller is cancelled, the call goes on and its outcome is dropped."""
        task = asyncio.create_task(call, name="store call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def finished(self) -> None:
        """Wait until no call is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks)
