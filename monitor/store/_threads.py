"""Runs store calls in threads: a transaction is one call in one thread.

A running call finishes even when its caller is cancelled: a thread cannot be interrupted, and its connection may hold
the write lock. The threads are daemon threads, so a hanging database does not keep the process alive.
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
"""The maximum number of waiting calls. The daemon makes few calls at a time, so more means that the database hangs."""
_NAME: Final = "store "
_BREATH_S: Final = 2e-5
"""Long enough for the kernel to switch to another thread."""


class _QueuedCall(Generic[Result]):
    """A call for a thread, and the future of its result."""

    def __init__(self, work: Callable[[], Result], *, droppable: bool) -> None:
        self._work = work
        self._droppable = droppable
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Result] = self._loop.create_future()

    def run(self) -> None:
        """Run the call in the thread. The result of a cancelled call is dropped."""
        if self._droppable and self.answer.cancelled():
            return
        try:
            result = self._work()
        except Exception as error:  # noqa: BLE001  # raised at the caller
            self._tell(self.answer.set_exception, error)
        else:
            self._tell(self.answer.set_result, result)

    def fail(self, error: StoreError) -> None:
        """Fail the call without running it, in the event loop."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def _tell(self, put: Callable[[Any], None], value: object) -> None:
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self._put, put, value)

    def _put(self, put: Callable[[Any], None], value: object) -> None:
        if not self.answer.done():
            put(value)


_Queue: TypeAlias = "SimpleQueue[_QueuedCall[Any] | None]"


def _nothing() -> None:
    """A call that only marks the end of earlier calls."""


class Threads:
    """A few threads that run calls in the order of their arrival."""

    def __init__(self, name: str, count: int, *, droppable: bool, most: int = _MOST) -> None:
        """`droppable`: a call that was cancelled before it began is skipped. `most`: how many calls may wait."""
        self._name = name
        self._count = count
        self._droppable = droppable
        self._most = most
        self._queue: _Queue = SimpleQueue()
        self._running = 0
        self._is_ending = False

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in the next free thread. Raises StoreError when too many calls wait."""
        if self._is_ending:
            raise StoreError(f"{self._name}: is being closed")
        if self._queue.qsize() >= self._most:
            raise StoreError(f"{self._name}: {self._most} calls are waiting: check why the database is slow")
        self._start()
        call = _QueuedCall(work, droppable=self._droppable)
        self._queue.put(call)
        return await call.answer

    async def end(self) -> None:
        """End the threads after all earlier calls. Later calls start new threads."""
        self._is_ending = True
        try:
            last = [_QueuedCall(_nothing, droppable=False) for _ in range(self._running)]
            for call in last:
                self._queue.put(call)
                self._queue.put(None)
            await asyncio.gather(*(call.answer for call in last))
            self._running = 0
        finally:
            self._is_ending = False

    def drop(self, last: Callable[[], None] = _nothing) -> None:
        """Fail the calls that have not begun. Each thread ends after its running call and `last`."""
        with suppress(Empty):
            while True:
                call = self._queue.get_nowait()
                if call is not None:
                    call.fail(StoreError(f"{self._name}: closed before this call ran"))
        for _ in range(self._running):
            call = _QueuedCall(last, droppable=False)
            call.answer.cancel()
            self._queue.put(call)
            self._queue.put(None)
        self._queue, self._running = SimpleQueue(), 0

    def _start(self) -> None:
        while self._running < self._count:
            try:
                threading.Thread(target=_serve, args=(self._queue,), name=self._name, daemon=True).start()
            except RuntimeError as error:
                raise StoreError(f"{self._name}: thread not started: {error}: allow more threads") from error
            self._running += 1


def _serve(queue: _Queue) -> None:
    """Run calls until a None in the queue."""
    while (call := queue.get()) is not None:
        call.run()
        del call  # frees its result


def is_store_thread(thread: threading.Thread) -> bool:
    """Whether a thread runs calls of a store."""
    return thread.name.startswith(_NAME)


def yield_to_loop() -> None:
    """Give the event loop a turn: a computing thread blocks it through the interpreter lock.

    `time.sleep` would fail in tests with a fake clock.
    """
    select((), (), (), _BREATH_S)
