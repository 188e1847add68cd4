"""Incidents in the recorder: stored with their samples and never before them, the newest value last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.config.model import Config
from monitor.domain.incident import Incident, incident_id
from monitor.domain.status import Status
from monitor.pipeline.poison import Batch, PoisonQueue
from monitor.pipeline.restore import restore
from monitor.pipeline.write_queue import QueueLimits
from monitor.scheduler.jobs import Job, enabled_jobs
from monitor.scoreboard.absorbed import Absorbed
from monitor.scoreboard.board import Board
from monitor.store import Store, create_store
from monitor.traffic.calls import Call
from probes._model import ErrorClass, Sample
from tests.integration.daemon.parts import StubStore, breathe, end, locked, until
from tests.integration.daemon.test_recorder import CONFIG, EVER, ONE, PATIENT, QUICK, TWO, Bench, make_sample

DOWN = ErrorClass.CONNECT


class Watching(Board):
    """A board that opens an incident with an endpoint's first failure and ends it with its next success."""

    def __init__(self, config: Config, jobs: Sequence[Job], now: datetime) -> None:
        super().__init__(config, jobs, now)
        self.known: dict[str, Incident] = {}

    def restore_incidents(self, incidents: Iterable[Incident]) -> tuple[Incident, ...]:
        self.known = {incident.id: incident for incident in incidents}
        return ()

    def absorb(self, samples: Iterable[Sample], calls: Iterable[Call] = ()) -> Absorbed:
        batch = [*samples]
        touched = {each.id: each for each in map(self._judge, batch) if each is not None}
        return replace(super().absorb(batch, calls), incidents=[*touched.values()])

    def _judge(self, sample: Sample) -> Incident | None:
        mine = (
            incident
            for incident in self.known.values()
            if incident.endpoint == sample.endpoint and not incident.ended_at
        )
        last = next(mine, None)
        if sample.error is None:
            return last and self._put(replace(last, ended_at=sample.started_at))
        if last is None:
            return self._put(begun(sample))
        return self._put(replace(last, last_at=sample.started_at, causes={"connect": last.samples + 1}))

    def _put(self, incident: Incident) -> Incident:
        self.known[incident.id] = incident
        return incident


def begun(sample: Sample) -> Incident:
    """The incident that a sample opens."""
    return Incident(
        id=incident_id(sample.endpoint, sample.started_at),
        endpoint=sample.endpoint,
        worst=Status.DOWN,
        began_at=sample.started_at,
        last_at=sample.started_at,
        causes={"connect": 1},
    )


def watching(bench: Bench) -> Watching:
    assert isinstance(bench.board, Watching)
    return bench.board


def failures(*numbers: int, name: str = ONE) -> list[Sample]:
    return [make_sample(number, DOWN, name) for number in numbers]


def sizes(incidents: Iterable[Incident]) -> dict[str, int]:
    """How many samples each endpoint's incident rests on."""
    return {incident.endpoint: incident.samples for incident in incidents}


Begin = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    made: list[Bench] = []

    async def make(store: Store, limits: QueueLimits = PATIENT) -> Bench:
        made.append(Bench(store, limits, board_type=Watching))
        await breathe()
        return made[-1]

    yield make
    for bench in made:
        await end(bench.task)


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Store]:
    store = create_store(f"sqlite:///{tmp_path}/store.db")
    await store.open()
    yield store
    await store.close()


async def test_an_incident_is_stored_in_the_commit_of_the_sample_that_it_rests_on(begin: Begin) -> None:
    store = StubStore()
    bench = await begin(store)
    for number in (1, 2):
        bench.put(*failures(number))
        await until(lambda: bench.visible() == number)  # noqa: B023
        assert sizes(store.kept_incidents.values()) == {ONE: number}
    bench.put(make_sample(3))
    await until(lambda: bench.visible() == 3)
    (incident,) = store.kept_incidents.values()
    assert incident.ended_at == store.kept[make_sample(3).id].started_at
    assert [len(samples) for samples, _ in store.appends] == [1, 1, 1]


