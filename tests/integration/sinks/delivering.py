"""A store with samples, and a running outbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from monitor.pipeline.outbox import Outbox, SinkIntervals, SinkRunner
from monitor.sinks import SampleOrigin, Sink
from monitor.sinks.influx import Influx, InfluxSink
from monitor.store import Store
from probes._model import Sample
from tests.support.daemon import PATIENCE_S
from tests.support.memory_store import MemoryStore
from tests.unit.store.samples import make_sample

TOKEN = "s3cret-influx-token"
ORIGINS = {"steady:smollm2": SampleOrigin(provider="steady", model="hf/smollm2")}


class RecordingStore(MemoryStore):
    """Remembers what was set aside, for there is no question to ask a store for it."""

    def __init__(self) -> None:
        super().__init__()
        self.set_aside: dict[str, str] = {}

    async def delivered(self, sink: str, seq: int, set_aside: Mapping[str, str], at: datetime) -> None:
        await super().delivered(sink, seq, set_aside, at)
        self.set_aside |= set_aside


class Waits(list[tuple[int, float | None]]):
    """How often it had failed, and what was asked for, at every wait; none takes long."""

    def intervals(self) -> SinkIntervals:
        return SinkIntervals(idle_s=0.02, count_s=0.05, failed=self._failed)

    def _failed(self, failures: int, retry_after_s: float | None) -> float:
        self.append((failures, retry_after_s))
        return 0.01


def influx(url: str, timeout_s: float = 30.0) -> InfluxSink:
    options = {"url": url, "org": "o", "bucket": "b", "token": TOKEN, "timeout": f"{timeout_s}s"}
    return Influx.model_validate({"kind": "influx", **options}).create("influx", ORIGINS)


def made(numbers: Iterable[int], bad: Sequence[int] = ()) -> list[Sample]:
    """Samples; the bad ones are of the probe `bad`."""
    return [make_sample(n, ttft_s=n / 8, output_tokens=n, probe="bad" if n in bad else "chat") for n in numbers]


async def filled(samples: Sequence[Sample]) -> RecordingStore:
    store = RecordingStore()
    await store.append(samples, {})
    return store


@asynccontextmanager
async def delivering(sink: Sink, store: Store, waits: Waits) -> AsyncIterator[SinkRunner]:
    """An outbox at work; ended with the block."""
    outbox = Outbox([sink], store, waits.intervals())
    task = asyncio.create_task(outbox.run())
    try:
        yield outbox.runners[0]
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


async def until(claim: Callable[[], object], what: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not claim():
            await asyncio.sleep(0.005)


async def empty(runner: SinkRunner, total: int) -> None:
    """Wait until all samples are dealt with."""
    await until(lambda: runner.delivered_total + runner.dropped_total >= total, "an empty outbox")
