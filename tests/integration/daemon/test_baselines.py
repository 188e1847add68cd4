"""The baselines of each endpoint are read while the daemon runs: before each hour, one endpoint at a time."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest

from monitor.config.model import Config, Listen, ProbeSpec
from monitor.daemon.app import Daemon
from monitor.pipeline.baselines import BaselineCallbacks, BaselineIntervals, BaselineReader
from monitor.scheduler.jobs import enabled_jobs, tasks_of
from monitor.score.baseline import Baseline, Baselines, Basis, is_anomalous, starts
from monitor.scoreboard.board import Board
from monitor.store import Bucket, Retention, Store, StoreError, create_store
from probes._model import ErrorClass, Sample, Task
from tests.integration.daemon.parts import breathe, end, locked, quick_config, until
from tests.support.board_values import make_config, make_spec
from tests.support.memory_store import MemoryStore
from tests.unit.store.samples import make_sample

HOUR = timedelta(hours=1)
AT = datetime(2026, 11, 25, 14, tzinfo=UTC)
E, OTHER = "steady:smollm2", "other:smollm2"
QUICK = BaselineIntervals(breath_s=0.0, look_s=0.002)
FOREVER = Retention(raw=timedelta(days=3650), hourly=timedelta(days=3650))


def history(hours: Collection[datetime], count: int, seed: int = 1, **fields: object) -> list[Sample]:
    """So many successes in each of these hours, and beside them a failure that was terribly slow."""
    chance = random.Random(seed)
    found = []
    for start in hours:
        for number in range(count + 1):
            at = start + number * timedelta(seconds=50)
            plain = make_sample(0, id=f"{chance.getrandbits(64):016x}", started_at=at, scheduled_at=at)
            good = replace(plain, ttft_s=round(chance.lognormvariate(-1, 0.2), 6), output_tps=chance.uniform(40, 60))
            bad = replace(plain, error=ErrorClass.STALLED, blame=ErrorClass.STALLED.blame, ttft_s=99.0)
            found.append(replace(good if number < count else bad, **fields))  # type: ignore[arg-type]
    return found


class Watched(MemoryStore):
    """A store that records its queries, and fails on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, int]] = []
        self.error: Exception | None = None
        self.broken: set[str] = set()

    async def hours(
        self, endpoint: str, task: Task, starts: Collection[datetime], figures: Sequence[str]
    ) -> list[Bucket]:
        await asyncio.sleep(0)
        self.asked.append((endpoint, len(starts)))
        if self.error is not None:
            raise self.error
        if endpoint in self.broken:
            raise ValueError("not a sketch")
        return await super().hours(endpoint, task, starts, figures)


@dataclass
class Desk:
    """A reader at work, and everything that it handed over."""

    store: Store
    tasks: dict[str, Task]
    intervals: BaselineIntervals
    now: datetime
    troubled: bool = False
    given: list[tuple[str, Baselines]] = field(default_factory=list)
    new: set[tuple[str, datetime]] = field(default_factory=set)

    def __post_init__(self) -> None:
        callbacks = BaselineCallbacks(
            now=lambda: self.now,
            troubled=lambda: self.troubled,
            baselines=lambda name, baselines: self.given.append((name, baselines)),
            is_new=lambda name, hour: (name, hour) in self.new,
        )
        self.reader = BaselineReader(self.store, self.tasks, callbacks, self.intervals)
        self.task = asyncio.create_task(self.reader.run())

    def hours(self) -> list[tuple[str, datetime]]:
        return [(name, baselines.hour) for name, baselines in self.given]


Begin = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    made: list[Desk] = []

    async def make(
        store: Store,
        *names: str,
        intervals: BaselineIntervals = QUICK,
        now: datetime = AT + timedelta(minutes=20),
        troubled: bool = False,
        new: Collection[tuple[str, datetime]] = (),
    ) -> Desk:
        tasks = dict.fromkeys(names or (E,), Task.CHAT)
        made.append(Desk(store, tasks, intervals, now, troubled, new={*new}))
        await breathe()
        return made[-1]

    yield make
    for desk in made:
        await end(desk.task)


