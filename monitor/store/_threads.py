"""Calls in threads of their own: a transaction is one call in one thread, and one turn of the event loop.

A call that has begun runs to its end, though the caller may be cancelled: a thread cannot be broken off, and its
connection may hold the write lock. The threads are daemons: one that hangs in a database keeps no process alive.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from select import select
from typing import Any, Final, Generic, TypeAlias, TypeVar

from monitor.store._protocol import StoreError

Result = TypeVar("Result")
_MOST: Final = 1_000
"""Calls that may wait. The daemon's own parts ask one after the other, so more means that the database hangs."""
_BREATH_S: Final = 2e-5
"""Long enough for the kernel to let another thread have the interpreter."""


class QueuedCall(Generic[Result]):
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

    def fail(self, error: StoreError) -> None:
        """Answer without doing the work, in the event loop."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def _tell(self, put: Callable[[Any], None], value: object) -> None:
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self._put, put, value)

    def _put(self, put: Callable[[Any], None], value: object) -> None:
        if not self.answer.done():
            put(value)


_Queue: TypeAlias = "SimpleQueue[QueuedCall[Any] | None]"


def _nothing() -> None:
    """For a call that only says that those before it are done."""


class Threads:
    """A few threads that take calls in the order in which they come."""

    def __init__(self, name: str, count: int, *, droppable: bool, most: int = _MOST) -> None:
        """`droppable`: a call that was cancelled before it began is not made. `most`: calls that may wait."""
        self._name = name
        self._count = count
        self._droppable = droppable
        self._most = most
        self._queue: _Queue = SimpleQueue()
        self._running = 0
        self._is_ending = False

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, done by the next thread that is free. Raises StoreError when too many calls wait."""
        if self._is_ending:
            raise StoreError(f"the {self._name} is being closed")
        if self._queue.qsize() >= self._most:
            raise StoreError(f"{self._most} calls are waiting for the {self._name}: find out why the database is slow")
        self._start()
        call = QueuedCall(work, droppable=self._droppable)
        self._queue.put(call)
        return await call.answer

    async def end(self) -> None:
        """Let the threads end once every call before this one is done. Calls that come later start new ones."""
        self._is_ending = True
        try:
            last = [QueuedCall(_nothing, droppable=False) for _ in range(self._running)]
            for call in last:
                self._queue.put(call)
                self._queue.put(None)
            await asyncio.gather(*(call.answer for call in last))
            self._running = 0
        finally:
            self._is_ending = False

    def drop(self, last: Callable[[], None] = _nothing) -> None:
        """Let the calls that have not begun fail, and each thread end when it is done with its own, and with `last`."""
        with suppress(Empty):
            while True:
                call = self._queue.get_nowait()
                if call is not None:
                    call.fail(StoreError(f"the {self._name} was closed before this call ran"))
        for _ in range(self._running):
            call = QueuedCall(last, droppable=False)
            call.answer.cancel()
            self._queue.put(call)
            self._queue.put(None)
        self._queue, self._running = SimpleQueue(), 0

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


def yield_to_loop() -> None:
    """Let the event loop have its turn: work in a thread holds it up for as long as it computes.

    Not by `time.sleep`, which waits for a moment of a clock and fails where that is faked.
    """
    select((), (), (), _BREATH_S)
