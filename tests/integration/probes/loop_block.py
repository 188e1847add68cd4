"""An event loop that is kept busy, as by a garbage collection or a machine that gives it no time."""

from __future__ import annotations

import asyncio
import threading
import time

_LONGEST_S = 10.0
_TURNS = 4
"""Of a loop, after which it has read what was there and handed it on."""
_TURN_S = 0.5
"""How long a turn may take before the loop is taken to be at its end, waiting for the provider."""


class LoopBlock:
    """Steps of a provider's script: from `begin` until `seconds` after `end` the running loop does nothing else."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._blocked = threading.Event()
        self._let_go = threading.Event()
        self._over = threading.Event()

    def begin(self) -> None:
        """Returns when the loop is blocked."""
        self._loop.call_soon_threadsafe(self._block)
        assert self._blocked.wait(_LONGEST_S)

    def end(self) -> None:
        """Let go of the loop after the seconds; returns when it is free, and has read what was there."""
        self._let_go.set()
        assert self._over.wait(_LONGEST_S)
        for _ in range(_TURNS):
            turned = threading.Event()
            self._loop.call_soon_threadsafe(turned.set)
            if not turned.wait(_TURN_S):
                return

    def _block(self) -> None:
        self._blocked.set()
        self._let_go.wait(_LONGEST_S)
        time.sleep(self._seconds)
        self._over.set()
