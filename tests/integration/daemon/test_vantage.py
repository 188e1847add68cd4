"""The network gate between ticks and recorder: a local network failure is excluded, a provider failure counts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.config import Canary
from monitor.config.model import Config, EndpointSpec
from monitor.domain.maintenance import MaintenanceWindow
from monitor.domain.status import Status
from monitor.pipeline.recorder import Recorder, RecorderCallbacks
from monitor.scheduler.dispatcher import Dispatcher
from monitor.scheduler.jobs import enabled_jobs
from monitor.scheduler.scheduler import Schedule
from monitor.scoreboard.board import Board
from monitor.store import Store, create_store
from monitor.vantage import GateCallbacks, NetworkGate, watched_origins
from monitor.vantage.evidence import CheckResult
from monitor.vantage.origin import Origin
from monitor.workers.limits import ConcurrencyLimits
from probes._model import Blame, ErrorClass, Run, Sample, Secret
from tests.integration.daemon.parts import PATIENT_S, breathe, end, quick_config, unlimited, until
from tests.support.board_values import sample_at

EVER = datetime(1970, 1, 1, tzinfo=UTC)
CANARY = Canary(host="203.0.113.9", port=443)


def remote(config: Config) -> Config:
    """The same endpoints, each provider at a name of its own."""
    return replace(config, endpoints=tuple(map(_remote, config.endpoints)))


def _remote(spec: EndpointSpec) -> EndpointSpec:
    return replace(spec, endpoint=replace(spec.endpoint, base_url=f"https://{spec.endpoint.provider}.example/v1"))


@dataclass
class World:
    """Providers, and the network between them and us."""

    online: bool = True
    down: set[str] = field(default_factory=set)
    resolves: bool = True
    asked: list[Origin] = field(default_factory=list)

    async def measure(self, run: Run) -> Sample:
        """A probe in this world."""
        began_at = datetime.now(UTC)
        await asyncio.sleep(0.01)
        if self.online and self.resolves and run.endpoint.provider not in self.down:
            return replace(sample_at(began_at, None, run.endpoint.id, e2e_s=0.005), id=run.id)
        error = ErrorClass.CONNECT if self.resolves else ErrorClass.DNS
        failed = sample_at(began_at, error, run.endpoint.id, detail="No route to host")
        return replace(failed, id=run.id, started_at=began_at)

    async def ask(self, origin: Origin) -> CheckResult:
        """The result of checking an origin in this world."""
        self.asked.append(origin)
        await asyncio.sleep(0.01)
        return CheckResult.HEARD if self.online and origin.name not in self.down else CheckResult.SILENT

    async def look_up(self, name: str | None) -> CheckResult:
        """What becomes of another name in this world."""
        return CheckResult.HEARD if self.resolves else CheckResult.SILENT


class Line:
    """The way of a probe from tick to snapshot, with the gate in it."""

    def __init__(self, store: Store, world: World, *names: str) -> None:
        config = remote(quick_config(*names, every_s=1.0))
        jobs = enabled_jobs(config)
        self.board = Board(config, jobs, datetime.now(UTC))
        self.statuses: set[tuple[str, Status]] = set()
        callbacks = RecorderCallbacks(
            observe=lambda _: None,
            published=lambda _: self.statuses.update(self.status.items()),
            due=lambda endpoint, at: self.schedule.probe_by(endpoint, at, datetime.now(UTC)),
            dropped=lambda _: None,
        )
        self.recorder = Recorder(self.board, store, callbacks)
        gate_callbacks = GateCallbacks(
            emit=self.recorder.put,
            now=lambda: datetime.now(UTC),
            ask=world.ask,
            look_up=world.look_up,
            probing=lambda: True,
        )
        self.gate = NetworkGate(watched_origins(config.endpoints, config.canaries), gate_callbacks, pause_s=0.01)
        budgets = unlimited(*(spec.endpoint.provider for spec in config.endpoints))
        ticks = Dispatcher(world, ConcurrencyLimits(64, {}), {}, self.gate.put, budgets)
        self.schedule = Schedule(jobs, ticks.fire, ticks.miss)

    @property
    def status(self) -> dict[str, Status]:
        rows = [self.board.row(name, datetime.now(UTC)) for name in self.board.snapshot.rows]
        return {row.id: row.status for row in rows if row is not None}

    def all_up(self) -> bool:
        return set(self.status.values()) == {Status.UP}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = create_store(f"sqlite:///{tmp_path}/store.db")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def begin(store: Store) -> AsyncIterator[Callable[..., Line]]:
    begun: list[tuple[Line, list[asyncio.Task[None]]]] = []

    def make(world: World, *names: str) -> Line:
        line = Line(store, world, *names)
        begun.append((line, [asyncio.create_task(line.recorder.run()), asyncio.create_task(line.gate.run())]))
        line.schedule.start(datetime.now(UTC))
        return line

    yield make
    for line, tasks in begun:
        await line.schedule.stop(1)
        for task in tasks:
            await end(task)


async def counted(store: Store, error: ErrorClass | None) -> list[Sample]:
    return [sample for sample in await store.samples(EVER) if sample.error is error]


async def settled(line: Line, condition: Callable[[], object]) -> None:
    await until(condition)
    await until(lambda: line.recorder.queue_length == 0)


async def test_an_offline_network_counts_against_no_endpoint_and_is_logged_once(
    begin: Callable[..., Line], store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "monitor.vantage")
    world = World()
    line = begin(world, "a:one", "a:two", "b:one")
    await until(line.all_up)
    world.online = False
    await until(lambda: not line.gate.online)
    async with asyncio.timeout(PATIENT_S):
        while len(await counted(store, ErrorClass.VANTAGE_OFFLINE)) < 6:  # two rounds of the three
            await asyncio.sleep(0.05)
    world.online = True
    await until(lambda: line.gate.online)
    await settled(line, line.all_up)
    assert Status.DOWN not in {status for _, status in line.statuses}
    excused = await counted(store, ErrorClass.VANTAGE_OFFLINE)
    assert {sample.endpoint for sample in excused} == {"a:one", "a:two", "b:one"}
    assert {(sample.blame, sample.detail) for sample in excused} == {
        (Blame.NETWORK, "the local network was offline (connect: No route to host)")
    }
    actions = [record.__dict__["action"] for record in caplog.records if record.name.startswith("monitor.vantage")]
    assert actions == ["vantage_offline", "vantage_online"]


async def test_a_dead_provider_goes_down_for_what_it_is(begin: Callable[..., Line], store: Store) -> None:
    world = World()
    line = begin(world, "a:one", "b:one")
    await until(line.all_up)
    world.down = {"a"}
    await settled(line, lambda: line.status["a:one"] is Status.DOWN)
    assert line.status["b:one"] is Status.UP
    assert line.gate.online
    assert await counted(store, ErrorClass.VANTAGE_OFFLINE) == []
    assert len(await counted(store, ErrorClass.CONNECT)) >= 2


@dataclass
class Post:
    """A gate by itself; the checks answer on demand."""

    names: tuple[str, ...] = ("a:one", "b:one")
    canaries: tuple[Canary, ...] = ()
    in_maintenance: tuple[str, ...] = ()
    behind_a_proxy: tuple[str, ...] = ()
    now: datetime = EVER + timedelta(days=20_000)
    heard: set[str] = field(default_factory=set)
    """Origins that answer at once; the others answer when the test lets them."""
    emitted: list[Sample] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answer: asyncio.Future[CheckResult] = asyncio.get_running_loop().create_future()
        config = remote(quick_config(*self.names))
        paused = replace(config.endpoints[0], endpoint=replace(config.endpoints[0].endpoint, id="x", provider="x"))
        specs = (*map(self._maintained, config.endpoints), _remote(replace(paused, enabled=False)))
        gate_callbacks = GateCallbacks(emit=self.emitted.append, now=lambda: self.now, ask=self.ask)
        self.gate = NetworkGate(watched_origins(specs, self.canaries), gate_callbacks, pause_s=0.0)

    def _maintained(self, spec: EndpointSpec) -> EndpointSpec:
        span = MaintenanceWindow(begin=self.now - timedelta(hours=1), end=self.now + timedelta(hours=1))
        if spec.endpoint.id in self.behind_a_proxy:
            return replace(spec, endpoint=replace(spec.endpoint, proxy=Secret("http://proxy.example:3128")))
        return replace(spec, maintenance=(span,)) if spec.endpoint.id in self.in_maintenance else spec

    async def ask(self, origin: Origin) -> CheckResult:
        self.asked.append(origin.name)
        return CheckResult.HEARD if origin.name in self.heard else await asyncio.shield(self.answer)

    async def was_asked(self, name: str, count: int) -> None:
        await until(lambda: self.asked.count(name) == count)

    def fail(self, name: str = "a:one") -> None:
        self.gate.put(replace(sample_at(self.now, ErrorClass.CONNECT, name), started_at=self.now))

    @property
    def errors(self) -> list[ErrorClass | None]:
        return [sample.error for sample in self.emitted]


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    post = Post()
    task = asyncio.create_task(post.gate.run())
    yield post
    await end(task)


async def test_one_round_of_checks_serves_all_simultaneous_failures_and_skips_paused_providers(post: Post) -> None:
    for _ in range(500):
        post.fail("a:one")
        post.fail("b:one")
    await breathe()
    assert (sorted(post.asked), post.emitted) == (["a", "b"], [])
    post.answer.set_result(CheckResult.SILENT)
    await until(lambda: len(post.emitted) == 1000)
    assert set(post.errors) == {ErrorClass.VANTAGE_OFFLINE}
    assert sorted(post.asked) == ["a", "b"]


async def test_canaries_are_asked_in_place_of_providers() -> None:
    post = Post(canaries=(CANARY,))
    task = asyncio.create_task(post.gate.run())
    post.fail()
    await until(lambda: post.asked)
    post.answer.set_result(CheckResult.HEARD)
    await until(lambda: post.emitted)
    assert (post.asked, post.errors) == (["203.0.113.9:443"], [ErrorClass.CONNECT])
    await end(task)


async def test_a_canary_that_does_not_answer_while_a_provider_does_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without any failure: it would be too late then."""
    post = Post(canaries=(CANARY,))
    post.heard = {"a", "b"}
    post.answer.set_result(CheckResult.SILENT)
    task = asyncio.create_task(post.gate.run())
    for count in (1, 2, 3):
        await post.was_asked("203.0.113.9:443", count)
        post.now += timedelta(hours=1)
    await end(task)
    told = [record for record in caplog.records if record.__dict__.get("action") == "canary_silent"]
    assert [record.getMessage().split(" does not answer")[0] for record in told] == ["canary 203.0.113.9:443"]


