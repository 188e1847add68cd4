"""The sink `influx` with a real VictoriaMetrics: in the end it holds every sample of the store once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.sinks._lines import _REALS, _WHOLES
from monitor.store import Store, create_store
from probes._model import Blame, ErrorClass, Sample, Task, Timing, TokensFrom
from tests.integration.sinks.delivering import ORIGINS, Waits, delivering, empty, influx, until
from tests.integration.sinks.victoria import Points, Victoria, victoria
from tests.unit.store.samples import make_sample

EVER = datetime(1970, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Victoria]:
    with victoria(tmp_path) as server:
        yield server


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/pw.db"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = create_store(store_url)
    await store.open()
    yield store
    await store.close()


def varied(numbers: range) -> list[Sample]:
    """Samples of three endpoints and two tasks, some failed, two of one endpoint in the same microsecond."""
    return [_varied(number) for number in numbers]


def _varied(number: int) -> Sample:
    sample = make_sample(
        number,
        endpoint=("steady:smollm2", "gone:model", "odd, name=x\\")[number % 3],
        probe="tools" if number % 2 else "chat",
        task=Task.TOOL_CALL if number % 2 else Task.CHAT,
        timing=Timing.KERNEL,
        lag_s=0.001 * number,
        cold=number % 5 == 0,
    )
    sample = replace(sample, started_at=sample.started_at - timedelta(seconds=number % 2, microseconds=number % 7))
    if number % 10 == 0:
        return replace(sample, error=ErrorClass.OVERLOADED, blame=Blame.PROVIDER, status_code=529, detail="too busy")
    return replace(
        sample,
        ttft_s=0.1 + number / 1e6,
        output_tokens=number,
        tokens_from=TokensFrom.USAGE,
        output_tps=57.123_456_789 + number,
        cost_usd=number * 1.5e-7,
        status_code=200,
        answer_ok=True,
    )


def expected(samples: Sequence[Sample]) -> Points:
    """What a server that keeps numbers, times in milliseconds, has to hold of samples."""
    points: Points = {}
    for sample in samples:
        origin = ORIGINS.get(sample.endpoint)
        words = {
            "endpoint": sample.endpoint.replace("\\", "/"),
            "provider": origin.provider if origin else None,
            "model": origin.model if origin else None,
            **{name: getattr(sample, name) for name in ("vantage", "probe", "task", "error", "blame", "timing")},
            "tokens_from": sample.tokens_from,
        }
        labels = {name: str(word) for name, word in words.items() if word is not None}
        figures = {name: getattr(sample, name) for name in (*_REALS, *_WHOLES)} | {"ok": sample.error is None}
        for name, value in figures.items():
            if value is not None:
                series = tuple(sorted({"__name__": f"providerwatch_probe_{name}", **labels}.items()))
                at = (sample.started_at - EVER) // timedelta(milliseconds=1)
                points.setdefault(series, []).append((at, float(value)))
    return {series: sorted(values) for series, values in points.items()}


def assert_holds(server: Victoria, samples: Sequence[Sample]) -> None:
    """The server holds the points of the samples and no others, none twice; it keeps floats to 12 digits or better."""
    held, wanted = {series: sorted(values) for series, values in server.points().items()}, expected(samples)
    assert held.keys() == wanted.keys()
    for series, points in wanted.items():
        assert [at for at, _ in held[series]] == [at for at, _ in points], series
        assert [value for _, value in held[series]] == pytest.approx([value for _, value in points], rel=1e-12), series


async def test_every_sample_arrives_once_as_stored_though_the_server_was_away(server: Victoria, store: Store) -> None:
    waits = Waits()
    await store.append(varied(range(700)), {})
    async with delivering(influx(server.url), store, waits) as runner:
        await until(lambda: len(waits) > 1, "failures, as the server is not there yet")
        assert runner.delivered_total == 0
        await asyncio.to_thread(server.start)
        await empty(runner, 700)
        await asyncio.to_thread(server.stop)
        for batch in range(700, 2000, 100):
            await store.append(varied(range(batch, batch + 100)), {})
        seen = len(waits)
        await until(lambda: len(waits) > seen + 3, "failures while the server is away")
        await until(lambda: runner.backlog == 1300, "a count of what waits")
        await asyncio.to_thread(server.start)
        await empty(runner, 2000)
        await until(lambda: (runner.backlog, runner.last_error) == (0, None), "no backlog and no error")
        assert runner.dropped_total == 0
    stored = await store.samples(EVER)
    assert len(stored) == 2000
    assert_holds(server, stored)


async def test_the_server_restarts_at_any_moment_under_load(server: Victoria, store: Store) -> None:
    waits = Waits()
    await asyncio.to_thread(server.start)
    async with delivering(influx(server.url), store, waits) as runner:
        for batch in range(0, 1200, 10):
            await store.append(varied(range(batch, batch + 10)), {})
            if batch in {300, 700}:
                await asyncio.to_thread(server.stop)
                await asyncio.to_thread(server.start)
        await empty(runner, 1200)
    assert_holds(server, await store.samples(EVER))


@pytest.mark.slow
async def test_a_daemon_killed_before_its_cursor_moves_sends_again_and_that_changes_nothing(
    server: Victoria, store: Store, store_url: str
) -> None:
    await asyncio.to_thread(server.start)
    await store.append(varied(range(300)), {})
    for _ in range(2):
        killed = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "tests.integration.sinks.killed_sender", store_url, server.url],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "delivered\n"), killed.stderr
    async with delivering(influx(server.url), store, Waits()) as runner:
        await empty(runner, 300)
    assert_holds(server, await store.samples(EVER))
