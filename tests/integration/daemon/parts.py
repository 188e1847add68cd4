"""Helpers for tests of the daemon's parts: waiting, configurations with short intervals, a faulty store."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from monitor.config.model import Config, ProbeSpec
from monitor.domain.incident import Incident
from monitor.scheduler.budget import Budgets
from monitor.scheduler.jobs import Job, enabled_jobs, tick_at
from monitor.scheduler.scheduler import Schedule
from monitor.store import SampleTally, StoreError
from monitor.traffic.counted import TrafficBatch
from probes._model import Sample, Task
from tests.support.board_values import make_config, make_spec
from tests.support.memory_store import MemoryStore

PATIENT_S = 60.0
"""A safety net and no claim: how long a busy machine may take for what usually takes no time."""
_LEAST_RARE_S = 36_000


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(PATIENT_S):
        while not condition():  # conditions of any kind
            await asyncio.sleep(0.005)


def unlimited(*providers: str) -> Budgets:
    """Budgets of providers that may spend what they want."""
    return Budgets({provider: {} for provider in providers}, {})


def is_idle(schedule: Schedule) -> bool:
    """Whether no probe of it is running."""
    return not schedule._running


async def breathe(turns: int = 50) -> None:
    """Let everything that can happen now happen."""
    for _ in range(turns):
        await asyncio.sleep(0)


def sample_id(text: str) -> str:
    """An id in the form of a sample's."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end. Raises the exception that ended it before."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def quick_config(*names: str, every_s: float = 1.0, closest_s: float | None = None, **fields: ProbeSpec) -> Config:
    """Endpoints that are probed every so many seconds; `fields` are further probes that all of them have."""
    chat = ProbeSpec(name="chat", task=Task.CHAT, every_s=every_s, closest_s=closest_s, timeout_s=5)
    probes = {"chat": chat, **fields}
    return make_config(*(make_spec(name, probes=tuple(probes)) for name in names), probes=probes)


def quick_jobs(
    *names: str, every_s: float = 1.0, closest_s: float | None = None, **fields: ProbeSpec
) -> tuple[Job, ...]:
    """Their jobs."""
    return enabled_jobs(quick_config(*names, every_s=every_s, closest_s=closest_s, **fields))


def roomy_jobs(*names: str, **fields: ProbeSpec) -> tuple[Job, ...]:
    """Jobs whose next tick is far off whenever a test runs, and whose probes may come close together."""
    return rare_jobs(*names, closest_s=0.001, **fields)


def rare_jobs(*names: str, closest_s: float, **fields: ProbeSpec) -> tuple[Job, ...]:
    """Jobs whose next tick is ten minutes off and more: their ticks come at fixed times, whenever a test runs.

    The intervals of all probes are stretched alike until it is so, of those in `fields`, too.
    """
    now = datetime.now(UTC)
    return next(jobs for jobs in _stretched(names, closest_s, fields) if all(_is_far_off(job, now) for job in jobs))


def _stretched(names: Sequence[str], closest_s: float, fields: Mapping[str, ProbeSpec]) -> Iterator[tuple[Job, ...]]:
    for every_s in range(_LEAST_RARE_S, 90_000, 999):
        others = {
            name: replace(probe, every_s=probe.every_s * every_s / _LEAST_RARE_S) for name, probe in fields.items()
        }
        yield quick_jobs(*names, every_s=every_s, closest_s=closest_s, **others)


def _is_far_off(job: Job, now: datetime) -> bool:
    return tick_at(job, now) + job.every - now > timedelta(minutes=10)


def _always_open() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


@dataclass
class StubStore(MemoryStore):
    """A store in memory that stalls, fails and rejects samples on demand."""

    gate: asyncio.Event = field(default_factory=_always_open)
    """While it is clear, an append hangs."""
    error: Exception | None = None
    """What an append raises."""
    unwritable: Exception | None = None
    """What `check_writable` raises."""
    poison: set[str] = field(default_factory=set)
    """Ids of samples, endpoints and incidents whose sample, state or value no append can take."""
    refused: set[str] = field(default_factory=set)
    """The same, but the store knows how to say it."""
    kept: dict[str, Sample] = field(default_factory=dict)
    kept_states: dict[str, str] = field(default_factory=dict)
    kept_incidents: dict[str, Incident] = field(default_factory=dict)
    appends: list[tuple[list[Sample], dict[str, str]]] = field(default_factory=list)
    """Samples and states that were committed, call by call."""
    incident_appends: list[list[Incident]] = field(default_factory=list)
    """And incidents."""
    kept_traffic: dict[str, TrafficBatch] = field(default_factory=dict)
    attempts: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    async def append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident] = (),
        traffic: TrafficBatch | None = None,
    ) -> int:
        self.attempts += 1
        await self.gate.wait()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        parts = {*(sample.id for sample in samples), *states, *(incident.id for incident in incidents)}
        parts |= set() if traffic is None else {*(key[0] for key in traffic.counts)}
        if self.poison & parts:
            raise TypeError("nothing that a database takes")
        if self.refused & parts:
            raise StoreError("store /x: a value out of range")
        for sample in samples:
            self.kept.setdefault(sample.id, sample)
        self.kept_states.update(states)
        self.kept_incidents.update({incident.id: incident for incident in incidents})
        self.kept_traffic.update({} if traffic is None else {traffic.id: traffic})
        self.appends.append(([*samples], {**states}))
        self.incident_appends.append([*incidents])
        return 0

    async def states(self) -> dict[str, str]:
        return dict(self.kept_states)

    async def open_incidents(self) -> list[Incident]:
        return [incident for incident in self.kept_incidents.values() if incident.ended_at is None]

    async def samples(self, since: datetime, until: datetime | None = None) -> list[Sample]:
        later = [sample for sample in self.kept.values() if sample.started_at >= since]
        return [sample for sample in later if until is None or sample.started_at < until]

    async def tallies(self, since: datetime, bucket_s: int) -> list[SampleTally]:
        return []

    async def first_seen(self) -> dict[str, datetime]:
        return {}

    async def check_writable(self) -> None:
        if self.unwritable is not None:
            raise self.unwritable


def locked() -> StoreError:
    """The error of a store that is not writable."""
    return StoreError("store /x: database is locked: stop the other process that locks it")
