"""From samples to what readers see: judge, store, then publish.

Readers see nothing that a restart would forget: what samples change may be read once they are committed.
The store may hold that up for a moment and no longer; when it stalls or fails, publishing goes on without it, the
samples wait in memory up to a bound, and writing resumes by itself. So no verdict ever depends on the store.

The event loop's own lag is not the store's. A stall that is short is a warning; only a long one is a failure.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from monitor.domain.incident import Incident
from monitor.pipeline.loop_time import Alarm, within
from monitor.pipeline.poison import Batch, PoisonQueue, traffic_name
from monitor.scoreboard.board import Absorbed, Board, StatusChange
from monitor.store import Store, StoreError, StoreReplacedError
from monitor.traffic.calls import Call, StoppingError
from monitor.traffic.counted import PendingTraffic, TrafficBatch
from probes._model import Sample

log = logging.getLogger(__name__)

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderCallbacks:
    """Who is told of what."""

    observe: Callable[[Sample], None]
    """Every sample, when its effect is published."""
    published: Callable[[Sequence[StatusChange]], None]
    """There is something new to be read; the statuses that changed."""
    due: Callable[[str, datetime], None]
    """When the next probe of an endpoint is worth its money; that may be past."""
    dropped: Callable[[int], None]
    """How many samples, or real requests, were given up."""
    stored: Callable[[], None] = lambda: None
    """There are new samples in the store."""
    absorbed: Callable[[Absorbed], None] = lambda _: None
    """What new samples changed, before it is stored and published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """How long things may take, and how much may wait."""

    patience_s: float = 1.0
    """How long a commit may hold up what it is for."""
    stalled_s: float = 10.0
    """Without an answer for so long the store has failed; a shorter stall is a warning."""
    look_s: float = 1.0
    """How often the store is asked whether it is well while nothing is to be written."""
    kept: int = 5_000
    """Samples that were stored last and stay in memory, to be stored again when the database is replaced."""
    slow_said_s: float = 60.0
    """From one warning of a short stall to the next."""
    backlog: int = 100_000
    """Samples that wait in memory for a failing store; then the oldest are given up, and counted."""
    retry_s: float = 1.0
    """From one failure of the store to the next attempt."""
    refusals: int = 5
    """After every so many failures in a row a batch is tried part by part, if the store can be written to."""
    gather_s: float = 0.05
    """How long real traffic waits for more: many reports make one turn."""
    longest_s: float = 5.0
    """How long nothing is published at most while nothing comes: the wall clock may be stepped meanwhile."""


