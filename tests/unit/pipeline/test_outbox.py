"""The outbox, with a store in memory and sinks whose results the test sets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from monitor.pipeline.outbox import Outbox, SinkIntervals
from monitor.sinks import Delivery, SinkError
from monitor.store import Backlog, Retention, StoredSample, StoreError
from tests.support.memory_store import MemoryStore
from tests.unit.store.samples import START, make_sample


class Told:
    """A sink whose next calls end as `ends` says; then it takes everything."""

    def __init__(self, name: str = "told", batch: int = 3) -> None:
        self.name = name
        self.batch = batch
        self.ends: list[Callable[[Sequence[StoredSample]], Delivery]] = []
        self.got: list[list[int]] = []
        self.closed = 0

    async def deliver(self, batch: Sequence[StoredSample]) -> Delivery:
        await asyncio.sleep(0)
        self.got.append([stored.seq for stored in batch])
        if self.ends:
            return self.ends.pop(0)(batch)
        return Delivery(seq=batch[-1].seq)

    async def close(self) -> None:
        self.closed += 1
        if self.name == "clumsy":
            raise RuntimeError("s3cret")


class Moody(MemoryStore):
    """Fails its next calls of a method as often as is said."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[str, int] = {}
        self.set_aside: dict[str, str] = {}

    def _fail(self, method: str) -> None:
        if self.failing.get(method, 0) > 0:
            self.failing[method] -= 1
            raise StoreError("the disk is full")

    async def subscribe(self, sinks: Collection[str]) -> None:
        self._fail("subscribe")
        await super().subscribe(sinks)

    async def waiting(self, sink: str, limit: int) -> list[StoredSample]:
        self._fail("waiting")
        return await super().waiting(sink, limit)

    async def delivered(self, sink: str, seq: int, set_aside: Mapping[str, str], at: datetime) -> None:
        self._fail("delivered")
        self.set_aside |= set_aside
        await super().delivered(sink, seq, set_aside, at)

    async def backlogs(self) -> dict[str, Backlog]:
        self._fail("backlogs")
        return await super().backlogs()


class Running:
    """An outbox at work, without pauses that take time; `waits` are the pauses it would have made."""

    def __init__(self, *sinks: Told, store: Moody | None = None, **intervals: float) -> None:
        self.store = store or Moody()
        self.waits: list[tuple[int, float | None]] = []
        self.outbox = Outbox(
            sinks, self.store, SinkIntervals(**{"idle_s": 0.01, "count_s": 0.01, **intervals}, failed=self._failed)
        )

    def _failed(self, failures: int, retry_after_s: float | None) -> float:
        self.waits.append((failures, retry_after_s))
        return 0.001

    async def until(self, claim: Callable[[], object]) -> None:
        """Run until something holds."""
        task = asyncio.create_task(self.outbox.run())
        async with asyncio.timeout(60):
            while not claim():
                assert not task.done(), task.result()
                await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


def refused(text: str, retry_after_s: float | None = None) -> Callable[[Sequence[StoredSample]], Delivery]:
    def end(batch: Sequence[StoredSample]) -> Delivery:
        raise SinkError(text, retry_after_s=retry_after_s)

    return end


async def test_what_waits_is_delivered_in_order_and_in_batches() -> None:
    sink = Told()
    running = Running(sink)
    await running.store.append([make_sample(n) for n in range(7)], {})
    runner = running.outbox.runners[0]
    await running.until(lambda: runner.delivered_total == 7)
    assert sink.got == [[1, 2, 3], [4, 5, 6], [7]]
    assert (runner.name, runner.backlog, runner.dropped_total, runner.last_error) == ("told", 0, 0, None)
    assert sink.closed == 1


async def test_a_wake_is_enough_for_new_samples() -> None:
    sink = Told()
    running = Running(sink, idle_s=3600.0)

    async def news() -> None:
        await asyncio.sleep(0.05)
        await running.store.append([make_sample(1)], {})
        running.outbox.wake()

    task = asyncio.create_task(news())
    await running.until(lambda: sink.got)
    await task


async def test_new_samples_are_found_without_a_wake() -> None:
    sink = Told()
    running = Running(sink)

    async def news() -> None:
        await asyncio.sleep(0.05)
        await running.store.append([make_sample(1)], {})

    task = asyncio.create_task(news())
    await running.until(lambda: sink.got)
    await task


