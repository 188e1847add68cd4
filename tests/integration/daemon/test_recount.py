"""After a clock step the windows are recounted from the store: every sample once, at any time of its arrival."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import pytest

from monitor.domain.incident import Incident
from monitor.domain.ongoing_failure import OngoingFailure
from monitor.pipeline.restore import Recounter, recount
from monitor.scheduler.jobs import enabled_jobs
from monitor.scoreboard.board import Board
from monitor.store import StoreError
from monitor.traffic.counted import TrafficBatch
from probes._model import Sample
from tests.integration.daemon.parts import breathe, end, until
from tests.integration.daemon.test_recorder import CONFIG, ONE, QUICK, Begin, Bench, begin, make_sample
from tests.support.memory_store import MemoryStore

__all__ = ["begin"]


class SlowToRead(MemoryStore):
    """Reads its samples only while the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.readers = 0
        self.error: Exception | None = None
        self.refusal: StoreError | None = None
        """What an append raises."""

    async def append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident] = (),
        traffic: TrafficBatch | None = None,
    ) -> int:
        if self.refusal is not None:
            raise self.refusal
        return await super().append(samples, states, incidents, traffic)

    async def samples(self, since: datetime, until: datetime | None = None) -> list[Sample]:
        self.readers += 1
        found = await super().samples(since, until)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return found


def recounting(bench: Bench) -> Callable[[], asyncio.Task[bool]]:
    make, failure = partial(Board, CONFIG, enabled_jobs(CONFIG)), OngoingFailure()
    return lambda: asyncio.create_task(
        recount(bench.board, make, bench.recorder, bench.store, datetime.now(UTC), failure=failure), name="recount"
    )


async def test_a_sample_that_comes_while_the_windows_are_counted_anew_counts_once(begin: Begin) -> None:
    store = SlowToRead()
    bench = await begin(store)
    bench.put(make_sample(1))
    await until(lambda: bench.quiet and bench.visible() == 1)
    store.gate.clear()
    task = recounting(bench)()
    await until(lambda: store.readers)
    bench.put(make_sample(2))
    await breathe(500)
    store.gate.set()
    assert await task
    await until(lambda: bench.quiet and len(bench.observed) == 2)
    uptime = json.loads(bench.board.publish(datetime.now(UTC)).rows[ONE].body)["uptime"]
    assert {name: counts["ok"] for name, counts in uptime.items()} == dict.fromkeys(uptime, 2)


async def test_while_the_store_cannot_be_read_the_windows_stay_and_are_counted_later(begin: Begin) -> None:
    store = SlowToRead()
    bench = await begin(store)
    bench.put(make_sample(1))
    await until(lambda: bench.quiet and bench.visible() == 1)
    again = recounting(bench)
    store.error = StoreError("store /x: locked")
    assert not await again()
    assert seen_anew(bench) == 1
    store.error = None
    assert await again()
    assert seen_anew(bench) == 1


async def test_an_error_of_a_kind_that_no_store_should_raise_is_logged_once_and_the_windows_are_counted_later(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    """It must not end the daemon."""
    store = SlowToRead()
    bench = await begin(store)
    bench.put(make_sample(1))
    await until(lambda: bench.quiet and bench.visible() == 1)
    store.error = KeyError(99)
    recounter = Recounter(
        bench.board, partial(Board, CONFIG, enabled_jobs(CONFIG)), bench.recorder, store, retry_s=0.001
    )
    running = asyncio.create_task(recounter.run())
    recounter.wake()
    await until(lambda: store.readers > 3)
    assert not running.done()
    assert caplog.text.count("Traceback") == 1
    assert "trying again: KeyError inside the store" in caplog.text
    store.error = None
    readers = store.readers
    await until(lambda: store.readers > readers and not bench.recorder.judging_lock.locked())
    await end(running)
    assert seen_anew(bench) == 1


async def test_what_readers_see_and_the_store_has_not_taken_yet_is_waited_for(begin: Begin) -> None:
    store = SlowToRead()
    store.refusal = StoreError("store /x: locked")
    bench = await begin(store, QUICK)
    bench.put(make_sample(1))
    await until(lambda: bench.visible() == 1)
    again = recounting(bench)
    assert not await again()
    assert seen_anew(bench) == 1
    store.refusal = None
    await until(lambda: bench.quiet)
    assert await again()
    assert seen_anew(bench) == 1


def seen_anew(bench: Bench) -> int:
    bench.board.publish(datetime.now(UTC), sweep=True)
    return bench.visible()
