"""Logs dropped data at most once in an interval: while the store fails, every new sample may drop an older one."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter


class DropLog:
    """Counts what was dropped since the last record."""

    def __init__(self, log: logging.Logger, every_s: float) -> None:
        self._log = log
        self._every_s = every_s
        self._counts: Counter[str] = Counter()
        self._written_s = -math.inf

    def add(self, what: str, count: int) -> None:
        """Log that so many of something were dropped: now, or with the next record."""
        self._counts[what] += count
        if asyncio.get_running_loop().time() >= self._written_s + self._every_s:
            self.write()

    def write(self) -> None:
        """Log what was not logged yet."""
        for what, count in self._counts.items():
            words = "%s dropped because the store is failing: %d"
            self._log.error(words, what, count, extra={"action": "store_drop"})
            self._written_s = asyncio.get_running_loop().time()
        self._counts.clear()
