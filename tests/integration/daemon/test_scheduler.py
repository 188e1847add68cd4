"""The schedule on the real APScheduler: every tick is accounted for exactly once, as a run, an overrun or skipped.

Nothing here says how long anything takes: a busy machine skips ticks, and says so.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_SUBMITTED, JobSubmissionEvent

from monitor.config.model import ProbeSpec
from monitor.scheduler.jobs import Job, tick_at
from monitor.scheduler.scheduler import MAX_GAP_TICKS, Schedule
from probes._model import ErrorClass, Task
from tests.integration.daemon.parts import breathe, is_idle, quick_jobs, rare_jobs, roomy_jobs, until

pytestmark = pytest.mark.alone

SECOND = timedelta(seconds=1)
RUN = None
"""What became of a tick that became a probe; the others have an error class."""
LONG = ProbeSpec(name="long", task=Task.CHAT, every_s=72_000)
REACH = ProbeSpec(name="reach", task=Task.REACH, every_s=3_600)


async def no_time(_: Job) -> None:
    """A probe that takes no time."""


def held_by(release: asyncio.Event) -> Callable[[Job], Awaitable[None]]:
    """A probe that lasts until the event is set."""

    async def probe(_: Job) -> None:
        await release.wait()

    return probe


class Watched:
    """A schedule, and what became of each tick."""

    def __init__(self, jobs: tuple[Job, ...], probe: Callable[[Job], Awaitable[None]] = no_time) -> None:
        self.jobs = jobs
        self.seen: list[tuple[Job, datetime, ErrorClass | None]] = []
        self.extras: list[tuple[Job, datetime]] = []
        self.running: Counter[str] = Counter()
        self.most_at_once = 0
        self.ended = 0
        self._probe = probe
        self.schedule = Schedule(jobs, self._fire, self._miss)

    async def _fire(self, job: Job, at: datetime) -> None:
        if at == tick_at(job, at):
            self.seen.append((job, at, RUN))
        else:
            self.extras.append((job, at))
        self.running[job.id] += 1
        self.most_at_once = max(self.most_at_once, self.running[job.id])
        try:
            await self._probe(job)
        finally:
            self.running[job.id] -= 1
            self.ended += 1

    def _miss(self, job: Job, at: datetime, error: ErrorClass) -> None:
        self.seen.append((job, at, error))

    def ask(self, endpoint: str) -> None:
        """Want a probe at once."""
        now = datetime.now(UTC)
        self.schedule.probe_by(endpoint, now, now)

    def ticks(self, job: Job, *kinds: ErrorClass | None) -> list[datetime]:
        """What was recorded of a job, of these kinds or of all, in order."""
        return sorted(at for each, at, kind in self.seen if each is job and (kind in kinds or not kinds))

    def check(self, since: datetime) -> None:
        """Every tick of every job from `since` to the last recorded one was recorded, and none twice."""
        for job in self.jobs:
            recorded = self.ticks(job)
            if recorded:
                number = (recorded[-1] - tick_at(job, since)) // job.every
                assert recorded == [tick_at(job, since) + each * job.every for each in range(1, number + 1)]
        assert self.most_at_once <= 1


@pytest.fixture
async def watch() -> AsyncIterator[Callable[..., Watched]]:
    made: list[Watched] = []

    def make(*args: object) -> Watched:
        made.append(Watched(*args))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        await each.schedule.stop(0)


async def test_ticks_come_at_their_phases_and_none_is_lost(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one", "b:two", "c:three", "d:four"))
    now = datetime.now(UTC)
    watched.schedule.start(now)
    await until(lambda: all(len(watched.ticks(job, RUN)) >= 3 for job in watched.jobs))
    for job in watched.jobs:
        assert all((at - job.first_tick) % job.every == timedelta(0) for at in watched.ticks(job))
    watched.check(now)


async def test_the_schedule_says_what_comes_next(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one", "b:two", every_s=1800))
    found = [(watched.schedule.running, watched.schedule.next_due())]
    now = datetime.now(UTC)
    watched.schedule.start(now)
    found.append((watched.schedule.running, watched.schedule.next_due()))
    assert is_idle(watched.schedule)
    await watched.schedule.stop(0)
    found.append((watched.schedule.running, watched.schedule.next_due()))
    next_due = min(tick_at(job, now) + job.every for job in watched.jobs)
    assert found == [(False, None), (True, next_due), (False, None)]


async def test_without_jobs_nothing_is_due(watch: Callable[..., Watched]) -> None:
    watched = watch(())
    watched.schedule.start(datetime.now(UTC))
    assert watched.schedule.next_due() is None
    assert watched.schedule.running


async def test_a_tick_that_finds_its_last_run_still_going_is_an_overrun(watch: Callable[..., Watched]) -> None:
    release = asyncio.Event()
    watched = watch(quick_jobs("a:one", every_s=0.5), held_by(release))
    (job,) = watched.jobs
    now = datetime.now(UTC)
    watched.schedule.start(now)
    await until(lambda: len(watched.ticks(job, ErrorClass.OVERRUN)) >= 2)
    assert len(watched.ticks(job, RUN)) == 1
    assert not is_idle(watched.schedule)
    release.set()
    await until(lambda: len(watched.ticks(job, RUN)) >= 2)
    watched.check(now)


async def test_one_slow_endpoint_holds_up_no_other(watch: Callable[..., Watched]) -> None:
    async def slow(job: Job) -> None:
        if job.spec.endpoint.id == "slow:one":
            await asyncio.Event().wait()

    watched = watch(quick_jobs("slow:one", "a:two", "b:three", every_s=0.3), slow)
    now = datetime.now(UTC)
    watched.schedule.start(now)
    await until(lambda: all(len(watched.ticks(job, RUN)) >= 2 for job in watched.jobs[1:]))
    assert len(watched.ticks(watched.jobs[0], RUN)) == 1
    watched.check(now)


async def test_ticks_that_passed_while_the_loop_was_blocked_are_skipped(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one", "b:two"))
    now = datetime.now(UTC)
    watched.schedule.start(now)
    await until(lambda: all(watched.ticks(job, RUN) for job in watched.jobs))
    blocked = datetime.now(UTC)
    time.sleep(3)  # what this test is about
    awake = datetime.now(UTC)
    await until(lambda: all(any(at > awake for at in watched.ticks(job, RUN)) for job in watched.jobs))
    for job in watched.jobs:
        passed = [at for at in watched.ticks(job) if blocked < at <= awake]
        assert len(passed) >= 2
        assert set(passed[:-1]) <= set(watched.ticks(job, ErrorClass.SKIPPED))
    watched.check(now)


async def test_ticks_that_passed_while_a_probe_ran_on_a_blocked_loop_are_recorded_once(
    watch: Callable[..., Watched],
) -> None:
    release = asyncio.Event()
    watched = watch(quick_jobs("a:one", every_s=0.4), held_by(release))
    (job,) = watched.jobs
    now = datetime.now(UTC)
    watched.schedule.start(now)
    await until(lambda: watched.ticks(job, RUN))
    time.sleep(1.3)  # what this test is about
    await until(lambda: watched.ticks(job, ErrorClass.OVERRUN))
    release.set()
    await until(lambda: len(watched.ticks(job, RUN)) >= 2)
    assert len(watched.ticks(job, ErrorClass.SKIPPED)) >= 1
    watched.check(now)


async def test_a_loop_that_blocks_between_waking_for_a_tick_and_taking_it_up_runs_no_tick_twice(
    watch: Callable[..., Watched],
) -> None:
    """The tick is taken up as a later one, and the scheduler comes with that one again."""
    watched = watch(quick_jobs("a:one", every_s=0.2))
    (job,) = watched.jobs
    blocks = iter([0.3] * 5)
    watched.schedule._scheduler.add_listener(lambda _: time.sleep(next(blocks, 0)), EVENT_JOB_SUBMITTED)
    now = datetime.now(UTC)
    watched.schedule.start(now)
    await until(lambda: len(watched.ticks(job, RUN)) >= 8)
    assert watched.ticks(job, ErrorClass.SKIPPED)
    watched.check(now)


async def test_a_tick_that_comes_twice_is_run_once(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one", every_s=1800))
    (job,) = watched.jobs
    watched.schedule.start(datetime.now(UTC) - 1800 * SECOND)
    await watched.schedule._tick(job)
    await watched.schedule._tick(job)
    assert len(watched.seen) == 1


async def test_a_confirmation_that_found_no_room_is_nobodys_tick(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one", every_s=1800))
    watched.schedule.start(datetime.now(UTC))
    event = JobSubmissionEvent(EVENT_JOB_MAX_INSTANCES, f"extra\0{watched.jobs[0].id}", "default", [datetime.now(UTC)])
    watched.schedule._on_overrun(event)
    assert watched.seen == []


async def test_of_a_long_gap_the_newest_ticks_are_recorded_and_the_rest_is_logged(
    watch: Callable[..., Watched], caplog: pytest.LogCaptureFixture
) -> None:
    """As after a sleep of the machine: an hour ago it was still running."""
    watched = watch(quick_jobs("a:one"))
    (job,) = watched.jobs
    watched.schedule.start(datetime.now(UTC) - 3600 * SECOND)
    await until(lambda: watched.ticks(job, RUN))
    skipped, first = watched.ticks(job, ErrorClass.SKIPPED), watched.ticks(job, RUN)[0]
    assert skipped[:MAX_GAP_TICKS] == [first - number * job.every for number in range(MAX_GAP_TICKS, 0, -1)]
    (warning,) = [record for record in caplog.records if vars(record).get("action") == "gap"]
    assert int(warning.getMessage().split()[0]) >= 3599


async def test_a_clock_that_leaps_by_years_costs_no_more_than_a_gap(watch: Callable[..., Watched]) -> None:
    """Not a list of all the ticks that were leapt over, during which nothing else would run."""
    watched = watch(quick_jobs("a:one"))
    (job,) = watched.jobs
    watched.schedule.start(datetime.now(UTC) - 3650 * 86_400 * SECOND)
    await until(lambda: len(watched.ticks(job, RUN)) >= 2)
    assert len(watched.ticks(job, ErrorClass.SKIPPED)) <= MAX_GAP_TICKS + 2


async def test_a_clock_that_leapt_and_came_back_unnoticed_stops_no_ticks(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one"))
    (job,) = watched.jobs
    watched.schedule.start(datetime.now(UTC))
    assert not watched.schedule.is_ahead(datetime.now(UTC))
    watched.schedule._advance(job, tick_at(job, datetime.now(UTC)) + 86_400 * job.every)
    assert watched.schedule.is_ahead(datetime.now(UTC))
    watched.schedule.realign(datetime.now(UTC))
    assert not watched.schedule.is_ahead(datetime.now(UTC))
    await until(lambda: watched.ticks(job, RUN))


async def test_a_probe_that_raises_is_logged_and_the_next_tick_comes(
    watch: Callable[..., Watched], caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_: Job) -> None:
        raise RuntimeError("no luck")

    watched = watch(quick_jobs("a:one", every_s=0.3), fails)
    now = datetime.now(UTC)
    watched.schedule.start(now)
    await until(lambda: len(watched.ticks(watched.jobs[0], RUN)) >= 3)
    assert "no luck" in caplog.text
    await until(lambda: is_idle(watched.schedule))
    watched.check(now)


# Beside the schedule


async def test_a_probe_that_is_wanted_soon_runs_once(watch: Callable[..., Watched]) -> None:
    watched = watch(roomy_jobs("a:one", "b:two"))
    watched.schedule.start(datetime.now(UTC))
    at = datetime.now(UTC)
    watched.schedule.probe_by("a:one", at, at)
    watched.schedule.probe_by("a:one", at, at)
    await until(lambda: watched.ended)
    await breathe()
    assert [(job.spec.endpoint.id, moment) for job, moment in watched.extras] == [("a:one", at)]
    watched.schedule.probe_by("a:one", at + SECOND / 1000, at)
    await until(lambda: watched.ended == 2)


async def test_it_is_not_run_while_the_endpoint_is_being_probed(watch: Callable[..., Watched]) -> None:
    release = asyncio.Event()
    watched = watch(roomy_jobs("a:one"), held_by(release))
    watched.schedule.start(datetime.now(UTC))
    watched.ask("a:one")
    await until(lambda: watched.extras)
    watched.ask("a:one")
    await asyncio.sleep(0.05)
    release.set()
    await until(lambda: is_idle(watched.schedule))
    await breathe()
    assert (len(watched.extras), watched.most_at_once) == (1, 1)


async def test_it_is_run_when_it_is_asked_for_at_the_very_end_of_a_run(watch: Callable[..., Watched]) -> None:
    """The sample that raises the doubt is judged before the task that brought it has ended."""
    asked: list[str] = []

    async def doubtful(job: Job) -> None:
        if not asked:
            asked.append(job.id)
            asyncio.get_running_loop().call_soon(watched.ask, job.spec.endpoint.id)

    watched = watch(quick_jobs("a:one", every_s=1, closest_s=0.001), doubtful)
    watched.schedule.start(datetime.now(UTC))
    await until(lambda: watched.extras)


async def test_one_confirmation_may_ask_for_the_next(watch: Callable[..., Watched]) -> None:
    async def doubtful(job: Job) -> None:
        if len(watched.extras) < 4:
            asyncio.get_running_loop().call_soon(watched.ask, job.spec.endpoint.id)

    watched = watch(roomy_jobs("a:one"), doubtful)
    watched.schedule.start(datetime.now(UTC))
    watched.ask("a:one")
    await until(lambda: len(watched.extras) == 4)
    assert watched.most_at_once == 1


async def test_of_several_probes_the_most_frequent_one_that_asks_for_tokens_is_run(
    watch: Callable[..., Watched],
) -> None:
    watched = watch(roomy_jobs("a:one", long=LONG, reach=REACH))
    watched.schedule.start(datetime.now(UTC))
    watched.ask("a:one")
    await until(lambda: watched.ended)
    await breathe()
    assert [job.probe.name for job, _ in watched.extras] == ["chat"]


async def test_a_tick_that_meets_its_own_confirmation_is_an_overrun(watch: Callable[..., Watched]) -> None:
    release = asyncio.Event()
    watched = watch(quick_jobs("a:one", every_s=0.4, closest_s=0.001), held_by(release))
    (job,) = watched.jobs
    now = datetime.now(UTC)
    watched.schedule.start(now)
    watched.ask("a:one")
    await until(lambda: watched.ticks(job, ErrorClass.OVERRUN) or watched.ticks(job, RUN))
    release.set()
    await until(lambda: watched.ticks(job, RUN))
    watched.check(now)


def next_tick(job: Job) -> datetime:
    return tick_at(job, datetime.now(UTC)) + job.every


async def test_a_probe_that_is_wanted_later_comes_then_and_not_before(watch: Callable[..., Watched]) -> None:
    begun: list[datetime] = []

    async def note(_: Job) -> None:
        begun.append(datetime.now(UTC))

    watched = watch(roomy_jobs("a:one"), note)
    now = datetime.now(UTC)
    watched.schedule.start(now)
    at = now + SECOND / 5
    watched.schedule.probe_by("a:one", at, now)
    assert watched.schedule.next_due() == at
    await until(lambda: watched.ended)
    assert [moment for _, moment in watched.extras] == [at]
    assert begun[0] >= at


async def test_a_time_that_is_past_is_now(watch: Callable[..., Watched]) -> None:
    watched = watch(roomy_jobs("a:one"))
    now = datetime.now(UTC)
    watched.schedule.start(now)
    watched.schedule.probe_by("a:one", now - 60 * SECOND, now)
    await until(lambda: watched.ended)
    assert [moment for _, moment in watched.extras] == [now]


async def test_what_was_asked_for_before_is_replaced_by_what_is_asked_for_now(watch: Callable[..., Watched]) -> None:
    watched = watch(roomy_jobs("a:one"))
    now = datetime.now(UTC)
    watched.schedule.start(now)
    for seconds in (0.05, 0.02, 9):
        watched.schedule.probe_by("a:one", now + seconds * SECOND, now)
    assert watched.schedule.next_due() == now + 9 * SECOND
    watched.schedule.probe_by("a:one", now, now)
    await until(lambda: watched.ended)
    assert [moment for _, moment in watched.extras] == [now]
    assert watched.schedule.next_due() == next_tick(watched.jobs[0])


async def test_no_probe_is_added_where_a_tick_comes_by_then(watch: Callable[..., Watched]) -> None:
    watched = watch(rare_jobs("a:one", closest_s=60))
    (job,) = watched.jobs
    now = datetime.now(UTC)
    watched.schedule.start(now)
    tick = next_tick(job)
    for at in (tick + SECOND, tick, tick - 59 * SECOND):
        watched.schedule.probe_by("a:one", at, now)
        assert watched.schedule.next_due() == tick
    watched.schedule.probe_by("a:one", tick - 60 * SECOND, now)
    assert watched.schedule.next_due() == tick - 60 * SECOND


async def test_what_was_asked_for_before_lapses_when_a_tick_is_soon_enough_now(watch: Callable[..., Watched]) -> None:
    watched = watch(roomy_jobs("a:one"))
    (job,) = watched.jobs
    now = datetime.now(UTC)
    watched.schedule.start(now)
    watched.schedule.probe_by("a:one", now + SECOND / 10, now)
    watched.schedule.probe_by("a:one", next_tick(job), now)
    assert watched.schedule.next_due() == next_tick(job)
    await asyncio.sleep(0.2)
    assert watched.extras == []


async def test_a_probe_whose_turn_has_come_does_not_lapse_any_more(watch: Callable[..., Watched]) -> None:
    watched = watch(roomy_jobs("a:one"))
    (job,) = watched.jobs
    now = datetime.now(UTC)
    watched.schedule.start(now)

    def too_late(_: JobSubmissionEvent) -> None:
        watched.schedule.probe_by("a:one", next_tick(job), now)

    watched.schedule._scheduler.add_listener(too_late, EVENT_JOB_SUBMITTED)
    watched.schedule.probe_by("a:one", now, now)
    await until(lambda: watched.ended)
    assert len(watched.extras) == 1


async def test_one_that_is_asked_for_while_the_last_ones_turn_has_come_lapses_like_any_other(
    watch: Callable[..., Watched],
) -> None:
    watched = watch(roomy_jobs("a:one"))
    (job,) = watched.jobs
    now = datetime.now(UTC)
    watched.schedule.start(now)

    def once_more(_: JobSubmissionEvent) -> None:
        watched.schedule.probe_by("a:one", now + 9 * SECOND, now)

    watched.schedule._scheduler.add_listener(once_more, EVENT_JOB_SUBMITTED)
    watched.schedule.probe_by("a:one", now, now)
    await until(lambda: watched.ended)
    assert watched.schedule.next_due() == now + 9 * SECOND
    watched.schedule.probe_by("a:one", next_tick(job), now)
    assert watched.schedule.next_due() == next_tick(job)


async def test_endpoints_ask_for_themselves_alone(watch: Callable[..., Watched]) -> None:
    watched = watch(roomy_jobs("a:one", "b:two"))
    now = datetime.now(UTC)
    watched.schedule.start(now)
    watched.schedule.probe_by("a:one", now + 9 * SECOND, now)
    watched.schedule.probe_by("b:two", now, now)
    await until(lambda: watched.ended)
    assert [job.spec.endpoint.id for job, _ in watched.extras] == ["b:two"]
    assert watched.schedule.next_due() == now + 9 * SECOND


async def test_what_is_still_to_come_when_stopping_begins_does_not_come(watch: Callable[..., Watched]) -> None:
    watched = watch(roomy_jobs("a:one"))
    now = datetime.now(UTC)
    watched.schedule.start(now)
    watched.schedule.probe_by("a:one", now + SECOND / 20, now)
    await watched.schedule.stop(0)
    await asyncio.sleep(0.1)
    assert (watched.extras, watched.schedule.next_due()) == ([], None)


async def test_one_whose_turn_has_come_when_stopping_begins_does_not_run(watch: Callable[..., Watched]) -> None:
    watched = watch(roomy_jobs("a:one"))
    now = datetime.now(UTC)
    watched.schedule.start(now)
    watched.schedule._scheduler.add_listener(lambda _: watched.schedule._scheduler.pause(), EVENT_JOB_SUBMITTED)
    watched.schedule.probe_by("a:one", now, now)
    await until(lambda: not watched.schedule.running)
    await breathe()
    assert watched.extras == []


async def test_an_unknown_endpoint_and_a_schedule_that_is_not_running_are_asked_in_vain(
    watch: Callable[..., Watched],
) -> None:
    watched = watch(roomy_jobs("a:one"))
    watched.ask("a:one")
    watched.schedule.start(datetime.now(UTC))
    watched.ask("nobody:none")
    await breathe()
    await watched.schedule.stop(0)
    watched.ask("a:one")
    await breathe()
    assert watched.extras == []


# Stopping


async def test_stopping_waits_for_running_probes(watch: Callable[..., Watched]) -> None:
    release = asyncio.Event()
    watched = watch(roomy_jobs("a:one"), held_by(release))
    watched.schedule.start(datetime.now(UTC))
    watched.ask("a:one")
    await until(lambda: watched.extras)
    stopping = asyncio.create_task(watched.schedule.stop(60))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    assert not watched.schedule.running
    release.set()
    await stopping
    assert (watched.ended, is_idle(watched.schedule)) == (1, True)


async def test_after_the_grace_period_probes_are_cancelled_and_that_is_no_error(
    watch: Callable[..., Watched], caplog: pytest.LogCaptureFixture
) -> None:
    cancelled: list[str] = []

    async def endless(job: Job) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # recording it takes a moment
            cancelled.append(job.spec.endpoint.id)
            raise

    watched = watch(quick_jobs("a:one", "b:two", every_s=0.4), endless)
    watched.schedule.start(datetime.now(UTC))
    await until(lambda: sum(watched.running.values()) == 2)
    await watched.schedule.stop(0.05)
    assert sorted(cancelled) == ["a:one", "b:two"]
    await breathe()
    assert is_idle(watched.schedule)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING and
            record.name == "monitor.scheduler.scheduler"] == ["probes cancelled after the grace period: 2"]  # fmt: skip
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_no_tick_comes_once_stopping_began(watch: Callable[..., Watched]) -> None:
    release = asyncio.Event()

    async def slow(job: Job) -> None:
        if job.spec.endpoint.id == "slow:one":
            await release.wait()

    watched = watch(quick_jobs("slow:one", "a:two", every_s=0.2), slow)
    watched.schedule.start(datetime.now(UTC))
    await until(lambda: watched.running[watched.jobs[0].id] and len(watched.seen) > 4)
    stopping = asyncio.create_task(watched.schedule.stop(60))
    await breathe()
    before = len(watched.seen)
    await asyncio.sleep(0.7)
    assert len(watched.seen) == before
    release.set()
    await stopping


async def test_a_tick_that_was_on_its_way_when_stopping_began_is_skipped(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one", every_s=0.2))
    (job,) = watched.jobs
    watched.schedule._scheduler.add_listener(lambda _: watched.schedule._scheduler.pause(), EVENT_JOB_SUBMITTED)
    watched.schedule.start(datetime.now(UTC))
    await until(lambda: watched.seen)
    assert [kind for _, _, kind in watched.seen][-1] is ErrorClass.SKIPPED
    assert watched.ticks(job, RUN) == []
    watched.schedule._scheduler.resume()


async def test_stopping_twice_and_stopping_what_never_started_does_nothing(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one"))
    await watched.schedule.stop(0)
    watched.schedule.start(datetime.now(UTC))
    await asyncio.gather(watched.schedule.stop(0), watched.schedule.stop(0))
    await watched.schedule.stop(0)
    await breathe()
    assert not watched.schedule.running


# Stepped clocks


async def test_after_the_clock_was_set_back_ticks_come_again(watch: Callable[..., Watched]) -> None:
    """It was an hour ahead when the schedule began; the scheduler waits for a time that is an hour away."""
    watched = watch(quick_jobs("a:one", "b:two", every_s=0.4))
    ahead = datetime.now(UTC) + 3600 * SECOND
    watched.schedule.start(ahead)
    for job in watched.jobs:
        watched.schedule._scheduler.modify_job(job.id, next_run_time=tick_at(job, ahead) + job.every)
    now = datetime.now(UTC)
    watched.schedule.realign(now)
    await until(lambda: all(len(watched.ticks(job, RUN)) >= 2 for job in watched.jobs))
    watched.check(now)


async def test_ticks_that_the_clock_leapt_over_are_skipped(watch: Callable[..., Watched]) -> None:
    """After a suspend the clock is ahead; the missed ticks are recorded."""
    watched = watch(quick_jobs("a:one"))
    (job,) = watched.jobs
    before = datetime.now(UTC) - 10 * SECOND
    watched.schedule.start(before)
    watched.schedule.realign(datetime.now(UTC))
    await until(lambda: watched.ticks(job, RUN))
    assert len(watched.ticks(job, ErrorClass.SKIPPED)) >= 9
    watched.check(before)


async def test_realigning_a_clock_that_is_right_loses_and_doubles_nothing(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one", "b:two", every_s=0.3))
    now = datetime.now(UTC)
    watched.schedule.start(now)

    def realigned() -> bool:
        watched.schedule.realign(datetime.now(UTC))
        return all(len(watched.ticks(job)) >= 6 for job in watched.jobs)

    await until(realigned)
    watched.check(now)


async def test_realigning_before_the_start_and_after_the_end_does_nothing(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one"))
    watched.schedule.start(datetime.now(UTC))
    await watched.schedule.stop(0)
    await breathe()
    watched.schedule.realign(datetime.now(UTC))
    assert watched.schedule.next_due() is None


# Everything at once


@pytest.mark.slow
async def test_whatever_happens_every_tick_is_recorded_and_none_twice(watch: Callable[..., Watched]) -> None:
    """Slow probes, blocked loops, confirmations and realignments, for some seconds."""
    dice = random.Random(1)

    async def probe(job: Job) -> None:
        await asyncio.sleep(dice.choice([0, 0, 0.01, 0.2, every[job.spec.endpoint.id] * dice.uniform(0.5, 2.5)]))

    every = {f"p{number}:m": interval for number, interval in enumerate([0.2, 0.3, 0.5, 0.7, 1.0, 1.0, 1.1])}
    jobs = tuple(job for name, interval in every.items() for job in quick_jobs(name, every_s=interval, closest_s=0.01))
    watched = watch(jobs, probe)
    watched.schedule._scheduler.add_listener(lambda _: time.sleep(dice.choice([0] * 20 + [0.4])), EVENT_JOB_SUBMITTED)
    now = datetime.now(UTC)
    watched.schedule.start(now)
    for _ in range(50):
        await asyncio.sleep(dice.uniform(0, 0.2))
        match dice.randrange(6):
            case 0:
                time.sleep(dice.uniform(0, 1.0))  # what this test is about
            case 1 | 2:
                watched.ask(dice.choice([*every]))
            case 3:
                watched.schedule.realign(datetime.now(UTC))
    at_the_end = datetime.now(UTC)
    await until(lambda: all((watched.ticks(job) or [now])[-1] >= at_the_end for job in jobs))
    await watched.schedule.stop(5)
    watched.check(now)
    kinds = Counter(kind for _, _, kind in watched.seen)
    assert set(kinds) == {RUN, ErrorClass.OVERRUN, ErrorClass.SKIPPED}


# Other jobs while it runs


async def test_a_removed_endpoint_is_no_longer_probed_and_a_new_one_is(watch: Callable[..., Watched]) -> None:
    watched = watch(quick_jobs("a:one", "b:two", every_s=0.5))
    removed, kept = watched.jobs
    (new,) = quick_jobs("c:three", every_s=0.5)
    since = datetime.now(UTC)
    watched.schedule.start(since)
    await until(lambda: watched.ticks(removed) and watched.ticks(kept))
    watched.ask("a:one")
    watched.schedule.apply((kept, new), datetime.now(UTC))
    recorded = len(watched.ticks(removed))
    watched.ask("a:one")
    seen = len(watched.ticks(kept))
    await until(lambda: len(watched.ticks(kept)) >= seen + 2 and len(watched.ticks(new)) >= 2)
    assert len(watched.ticks(removed)) == recorded
    assert not watched.extras
    watched.jobs = (kept,)
    watched.check(since)


async def test_a_changed_interval_is_kept_from_then_on(watch: Callable[..., Watched]) -> None:
    (seldom,) = rare_jobs("a:one", closest_s=1000)
    (often,) = quick_jobs("a:one", every_s=0.5)
    assert seldom.id == often.id
    watched = watch((seldom,))
    watched.schedule.start(datetime.now(UTC))
    began = datetime.now(UTC)
    watched.schedule.apply((often,), began)
    await until(lambda: len(watched.ticks(often)) >= 3)
    ticks = watched.ticks(often)
    assert ticks[0] == tick_at(often, began) + often.every
    assert not watched.ticks(seldom)


async def test_a_probe_of_a_removed_endpoint_that_runs_goes_on_to_its_end(watch: Callable[..., Watched]) -> None:
    release = asyncio.Event()
    watched = watch(roomy_jobs("a:one"), held_by(release))
    watched.schedule.start(datetime.now(UTC))
    watched.ask("a:one")
    await until(lambda: watched.running.total() == 1)
    watched.schedule.apply((), datetime.now(UTC))
    release.set()
    await until(lambda: watched.ended)
    assert watched.schedule.next_due() is None
    await until(lambda: is_idle(watched.schedule))


async def test_what_is_as_it_was_keeps_its_ticks(watch: Callable[..., Watched]) -> None:
    jobs = rare_jobs("a:one", "b:two", closest_s=1000)
    watched = watch(jobs)
    watched.schedule.start(datetime.now(UTC))
    due = watched.schedule.next_due()
    watched.schedule.apply(rare_jobs("a:one", "b:two", closest_s=1000), datetime.now(UTC))
    assert watched.schedule.next_due() == due


async def test_jobs_that_are_set_before_the_start_are_those_that_run(watch: Callable[..., Watched]) -> None:
    watched = watch(rare_jobs("a:one", closest_s=1000))
    jobs = quick_jobs("b:two", every_s=0.5)
    watched.schedule.apply(jobs, datetime.now(UTC))
    watched.schedule.start(datetime.now(UTC))
    await until(lambda: watched.ticks(jobs[0]))