async def test_the_end_of_an_outage_is_found_without_probes(post: Post) -> None:
    post.fail()
    await until(lambda: post.asked)
    post.answer.set_result(CheckResult.SILENT)
    await until(lambda: not post.gate.online)
    post.heard = {"b"}
    post.now += timedelta(seconds=10)
    await until(lambda: post.gate.online)
    assert post.errors == [ErrorClass.VANTAGE_OFFLINE]


@pytest.mark.parametrize("state", ["in_maintenance", "behind_a_proxy"])
async def test_providers_in_maintenance_are_not_asked_nor_those_to_which_only_a_proxy_may_know_the_way(
    state: str,
) -> None:
    excepted: dict[str, Any] = {state: ("b:one", "b:two")}
    post = Post(names=("a:one", "b:one", "b:two", "c:one"), **excepted)
    task = asyncio.create_task(post.gate.run())
    post.fail()
    await until(lambda: post.asked)
    await breathe()
    assert post.asked == ["c"]
    await end(task)


async def test_one_endpoint_in_maintenance_does_not_exclude_its_provider_from_checks() -> None:
    post = Post(names=("a:one", "b:one", "b:two"), in_maintenance=("b:one",))
    task = asyncio.create_task(post.gate.run())
    post.fail()
    await until(lambda: post.asked)
    assert post.asked == ["b"]
    await end(task)