@pytest.fixture(params=["memory", "sqlite"])
async def each_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = MemoryStore() if request.param == "memory" else create_store(f"sqlite:///{tmp_path}/store.db")
    await store.open()
    yield store
    await store.close()


# What is read


@pytest.mark.parametrize("rolled_up", [False, True])
@pytest.mark.parametrize(("basis", "count"), [(Basis.WEEKDAY, 20), (Basis.HOUR, 5), (Basis.WEEK, 1)])
async def test_a_baseline_is_of_the_successes_in_the_hours_that_are_nearest(
    each_store: Store, begin: Begin, basis: Basis, count: int, rolled_up: bool
) -> None:
    samples = history(starts(basis, AT), count)
    strange = history([AT - 50 * 24 * HOUR, AT + HOUR], 20, 2, ttft_s=77.0)
    others = history(starts(basis, AT), 3, 3, task=Task.REACH, ttft_s=0.001)
    elsewhere = history(starts(basis, AT), 3, 4, endpoint=OTHER, ttft_s=0.002)
    await each_store.append([*samples, *strange, *others, *elsewhere], {})
    while rolled_up and await each_store.upkeep(AT + HOUR, FOREVER):
        pass
    desk = await begin(each_store)
    await until(lambda: desk.given)
    ((name, baselines),) = desk.given
    assert (name, baselines.hour, baselines.task) == (E, AT, Task.CHAT)
    good = [sample for sample in samples if sample.error is None]
    for baseline, values in (
        (baselines.ttft_s, [sample.ttft_s for sample in good if sample.ttft_s is not None]),
        (baselines.output_tps, [sample.output_tps for sample in good if sample.output_tps is not None]),
    ):
        assert baseline is not None
        assert (baseline.basis, baseline.count) == (basis, len(values))
        assert baseline.median == pytest.approx(median(values), rel=0.03)
        away = [abs(math.log(value / median(values))) for value in values]
        assert baseline.mad == pytest.approx(median(away), abs=0.03)
    assert not is_anomalous(baselines, good[0])
    assert is_anomalous(baselines, replace(good[0], ttft_s=5.0))


async def test_an_endpoint_without_history_gets_empty_baselines(each_store: Store, begin: Begin) -> None:
    desk = await begin(each_store, E, OTHER)
    await until(lambda: len(desk.given) == 2)
    assert desk.given == [(name, Baselines(hour=AT, task=Task.CHAT)) for name in (E, OTHER)]


async def test_a_whole_week_is_read_only_of_those_whose_nearer_hours_are_not_enough(begin: Begin) -> None:
    store = Watched()
    await store.append(history(starts(Basis.HOUR, AT), 20), {})
    desk = await begin(store, E, OTHER)
    await until(lambda: len(desk.given) == 2)
    assert store.asked == [(E, 18), (OTHER, 18), (OTHER, 161)]


async def test_endpoints_without_a_first_token_and_a_speed_are_not_read(begin: Begin) -> None:
    store = Watched()
    tasks = {"a:x": Task.EMBEDDING, "b:x": Task.REACH, "c:x": Task.TOOL_CALL}
    desk = Desk(store, tasks, QUICK, AT)
    await until(lambda: desk.given)
    await breathe(500)
    await end(desk.task)
    assert {name for name, _ in store.asked} == {"c:x"}
    assert desk.hours() == [("c:x", AT)]


async def test_endpoints_that_were_never_probed_before_the_hour_are_not_read_until_the_next(begin: Begin) -> None:
    store = Watched()
    desk = await begin(store, E, OTHER, new={(E, AT)})
    await until(lambda: desk.given)
    desk.now = AT + HOUR
    await until(lambda: len(desk.given) == 3)
    assert set(desk.hours()) == {(E, AT + HOUR), (OTHER, AT), (OTHER, AT + HOUR)}
    assert store.asked[0][0] == OTHER


# When


