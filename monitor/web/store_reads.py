"""Limits how HTTP clients read the store: few concurrent reads, each with a deadline; results are cached for seconds.

A late read is not cancelled, since the database would continue it; its slot is free when it ends. Its result is
cached, so that a client that repeats the request after `Retry-After` may get it at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from aiohttp import web

from monitor.domain.ongoing_failure import OngoingFailure
from monitor.store import StoreError
from monitor.web.responses import Document, ready

log = logging.getLogger(__name__)

_HEADERS_BYTES: Final = 2048
Read: TypeAlias = Callable[[], Awaitable[Document]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """Limits of reads. The store has four connections for reads."""

    at_once: int = 2
    waiting: int = 32
    """Most running and queued reads; further requests get a 503."""
    deadline_s: float = 3.0
    kept_s: float = 5.0
    kept_bytes: int = 16 << 20
    retry_after_s: int = 2


class StoreReads:
    """The running reads, and the cached results of finished ones."""

    def __init__(self, limits: ReadLimits = ReadLimits()) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(limits.at_once)
        self._running: dict[Hashable, asyncio.Task[Document]] = {}
        self._kept: OrderedDict[Hashable, tuple[float, Document]] = OrderedDict()
        self._bytes = 0
        self._failure = OngoingFailure()

    @property
    def cache_control(self) -> str:
        """How long clients may cache an answer. It was cached here as long, so it is at most twice as old."""
        return f"max-age={self._limits.kept_s:.0f}"

    def json(self, document: object) -> Document:
        """A JSON answer to cache. It takes long if it is large."""
        return ready(
            json.dumps(document, separators=(",", ":"), allow_nan=False).encode(), cache_control=self.cache_control
        )

    async def document(self, question: Hashable, read: Read) -> Document:
        """The answer to a question: cached, from a running read, or from `read`.

        Raises HTTPServiceUnavailable if the store does not answer in time.
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
            raise self._unavailable("the store cannot be read; the daemon's log has the details") from None

    async def close(self) -> None:
        """Cancel all reads and wait for their end."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, question: Hashable, read: Read) -> asyncio.Task[Document]:
        if len(self._running) >= self._limits.waiting:
            raise self._unavailable("too many requests are waiting for the store; try again later")
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
        if self._failure.ends():
            log.info("history can be read again", extra={"action": "history_recovered"})
        self._keep(question, task.result())

    def _failed(self, error: BaseException) -> None:
        if self._failure.begins(str(error)):
            trace = None if isinstance(error, StoreError) else error  # a StoreError has the reason in its message
            log.warning("cannot read history: %s", error, exc_info=trace, extra={"action": "history_failed"})

    def _keep(self, question: Hashable, document: Document) -> None:
        """Cache an answer; discard expired answers, and the oldest ones if the cache is full."""
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
    """Estimated memory of a document with its headers."""
    return document.size_bytes + _HEADERS_BYTES
