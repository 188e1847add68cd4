"""Calls in threads of their own: a transaction is one call in one thread, and one turn of the event loop.

A call that has begun runs to its end, though the caller may be cancelled: a thread cannot be broken off, and its
connection may hold the write lock. The threads are daemons: one that hangs in a database keeps no process alive.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeAlias, TypeVar

from monitor.store._protocol import StoreError

Result = TypeVar("Result")
_MOST: Final = 1_000
"""Calls that may wait. The daemon's own parts ask one after the other, so more means that the database hangs."""


class Call(Generic[Result]):
    """A call on its way to a thread, and its answer on the way back."""

    def __init__(self, work: Callable[[], Result], *, droppable: bool) -> None:
        self._work = work
        self._droppable = droppable
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Result] = self._loop.create_future()

    def run(self) -> None:
        """Do the work, in the thread; the answer of a call that was cancelled is dropped."""
        if self._droppable and self.answer.cancelled():
            return
        try:
            result = self._work()
        except Exception as error:  # noqa: BLE001  # the caller's to judge
            self._tell(self.answer.set_exception, error)
        else:
            self._tell(self.answer.set_result, result)

    def _tell(self, put: Callable[[Any], None], value: object) -> None:
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self._put, put, value)

    def _put(self, put: Callable[[Any], None], value: object) -> None:
        if not self.answer.done():
            put(value)


_Queue: TypeAlias = "SimpleQueue[Call[Any] | None]"


class Threads:
    """A few threads that take calls in the order in which they come."""

    def __init__(self, name: str, count: int, *, droppable: bool) -> None:
        """`droppable`: a call that was cancelled before it began is not made."""
        self._name = name
        self._count = count
        self._droppable = droppable
        self._queue: _Queue = SimpleQueue()
        self._running = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, done by the next thread that is free. Raises StoreError when too many calls wait."""
        if self._queue.qsize() >= _MOST:
            raise StoreError(f"{_MOST} calls wait for the {self._name} already: see why the database is slow")
        self._start()
        call = Call(work, droppable=self._droppable)
        self._queue.put(call)
        return await call.answer

    async def end(self) -> None:
        """Let the threads end once every call before this one is done. More calls start new threads."""
        queue, count = self._queue, self._running
        self._queue, self._running = SimpleQueue(), 0
        last = [Call(_nothing, droppable=False) for _ in range(count)]
        for call in last:
            queue.put(call)
            queue.put(None)
        await asyncio.gather(*(call.answer for call in last))

    def _start(self) -> None:
        while self._running < self._count:
            try:
                threading.Thread(target=_serve, args=(self._queue,), name=self._name, daemon=True).start()
            except RuntimeError as error:
                raise StoreError(f"the {self._name} cannot start: {error}: allow more threads") from error
            self._running += 1


def _serve(queue: _Queue) -> None:
    """Do what comes until None comes."""
    while (call := queue.get()) is not None:
        call.run()
        del call  # and with it what it brought


def _nothing() -> None:
    """For a call that only says that those before it are done."""


def breathe() -> None:
    """Let the event loop have its turn: work in a thread holds it up for as long as it computes."""
    time.sleep(0)
