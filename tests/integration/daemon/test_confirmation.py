"""Schedule, runner, recorder and store together: a doubt is settled by one more probe at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.plan import plan, tick_at
from monitor.publish.board import Board
from monitor.recorder import Hooks, Recorder
from monitor.runner import Places
from monitor.schedule import Schedule
from monitor.status import Status
from monitor.store import Store
from monitor.ticks import Ticks
from probes._model import ErrorClass, Run, Sample
from tests.integration.daemon.parts import end, quick_config, until
from tests.unit.publish.values import sample_at

EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Line:
    """The way of a probe from tick to snapshot, around a provider that answers as it is told."""

    def __init__(self, store: Store, every_s: float) -> None:
        config = quick_config("a:one", every_s=every_s)
        self.error: ErrorClass | None = None
        self.runs: list[Run] = []
        self.board = Board(config, plan(config), datetime.now(UTC))
        (self._job,) = plan(config)
        hooks = Hooks(
            observe=lambda _: None,
            published=lambda _: None,
            confirm=lambda endpoint: self.schedule.probe_soon(endpoint, datetime.now(UTC)),
            dropped=lambda _: None,
        )
        self.recorder = Recorder(self.board, store, hooks)
        ticks = Ticks(self, Places(4, {}), {}, self.recorder.put)
        self.schedule = Schedule([self._job], ticks.fire, ticks.miss)

    async def measure(self, run: Run) -> Sample:
        """A probe of this provider."""
        self.runs.append(run)
        await asyncio.sleep(0.001)
        return replace(sample_at(datetime.now(UTC), self.error, run.endpoint.id), id=run.id)

    def beside_the_schedule(self, first: int) -> list[Run]:
        """The runs that no tick wanted."""
        return [run for run in self.runs[first:] if run.scheduled_at != tick_at(self._job, run.scheduled_at)]

    @property
    def status(self) -> Status:
        return self.board.snapshot.rows["a:one"].status


@pytest.fixture
async def begin(store: Store) -> AsyncIterator[Callable[[float], Line]]:
    begun: list[tuple[Line, asyncio.Task[None]]] = []

    def make(every_s: float) -> Line:
        line = Line(store, every_s)
        begun.append((line, asyncio.create_task(line.recorder.run())))
        line.schedule.start(datetime.now(UTC))
        return line

    yield make
    for line, task in begun:
        await line.schedule.stop(1)
        await end(task)


async def test_a_failure_is_confirmed_at_once_and_so_is_the_recovery(
    begin: Callable[[float], Line], store: Store
) -> None:
    """In the whole chain the sample is judged while its own run still counts as running."""
    line = begin(1.0)
    await until(lambda: line.status is Status.UP)
    line.error = ErrorClass.CONNECT
    await until(lambda: line.status is Status.DOWN)
    failed = len(line.runs)
    assert line.beside_the_schedule(0), "the second failure is a confirmation's"
    line.error = None
    await until(lambda: line.status is not Status.DOWN)
    assert line.beside_the_schedule(failed), "and so is the second success"
    await until(lambda: line.recorder.queue_length == 0)
    stored = await store.samples(EVER)
    assert {run.id for run in line.runs} <= {sample.id for sample in stored}
