"""Schedule, runner, recorder and store together: extra probes confirm a surprise, and the result is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from monitor.config.model import Config, ProbeSpec, ProviderSpec, ScoringSpec
from monitor.daemon.app import Daemon
from monitor.domain.budget_unit import BudgetUnit
from monitor.domain.incident import Incident
from monitor.domain.maintenance import MaintenanceWindow
from monitor.domain.status import Status
from monitor.pipeline.recorder import Recorder, RecorderCallbacks
from monitor.pipeline.restore import restore
from monitor.scheduler.budget import Budgets, caps_of
from monitor.scheduler.dispatcher import Dispatcher
from monitor.scheduler.jobs import enabled_jobs, tick_at
from monitor.scheduler.scheduler import Schedule
from monitor.scoreboard.board import Board
from monitor.store import Store
from monitor.workers.limits import ConcurrencyLimits
from probes._model import ErrorClass, Run, Sample, Task
from tests.integration.daemon.parts import breathe, end, is_idle, quick_config, until
from tests.support.board_values import sample_at

pytestmark = pytest.mark.alone

EVER = datetime(1970, 1, 1, tzinfo=UTC)
ONE, TWO, OTHER = "a:one", "a:two", "b:other"
CLOSE_S = 0.02
QUICK = quick_config(ONE, every_s=1.0, closest_s=CLOSE_S)
RARE = quick_config(ONE, TWO, OTHER, every_s=36_000, closest_s=CLOSE_S)


class Line:
    """The path of a probe from tick to snapshot, with providers whose answers the test sets."""

    def __init__(self, store: Store, config: Config) -> None:
        self.errors: dict[str, ErrorClass] = {}
        """What probes of an endpoint come to; those of others succeed."""
        self.lone_errors: dict[str, ErrorClass] = {}
        """What the next one alone comes to."""
        self.samples: list[Sample] = []
        self.due: list[tuple[str, datetime]] = []
        """When the next probes were worth their money."""
        self.board = Board(config, enabled_jobs(config), datetime.now(UTC))
        self._jobs = {job.spec.endpoint.id: job for job in enabled_jobs(config)}
        callbacks = RecorderCallbacks(
            observe=self.samples.append, published=lambda _: None, due=self._due, dropped=lambda _: None
        )
        self.recorder = Recorder(self.board, store, callbacks)
        budgets = Budgets(caps_of(config), {name: name.partition(":")[0] for name in self._jobs})
        self._ticks = Dispatcher(self, ConcurrencyLimits(4, {}), {}, self.recorder.put, budgets)
        self.schedule = Schedule(enabled_jobs(config), self._ticks.fire, self._ticks.miss)

    def _due(self, endpoint: str, at: datetime) -> None:
        self.due.append((endpoint, at))
        self.schedule.probe_by(endpoint, at, datetime.now(UTC))

    async def measure(self, run: Run) -> Sample:
        """A probe of these providers."""
        await asyncio.sleep(0.001)
        name = run.endpoint.id
        sample = sample_at(datetime.now(UTC), self.lone_errors.pop(name, None) or self.errors.get(name), name)
        return replace(sample, id=run.id, scheduled_at=run.scheduled_at)

    def ask(self, *names: str) -> None:
        """Begin with endpoints whose ticks are far off."""
        for name in names:
            self._due(name, datetime.now(UTC))

    async def ask_until_known(self, *names: str) -> None:
        """Ask again and again, until each has answered five times."""
        for count in range(1, 6):
            self.ask(*names)
            await until(partial(self.has, count, names))

    def has(self, count: int, names: Iterable[str]) -> bool:
        """Whether so many samples of each were recorded."""
        return all(len(self.of(name)) >= count for name in names)

    def of(self, name: str) -> list[Sample]:
        """What was recorded of an endpoint."""
        return [sample for sample in self.samples if sample.endpoint == name]

    def beside_the_schedule(self, first: int = 0, error: ErrorClass | None = None) -> list[Sample]:
        """What no tick wanted, from a sample on; with this error."""
        return [
            sample
            for sample in self.samples[first:]
            if sample.error is error
            and sample.scheduled_at != tick_at(self._jobs[sample.endpoint], sample.scheduled_at)
        ]

    def status(self, name: str = ONE) -> Status:
        row = self.board.row(name, datetime.now(UTC))
        assert row is not None
        return row.status


Begin = Callable[[Config], Awaitable[Line]]


@pytest.fixture
async def begin(store: Store) -> AsyncIterator[Begin]:
    begun: list[tuple[Line, asyncio.Task[None]]] = []

    async def make(config: Config) -> Line:
        """A line, as the daemon begins it; one that was begun before is stopped, as by a restart."""
        while begun:
            await stop(*begun.pop())
        line = Line(store, config)
        now = datetime.now(UTC)
        await restore(line.board, store, now)
        line.board.publish(now, sweep=True)
        begun.append((line, asyncio.create_task(line.recorder.run())))
        line.schedule.start(datetime.now(UTC))
        return line

    async def stop(line: Line, task: asyncio.Task[None]) -> None:
        await line.schedule.stop(1)
        await end(task)
        await line.recorder.flush(60)

    yield make
    for each in begun:
        await stop(*each)


async def stored_incidents(store: Store) -> list[Incident]:
    return [*await store.incidents(endpoint=None, since=EVER, before=None, limit=100)]


# A doubt


async def test_a_failure_is_confirmed_at_once_and_recovery_is_looked_for(store: Store, begin: Begin) -> None:
    """In the whole chain the sample is judged while its own run still counts as running."""
    line = await begin(QUICK)
    await until(lambda: line.status() is Status.UP)
    line.errors[ONE] = ErrorClass.CONNECT
    await until(lambda: line.status() is Status.DOWN)
    failed = len(line.samples)
    assert line.beside_the_schedule(error=ErrorClass.CONNECT), "what made it down was not all of ticks"
    line.errors.clear()
    await until(lambda: line.status() is Status.UP)
    assert line.beside_the_schedule(failed), "nor what made it up again"
    await until(lambda: line.recorder.queue_length == 0)
    made = {sample.id for sample in line.samples}  # more come while the store is asked
    assert made <= {sample.id for sample in await store.samples(EVER)}


async def test_after_a_failure_that_stays_alone_probes_come_ever_later(begin: Begin) -> None:
    line = await begin(RARE)
    await line.ask_until_known(ONE)
    line.lone_errors[ONE] = ErrorClass.CONNECT
    line.ask(ONE)
    await until(lambda: len(line.of(ONE)) >= 12)
    since = line.of(ONE)[5:]
    assert [sample.error for sample in since[:2]] == [ErrorClass.CONNECT, None]
    gaps = [0.0, *(CLOSE_S * 2**place for place in range(6))]
    for gap, before, later in zip(gaps, since, since[1:], strict=False):
        assert later.scheduled_at >= before.started_at + timedelta(seconds=gap)


async def test_a_surprise_is_followed_by_a_probe_with_no_gap(begin: Begin) -> None:
    line = await begin(RARE)
    await line.ask_until_known(ONE)
    line.errors[ONE] = ErrorClass.CONNECT
    line.ask(ONE)
    await until(lambda: len(line.beside_the_schedule(error=ErrorClass.CONNECT)) >= 2)
    first, second = line.beside_the_schedule(error=ErrorClass.CONNECT)[:2]
    assert (ONE, first.started_at) in line.due
    assert second.scheduled_at >= first.started_at


async def test_when_one_falls_the_others_of_its_provider_are_probed_and_strangers_are_not(begin: Begin) -> None:
    line = await begin(RARE)
    await line.ask_until_known(ONE, TWO, OTHER)
    line.errors |= dict.fromkeys((ONE, TWO), ErrorClass.SERVER_ERROR)
    line.ask(ONE)
    await until(lambda: line.status(ONE) is line.status(TWO) is Status.DOWN)
    own = [sample for sample in line.of(TWO) if sample.error is ErrorClass.SERVER_ERROR]
    assert own, "none is down without a failure of its own"
    failures = {sample.started_at for sample in line.samples if sample.error is ErrorClass.SERVER_ERROR}
    assert not failures & {at for name, at in line.due if name == OTHER}
    assert line.status(OTHER) is Status.UP


@pytest.mark.slow
@pytest.mark.parametrize("error", [ErrorClass.AUTH, ErrorClass.VANTAGE_OFFLINE, ErrorClass.RATE_LIMITED])
async def test_what_does_not_count_is_not_asked_for_again_and_again(begin: Begin, error: ErrorClass) -> None:
    line = await begin(QUICK)
    await until(lambda: line.status() is Status.UP)
    line.errors[ONE] = error
    await until(lambda: len([sample for sample in line.samples if sample.error is error]) >= 3)
    assert len(line.beside_the_schedule(error=error)) <= 1, "one may have been asked for before"
    assert line.status() is Status.UP


@pytest.mark.slow
async def test_a_probe_that_its_budget_holds_back_is_not_asked_for_again_and_again(begin: Begin) -> None:
    budget = ProviderSpec(name="a", budget={BudgetUnit.TOKENS: 1})
    line = await begin(replace(QUICK, providers={"a": budget}))
    held_back = ErrorClass.BUDGET
    await until(lambda: len([sample for sample in line.samples if sample.error is held_back]) >= 3)
    assert len(line.beside_the_schedule(error=held_back)) <= 1, "the one that the first sample asked for"
    assert len([sample for sample in line.samples if sample.error is None]) == 1


async def test_maintenance_holds_back_what_is_beside_the_ticks_too(begin: Begin) -> None:
    now = datetime.now(UTC)
    spans = (MaintenanceWindow(begin=now - timedelta(hours=1), end=now + timedelta(hours=9)),)
    (spec,) = QUICK.endpoints
    line = await begin(replace(QUICK, endpoints=(replace(spec, maintenance=spans),)))
    line.ask(ONE)
    await breathe(500)
    await until(lambda: is_idle(line.schedule))
    assert line.samples == []


# Over a restart


@pytest.mark.slow
async def test_an_outage_is_stored_as_an_incident_with_the_samples_that_it_rests_on(store: Store, begin: Begin) -> None:
    line = await begin(QUICK)
    await until(lambda: line.status() is Status.UP)
    assert await stored_incidents(store) == []
    line.errors[ONE] = ErrorClass.CONNECT
    await until(lambda: line.status() is Status.DOWN)
    line.errors.clear()
    await until(lambda: line.status() is Status.UP)
    await until(lambda: line.recorder.queue_length == 0)
    failures = [sample for sample in await store.samples(EVER) if sample.error is ErrorClass.CONNECT]
    (incident,) = await stored_incidents(store)
    assert incident.began_at == min(sample.started_at for sample in failures)
    assert incident.last_at == max(sample.started_at for sample in failures)
    assert incident.causes == {"connect": len(failures)}
    assert incident.worst is Status.DOWN
    assert incident.ended_at is not None


@pytest.mark.slow
async def test_after_a_restart_the_status_is_the_same_and_the_open_incident_goes_on(store: Store, begin: Begin) -> None:
    line = await begin(QUICK)
    line.errors[ONE] = ErrorClass.CONNECT
    await until(lambda: line.status() is Status.DOWN)
    again = await begin(QUICK)
    assert again.status() is Status.DOWN
    (incident,) = await stored_incidents(store)
    assert incident.ended_at is None
    again.errors[ONE] = ErrorClass.TLS
    await until(lambda: len(again.samples) >= 2)
    again.errors.clear()
    await until(lambda: again.status() is Status.UP)
    await until(lambda: again.recorder.queue_length == 0)
    (ended,) = await stored_incidents(store)
    assert (ended.id, ended.began_at) == (incident.id, incident.began_at)
    assert (ended.causes["connect"], ended.causes["tls"] >= 2) == (incident.causes["connect"], True)
    assert ended.ended_at is not None


async def test_after_a_restart_an_incident_of_an_endpoint_that_is_gone_is_ended(store: Store, begin: Begin) -> None:
    line = await begin(QUICK)
    line.errors[ONE] = ErrorClass.CONNECT
    await until(lambda: line.status() is Status.DOWN)
    await begin(quick_config(OTHER))
    (ended,) = await stored_incidents(store)
    assert (ended.endpoint, ended.ended_at) == (ONE, ended.last_at)


# What the configuration says


FIXED = ProbeSpec(name="fixed", task=Task.CHAT, every_s=60)
ADAPTIVE = ProbeSpec(name="adaptive", task=Task.CHAT, every_s=300, closest_s=15)
REACH = ProbeSpec(name="reach", task=Task.REACH, every_s=60, closest_s=5)


@pytest.mark.parametrize("confirm", [True, False])
async def test_probes_beside_the_ticks_can_be_switched_off_where_the_interval_is_fixed(
    store: Store, *, confirm: bool
) -> None:
    """A fixed interval of the probe that would be made: what else an endpoint is asked has nothing to do with it."""
    probes = {probe.name: probe for probe in (FIXED, ADAPTIVE, REACH)}
    names = {"a:fixed": ("fixed",), "a:adaptive": ("adaptive",), "a:both": ("fixed", "reach")}
    (spec,) = QUICK.endpoints
    specs = tuple(replace(spec, endpoint=replace(spec.endpoint, id=name), probes=mine) for name, mine in names.items())
    config = replace(QUICK, endpoints=specs, probes=probes, scoring=ScoringSpec(confirm=confirm))
    daemon = Daemon(config, store, {})
    assert daemon._values.adaptive == (set(names) if confirm else {"a:adaptive"})