async def test_what_comes_is_read_before_its_hour_and_handed_over_when_that_begins(begin: Begin) -> None:
    store = Watched()
    desk = await begin(store, E, OTHER)
    await until(lambda: len(desk.given) == 2)
    desk.now = AT + timedelta(minutes=54)
    await breathe(500)
    asked = len(store.asked)
    desk.now = AT + timedelta(minutes=56)
    await until(lambda: len(store.asked) == 2 * asked)
    await breathe(500)
    assert len(desk.given) == 2
    desk.now = AT + HOUR + timedelta(seconds=1)
    await until(lambda: len(desk.given) == 4)
    assert desk.hours() == [(E, AT), (OTHER, AT), (E, AT + HOUR), (OTHER, AT + HOUR)]
    await breathe(500)
    assert len(store.asked) == 2 * asked


async def test_a_start_shortly_before_an_hour_reads_for_the_hour_that_is_and_then_for_the_next(begin: Begin) -> None:
    store = Watched()
    desk = await begin(store, E, OTHER, now=AT - timedelta(minutes=1))
    await until(lambda: len(store.asked) == 8)
    assert desk.hours() == [(E, AT - HOUR), (OTHER, AT - HOUR)]
    desk.now = AT
    await until(lambda: len(desk.given) == 4)
    assert desk.hours()[2:] == [(E, AT), (OTHER, AT)]


async def test_a_clock_that_is_stepped_brings_the_baselines_of_the_hour_that_it_shows(begin: Begin) -> None:
    desk = await begin(Watched())
    await until(lambda: desk.given)
    for step in (-3 * HOUR, 100 * HOUR):
        desk.now = AT + step
        await until(lambda: desk.given[-1][1].hour == AT + step)  # noqa: B023  # waited for at once


async def test_hours_are_those_of_utc(begin: Begin) -> None:
    odd = datetime.fromisoformat("2026-11-25T19:40:00+05:30")
    desk = await begin(Watched(), now=odd)
    await until(lambda: desk.given)
    assert desk.given[0][1].hour == AT


async def test_there_is_a_pause_after_each_endpoint(begin: Begin) -> None:
    store = Watched()
    await store.append(history(starts(Basis.HOUR, AT), 20), {})
    desk = await begin(store, E, OTHER, intervals=BaselineIntervals(breath_s=3600, look_s=0.0))
    await until(lambda: desk.given)
    await breathe(500)
    assert store.asked == [(E, 18)]


# When the store fails