async def test_a_burst_is_stored_in_portions_with_the_incidents_last_and_each_once(begin: Begin) -> None:
    """No incident is ever stored ahead of a sample that it rests on."""
    store = StubStore()
    bench = await begin(store)
    bench.put(*(make_sample(number, DOWN, (ONE, TWO)[number % 2]) for number in range(1203)))
    await until(lambda: bench.visible(ONE) + bench.visible(TWO) == 1203)
    assert [sizes(incidents) for incidents in store.incident_appends] == [{}, {}, {ONE: 602, TWO: 601}]


async def test_an_incident_waits_for_a_store_that_fails(begin: Begin) -> None:
    store = StubStore(error=locked())
    bench = await begin(store, QUICK)
    bench.put(*failures(1, 2))
    await until(lambda: bench.visible() == 2 and store.attempts > 3)
    assert store.kept_incidents == {}
    store.error = None
    await until(lambda: bench.quiet)
    assert sizes(store.kept_incidents.values()) == {ONE: 2}
    assert [sizes(incidents) for incidents in store.incident_appends] == [{ONE: 2}]


async def test_an_incident_that_grew_while_its_older_value_failed_is_the_one_that_is_kept(begin: Begin) -> None:
    store = StubStore()
    store.gate.clear()
    bench = await begin(store, QUICK)
    bench.put(*failures(1), *failures(1, name=TWO))
    await until(lambda: store.attempts)
    bench.put(*failures(2))
    await until(lambda: bench.visible() == 2)
    store.error = locked()
    store.gate.set()
    await until(lambda: bench.recorder.store_error == str(locked()))
    store.error = None
    await until(lambda: bench.quiet)
    assert sizes(store.kept_incidents.values()) == {ONE: 2, TWO: 1}


