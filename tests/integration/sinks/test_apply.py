"""Other sinks while the outbox runs: with a database, files and sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.metrics.metrics import Metrics
from monitor.pipeline.outbox import Outbox
from monitor.sinks.influx import InfluxSink
from monitor.sinks.ndjson import Ndjson, NdjsonSink
from monitor.store import Store, create_store
from tests.integration.sinks.delivering import Waits, influx, until
from tests.integration.sinks.test_ndjson import held
from tests.support.board_values import make_board
from tests.unit.store.samples import make_sample


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = create_store(f"sqlite:///{tmp_path}/store.db")
    await store.open()
    yield store
    await store.close()


def lines(name: str, path: Path) -> NdjsonSink:
    return NdjsonSink(name, Ndjson.model_validate({"kind": "ndjson", "path": str(path)}))


async def append(store: Store, numbers: range) -> None:
    await store.append([make_sample(number) for number in numbers], {})


@asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


def has(path: Path, count: int) -> bool:
    return path.exists() and path.read_bytes().count(b"\n") >= count


async def sinks_of(metrics: Metrics) -> set[str]:
    text = (await metrics.text(openmetrics=False)).decode()
    found = [line for line in text.splitlines() if line.startswith("providerwatch_sink_delivered_total{")]
    return {line.split('"')[1] for line in found}


async def test_an_unchanged_sink_goes_on_an_added_one_starts_and_a_removed_one_is_forgotten(
    store: Store, tmp_path: Path
) -> None:
    kept, gone, added = (lines(name, tmp_path / name) for name in ("kept", "gone", "added"))
    outbox = Outbox([kept, gone], store, Waits().intervals())
    board = make_board()
    metrics = Metrics("1", lambda: board.snapshot, lambda: outbox.runners)
    await append(store, range(5))
    async with running(outbox):
        await until(lambda: has(tmp_path / "kept", 5) and has(tmp_path / "gone", 5), "both files")
        runner = outbox.runners[0]
        outbox.apply([added, kept])
        await until(lambda: has(tmp_path / "added", 5), "the added file")
        await append(store, range(5, 8))
        await until(lambda: has(tmp_path / "added", 8) and has(tmp_path / "kept", 8), "new samples")
        assert [each.name for each in outbox.runners] == ["added", "kept"]
        assert outbox.runners[1] is runner
        assert await sinks_of(metrics) == {"added", "kept"}
        await until(lambda: runner.delivered_total == 8, "its figures")
    assert [held(tmp_path / name) for name in ("kept", "added", "gone")] == [[*range(8)], [*range(8)], [*range(5)]]
    assert {*(await store.backlogs())} == {"added", "kept"}


async def test_a_changed_sink_goes_on_behind_the_last_sample_that_was_delivered(store: Store, tmp_path: Path) -> None:
    outbox = Outbox([lines("file", tmp_path / "one")], store, Waits().intervals())
    await append(store, range(4))
    async with running(outbox):
        (runner,) = outbox.runners
        await until(lambda: runner.delivered_total == 4, "the first file")
        outbox.apply([lines("file", tmp_path / "two")])
        await append(store, range(4, 9))
        await until(lambda: runner.delivered_total == 9, "the second file")
    assert held(tmp_path / "one", tmp_path / "two") == [*range(9)]


async def test_a_delivery_without_an_answer_is_broken_off_and_its_samples_go_to_the_sink_that_follows(
    store: Store, tmp_path: Path
) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hanging: InfluxSink = influx(f"http://127.0.0.1:{port}", timeout_s=3600)
    outbox = Outbox([hanging], store, Waits().intervals())
    await append(store, range(3))
    async with server, running(outbox):
        await asked.wait()
        follows = lines("influx", tmp_path / "samples")
        outbox.apply([lines("influx", tmp_path / "never")])
        outbox.apply([follows])
        await until(lambda: has(tmp_path / "samples", 3), "what was not answered")
        assert hanging._client._client is None  # closed
    assert held(tmp_path / "samples") == [0, 1, 2]
    assert not (tmp_path / "never").exists()
