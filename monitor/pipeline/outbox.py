"""Delivers stored samples to every sink independently; nothing else waits for sinks.

After a failure a sink waits with exponential backoff while its samples stay in the store. The cursor moves after the
delivery, so every sample is delivered at least once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.domain.ongoing_failure import OngoingFailure
from monitor.pipeline.backoff import wait_s
from monitor.sinks import Delivery, Sink, SinkError
from monitor.store import Store, StoredSample, StoreError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkIntervals:
    """Intervals and limits of deliveries."""

    idle_s: float = 5.0
    """Interval of checks for new samples without a wake-up."""
    count_s: float = 60.0
    """Interval of counts of the backlog."""
    longest_s: float = 1800.0
    """The timeout of one delivery."""
    failed: Callable[[int, float | None], float] = lambda failures, retry_after_s: wait_s(
        failures,
        chance=random.random(),  # noqa: S311  # spreads senders, keeps no secret
        retry_after_s=retry_after_s,
    )
    """The wait after so many failures in a row, given the destination's `Retry-After`."""


class SinkRunner:
    """Delivers to one sink, and holds its figures."""

    def __init__(self, sink: Sink, store: Store, intervals: SinkIntervals) -> None:
        self.sink = sink
        self._store = store
        self._intervals = intervals
        self._news = asyncio.Event()
        self._failures = 0
        self.backlog = 0
        """Samples that wait for it. While it fails or lags, as counted within the last minute."""
        self.delivered_total = 0
        """Delivered samples."""
        self.refused_total = 0
        """Samples that the destination rejected for good; the store keeps their ids and reasons."""
        self.expired_total = 0
        """Samples that retention deleted before they were delivered, since the sink was first configured."""
        self._failure = OngoingFailure()

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.sink.name

    @property
    def last_error(self) -> str | None:
        """Why deliveries fail; None: they work."""
        return self._failure.reason

    @property
    def dealt_with(self) -> int:
        """Samples that were delivered or rejected."""
        return self.delivered_total + self.refused_total

    @property
    def dropped_total(self) -> int:
        """Samples that were rejected or expired."""
        return self.refused_total + self.expired_total

    def wake(self) -> None:
        """Look for new samples in the store at once; does not block."""
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._news.clear()
            try:
                more = await self._turn()
            except (SinkError, StoreError) as error:
                await self._back_off(str(error), getattr(error, "retry_after_s", None))
            except Exception as error:  # noqa: BLE001  # foreign code; counted and logged
                # The message of an unknown exception may hold secrets, so only its place is logged.
                await self._back_off(f"{type(error).__name__} inside the sink at {_place(error)}", None)
            else:
                self._well()
                if not more:
                    await self._next_news()

    def replace(self, sink: Sink) -> None:
        """Deliver to another sink of the same name from the next `run` on. The figures go on."""
        self.sink = sink
        self._failures = 0
        self._failure = OngoingFailure()

    async def close(self) -> None:
        """Close the sink."""
        try:
            await self.sink.close()
        except Exception as error:  # noqa: BLE001
            what = f"{type(error).__name__} at {_place(error)}"
            log.error("sink %s: close failed: %s", self.name, what, extra={"action": "sink_failed"})  # noqa: TRY400

    async def _turn(self) -> bool:
        """Deliver one batch. Returns whether there may be more. Raises if the delivery has to be repeated."""
        limit = self.sink.batch
        batch = await self._store.waiting(self.name, limit)
        self.backlog = len(batch) if len(batch) < limit else max(self.backlog, limit)
        if not batch:
            return False
        async with asyncio.timeout(self._intervals.longest_s):
            delivery = await self.sink.deliver(batch)
        await self._note(batch, delivery)
        if delivery.stopped is not None:
            raise delivery.stopped
        return self.backlog > 0 or len(batch) == limit

    async def _note(self, batch: Sequence[StoredSample], delivery: Delivery) -> None:
        """Move the cursor and update the figures."""
        if delivery.seq is None:
            raise delivery.stopped or SinkError("the sink handled no sample and gave no reason")
        await self._store.delivered(self.name, delivery.seq, delivery.set_aside, datetime.now(UTC))
        self._failures = 0
        count, refused = sum(each.seq <= delivery.seq for each in batch), len(delivery.set_aside)
        self.backlog = max(0, self.backlog - count)
        self.delivered_total += count - refused
        self.refused_total += refused
        if refused:
            reason = next(iter(delivery.set_aside.values()))
            log.warning(
                "sink %s: the server rejected %d samples for good: %s",
                self.name,
                refused,
                reason,
                extra={"action": "sink_drop"},
            )

    async def _back_off(self, reason: str, retry_after_s: float | None) -> None:
        before = self._failure.reason
        self._failure.begins(reason)
        if reason != before:  # also while it fails: a refused connection may become a missing database
            log.error("sink %s failed; its samples wait: %s", self.name, reason, extra={"action": "sink_failed"})
        self._failures += 1
        await asyncio.sleep(self._intervals.failed(self._failures, retry_after_s))

    def _well(self) -> None:
        if self._failure.ends():
            log.info("sink %s works again", self.name, extra={"action": "sink_recovered"})
        self._failures = 0

    async def _next_news(self) -> None:
        try:
            async with asyncio.timeout(self._intervals.idle_s):
                await self._news.wait()
        except TimeoutError:
            return


