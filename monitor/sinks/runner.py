"""Brings what the store holds to every sink, each at its own pace; nothing else waits for them.

A sink that fails is left alone for a while, longer each time; what waits for it lies in the store. The cursor moves
after the delivery, so every sample arrives at least once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.sinks._backoff import wait_s
from monitor.sinks._protocol import Delivery, Sink, SinkError
from monitor.store import Store, StoredSample, StoreError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkIntervals:
    """How often things are done, and how long they may take."""

    idle_s: float = 5.0
    """From one look for new samples to the next, when nobody says that there are any."""
    count_s: float = 60.0
    """From one count of what waits to the next."""
    longest_s: float = 1800.0
    """Of one delivery."""
    failed: Callable[[int, float | None], float] = lambda failures, retry_after_s: wait_s(
        failures,
        chance=random.random(),  # noqa: S311  # spreads senders, keeps no secret
        retry_after_s=retry_after_s,
    )
    """How long to wait after so many failures in a row, and what the destination asked for."""


class SinkRunner:
    """One sink, and what is to be known of it."""

    def __init__(self, sink: Sink, store: Store, intervals: SinkIntervals) -> None:
        self._sink = sink
        self._store = store
        self._intervals = intervals
        self._news = asyncio.Event()
        self._failures = 0
        self.backlog = 0
        """Samples that wait for it. While it fails or lags, as they were counted within the last minute."""
        self.delivered_total = 0
        """Samples that it took."""
        self.refused_total = 0
        """Samples that it refused for good: they are set aside, with its words, in the store."""
        self.expired_total = 0
        """Samples that retention deleted before it took them, ever since it was first named."""
        self.last_error: str | None = None
        """Why it does not take samples now; None while it does."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._sink.name

    @property
    def dealt_with(self) -> int:
        """Samples that were taken or refused."""
        return self.delivered_total + self.refused_total

    @property
    def dropped_total(self) -> int:
        """Samples that it will never have."""
        return self.refused_total + self.expired_total

    def wake(self) -> None:
        """There are new samples in the store."""
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._news.clear()
            try:
                more = await self._turn()
            except (SinkError, StoreError) as error:
                await self._back_off(str(error), getattr(error, "retry_after_s", None))
            except Exception as error:  # noqa: BLE001  # foreign code; counted and told
                # The words of an unknown exception may hold anything, so only its place is told.
                await self._back_off(f"{type(error).__name__} inside the sink at {_place(error)}", None)
            else:
                self._well()
                if not more:
                    await self._next_news()

    async def close(self) -> None:
        """Let the sink go."""
        try:
            await self._sink.close()
        except Exception as error:  # noqa: BLE001
            what = f"{type(error).__name__} at {_place(error)}"
            log.error("sink %s could not be closed: %s", self.name, what, extra={"action": "sink_failed"})  # noqa: TRY400

    async def _turn(self) -> bool:
        """Deliver what waits, one batch; whether there may be more. Raises when it has to be tried again."""
        limit = self._sink.batch
        batch = await self._store.waiting(self.name, limit)
        self.backlog = len(batch) if len(batch) < limit else max(self.backlog, limit)
        if not batch:
            return False
        async with asyncio.timeout(self._intervals.longest_s):
            delivery = await self._sink.deliver(batch)
        await self._note(batch, delivery)
        if delivery.stopped is not None:
            raise delivery.stopped
        return self.backlog > 0 or len(batch) == limit

    async def _note(self, batch: Sequence[StoredSample], delivery: Delivery) -> None:
        """Move the cursor, and count."""
        if delivery.seq is None:
            raise delivery.stopped or SinkError("the sink dealt with nothing and says no reason")
        await self._store.delivered(self.name, delivery.seq, delivery.set_aside, datetime.now(UTC))
        self._failures = 0
        count, refused = sum(each.seq <= delivery.seq for each in batch), len(delivery.set_aside)
        self.backlog = max(0, self.backlog - count)
        self.delivered_total += count - refused
        self.refused_total += refused
        if refused:
            reason = next(iter(delivery.set_aside.values()))
            log.warning(
                "sink %s refused %d samples for good: %s", self.name, refused, reason, extra={"action": "sink_drop"}
            )

    async def _back_off(self, reason: str, retry_after_s: float | None) -> None:
        if self.last_error is None:
            log.error("sink %s fails, its samples wait: %s", self.name, reason, extra={"action": "sink_failed"})
        self.last_error = reason
        self._failures += 1
        await asyncio.sleep(self._intervals.failed(self._failures, retry_after_s))

    def _well(self) -> None:
        if self.last_error is not None:
            log.info("sink %s takes samples again", self.name, extra={"action": "sink_recovered"})
        self._failures = 0
        self.last_error = None

    async def _next_news(self) -> None:
        try:
            async with asyncio.timeout(self._intervals.idle_s):
                await self._news.wait()
        except TimeoutError:
            return


class Outbox:
    """All sinks. Those that the store knew and that are not among them are forgotten there."""

    def __init__(self, sinks: Sequence[Sink], store: Store, intervals: SinkIntervals = SinkIntervals()) -> None:
        self._store = store
        self._intervals = intervals
        self.runners = tuple(SinkRunner(sink, store, intervals) for sink in sinks)
        """What is to be known of each: `name`, `backlog`, `delivered_total`, `dropped_total`, `last_error`."""

    def wake(self) -> None:
        """There are new samples in the store; never waits."""
        for runner in self.runners:
            runner.wake()

    async def run(self) -> None:
        """Deliver until cancelled, then let the sinks go."""
        try:
            await self._subscribe()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._count(), name="sinks-count")
                for runner in self.runners:
                    group.create_task(runner.run(), name=f"sink-{runner.name}")
        finally:
            for runner in self.runners:
                await runner.close()

    async def _subscribe(self) -> None:
        failures = 0
        while True:
            try:
                await self._store.subscribe([runner.name for runner in self.runners])
            except StoreError as error:
                failures += 1
                log.warning("sinks wait for the store: %s", error, extra={"action": "sink_failed"})
                await asyncio.sleep(self._intervals.failed(failures, None))
            else:
                return

    async def _count(self) -> None:
        """Count what waits, and what retention deleted first; in between the runners know what they read."""
        while True:
            before = {runner.name: runner.dealt_with for runner in self.runners}
            try:
                backlogs = await self._store.backlogs() if self.runners else {}
            except StoreError:
                backlogs = {}  # the recorder tells of that
            for runner in self.runners:
                if found := backlogs.get(runner.name):
                    runner.backlog = max(0, found.waiting - (runner.dealt_with - before[runner.name]))
                    runner.expired_total = found.expired
            await asyncio.sleep(self._intervals.count_s)


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
