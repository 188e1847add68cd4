"""Budgets in the daemon: ticks and confirmations that a budget holds back, and the sums after a restart."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from monitor.config.model import Config, Listen, ProbeSpec, ProviderSpec
from monitor.daemon.app import Daemon
from monitor.domain.budget_unit import BudgetUnit
from monitor.pipeline.restore import restore_budgets
from monitor.scheduler.budget import Budgets, caps_of
from monitor.scheduler.dispatcher import Dispatcher
from monitor.scheduler.jobs import enabled_jobs
from monitor.scheduler.scheduler import Schedule
from monitor.store import Store
from monitor.workers.limits import ConcurrencyLimits
from probes._model import Blame, ErrorClass, Run, Sample, Task
from tests.integration.daemon.parts import breathe, quick_config, until
from tests.support.board_values import sample_at
from tests.unit.store.samples import make_sample

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOKENS = 151
"""What a probe of `sample_at` costs."""
SPENT = "today's budget is spent: 453 of 450 tokens, until 00:00 UTC"


def budgeted(config: Config, **caps: float) -> Config:
    """The configuration with a budget of provider `a`."""
    budget = {BudgetUnit(name.removesuffix("_per_day")): cap for name, cap in caps.items()}
    return replace(config, providers={"a": ProviderSpec(name="a", budget=budget)})


@dataclass
class Line:
    """Dispatcher and runner with a provider that answers on demand."""

    config: Config
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Run] = field(default_factory=list)
    emitted: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()
        providers = {spec.endpoint.id: spec.endpoint.provider for spec in self.config.endpoints}
        self.budgets = Budgets(caps_of(self.config), providers)
        self.jobs = enabled_jobs(self.config)
        self.ticks = Dispatcher(self, ConcurrencyLimits(64, {}), {}, self.emitted.append, self.budgets)

    async def measure(self, run: Run) -> Sample:
        """A probe of this provider."""
        self.asked.append(run)
        await self.gate.wait()
        plain = sample_at(run.scheduled_at, None, run.endpoint.id, task=run.task, probe=run.probe)
        return replace(plain, id=run.id)

    def held_back(self) -> list[tuple[ErrorClass | None, Blame | None, str | None, float | None]]:
        found = [sample for sample in self.emitted if sample.error is ErrorClass.BUDGET]
        return [(each.error, each.blame, each.detail, each.lag_s) for each in found]


async def test_a_tick_beyond_the_budget_becomes_a_sample_that_says_why() -> None:
    line = Line(budgeted(quick_config("a:one", "b:other"), tokens_per_day=450))
    job, other = line.jobs
    for number in range(5):
        await line.ticks.fire(job, NOON + timedelta(hours=number * 3.5))
        await line.ticks.fire(other, NOON + timedelta(hours=number * 3.5))
    assert [run.endpoint.id for run in line.asked].count("b:other") == 5
    assert [run.endpoint.id for run in line.asked].count("a:one") == 4, "three on the first day, one on the next"
    assert line.held_back() == [(ErrorClass.BUDGET, Blame.MONITOR, SPENT, None)]


async def test_however_many_wait_for_a_place_no_more_are_let_in_than_the_budget_pays_for() -> None:
    reach = ProbeSpec(name="reach", task=Task.REACH, every_s=1, timeout_s=5)
    names = [f"a:{number}" for number in range(20)]
    line = Line(budgeted(quick_config(*names, reach=reach), tokens_per_day=600))
    line.gate.clear()
    async with asyncio.TaskGroup() as group:
        for job in line.jobs:
            group.create_task(line.ticks.fire(job, NOON))
        await breathe()
        asked = [run.task for run in line.asked]
        line.gate.set()
    assert asked.count(Task.REACH) == 20, "what costs nothing always runs"
    assert 3 <= asked.count(Task.CHAT) <= 4
    assert len(line.held_back()) + asked.count(Task.CHAT) == 20
    assert all("running probes may spend" in str(detail) for _, _, detail, _ in line.held_back())


async def test_a_probe_that_is_cancelled_gives_back_what_was_set_aside_for_it() -> None:
    line = Line(budgeted(quick_config("a:one"), tokens_per_day=100))
    line.gate.clear()
    for number in range(3):
        task = asyncio.create_task(line.ticks.fire(line.jobs[0], NOON + timedelta(seconds=number)))
        await breathe()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert len(line.asked) == 3
    assert [sample.error for sample in line.emitted] == [ErrorClass.CANCELLED] * 3


async def test_a_confirmation_on_the_real_schedule_obeys_as_well() -> None:
    line = Line(budgeted(quick_config("a:one", every_s=36_000, closest_s=0.001), tokens_per_day=1))
    now = datetime.now(UTC)
    await line.ticks.fire(line.jobs[0], now)
    schedule = Schedule(line.jobs, line.ticks.fire, line.ticks.miss)
    schedule.start(now)
    schedule.probe_by("a:one", now + timedelta(milliseconds=1), now)
    await until(lambda: len(line.emitted) >= 2)
    await schedule.stop(1)
    assert (len(line.asked), len(line.held_back())) == (1, 1)


async def test_a_restart_goes_on_from_what_the_day_cost(store: Store) -> None:
    config = budgeted(quick_config("a:one", "a:two", "b:other"), tokens_per_day=1_000, usd_per_day=0.5)
    begin = NOON.replace(hour=0)
    samples = [
        make_sample(1, endpoint="a:one", started_at=begin - timedelta(microseconds=1), prompt_tokens=999),
        make_sample(2, endpoint="a:one", started_at=begin, prompt_tokens=100, output_tokens=50, cost_usd=0.1),
        make_sample(3, endpoint="a:two", started_at=NOON, prompt_tokens=350, cost_usd=0.025),
        make_sample(4, endpoint="b:other", started_at=NOON, prompt_tokens=350, cost_usd=0.025),
        make_sample(5, endpoint="a:removed", started_at=NOON, output_tokens=250),
    ]
    await store.append(samples, {})
    line = Line(config)
    await restore_budgets(line.budgets, store, NOON)
    shares = {(name, unit): round(share, 9) for name, unit, share in line.budgets.shares(NOON)}
    assert shares == {("a", BudgetUnit.TOKENS): 0.75, ("a", BudgetUnit.USD): 0.25}
    assert {share for *_, share in line.budgets.shares(NOON + timedelta(days=1))} == {0.0}


async def test_the_daemon_itself_starts_with_a_spent_budget_and_sends_nothing(store: Store) -> None:
    """The provider of this endpoint does not exist: a probe that is sent would fail to connect."""
    config = replace(
        budgeted(quick_config("a:one", every_s=1.0), tokens_per_day=1_000),
        listen=Listen(host="127.0.0.1", port=0),
        grace_s=1.0,
    )
    now = datetime.now(UTC)
    spent = [
        make_sample(number, endpoint="a:one", started_at=now + day, prompt_tokens=1_000)
        for number, day in enumerate([timedelta(0), timedelta(days=1)])  # also if midnight comes meanwhile
    ]
    await store.append(spent, {})
    daemon = Daemon(config, store, {})
    task = asyncio.create_task(daemon.run())
    taken: list[Sample] = []
    while len(taken) < 2:
        await asyncio.sleep(0.05)
        assert not task.done()
        taken = [each for each in await store.samples(now - timedelta(days=1)) if each.scheduled_at > now]
    daemon._stop.set()
    await task
    assert {sample.error for sample in taken} <= {ErrorClass.BUDGET, ErrorClass.SKIPPED}
    assert {each.error for each in taken} & {ErrorClass.BUDGET}
