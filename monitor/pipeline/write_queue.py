"""A queue in memory, with a maximum size, of data for the store. Writes are repeated until the store accepts them.

Event loop lag does not count as lag of the store. A short stall of the store is a warning, a long one is a failure.
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
from typing import Final

from monitor.domain.incident import Incident
from monitor.domain.ongoing_failure import OngoingFailure
from monitor.pipeline.drop_log import DropLog
from monitor.pipeline.loop_time import Alarm, set_within, within
from monitor.pipeline.poison import Batch, PoisonQueue, traffic_name
from monitor.pipeline.store_call import store_call
from monitor.scoreboard.absorbed import Absorbed
from monitor.store import Store, StoreError, StoreReplacedError
from monitor.traffic.calls import Call
from monitor.traffic.counted import PendingTraffic, TrafficBatch
from probes._model import Sample

log = logging.getLogger(__name__)

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteQueueCallbacks:
    """The functions that the queue calls."""

    stored: Callable[[], None]
    """Called when new samples are in the store."""
    dropped: Callable[[int], None]
    """Takes how many samples or reported requests were dropped."""
    held: Callable[[], Absorbed]
    """Returns all states and open incidents, to be stored again after the database was replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """Time and memory limits of the queue."""

    patience_s: float = 1.0
    """How long publishing waits for a commit."""
    stalled_s: float = 10.0
    """The store has failed when it does not answer for this long; a shorter stall is a warning."""
    look_s: float = 1.0
    """How often the store is checked while there is nothing to write."""
    resend_samples: int = 5_000
    """The newest stored samples that stay in memory, to be stored again when the database is replaced."""
    slow_warning_every_s: float = 60.0
    """Between two warnings about short stalls, and between two records about dropped data."""
    backlog: int = 100_000
    """Samples that wait in memory for a failing store. Beyond that the oldest are dropped and counted."""
    retry_s: float = 1.0
    """From a failure of the store to the next attempt."""
    refusals: int = 5
    """After this many failures in a row a batch is stored part by part, if the store is writable."""


USUAL_LIMITS: Final = QueueLimits()