@pytest.mark.parametrize(
    ("error", "told"), [(locked(), str(locked())), (RuntimeError("odd"), "RuntimeError inside the store")]
)
async def test_a_failure_is_logged_once_and_tried_again(
    error: Exception, told: str, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = Watched()
    store.error = error
    desk = await begin(store, E, OTHER)
    await until(lambda: len(store.asked) > 5)
    assert desk.reader.error == told
    assert desk.given == []
    store.error = None
    await until(lambda: desk.reader.error is None)
    assert {*desk.hours()} == {(E, AT), (OTHER, AT)}
    actions = [vars(record).get("action") for record in caplog.records if record.name == "monitor.pipeline.baselines"]
    unknown = not isinstance(error, StoreError)
    assert actions == ["habits_failed"] * (1 + unknown) + ["habits_recovered"]


async def test_baselines_stay_as_they_were_while_the_store_fails(begin: Begin) -> None:
    store = Watched()
    desk = await begin(store)
    await until(lambda: desk.given)
    store.error = locked()
    for hours in (1, 2, 3):
        desk.now = AT + hours * HOUR
        before = len(store.asked)
        await until(lambda: len(store.asked) > before + 2)  # noqa: B023  # waited for at once
    assert desk.hours() == [(E, AT)]
    store.error = None
    await until(lambda: len(desk.given) == 2)
    assert desk.hours() == [(E, AT), (E, AT + 3 * HOUR)]


async def test_an_endpoint_that_cannot_be_read_keeps_no_other_from_it(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    store = Watched()
    store.broken = {E}
    desk = await begin(store, E, OTHER, "third:x")
    await until(lambda: len(desk.given) == 2)
    desk.now = AT + HOUR
    await until(lambda: len(desk.given) == 4)
    assert {name for name, _ in desk.given} == {OTHER, "third:x"}
    assert desk.reader.error == "ValueError inside the store"
    mine = [record for record in caplog.records if record.name == "monitor.pipeline.baselines"]
    assert len(mine) == 2, "the exception, and that it is tried again; not in each round anew"


async def test_what_was_read_is_handed_over_at_its_hour_though_others_cannot_be(begin: Begin) -> None:
    store = Watched()
    store.broken = {OTHER}
    desk = await begin(store, E, OTHER, now=AT - timedelta(minutes=20))
    await until(lambda: desk.given)
    store.broken = set()
    await until(lambda: len(desk.given) == 2)
    store.broken = {OTHER}
    desk.now = AT - timedelta(minutes=2)
    asked = len(store.asked)
    await until(lambda: len(store.asked) > asked + 5)
    assert len(desk.given) == 2
    desk.now = AT
    await until(lambda: len(desk.given) == 3)
    assert desk.hours() == [(E, AT - HOUR), (OTHER, AT - HOUR), (E, AT)]


async def test_a_failing_store_is_not_used(begin: Begin) -> None:
    store = Watched()
    desk = await begin(store, troubled=True)
    await asyncio.sleep(0.05)
    assert store.asked == []
    desk.troubled = False
    await until(lambda: desk.given)


# In the daemon


def mixed_config() -> Config:
    probes = {
        task.value: ProbeSpec(name=task.value, task=task, every_s=60, timeout_s=5)
        for task in (Task.REACH, Task.TOOL_CALL, Task.CHAT)
    }
    return make_config(
        make_spec("a:x", probes=("reach", "chat")),
        make_spec("b:x", probes=("tool_call", "reach")),
        make_spec("c:x", probes=("reach",)),
        make_spec("d:x", probes=("chat",), enabled=False),
        probes=probes,
    )


def test_baselines_are_of_the_task_whose_figures_are_published() -> None:
    config = mixed_config()
    board = Board(config, enabled_jobs(config), AT)
    assert tasks_of(config) == {"a:x": Task.CHAT, "b:x": Task.TOOL_CALL, "c:x": Task.REACH}
    assert tasks_of(config).items() <= {name: book.params.task for name, book in board._endpoints.items()}.items()


async def test_a_daemon_hands_them_to_its_board(store: Store) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    around = [start + more * HOUR for start in starts(Basis.HOUR, hour) for more in (0, 1)]  # it may be over meanwhile
    await store.append(history(around, 20, endpoint="a:x"), {})
    config = replace(quick_config("a:x", every_s=3600.0), listen=Listen(host="127.0.0.1", port=0))
    daemon = Daemon(config, store, {})
    running = asyncio.create_task(daemon.run())
    try:
        await until(lambda: daemon._board._endpoints["a:x"].baselines or running.done())
    finally:
        daemon._stop.set()
        await running
    baselines = daemon._board._endpoints["a:x"].baselines
    assert baselines is not None
    assert isinstance(baselines.ttft_s, Baseline)
    assert baselines.ttft_s.count == 14 * 20


async def test_baselines_of_other_endpoints_are_read_from_then_on(begin: Begin) -> None:
    store = Watched()
    desk = await begin(store, E, OTHER)
    await until(lambda: len(desk.given) == 2)
    desk.reader.apply({OTHER: Task.CHAT, "new:one": Task.CHAT})
    await until(lambda: len(desk.given) == 4)
    assert desk.hours()[2:] == [(OTHER, AT), ("new:one", AT)]


async def test_the_baselines_of_a_removed_endpoint_are_discarded(begin: Begin) -> None:
    store = Gated()
    desk = await begin(store, E)
    await until(lambda: store.asked)
    desk.reader.apply({OTHER: Task.CHAT})
    store.gate.set()
    await until(lambda: desk.given)
    await breathe()
    assert desk.hours() == [(OTHER, AT)]


class Gated(Watched):
    """A store whose queries wait for a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def hours(
        self, endpoint: str, task: Task, starts: Collection[datetime], figures: Sequence[str]
    ) -> list[Bucket]:
        found = await super().hours(endpoint, task, starts, figures)
        await self.gate.wait()
        return found
