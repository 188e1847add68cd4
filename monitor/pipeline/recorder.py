"""Judges samples, stores them, then publishes the result.

A change is published after its samples are committed, so that a restart does not lose published data. Publishing waits
for the store for a short time only. If the store stalls or fails, publishing continues without it, so no verdict
depends on the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from monitor.domain.incident import Incident
from monitor.pipeline.loop_time import set_within
from monitor.pipeline.write_queue import USUAL_LIMITS, QueueLimits, WriteQueue, WriteQueueCallbacks
from monitor.scoreboard.absorbed import Absorbed
from monitor.scoreboard.board import Board, StatusChange
from monitor.store import Store, StoreError
from monitor.traffic.calls import Call, StoppingError
from probes._model import Sample

_LOOK_S = 0.01
_Named = TypeVar("_Named", Sample, Call)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderCallbacks:
    """The functions that the recorder calls."""

    observe: Callable[[Sample], None]
    """Takes every sample when its effect is published."""
    published: Callable[[Sequence[StatusChange]], None]
    """Takes the changed statuses after each publication."""
    due: Callable[[str, datetime], None]
    """Takes when the next probe of an endpoint is due; it may be in the past."""
    dropped: Callable[[int], None]
    """Takes how many samples or reported requests were dropped."""
    stored: Callable[[], None] = lambda: None
    """Called when new samples are in the store."""
    absorbed: Callable[[Absorbed], None] = lambda _: None
    """Takes what new samples changed, before it is stored and published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderIntervals:
    """Intervals of judging and publishing."""

    gather_s: float = 0.05
    """How long reported traffic waits for more, so that many reports are handled together."""
    longest_s: float = 5.0
    """The longest time between two publications without new samples: the wall clock may be stepped meanwhile."""


class Recorder:
    """Takes samples from the runner; decides the order of storing and publishing."""

    def __init__(
        self,
        board: Board,
        store: Store,
        callbacks: RecorderCallbacks,
        limits: QueueLimits = USUAL_LIMITS,
        intervals: RecorderIntervals = RecorderIntervals(),
    ) -> None:
        self._board = board
        self._callbacks = callbacks
        self._intervals = intervals
        self._arrived: list[Sample] = []
        self._calls: list[Call] = []
        self._next_published = asyncio.Event()
        """Set when the calls that arrive now are published."""
        self._unpublished_events: list[asyncio.Event] = []
        """Events of calls that are not published yet; several when a turn was cancelled."""
        self._closed = False
        self.judging_lock = asyncio.Lock()
        """While this lock is held, no sample is judged or published."""
        self._news = asyncio.Event()
        self._unpublished: list[Sample] = []
        queue_callbacks = WriteQueueCallbacks(stored=callbacks.stored, dropped=callbacks.dropped, held=board.states)
        self._queue = WriteQueue(store, queue_callbacks, limits)

    @property
    def queue_length(self) -> int:
        """Samples that are not stored yet."""
        return len(self._arrived) + self._queue.length

    @property
    def anything_waits(self) -> bool:
        """Whether anything that was judged is not stored yet."""
        return self._queue.anything_waits

    @property
    def store_error(self) -> str | None:
        """Why the store fails; None: it works."""
        return self._queue.error

    def put(self, sample: Sample) -> None:
        """Take a sample; does not block."""
        self._arrived.append(sample)
        self._news.set()

    def take(self, calls: Sequence[Call]) -> Coroutine[Any, Any, None]:
        """Take reported traffic. Await the result until its effect is published, and stored unless the store stalls.

        Raises StoppingError at once when the recorder is closed; then it has taken nothing.
        """
        if self._closed:
            raise StoppingError
        if not calls:
            return _wait_for(None)
        if not self._calls:
            asyncio.get_running_loop().call_later(self._intervals.gather_s, self._news.set)
        self._calls += calls
        return _wait_for(self._next_published)

    async def stored(self) -> None:
        """Wait until everything that was judged is stored. Raises StoreError while the store fails."""
        while self.anything_waits:
            if self.store_error is not None:
                raise StoreError(self.store_error)
            await asyncio.sleep(_LOOK_S)

    def rename(self, aliases: Mapping[str, str]) -> None:
        """What arrived under former ids belongs to the present ones. `aliases`: former ids to present ones."""
        self._arrived = [renamed(sample, aliases) for sample in self._arrived]
        self._calls = [renamed(call, aliases) for call in self._calls]

    def end(self, incidents: Sequence[Incident]) -> None:
        """Store incidents that another configuration ended."""
        if incidents:
            self._record([], [], Absorbed(states={}, due={}, incidents=incidents))

    async def run(self) -> None:
        """Judge, store and publish until cancelled; also without samples, when time alone changes a status."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._queue.run(), name="store-writer")
            while True:
                await set_within(self._idle_s(), self._news)
                async with self.judging_lock:
                    await self._turn()

    def _idle_s(self) -> float:
        """How long to wait for samples until the next publication."""
        moment, longest_s = self._board.next_moment, self._intervals.longest_s
        return longest_s if moment is None else min((moment - datetime.now(UTC)).total_seconds(), longest_s)

    async def flush(self, patience_s: float) -> None:
        """Judge, store and publish what is left. Waits for the store up to `patience_s`. Takes no more traffic."""
        self._closed = True
        self._absorb()
        await self._queue.flush(patience_s)
        self._publish()

    async def _turn(self) -> None:
        if self._absorb():
            await self._queue.wait()
        self._publish()

    def _absorb(self) -> bool:
        """Judge what arrived and queue it for the store; False: nothing arrived."""
        batch, self._arrived = self._arrived, []
        calls, self._calls = self._calls, []
        self._news.clear()
        if not batch and not calls:
            return False
        self._unpublished_events.append(self._next_published)
        self._next_published = asyncio.Event()
        absorbed = self._board.absorb(batch, calls)
        self._unpublished += batch
        self._record(batch, calls, absorbed)
        for endpoint, at in absorbed.due.items():
            self._callbacks.due(endpoint, at)
        return True

    def _record(self, samples: Sequence[Sample], calls: Sequence[Call], absorbed: Absorbed) -> None:
        self._queue.put(samples, calls, absorbed)
        self._callbacks.absorbed(absorbed)

    def _publish(self) -> None:
        batch, self._unpublished = self._unpublished, []
        for sample in batch:
            self._callbacks.observe(sample)
        self._callbacks.published(self._board.commit(datetime.now(UTC)))
        for published in self._unpublished_events:
            published.set()
        self._unpublished_events.clear()


async def _wait_for(event: asyncio.Event | None) -> None:
    if event is not None:
        await event.wait()


def renamed(item: _Named, aliases: Mapping[str, str]) -> _Named:
    """A sample or a call under the present id of its endpoint."""
    name = aliases.get(item.endpoint)
    return item if name is None else replace(item, endpoint=name)