class Outbox:
    """Runs all sinks. Sinks that are no longer configured are removed from the store."""

    def __init__(self, sinks: Sequence[Sink], store: Store, intervals: SinkIntervals = SinkIntervals()) -> None:
        self._store = store
        self._intervals = intervals
        self._wanted = {sink.name: sink for sink in sinks}
        self._changed = asyncio.Event()
        self._changed.set()
        self._runners = {sink.name: SinkRunner(sink, store, intervals) for sink in sinks}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """Of the sinks that run, by name."""

    @property
    def runners(self) -> Sequence[SinkRunner]:
        """All sinks, with their figures: `name`, `backlog`, `delivered_total`, `dropped_total`, `last_error`."""
        return tuple(self._runners.values())

    def wake(self) -> None:
        """New samples are in the store; does not block."""
        for runner in self._runners.values():
            runner.wake()

    def apply(self, sinks: Iterable[Sink]) -> None:
        """Deliver to these sinks from now on; does not block.

        A sink that is the same object is not touched. Another object of the same name takes over its cursor.
        """
        self._wanted = {sink.name: sink for sink in sinks}
        self._changed.set()

    async def run(self) -> None:
        """Deliver until cancelled, then close the sinks."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._follow(group)
                group.create_task(self._count(), name="sinks-count")
                while True:
                    await self._changed.wait()
                    await self._follow(group)
        finally:
            self._tasks.clear()
            for runner in self._runners.values():
                await runner.close()

    async def _follow(self, group: asyncio.TaskGroup) -> None:
        """Run the wanted sinks.

        All others are closed first: two sinks may write to the same file. What a cancelled delivery had not confirmed
        stays in the store and is delivered again.
        """
        self._changed.clear()
        wanted = self._wanted
        await self._stop([runner for runner in self._runners.values() if wanted.get(runner.name) is not runner.sink])
        self._runners = {name: self._runner(sink) for name, sink in wanted.items()}
        await self._subscribe([*wanted])
        for name in wanted.keys() - self._tasks.keys():
            self._tasks[name] = group.create_task(self._runners[name].run(), name=f"sink-{name}")

    async def _stop(self, runners: Sequence[SinkRunner]) -> None:
        tasks = [self._tasks.pop(runner.name) for runner in runners if runner.name in self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(runner.close() for runner in runners))

    def _runner(self, sink: Sink) -> SinkRunner:
        """The runner of a sink; a runner keeps its figures when its sink is replaced."""
        known = self._runners.get(sink.name)
        if known is None:
            return SinkRunner(sink, self._store, self._intervals)
        if known.sink is not sink:
            known.replace(sink)
        return known

    async def _subscribe(self, names: Sequence[str]) -> None:
        failures = 0
        while True:
            try:
                await self._store.subscribe(names)
            except StoreError as error:
                failures += 1
                log.warning(
                    "sinks not started: the store failed; trying again: %s", error, extra={"action": "sink_failed"}
                )
                await asyncio.sleep(self._intervals.failed(failures, None))
            else:
                return

    async def _count(self) -> None:
        """Count backlogs and expired samples; in between the runners update their own figures."""
        while True:
            before = {runner: runner.dealt_with for runner in self.runners}
            try:
                backlogs = await self._store.backlogs() if before else {}
            except StoreError:
                backlogs = {}  # the recorder logs that
            for runner, dealt_with in before.items():
                if found := backlogs.get(runner.name):
                    runner.backlog = max(0, found.waiting - (runner.dealt_with - dealt_with))
                    runner.expired_total = found.expired
            await asyncio.sleep(self._intervals.count_s)


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