async def test_an_incident_that_no_store_takes_costs_no_sample_no_state_and_no_other_incident(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    samples = [*failures(1), *failures(1, name=TWO)]
    store = StubStore(poison={begun(samples[0]).id})
    bench = await begin(store)
    bench.put(*samples)
    await until(lambda: bench.visible(TWO))
    assert (len(store.kept), sorted(store.kept_states), bench.dropped) == (2, [ONE, TWO], 0)
    assert sizes(store.kept_incidents.values()) == {TWO: 1}
    assert bench.quiet
    (given_up,) = [record for record in caplog.records if vars(record).get("action") == "store_drop"]
    assert given_up.getMessage() == f"incident {begun(samples[0]).id} dropped: it cannot be stored"


async def test_an_incident_that_a_store_refuses_costs_no_sample_no_state_and_no_other_incident(begin: Begin) -> None:
    samples = [*failures(1), *failures(1, name=TWO)]
    store = StubStore(refused={begun(samples[0]).id})
    bench = await begin(store, QUICK)
    bench.put(*samples)
    await until(lambda: sizes(store.kept_incidents.values()) == {TWO: 1})
    assert (len(store.kept), sorted(store.kept_states), bench.dropped) == (2, [ONE, TWO], 0)


async def test_an_incident_that_a_store_refuses_while_it_takes_others_is_given_up_after_a_while(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    samples = [*failures(1), *failures(1, name=TWO)]
    store = StubStore(refused={begun(samples[0]).id})
    bench = await begin(store, QUICK)
    bench.put(*samples)
    await until(lambda: bench.quiet)
    assert (bench.dropped, len(store.kept), sizes(store.kept_incidents.values())) == (0, 2, {TWO: 1})
    (given_up,) = [record for record in caplog.records if vars(record).get("action") == "store_drop"]
    assert given_up.getMessage().startswith(f"incident {begun(samples[0]).id} dropped: it cannot be stored: ")


async def test_an_incident_that_is_refused_alone_is_given_up_once_the_state_after_it_was_taken_often_enough(
    begin: Begin,
) -> None:
    (sample,) = failures(1)
    store = StubStore(refused={begun(sample).id})
    bench = await begin(store, QUICK)
    bench.put(sample)
    await until(lambda: bench.quiet)
    assert (bench.dropped, len(store.kept), [*store.kept_states], store.kept_incidents) == (0, 1, [ONE], {})


async def test_parts_that_are_refused_out_of_step_are_given_up_all_the_same() -> None:
    """What waits is stored as a whole: one that was given up comes again while another has to."""
    first, second = (begun(sample) for name in (ONE, TWO) for sample in failures(1, name=name))
    poison = PoisonQueue(StubStore(refused={first.id, second.id}))
    alone = Batch(states={ONE: "{}"}, incidents={first.id: first})
    both = replace(alone, incidents={first.id: first, second.id: second})
    outcomes = [await poison.append(batch) for batch in (alone, both, both, both)]
    assert [outcome.error is None for outcome in outcomes] == [False, False, False, True]
    assert outcomes[-1].given_up == {f"incident {first.id}", f"incident {second.id}"}


async def test_a_refusal_is_forgotten_once_all_was_taken() -> None:
    """A store that fails now and then for a moment is no proof, however often it does."""
    (incident,) = (begun(sample) for sample in failures(1))
    store = StubStore()
    poison = PoisonQueue(store)
    batch = Batch(states={ONE: "{}"}, incidents={incident.id: incident})
    for _ in range(4):
        store.refused = {incident.id}
        assert (await poison.append(batch)).error is not None
        store.refused = set()
        assert (await poison.append(batch)).error is None


async def test_a_sample_that_no_store_takes_does_not_take_its_incident_with_it(begin: Begin) -> None:
    store = StubStore(poison={make_sample(2).id})
    bench = await begin(store)
    bench.put(*failures(1, 2, 3))
    await until(lambda: bench.visible() == 3)
    assert (len(store.kept), bench.dropped) == (2, 1)
    assert sizes(store.kept_incidents.values()) == {ONE: 3}


async def test_flushing_finishes_the_incident_whose_commit_was_interrupted(begin: Begin) -> None:
    store = StubStore()
    store.gate.clear()
    bench = await begin(store)
    bench.put(*failures(1))
    await until(lambda: store.attempts)
    await end(bench.task)
    bench.put(*failures(2))
    store.gate.set()
    await bench.recorder.flush(60)
    assert sizes(store.kept_incidents.values()) == {ONE: 2}


async def test_flushing_waits_for_an_incident_that_is_all_that_is_left(begin: Begin) -> None:
    store = StubStore()
    bench = await begin(store)
    await end(bench.task)
    (sample,) = failures(1)
    bench.recorder._queue._incidents = {begun(sample).id: begun(sample)}
    await bench.recorder.flush(60)
    assert sizes(store.kept_incidents.values()) == {ONE: 1}


async def test_a_restart_goes_on_from_the_incidents_that_are_open(begin: Begin, sqlite: Store) -> None:
    bench = await begin(sqlite)
    bench.put(*failures(1, 2), *failures(1, name=TWO), make_sample(2, name=TWO))
    await until(lambda: bench.visible(ONE) == bench.visible(TWO) == 2)
    await end(bench.task)
    found = await sqlite.incidents(endpoint=None, since=EVER, before=None, limit=10)
    assert {each.id: each for each in found} == watching(bench).known
    now = datetime.now(UTC)
    fresh = Watching(CONFIG, enabled_jobs(CONFIG), now)
    await restore(fresh, sqlite, now)
    (still_open,) = fresh.known.values()
    assert still_open == next(each for each in found if each.endpoint == ONE)
    assert still_open.samples == 2
    (grown,) = fresh.absorb(failures(3)).incidents
    assert (grown.id, grown.samples) == (still_open.id, 3)
