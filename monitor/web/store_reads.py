"""What readers want of the store, without letting them near it: few reads at once, each with a deadline, kept a while.

A read that is late is not broken off, since the database would not know; its place is free again when it ends. What it
brings is kept, so whoever asks again after `Retry-After` may have it at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from aiohttp import web

from monitor.store import StoreError
from monitor.web.responses import Document

log = logging.getLogger(__name__)

_HEADERS_BYTES: Final = 2048
Read: TypeAlias = Callable[[], Awaitable[Document]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """How much readers may ask of the store. It has four connections for all who read."""

    at_once: int = 2
    waiting: int = 32
    """Reads under way and in the queue; whoever comes then is sent away."""
    deadline_s: float = 3.0
    kept_s: float = 5.0
    kept_bytes: int = 16 << 20
    retry_after_s: int = 2


class StoreReads:
    """The reads under way, and what the last ones brought."""

    def __init__(self, limits: ReadLimits = ReadLimits()) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(limits.at_once)
        self._running: dict[Hashable, asyncio.Task[Document]] = {}
        self._kept: OrderedDict[Hashable, tuple[float, Document]] = OrderedDict()
        self._bytes = 0
        self.error: str | None = None
        """Why the newest read that ended failed; None: it did not."""

    @property
    def cache_control(self) -> str:
        """How long readers may keep an answer: it was kept here as long, and so is never older than twice that."""
        return f"max-age={self._limits.kept_s:.0f}"

    async def document(self, question: Hashable, read: Read) -> Document:
        """The answer to a question: one that is kept, the one that is under way, or what `read` brings.

        Raises HTTPServiceUnavailable where the store does not give it in time.
        """
        kept = self._kept.get(question)
        if kept is not None and kept[0] > self._now_s():
            return kept[1]
        task = self._running.get(question) or self._begin(question, read)
        await asyncio.wait([task], timeout=self._limits.deadline_s)
        if not task.done() or task.cancelled():
            raise self._unavailable("the store does not answer in time; try again later")
        try:
            return task.result()
        except StoreError:
            raise self._unavailable("the store cannot be read; the monitor's log says why") from None

    async def close(self) -> None:
        """Begin nothing more and wait for what is under way."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, question: Hashable, read: Read) -> asyncio.Task[Document]:
        if len(self._running) >= self._limits.waiting:
            raise self._unavailable("too many readers wait for the store; try again later")
        task = asyncio.create_task(self._in_turn(read), name="history read")
        self._running[question] = task
        task.add_done_callback(partial(self._ended, question))
        return task

    async def _in_turn(self, read: Read) -> Document:
        async with self._free:
            return await read()

    def _ended(self, question: Hashable, task: asyncio.Task[Document]) -> None:
        del self._running[question]
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._failed(error)
            return
        self.error = None
        self._keep(question, task.result())

    def _failed(self, error: BaseException) -> None:
        if self.error is None:
            trace = None if isinstance(error, StoreError) else error  # the store says itself what is wrong with it
            log.warning("history cannot be read: %s", error, exc_info=trace, extra={"action": "history_failed"})
        self.error = str(error)

    def _keep(self, question: Hashable, document: Document) -> None:
        """Keep an answer, and give up the oldest ones where there is no room."""
        self._forget(question)
        self._kept[question] = (self._now_s() + self._limits.kept_s, document)
        self._bytes += _size(document)
        while self._kept and (self._bytes > self._limits.kept_bytes or self._oldest_s() <= self._now_s()):
            self._forget(next(iter(self._kept)))

    def _forget(self, question: Hashable) -> None:
        with suppress(KeyError):
            self._bytes -= _size(self._kept.pop(question)[1])

    def _oldest_s(self) -> float:
        return next(iter(self._kept.values()))[0]

    def _unavailable(self, message: str) -> web.HTTPServiceUnavailable:
        return web.HTTPServiceUnavailable(text=message, headers={"Retry-After": str(self._limits.retry_after_s)})

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()


def _size(document: Document) -> int:
    """About what it takes of memory: with its headers."""
    return document.size_bytes + _HEADERS_BYTES