async def test_a_sink_that_fails_gets_the_same_again_after_growing_waits(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sink = Told()
    sink.ends = [refused("no"), refused("no", 7.0), refused("no")]
    running = Running(sink)
    await running.store.append([make_sample(1)], {})
    runner = running.outbox.runners[0]
    await running.until(lambda: runner.delivered_total == 1 and runner.last_error is None)
    assert sink.got == [[1]] * 4
    assert running.waits == [(1, None), (2, 7.0), (3, None)]
    actions = [vars(record)["action"] for record in caplog.records]
    assert actions == ["sink_failed", "sink_recovered"]


async def test_a_failure_is_logged_again_when_its_reason_changes(caplog: pytest.LogCaptureFixture) -> None:
    sink = Told()
    sink.ends = [refused("connection refused")] * 3 + [refused("404: no such database")] * 3
    running = Running(sink)
    await running.store.append([make_sample(1)], {})
    await running.until(lambda: running.outbox.runners[0].delivered_total == 1)
    reasons = [record.getMessage().partition("wait: ")[2] for record in caplog.records if record.levelname == "ERROR"]
    assert reasons == ["connection refused", "404: no such database"]


async def test_one_failing_sink_holds_up_no_other() -> None:
    good, bad = Told("good"), Told("bad")
    bad.ends = [refused("no")] * 10_000
    running = Running(good, bad)
    await running.store.append([make_sample(n) for n in range(4)], {})
    first, second = running.outbox.runners
    await running.until(lambda: first.delivered_total == 4 and len(bad.got) > 3 and second.backlog == 4)
    assert (second.delivered_total, second.last_error) == (0, "no")


async def test_what_was_dealt_with_counts_though_the_rest_has_to_wait() -> None:
    sink = Told()
    sink.ends = [lambda batch: Delivery(seq=2, set_aside={batch[0].sample.id: "bad"}, stopped=SinkError("tired"))]
    running = Running(sink)
    await running.store.append([make_sample(n) for n in range(3)], {})
    runner = running.outbox.runners[0]
    await running.until(lambda: runner.dealt_with == 3)
    assert sink.got == [[1, 2, 3], [3]]
    assert running.store.set_aside == {f"{0:016x}": "bad"}
    assert (runner.delivered_total, runner.dropped_total) == (2, 1)
    assert running.waits == [(1, None)]


async def test_a_sink_that_dealt_with_nothing_moves_no_cursor() -> None:
    sink = Told()
    sink.ends = [lambda batch: Delivery(seq=None, stopped=SinkError("tired")), lambda batch: Delivery(seq=None)]
    running = Running(sink)
    await running.store.append([make_sample(1)], {})
    await running.until(lambda: running.outbox.runners[0].delivered_total == 1)
    assert sink.got == [[1], [1], [1]]
    assert running.waits == [(1, None), (2, None)]


async def test_an_unknown_exception_is_logged_with_its_place_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def explode(batch: Sequence[StoredSample]) -> Delivery:
        raise LookupError("s3cret")

    sink = Told("clumsy")
    sink.ends = [explode]
    running = Running(sink)
    await running.store.append([make_sample(1)], {})
    await running.until(lambda: running.outbox.runners[0].delivered_total == 1)
    told = "\n".join(record.getMessage() for record in caplog.records)
    assert "LookupError inside the sink at" in told
    assert "sink clumsy: close failed: RuntimeError at" in told
    assert "s3cret" not in told


async def test_a_sink_that_hangs_is_given_up_in_the_end() -> None:
    class Hanging(Told):
        async def deliver(self, batch: Sequence[StoredSample]) -> Delivery:
            if len(self.got) < 2:
                self.got.append([])
                await asyncio.sleep(3600)
            return await super().deliver(batch)

    running = Running(Hanging(), longest_s=0.01)
    await running.store.append([make_sample(1)], {})
    await running.until(lambda: running.outbox.runners[0].delivered_total == 1)


async def test_a_failing_store_makes_sinks_wait_and_nothing_is_lost() -> None:
    sink = Told()
    running = Running(sink)
    running.store.failing = {"subscribe": 2, "waiting": 2, "delivered": 2, "backlogs": 2}
    await running.store.append([make_sample(n) for n in range(2)], {})
    await running.until(lambda: running.outbox.runners[0].delivered_total == 2)
    assert sink.got == [[1, 2]] * 3


async def test_without_sinks_the_store_forgets_those_it_knew() -> None:
    store = Moody()
    await store.subscribe(["old"])
    running = Running(store=store)
    await running.until(lambda: not store._sinks)
    assert (await store.info()).sinks == {}


async def test_a_backlog_is_counted_from_the_start() -> None:
    sink = Told(batch=2)
    sink.ends = [refused("no")] * 10_000
    running = Running(sink)
    await running.store.append([make_sample(n) for n in range(9)], {})
    await running.until(lambda: running.outbox.runners[0].backlog == 9)


async def test_samples_that_retention_deleted_first_are_counted_as_dropped() -> None:
    sink = Told(batch=2)
    sink.ends = [refused("no")] * 10_000
    running = Running(sink)
    await running.store.append([make_sample(n) for n in range(3)], {})
    runner = running.outbox.runners[0]
    await running.until(lambda: runner.backlog == 3)
    assert runner.dropped_total == 0
    while await running.store.upkeep(START + timedelta(days=30), Retention()):
        pass
    await running.until(lambda: runner.dropped_total == 3)
    assert runner.delivered_total == 0


def test_the_usual_waits_grow_and_honour_what_is_asked_for() -> None:
    failed = SinkIntervals().failed
    assert 0.5 <= failed(1, None) <= 1.0
    assert 16.0 <= failed(6, None) <= 32.0
    assert failed(1, 60.0) == 60.0
