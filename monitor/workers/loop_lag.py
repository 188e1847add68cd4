"""Event loop lag."""

from __future__ import annotations

import asyncio
import time

_BEAT_S = 0.05


class LoopLag:
    """Measures how late the event loop wakes up."""

    def __init__(self, beat_s: float = _BEAT_S) -> None:
        self._beat_s = beat_s
        self._worst_s = 0.0

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            due_s = time.monotonic() + self._beat_s
            await asyncio.sleep(self._beat_s)
            self._worst_s = max(self._worst_s, time.monotonic() - due_s)

    def take(self) -> float:
        """The largest lag in seconds since the last call."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s
