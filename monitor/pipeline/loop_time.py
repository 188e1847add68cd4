"""Deadlines without the event loop's own lag: an answer that waits for a busy event loop is not late.

A deadline consists of short steps. However late the event loop ends a step, the step counts once, and answers that
arrived meanwhile are handled before the next step begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

_STEPS: Final = 20


async def within(seconds: float, event: asyncio.Event) -> bool:
    """Whether the event is set within so many seconds, without event loop lag."""
    for _ in range(_STEPS):
        try:
            async with asyncio.timeout(seconds / _STEPS):
                await event.wait()
        except TimeoutError:
            continue
        return True
    return event.is_set()


async def set_within(seconds: float, event: asyncio.Event) -> bool:
    """Whether the event is set within so many seconds, the loop's own lag included."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


class Alarm:
    """A context manager that calls `late` when it lasts longer than so many seconds, without event loop lag."""

    def __init__(self, seconds: float, late: Callable[[], None]) -> None:
        self._step_s = seconds / _STEPS
        self._late = late
        self._left = _STEPS

    def __enter__(self) -> None:
        self._begin_step()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _begin_step(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._step_s, self._end_step)

    def _end_step(self) -> None:
        self._left -= 1
        if self._left:
            self._begin_step()
        else:
            self._late()
