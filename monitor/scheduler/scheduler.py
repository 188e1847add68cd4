"""Fires the ticks of all jobs at absolute times, through APScheduler.

A tick that finds the job's last run still running is an `overrun`; a tick that passed while the process could not run
is `skipped`. Both become samples: a gap without samples would falsify uptime.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.jobstores.base import JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from monitor.scheduler.jobs import Job, confirming_probe, tick_at, ticks_between
from probes._model import ErrorClass

log = logging.getLogger(__name__)

MAX_GAP_TICKS = 100
"""How many ticks of one gap become samples. After a long suspend the rest is only logged."""

_AHEAD = timedelta(seconds=1)

_Fire = Callable[[Job, datetime], Coroutine[object, object, object]]
"""Runs a job's probe for a tick."""
_Miss = Callable[[Job, datetime, ErrorClass], None]
"""Records a tick that did not become a probe."""


class _Grid(IntervalTrigger):  # type: ignore[misc]  # comes without types
    """Ticks at absolute times. If very many passed at once, as after a clock step of a month, only the newest fire.

    APScheduler would list all of them, which would block the event loop for too long.
    """

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The tick after the last one."""
        found: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        if found is None or now - found <= MAX_GAP_TICKS * self.interval:
            return found
        newest: datetime = found + (now - found) // self.interval * self.interval
        return newest


class Schedule:
    """Schedules all jobs, each with its own phase."""

    def __init__(self, jobs: Iterable[Job], fire: _Fire, miss: _Miss) -> None:
        self._jobs = {job.id: job for job in jobs}
        self._fire = fire
        self._miss = miss
        self._confirming = _confirming_jobs(self._jobs.values())
        self._last_tick: dict[str, datetime] = {}
        self._newest_tick = datetime.min.replace(tzinfo=UTC)
        self._running: dict[str, asyncio.Task[object]] = {}
        self._entries = MemoryJobStore()
        self._scheduler = AsyncIOScheduler(jobstores={"default": self._entries}, timezone=UTC)
        self._scheduler.add_listener(self._on_overrun, EVENT_JOB_MAX_INSTANCES)

    @property
    def running(self) -> bool:
        """Whether the scheduler is running."""
        return bool(self._scheduler.state == STATE_RUNNING)

    def is_ahead(self, now: datetime) -> bool:
        """Whether a future tick was fired: the clock stepped forward and back before the step was noticed."""
        return self._newest_tick - now > _AHEAD

    def next_due(self) -> datetime | None:
        """When the next tick is due; None: there are no jobs, or the scheduler is stopped."""
        if not self.running:
            return None
        next_due: datetime | None = self._entries.get_next_run_time()  # APScheduler keeps it; no loop over all jobs
        return next_due

    def start(self, now: datetime) -> None:
        """Start. Only ticks after `now` are fired."""
        for job in self._jobs.values():
            self._add(job, now)
        self._scheduler.start()

    def apply(self, jobs: Iterable[Job], now: datetime) -> None:
        """Run these jobs from now on. Unchanged jobs keep their ticks; new and changed jobs begin after `now`.

        Running probes continue. Ticks that were missed before `now` are recorded for unchanged jobs only.
        """
        for _ in self.apply_in_steps(jobs, now):
            pass

    def apply_in_steps(self, jobs: Iterable[Job], now: datetime) -> Iterator[None]:
        """As `apply`, one job a step, since very many jobs take long. No former job runs after the first step."""
        before, self._jobs = self._jobs, {job.id: job for job in jobs}
        self._confirming = _confirming_jobs(self._jobs.values())
        yield
        if not self.running:
            return
        for gone in before.values():
            if self._jobs.get(gone.id) != gone:
                self._remove(gone)
                yield
        for job in [*self._jobs.values()]:
            if before.get(job.id) != job:
                self._add(job, max(now, datetime.now(UTC)))
                yield

    def _add(self, job: Job, now: datetime) -> None:
        self._last_tick[job.id] = tick_at(job, now)
        self._scheduler.add_job(
            self._tick,
            _Grid(seconds=job.probe.every_s, start_date=job.first_tick, timezone=UTC),
            args=(job,),
            id=job.id,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def _remove(self, job: Job) -> None:
        for entry in (job.id, _extra_id(job)):
            with suppress(JobLookupError):  # no request is pending, or it has just been fired
                self._scheduler.remove_job(entry)
        del self._last_tick[job.id]

    def probe_by(self, endpoint: str, at: datetime, now: datetime) -> None:
        """Probe an endpoint by a time, in addition to its ticks unless one is due by then. Replaces an earlier request.

        Whether the last run has ended is checked when the time comes: it may be about to end.
        """
        job = self._confirming.get(endpoint)
        if job is None or not self.running:
            return
        at = max(at, now)
        if at + timedelta(seconds=job.probe.least_s) > tick_at(job, now) + job.every:
            with suppress(JobLookupError):  # no request is pending, or it has just been fired
                self._scheduler.remove_job(_extra_id(job))
            return
        self._scheduler.add_job(
            self._extra,
            DateTrigger(at, timezone=UTC),
            args=(job, at),
            id=_extra_id(job),
            replace_existing=True,
            max_instances=2,  # the last one may be about to end
            misfire_grace_time=None,
        )

    def realign(self, now: datetime) -> None:
        """Return to the absolute ticks after the wall clock was stepped, or after the machine was suspended.

        Ticks that were passed over are recorded with the next one.
        """
        self._newest_tick = min(self._newest_tick, now)
        for job in self._jobs.values():
            entry = self._scheduler.get_job(job.id)
            if entry is not None:
                self._last_tick[job.id] = min(self._last_tick[job.id], tick_at(job, now))
                entry.modify(next_run_time=tick_at(job, now) + job.every)

    async def stop(self, grace_s: float) -> None:
        """Fire no more ticks, wait up to `grace_s` for running probes, cancel the rest."""
        if not self.running:
            return
        self._scheduler.pause()
        late = await _wait(self._running.values(), grace_s)
        if late:
            log.warning("probes cancelled after the grace period: %d", len(late), extra={"action": "drain_cut"})
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self._scheduler.shutdown(wait=False)

    async def _tick(self, job: Job) -> None:
        tick = tick_at(job, datetime.now(UTC))
        if not (self._is_current(job) and self._advance(job, tick)):
            return
        if job.id in self._running:
            self._miss(job, tick, ErrorClass.OVERRUN)
        elif not self.running:
            self._miss(job, tick, ErrorClass.SKIPPED)
        else:
            await self._run(job, tick)

    async def _extra(self, job: Job, at: datetime) -> None:
        if self.running and self._is_current(job) and job.id not in self._running:
            await self._run(job, at)

    def _is_current(self, job: Job) -> bool:
        """Whether a job was neither removed nor changed since its turn was set."""
        return self._jobs.get(job.id) == job

    async def _run(self, job: Job, at: datetime) -> None:
        task = asyncio.create_task(self._fire(job, at), name=f"probe-{job.spec.endpoint.id}")
        self._running[job.id] = task
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()  # not done if this coroutine was cancelled
            del self._running[job.id]
        if not task.cancelled():  # `stop` cancels; that is not an error
            task.result()

    def _advance(self, job: Job, tick: datetime) -> bool:
        """Note a tick and record those between the last one and it; False: it was noted before.

        A blocked event loop starts a job at a later tick than it was woken for; that later tick fires again.
        """
        last = self._last_tick[job.id]
        if tick <= last:
            return False
        self._last_tick[job.id] = tick
        self._newest_tick = max(self._newest_tick, tick)
        missed = ticks_between(job, last, tick) - 1
        if missed > MAX_GAP_TICKS:
            log.warning("%d ticks missed", missed, extra={"action": "gap", "endpoint": job.spec.endpoint.id})
        for number in range(min(missed, MAX_GAP_TICKS), 0, -1):
            self._miss(job, tick - number * job.every, ErrorClass.SKIPPED)
        return True

    def _on_overrun(self, event: JobSubmissionEvent) -> None:
        job = self._jobs.get(event.job_id)
        if job is None:
            return
        for tick in event.scheduled_run_times:
            if self._advance(job, tick):
                self._miss(job, tick, ErrorClass.OVERRUN)


def _confirming_jobs(jobs: Iterable[Job]) -> dict[str, Job]:
    """By endpoint, the job that confirms a suspected failure."""
    of_endpoint: dict[str, list[Job]] = {}
    for job in jobs:
        of_endpoint.setdefault(job.spec.endpoint.id, []).append(job)
    found = {}
    for endpoint, own in of_endpoint.items():
        probe = confirming_probe(job.probe for job in own)
        found[endpoint] = next(job for job in own if job.probe is probe)
    return found


def _extra_id(job: Job) -> str:
    return f"extra\0{job.id}"


async def _wait(tasks: Iterable[asyncio.Task[object]], seconds: float) -> set[asyncio.Task[object]]:
    """Wait for tasks up to `seconds`; returns those that are not done."""
    waited = set(tasks)
    return (await asyncio.wait(waited, timeout=seconds))[1] if waited else set()
