"""Ticks become probes, or samples with the reason why no probe ran; and the configured blame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.config.model import ProbeSpec
from monitor.domain.maintenance import MaintenanceWindow
from monitor.scheduler.dispatcher import Dispatcher
from monitor.scheduler.jobs import Job, tick_at
from monitor.scheduler.scheduler import Schedule
from monitor.score.blame import BlameOverrides
from monitor.workers.limits import ConcurrencyLimits
from probes._model import Blame, ErrorClass, Run, Sample, Task
from tests.integration.daemon.parts import is_idle, quick_jobs, roomy_jobs, unlimited, until
from tests.support.board_values import sample_at

START = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
TOOLS = ProbeSpec(name="tools", task=Task.TOOL_CALL, every_s=60, timeout_s=5)


@dataclass
class Line:
    """Dispatcher and runner with a provider whose answers the test sets."""

    moved: BlameOverrides = field(default_factory=dict)
    answer: Callable[[Sample], Sample] = lambda sample: sample
    asked: list[Run] = field(default_factory=list)
    emitted: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ticks = Dispatcher(
            self, ConcurrencyLimits(4, {}), self.moved, self.emitted.append, unlimited("a", "b", "old")
        )

    async def measure(self, run: Run) -> Sample:
        """A probe of this provider."""
        self.asked.append(run)
        await asyncio.sleep(0)
        plain = replace(sample_at(run.scheduled_at, None, run.endpoint.id), id=run.id, started_at=run.scheduled_at)
        return self.answer(replace(plain, task=run.task, headers_s=0.0))

    def outcomes(self) -> list[tuple[ErrorClass | None, Blame | None, str | None]]:
        return [(sample.error, sample.blame, sample.detail) for sample in self.emitted]


def refused(error: ErrorClass | None, retry_after_s: float | None = None) -> Callable[[Sample], Sample]:
    return lambda sample: replace(
        sample, error=error, blame=error.blame if error else None, retry_after_s=retry_after_s
    )


def seconds(number: float) -> datetime:
    return START + timedelta(seconds=number)


@pytest.mark.parametrize("error", [ErrorClass.RATE_LIMITED, ErrorClass.OVERLOADED, None])
async def test_a_tick_before_the_provider_wants_it_is_skipped_and_says_so(error: ErrorClass | None) -> None:
    line = Line(answer=refused(error, 42.5))
    (job,) = quick_jobs("a:one", every_s=10)
    for at in (0, 10, 42, 43):
        await line.ticks.fire(job, seconds(at))
    assert [run.scheduled_at for run in line.asked] == [seconds(0), seconds(43)]
    assert [(sample.error, sample.blame, sample.detail) for sample in line.emitted[1:3]] == [
        (ErrorClass.SKIPPED, Blame.MONITOR, "Retry-After: the provider asks for no requests for another 33 s"),
        (ErrorClass.SKIPPED, Blame.MONITOR, "Retry-After: the provider asks for no requests for another 1 s"),
    ]
    assert [(sample.scheduled_at, sample.lag_s) for sample in line.emitted[1:3]] == [
        (seconds(10), None),
        (seconds(42), None),
    ]


async def test_the_wish_is_of_all_probes_of_the_endpoint_and_of_no_other_endpoint() -> None:
    line = Line(answer=refused(ErrorClass.RATE_LIMITED, 42.0))
    chat, tools, other, _ = quick_jobs("a:one", "a:two", every_s=10, tools=TOOLS)
    await line.ticks.fire(chat, seconds(0))
    await line.ticks.fire(tools, seconds(1))
    await line.ticks.fire(other, seconds(1))
    assert [(run.endpoint.id, run.task) for run in line.asked] == [("a:one", Task.CHAT), ("a:two", Task.CHAT)]
    assert (line.emitted[1].task, line.emitted[1].error) == (Task.TOOL_CALL, ErrorClass.SKIPPED)


async def test_a_provider_that_asks_for_a_day_is_asked_again_after_ten_minutes() -> None:
    line = Line(answer=refused(ErrorClass.OVERLOADED, 86_400.0))
    (job,) = quick_jobs("a:one", every_s=60)
    for minute in range(22):
        await line.ticks.fire(job, seconds(60 * minute))
    assert [run.scheduled_at for run in line.asked] == [seconds(0), seconds(600), seconds(1200)]


async def test_no_probe_is_to_settle_a_doubt_before_the_provider_wants_it() -> None:
    line = Line(answer=refused(ErrorClass.OVERLOADED, 42.0))
    (job,) = quick_jobs("a:one", every_s=60)
    assert line.ticks.may_ask("a:one", seconds(0))
    await line.ticks.fire(job, seconds(0))
    assert [line.ticks.may_ask(name, seconds(at)) for name, at in (("a:one", 1), ("a:one", 43), ("a:two", 1))] == [
        False,
        True,
        True,
    ]


async def test_on_the_real_schedule_ticks_become_samples_during_retry_after() -> None:
    line = Line(answer=refused(ErrorClass.RATE_LIMITED, 600.0))
    jobs = quick_jobs("a:one", every_s=0.2)
    schedule = Schedule(jobs, line.ticks.fire, line.ticks.miss)
    schedule.start(datetime.now(UTC))
    await until(lambda: len(line.emitted) >= 5)
    await schedule.stop(1)
    assert len(line.asked) == 1
    assert {sample.error for sample in line.emitted[1:]} == {ErrorClass.SKIPPED}
    ticks = [sample.scheduled_at for sample in line.emitted]
    assert ticks == [ticks[0] + number * jobs[0].every for number in range(len(ticks))]
    assert all(tick == tick_at(jobs[0], tick) for tick in ticks)


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (ErrorClass.OVERRUN, "the previous run was still running"),
        (ErrorClass.SKIPPED, "the monitor was not running"),
    ],
)
def test_a_tick_that_could_not_run_says_why(error: ErrorClass, detail: str) -> None:
    line = Line()
    job: Job = quick_jobs("a:one", every_s=10)[0]
    line.ticks.miss(job, seconds(10), error)
    assert line.outcomes() == [(error, Blame.MONITOR, detail)]


async def test_a_blame_that_the_configuration_overrides_is_in_the_sample_itself() -> None:
    line = Line(moved={ErrorClass.PAYMENT: Blame.PROVIDER}, answer=refused(ErrorClass.PAYMENT))
    (job,) = quick_jobs("a:one", every_s=10)
    await line.ticks.fire(job, seconds(0))
    line.answer = refused(ErrorClass.AUTH)
    await line.ticks.fire(job, seconds(10))
    assert line.outcomes() == [
        (ErrorClass.PAYMENT, Blame.PROVIDER, None),
        (ErrorClass.AUTH, Blame.ACCOUNT, None),
    ]


def in_maintenance(job: Job, begin: datetime, end: datetime) -> Job:
    return replace(job, spec=replace(job.spec, maintenance=(MaintenanceWindow(begin=begin, end=end),)))


async def test_in_maintenance_nothing_is_sent_and_nothing_recorded_and_after_it_ticks_run_as_ever() -> None:
    line = Line()
    (plain,) = quick_jobs("a:one", every_s=10)
    job = in_maintenance(plain, seconds(20), seconds(50))
    for at in range(0, 80, 10):
        await line.ticks.fire(job, seconds(at))
        line.ticks.miss(job, seconds(at) + timedelta(seconds=1), ErrorClass.OVERRUN)
    assert [run.scheduled_at for run in line.asked] == [seconds(at) for at in (0, 10, 50, 60, 70)]
    assert [sample.scheduled_at for sample in line.emitted if sample.error] == [
        seconds(at + 1) for at in (0, 10, 50, 60, 70)
    ]


async def test_a_probe_that_runs_when_maintenance_begins_is_recorded_as_ever() -> None:
    line = Line(answer=refused(ErrorClass.CONNECT))
    (plain,) = quick_jobs("a:one", every_s=10)
    await line.ticks.fire(in_maintenance(plain, seconds(0.1), seconds(50)), seconds(0))
    assert line.outcomes() == [(ErrorClass.CONNECT, Blame.PROVIDER, None)]


async def test_no_confirmation_is_sent_in_maintenance() -> None:
    line, now = Line(), datetime.now(UTC)
    plain, other = roomy_jobs("a:one", "b:other")
    job = in_maintenance(plain, now - timedelta(hours=1), now + timedelta(hours=9))
    schedule = Schedule([job, other], line.ticks.fire, line.ticks.miss)
    schedule.start(now)
    schedule.probe_by("a:one", now, now)
    schedule.probe_by("b:other", now, now)
    await until(lambda: len(line.emitted) == 1 and is_idle(schedule))
    await schedule.stop(1)
    assert [run.endpoint.id for run in line.asked] == ["b:other"]


async def test_other_blame_is_laid_from_then_on() -> None:
    line = Line(answer=refused(ErrorClass.NOT_FOUND))
    (job,) = quick_jobs("a:one", every_s=60)
    await line.ticks.fire(job, seconds(0))
    line.ticks.apply({ErrorClass.NOT_FOUND: Blame.PROVIDER}, {})
    await line.ticks.fire(job, seconds(60))
    assert [sample.blame for sample in line.emitted] == [Blame.ACCOUNT, Blame.PROVIDER]


async def test_a_probe_that_runs_while_its_endpoint_is_renamed_becomes_a_sample_of_the_present_id() -> None:
    line = Line()
    (job,) = quick_jobs("old:one", every_s=60)
    line.ticks.apply({}, {"old:one": "new:one"})
    await line.ticks.fire(job, seconds(0))
    assert [sample.endpoint for sample in line.emitted] == ["new:one"]