class Recorder:
    """Takes samples from the runner; owns the order of storing and publishing."""

    def __init__(
        self, board: Board, store: Store, callbacks: RecorderCallbacks, limits: QueueLimits = QueueLimits()
    ) -> None:
        self._board = board
        self._store = store
        self._callbacks = callbacks
        self._limits = limits
        self._arrived: list[Sample] = []
        self._calls: list[Call] = []
        self._taken = asyncio.Event()
        """Set when what arrives now is published."""
        self._in_turn: list[asyncio.Event] = []
        """Calls that were taken and are not published; of several turns, where one was cancelled."""
        self._closed = False
        self.still = asyncio.Lock()
        """Who holds it keeps everything from being judged and published."""
        self._news = asyncio.Event()
        self._unpublished: list[Sample] = []
        self._backlog: deque[Sample] = deque()
        self._stored: deque[Sample] = deque(maxlen=limits.kept)
        self._states: dict[str, str] = {}
        self._incidents: dict[str, Incident] = {}
        self._pending = PendingTraffic()
        self._traffic: TrafficBatch | None = None
        """Traffic that is being stored: it stays as it is until that is done, since only so it is counted once."""
        self._to_write = asyncio.Event()
        self._answered = asyncio.Event()
        self._poison = PoisonQueue(store)
        self._refusals = 0
        self._is_slow = False
        """Whether publishing does not wait for what is being stored now."""
        self._slow_said_s = -math.inf
        self.store_error: str | None = None
        """Why the store does not take samples now; None while it does."""

    @property
    def queue_length(self) -> int:
        """Samples that are not stored yet."""
        return len(self._arrived) + len(self._backlog)

    @property
    def anything_waits(self) -> bool:
        """Whether the store does not hold all that was judged."""
        return bool(self._backlog or self._states or self._incidents or self._traffic or self._pending)

    def put(self, sample: Sample) -> None:
        """Take a sample; never waits."""
        self._arrived.append(sample)
        self._news.set()

    async def take(self, calls: Sequence[Call]) -> None:
        """Take real traffic; returns when its effect is published, and so stored, unless the store stalls.

        Raises StoppingError where it would never be.
        """
        if not calls:
            return
        if self._closed:
            raise StoppingError
        if not self._calls:
            asyncio.get_running_loop().call_later(self._limits.gather_s, self._news.set)
        self._calls += calls
        await self._taken.wait()

    async def run(self) -> None:
        """Judge, store and publish until cancelled; without news when time alone changes a status."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_on(), name="store-writer")
            while True:
                await _within(self._idle_s(), self._news)
                async with self.still:
                    await self._turn()

    def _idle_s(self) -> float:
        """How long nothing is to be done without news."""
        moment, longest_s = self._board.next_moment, self._limits.longest_s
        return longest_s if moment is None else min((moment - datetime.now(UTC)).total_seconds(), longest_s)

    async def flush(self, patience_s: float) -> None:
        """Judge, store and publish what is left; gives up on the store after `patience_s`. No traffic is taken then."""
        self._closed = True
        self._absorb()
        try:
            async with asyncio.timeout(patience_s):
                while self.anything_waits:
                    if not await self._try_to_write():
                        await asyncio.sleep(self._limits.retry_s)
        except TimeoutError:
            reason = self.store_error or "no answer in time"
            log.warning(
                "samples that could not be stored: %d; %s", len(self._backlog), reason, extra={"action": "flush_failed"}
            )
        self._publish()

    async def _turn(self) -> None:
        news = self._absorb()
        if news and not self._goes_on_without and not await within(self._limits.patience_s, self._answered):
            self._slow()
        self._publish()

    @property
    def _goes_on_without(self) -> bool:
        """Whether publishing does not wait for the store."""
        return self._is_slow or self.store_error is not None

    def _absorb(self) -> bool:
        """Judge what arrived and queue it for the store; False when nothing did."""
        batch, self._arrived = self._arrived, []
        calls, self._calls = self._calls, []
        self._news.clear()
        if not batch and not calls:
            return False
        self._in_turn.append(self._taken)
        self._taken = asyncio.Event()
        absorbed = self._board.absorb(batch, calls)
        self._pending.add(calls, datetime.now(UTC))
        self._unpublished += batch
        self._backlog.extend(batch)
        self._states |= absorbed.states
        self._incidents |= {incident.id: incident for incident in absorbed.incidents}
        self._shed()
        self._answered.clear()
        self._to_write.set()
        for endpoint, at in absorbed.due.items():
            self._callbacks.due(endpoint, at)
        self._callbacks.absorbed(absorbed)
        return True

    def _publish(self) -> None:
        batch, self._unpublished = self._unpublished, []
        for sample in batch:
            self._callbacks.observe(sample)
        self._callbacks.published(self._board.commit(datetime.now(UTC)))
        for taken in self._in_turn:
            taken.set()
        self._in_turn.clear()

    def _shed(self) -> None:
        calls = self._pending.shed(datetime.now(UTC))
        if calls:
            self._callbacks.dropped(calls)
            log.error(
                "reported requests dropped because the store is failing: %d", calls, extra={"action": "store_drop"}
            )
        excess = len(self._backlog) - self._limits.backlog
        if excess > 0:
            for _ in range(excess):
                self._backlog.popleft()
            self._callbacks.dropped(excess)
            log.error("samples dropped because the store is failing: %d", excess, extra={"action": "store_drop"})

    async def _write_on(self) -> None:
        """Write whatever waits, for ever. A store that has nothing to take is asked whether it could."""
        while True:
            if await _within(self._limits.look_s, self._to_write):
                is_well = await self._try_to_write()
            else:
                is_well = await self._ask(self._store.check_writable)
            if not is_well:
                await asyncio.sleep(self._limits.retry_s)

    async def _try_to_write(self) -> bool:
        """Store the oldest batch that waits; False when the store does not take it now."""
        return await self._ask(self._write_once)

    async def _ask(self, call: Callable[[], Awaitable[None]]) -> bool:
        """Ask something of the store; False when it fails."""
        try:
            with Alarm(self._limits.stalled_s, self._stalled):
                await call()
        except StoreReplacedError as error:
            self._troubled(str(error))
            self._store_again()
            return False
        except StoreError as error:
            self._troubled(str(error))
            return False
        except Exception as error:
            if self.store_error is None:
                log.exception("the store failed in a way that it does not know", extra={"action": "store_failed"})
            self._troubled(f"{type(error).__name__} inside the store")
            return False
        if not self.anything_waits:
            self._all_written()
        return True

    async def _write_once(self) -> None:
        """Store the oldest batch that waits. It leaves the queue only once it is committed."""
        batch = self._take_batch()
        try:
            await self._append(batch)
        except BaseException:
            # What came meanwhile is newer.
            self._states = {**batch.states, **self._states}
            self._incidents = {**batch.incidents, **self._incidents}
            raise
        if batch.samples:
            self._callbacks.stored()

    def _take_batch(self) -> Batch:
        """The oldest samples that wait, which stay in the queue, and what was made of them, which leaves it.

        States and incidents follow their samples: they go with the last, so that none is ahead of what it rests on.
        """
        if self._traffic is not None and self._pending:
            return Batch(traffic=self._traffic)
        samples = list(islice(self._backlog, _BATCH))
        if len(samples) < len(self._backlog):
            return Batch(samples=samples)
        if self._pending:
            self._traffic = self._pending.counted(secrets.token_hex(8), datetime.now(UTC))
            self._pending = PendingTraffic()
        batch = Batch(samples=samples, states=self._states, incidents=self._incidents, traffic=self._traffic)
        self._states, self._incidents = {}, {}
        return batch

    async def _append(self, batch: Batch) -> None:
        """Store a batch; when something in it is nothing that the store can take, all the rest of it.

        A store that cannot be written to at all is another matter: nothing is given up for that.
        """
        try:
            expired = await batch.append_to(self._store)
        except StoreReplacedError:  # more is lost than this batch
            raise
        except StoreError:
            self._refusals += 1
            if self._refusals % self._limits.refusals:
                raise
        except Exception:
            await self._store.check_writable()
            log.exception("a batch cannot be stored; its parts are tried one by one", extra={"action": "store_poison"})
        else:
            self._refusals = 0
            self._drop_expired(expired)
            self._stored.extend(batch.samples)
            self._leave_front({sample.id for sample in batch.samples})
            self._traffic = None if batch.traffic else self._traffic
            return
        await self._append_apart(batch)

    async def _append_apart(self, batch: Batch) -> None:
        """Store what can be stored of a batch. Raises StoreError while something of it is to be tried again."""
        outcome = await self._poison.append(batch)
        self._drop_expired(outcome.expired)
        waited = len(self._backlog)
        self._leave(outcome.given_up)
        self._callbacks.dropped(waited - len(self._backlog))  # what was shed meanwhile is counted already
        self._leave(outcome.taken)
        self._stored.extend(sample for sample in batch.samples if sample.id in outcome.taken)
        if self._traffic is not None and traffic_name(self._traffic) in outcome.taken | outcome.given_up:
            self._traffic = None
        if outcome.error is not None:
            raise outcome.error

    def _drop_expired(self, count: int) -> None:
        """Count what the store passed over: it began before what retention has deleted."""
        if count:
            self._callbacks.dropped(count)
            words = "%d samples not stored: they are older than retention keeps. Check whether the clock was stepped"
            log.warning(words, count, extra={"action": "store_drop"})

    def _leave_front(self, ids: Collection[str]) -> None:
        """Take off the queue what is stored; some of it may have been shed meanwhile."""
        while self._backlog and self._backlog[0].id in ids:
            self._backlog.popleft()

    def _leave(self, ids: Collection[str]) -> None:
        """The same for samples that may stand anywhere."""
        self._backlog = deque(sample for sample in self._backlog if sample.id not in ids)

    def _store_again(self) -> None:
        """Queue what a restart goes on from, and the samples that were stored last: the store has lost them."""
        held = self._board.states()
        self._states = {**held.states, **self._states}
        self._incidents = {**{each.id: each for each in held.incidents}, **self._incidents}
        waiting = {sample.id for sample in self._backlog}
        self._backlog.extendleft(sample for sample in reversed(self._stored) if sample.id not in waiting)
        self._stored.clear()
        self._to_write.set()

    def _all_written(self) -> None:
        self._to_write.clear()
        self._answered.set()
        self._is_slow = False
        if self.store_error is not None:
            log.info("the store takes samples again", extra={"action": "store_recovered"})
            self.store_error = None

    def _slow(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._slow_said_s + self._limits.slow_said_s:
            self._slow_said_s = now_s
            log.warning(
                "the store is slow: a commit takes longer than %g s, publishing does not wait for it",
                self._limits.patience_s,
                extra={"action": "store_slow"},
            )
        self._is_slow = True

    def _stalled(self) -> None:
        self._troubled(f"the store has not answered for {self._limits.stalled_s:g} s")

    def _troubled(self, reason: str) -> None:
        if self.store_error is None:
            log.error("publishing goes on without the store: %s", reason, extra={"action": "store_failed"})
        self.store_error = reason
        self._answered.set()  # what waits for the commit need not wait any longer


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Whether the event is set within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