async def test_when_the_wall_clock_leaps_what_is_held_goes_as_it_is(post: Post) -> None:
    post.fail()
    post.now -= timedelta(hours=1)
    post.gate.clock_stepped()
    assert post.errors == [ErrorClass.CONNECT]


async def test_at_the_end_what_is_held_goes_as_it_is_and_what_comes_passes(post: Post) -> None:
    post.fail()
    assert post.emitted == []
    post.gate.end()
    assert post.errors == [ErrorClass.CONNECT]
    post.fail("b:one")
    assert post.errors == [ErrorClass.CONNECT] * 2


async def test_a_sample_without_any_evidence_is_handed_on_after_the_time_limit(post: Post) -> None:
    post.fail()
    await until(lambda: post.asked)
    post.now += timedelta(seconds=20)
    await until(lambda: post.emitted)
    assert post.errors == [ErrorClass.CONNECT]
    assert post.gate.online


async def test_one_provider_alone_is_not_blamed_for_a_resolver_that_does_not_answer(
    begin: Callable[..., Line], store: Store
) -> None:
    world = World()
    line = begin(world, "p:one")
    await until(line.all_up)
    world.resolves = False
    await until(lambda: not line.gate.online)
    world.resolves = True
    await until(lambda: line.gate.online)
    await settled(line, line.all_up)
    assert not await counted(store, ErrorClass.DNS)
    assert await counted(store, ErrorClass.VANTAGE_OFFLINE)


async def test_other_endpoints_are_watched_over_from_then_on_and_what_was_held_back_goes_on(post: Post) -> None:
    post.fail("a:one")
    await post.was_asked("b", 1)
    config = remote(quick_config("b:one", "c:one"))
    post.gate.apply(watched_origins(config.endpoints, ()))
    assert post.errors == [ErrorClass.CONNECT]
    post.answer.set_result(CheckResult.SILENT)
    await breathe()
    post.fail("c:one")
    await post.was_asked("b", 2)
    await until(lambda: len(post.emitted) == 2)
    assert post.errors == [ErrorClass.CONNECT, ErrorClass.VANTAGE_OFFLINE]
    assert "a" not in post.asked


async def test_endpoints_that_are_reached_as_before_keep_the_evidence(post: Post) -> None:
    post.fail("a:one")
    await post.was_asked("b", 1)
    config = remote(quick_config(*post.names))
    post.gate.apply(watched_origins([replace(spec, labels={"region": "eu"}) for spec in config.endpoints], ()))
    assert post.errors == []
    post.answer.set_result(CheckResult.HEARD)
    await until(lambda: post.emitted)