class WriteQueue:
    """The queue of samples, traffic, states and incidents for the store."""

    def __init__(self, store: Store, callbacks: WriteQueueCallbacks, limits: QueueLimits) -> None:
        self._store = store
        self._callbacks = callbacks
        self._limits = limits
        self._backlog: deque[Sample] = deque()
        self._stored: deque[Sample] = deque(maxlen=limits.resend_samples)
        self._states: dict[str, str] = {}
        self._incidents: dict[str, Incident] = {}
        self._pending = PendingTraffic()
        self._traffic: TrafficBatch | None = None
        """The traffic batch that is being stored. It does not change until it is stored, so that it is counted once."""
        self._to_write = asyncio.Event()
        self._answered = asyncio.Event()
        self._poison = PoisonQueue(store)
        self._refusals = 0
        self._is_slow = False
        """Whether publishing continues without waiting for the running commit."""
        self._slow_said_s = -math.inf
        self._drop_log = DropLog(log, limits.slow_warning_every_s)
        self._failure = OngoingFailure()

    @property
    def error(self) -> str | None:
        """Why the store fails; None: it works."""
        return self._failure.reason

    @property
    def length(self) -> int:
        """Samples that are not stored yet."""
        return len(self._backlog)

    @property
    def anything_waits(self) -> bool:
        """Whether anything in the queue is not stored yet."""
        return bool(self._backlog or self._states or self._incidents or self._traffic or self._pending)

    def put(self, samples: Sequence[Sample], calls: Sequence[Call], absorbed: Absorbed) -> None:
        """Queue samples and real traffic, and the changes that they caused; does not block."""
        self._pending.add(calls, datetime.now(UTC))
        self._backlog.extend(samples)
        self._states |= absorbed.states
        self._incidents |= {incident.id: incident for incident in absorbed.incidents}
        self._shed()
        self._answered.clear()
        self._to_write.set()

    async def wait(self) -> None:
        """Wait for a short time until all is stored; return at once while the store is slow or fails."""
        if self._is_slow or self.error is not None:
            return
        if not await within(self._limits.patience_s, self._answered):
            self._slow()

    async def flush(self, patience_s: float) -> None:
        """Store what waits; gives up after `patience_s`."""
        try:
            async with asyncio.timeout(patience_s):
                while self.anything_waits:
                    if not await self._try_to_write():
                        await asyncio.sleep(self._limits.retry_s)
        except TimeoutError:
            self._drop_log.write()
            reason = self.error or "no answer in time"
            log.warning(
                "%d samples not stored before shutdown: %s",
                len(self._backlog),
                reason,
                extra={"action": "flush_failed"},
            )

    async def run(self) -> None:
        """Write what waits, until cancelled. While nothing waits, check that the store is writable."""
        while True:
            if await set_within(self._limits.look_s, self._to_write):
                is_well = await self._try_to_write()
            else:
                is_well = await self._ask(self._store.check_writable)
            if not is_well:
                await asyncio.sleep(self._limits.retry_s)

    async def _try_to_write(self) -> bool:
        """Store the oldest waiting batch; False: the store fails."""
        return await self._ask(self._write_once)

    async def _ask(self, call: Callable[[], Awaitable[None]]) -> bool:
        """Call the store. Returns False if the call failed."""
        try:
            with (
                Alarm(self._limits.stalled_s, self._stalled),
                store_call(self._failure, log, "store failed: unexpected error", "store_failed"),
            ):
                await call()
        except StoreReplacedError as error:
            self._troubled(str(error))
            self._store_again()
            return False
        except StoreError as error:
            self._troubled(str(error))
            return False
        if not self.anything_waits:
            self._all_written()
        return True

    async def _write_once(self) -> None:
        """Store the oldest waiting batch. It leaves the queue once it is committed."""
        batch = self._take_batch()
        try:
            await self._append(batch)
        except BaseException:
            # States and incidents that were queued meanwhile are newer.
            self._states = {**batch.states, **self._states}
            self._incidents = {**batch.incidents, **self._incidents}
            raise
        if batch.samples:
            self._callbacks.stored()

    def _take_batch(self) -> Batch:
        """The oldest waiting samples, which stay in the queue, and the states and incidents, which leave it.

        States and incidents go with the last of their samples and calls, so that none is stored before these.
        """
        samples = list(islice(self._backlog, _BATCH))
        if self._traffic is not None and self._pending:
            return Batch(samples=samples, traffic=self._traffic)
        if len(samples) < len(self._backlog):
            return Batch(samples=samples)
        if self._pending:
            self._traffic = self._pending.counted(secrets.token_hex(8), datetime.now(UTC))
            self._pending = PendingTraffic()
        batch = Batch(samples=samples, states=self._states, incidents=self._incidents, traffic=self._traffic)
        self._states, self._incidents = {}, {}
        return batch

    async def _append(self, batch: Batch) -> None:
        """Store a batch; when the store rejects it repeatedly, store its parts one by one.

        Nothing is dropped while the store is not writable.
        """
        try:
            expired = await batch.append_to(self._store)
        except StoreReplacedError:  # more than this batch is lost
            raise
        except StoreError:
            self._refusals += 1
            if self._refusals % self._limits.refusals:
                raise
        except Exception:
            await self._store.check_writable()
            log.exception("batch not stored; storing its parts one by one", extra={"action": "store_poison"})
        else:
            self._refusals = 0
            self._drop_expired(expired)
            self._stored.extend(batch.samples)
            self._leave_front({sample.id for sample in batch.samples})
            self._traffic = None if batch.traffic else self._traffic
            return
        await self._append_apart(batch)

    async def _append_apart(self, batch: Batch) -> None:
        """Store a batch part by part. Raises StoreError while a part has to be tried again."""
        outcome = await self._poison.append(batch)
        self._drop_expired(outcome.expired)
        waited = len(self._backlog)
        self._leave(outcome.given_up)
        self._callbacks.dropped(waited - len(self._backlog))  # samples shed meanwhile are counted already
        self._leave(outcome.taken)
        self._stored.extend(sample for sample in batch.samples if sample.id in outcome.taken)
        if self._traffic is not None and traffic_name(self._traffic) in outcome.taken | outcome.given_up:
            if traffic_name(self._traffic) in outcome.given_up:
                self._callbacks.dropped(sum(self._traffic.counts.values()))
            self._traffic = None
        if outcome.error is not None:
            raise outcome.error

    def _drop_expired(self, count: int) -> None:
        """Count samples that the store ignored because they are older than retention."""
        if count:
            self._callbacks.dropped(count)
            words = "%d samples not stored: they are older than retention. Check whether the clock was stepped"
            log.warning(words, count, extra={"action": "store_drop"})

    def _leave_front(self, ids: Collection[str]) -> None:
        """Remove stored samples from the front of the queue; some may have been shed meanwhile."""
        while self._backlog and self._backlog[0].id in ids:
            self._backlog.popleft()

    def _leave(self, ids: Collection[str]) -> None:
        """Remove samples anywhere in the queue."""
        self._backlog = deque(sample for sample in self._backlog if sample.id not in ids)

    def _store_again(self) -> None:
        """Queue all states, open incidents and the newest stored samples: the store has lost them."""
        held = self._callbacks.held()
        self._states = {**held.states, **self._states}
        self._incidents = {**{incident.id: incident for incident in held.incidents}, **self._incidents}
        waiting = {sample.id for sample in self._backlog}
        self._backlog.extendleft(sample for sample in reversed(self._stored) if sample.id not in waiting)
        self._stored.clear()
        self._to_write.set()

    def _all_written(self) -> None:
        self._to_write.clear()
        self._answered.set()
        self._is_slow = False
        self._drop_log.write()
        if self._failure.ends():
            log.info("store works again", extra={"action": "store_recovered"})

    def _slow(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._slow_said_s + self._limits.slow_warning_every_s:
            self._slow_said_s = now_s
            log.warning(
                "store slow: a commit takes longer than %g s; publishing does not wait for it",
                self._limits.patience_s,
                extra={"action": "store_slow"},
            )
        self._is_slow = True

    def _stalled(self) -> None:
        self._troubled(f"no answer for {self._limits.stalled_s:g} s")

    def _troubled(self, reason: str) -> None:
        if self._failure.begins(reason):
            log.error("store failed; publishing goes on without it: %s", reason, extra={"action": "store_failed"})
        self._answered.set()  # publishing need not wait for the commit

    def _shed(self) -> None:
        calls = self._pending.shed(datetime.now(UTC))
        if calls:
            self._callbacks.dropped(calls)
            self._drop_log.add("reported requests", calls)
        excess = len(self._backlog) - self._limits.backlog
        if excess > 0:
            for _ in range(excess):
                self._backlog.popleft()
            self._callbacks.dropped(excess)
            self._drop_log.add("samples", excess)
