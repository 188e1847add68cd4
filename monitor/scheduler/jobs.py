"""Makes jobs from the configuration: which probe runs against which endpoint, when, and with what prompt. Pure.

Ticks are absolute: the epoch plus the job's phase plus a whole number of intervals. The phase depends on the ids alone,
so it is the same after every restart, and the probes of many endpoints are spread over the interval.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.config.model import Config, EndpointSpec, ProbeSpec
from monitor.domain.epoch import EPOCH
from probes._model import Deadlines, Run, Task
from probes._prompts import nonce, prompt_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One probe of one endpoint, repeated at an interval."""

    id: str
    vantage: str
    spec: EndpointSpec
    probe: ProbeSpec
    phase_s: float
    every: timedelta = field(init=False)
    """The interval between ticks."""
    first_tick: datetime = field(init=False)
    """The first tick after the epoch."""

    def __post_init__(self) -> None:
        """Computed once: every tick and every row uses them."""
        object.__setattr__(self, "every", timedelta(seconds=self.probe.every_s))
        object.__setattr__(self, "first_tick", EPOCH + timedelta(seconds=self.phase_s))


def enabled_jobs(config: Config) -> tuple[Job, ...]:
    """The jobs to schedule: one for each probe of each enabled endpoint."""
    return tuple(job for job in all_jobs(config) if job.spec.enabled)


def all_jobs(config: Config) -> tuple[Job, ...]:
    """The jobs of all endpoints, paused ones too."""
    return tuple(_job(config.vantage, spec, config.probes[name]) for spec in config.endpoints for name in spec.probes)


def headline_task(probes: Sequence[ProbeSpec]) -> Task:
    """The task whose times and speeds are published for an endpoint: chat, or else the task of its first probe."""
    tasks = [probe.task for probe in probes]
    return Task.CHAT if Task.CHAT in tasks else tasks[0]


def confirming_probe(probes: Iterable[ProbeSpec]) -> ProbeSpec:
    """The probe that confirms a suspected failure: the most frequent one whose task is not `reach`, if there is one."""
    return min(probes, key=lambda probe: (probe.task is Task.REACH, probe.every_s))


def tick_at(job: Job, now: datetime) -> datetime:
    """The job's newest tick that is not after `now`."""
    return job.first_tick + job.every * ((now - job.first_tick) // job.every)


def ticks_between(job: Job, after: datetime, until: datetime) -> int:
    """How many ticks lie in the span [after, until)."""
    return max(_index(job, until) - _index(job, after), 0)


def run_for(job: Job, at: datetime) -> Run:
    """The run of a job at `at`. Its id depends on the job and the time alone, so a repeated run has the same id."""
    unique = nonce(job.vantage, job.spec.model, job.probe.name, _round(job, at))
    return Run(
        id=_digest(job.id, at.isoformat()),
        endpoint=job.spec.endpoint,
        vantage=job.vantage,
        probe=job.probe.name,
        task=job.probe.task,
        prompt=prompt_for(
            job.probe.task,
            unique,
            prompt_tokens=job.probe.prompt_tokens,
            max_tokens=job.probe.max_tokens,
            dimensions=job.spec.dimensions,
        ),
        deadlines=Deadlines(ttft_s=job.probe.ttft_timeout_s, total_s=job.probe.timeout_s),
        scheduled_at=at,
    )


def _round(job: Job, at: datetime) -> str:
    """The part that makes a prompt unique. In one round all endpoints of a model get the same prompt.

    An extra probe between two ticks has a round of its own: the tick's prompt may be in the provider's cache.
    """
    return str((at - EPOCH) // job.every) if at == tick_at(job, at) else at.isoformat()


def _job(vantage: str, spec: EndpointSpec, probe: ProbeSpec) -> Job:
    identity = "\0".join((vantage, spec.endpoint.id, probe.name))
    share = int(_digest(identity, "phase"), 16) / 2**64
    return Job(id=identity, vantage=vantage, spec=spec, probe=probe, phase_s=round(share * probe.every_s, 6))


def _index(job: Job, at: datetime) -> int:
    """The number of ticks before `at`, counted from the job's first."""
    return -((job.first_tick - at) // job.every)


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def tasks_of(config: Config) -> dict[str, Task]:
    """By the id of each enabled endpoint, its headline task."""
    return {
        spec.endpoint.id: headline_task([config.probes[name] for name in spec.probes])
        for spec in config.endpoints
        if spec.enabled
    }
