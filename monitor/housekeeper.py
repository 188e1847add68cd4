"""Keeps the store quick and small while the daemon runs: a slice at a time, so that nobody waits for it.

It stands back while the store does not take samples: what little such a store can do belongs to them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from monitor.store import Retention, Size, Store, StoreError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who is asked, and who is told of what."""

    now: Callable[[], datetime]
    troubled: Callable[[], bool]
    """Whether the store does not take samples."""
    slice_done: Callable[[float], None]
    """After each slice: the seconds that it took."""
    measured: Callable[[Size], None]
    """How large the store is, after tidying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often things are done."""

    breath_s: float = 0.02
    """Between two slices, while there is more to do."""
    every_s: float = 30.0
    """From the last slice to the next look."""


class Housekeeper:
    """Tidies for ever, and measures each time."""

    def __init__(self, store: Store, retention: Retention, told: Told, rhythm: Rhythm = Rhythm()) -> None:
        self._store = store
        self._retention = retention
        self._told = told
        self._rhythm = rhythm
        self.error: str | None = None
        """Why it could not do its work when it last tried; None: it could."""

    async def run(self) -> None:
        """Tidy and measure until cancelled."""
        while True:
            if not self._told.troubled():
                await self._work()
            await asyncio.sleep(self._rhythm.every_s)

    async def _work(self) -> None:
        try:
            await self._tidy()
            self._told.measured(await self._store.size())
        except StoreError as error:
            self._failed(str(error))
        except Exception as error:
            if self.error is None:
                log.exception("tidying failed in a way that the store does not know", extra={"action": "tidy_failed"})
            self._failed(f"{type(error).__name__} inside the store")
        else:
            if self.error is not None:
                log.info("the store is tidied again", extra={"action": "tidy_recovered"})
            self.error = None

    async def _tidy(self) -> None:
        """Slice by slice while there is more to do."""
        while not self._told.troubled():
            began_s = time.monotonic()
            more = await self._store.tidy(self._told.now(), self._retention)
            self._told.slice_done(time.monotonic() - began_s)
            if not more:
                return
            await asyncio.sleep(self._rhythm.breath_s)

    def _failed(self, reason: str) -> None:
        if self.error is None:
            log.warning("the store is not tidied, tried again later: %s", reason, extra={"action": "tidy_failed"})
        self.error = reason
