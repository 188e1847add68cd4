"""What the daemon's parts take from a configuration. Pure.

With many endpoints this takes a tenth of a second and more, so a running daemon computes it in a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.config.model import Config
from monitor.pipeline.outcomes import Spans, reader_of, spans_of
from monitor.pipeline.restore import aliases_of
from monitor.scheduler.budget import Amounts, caps_of
from monitor.scheduler.jobs import Job, confirming_probe, enabled_jobs, tasks_of
from monitor.scoreboard.board import Board
from monitor.sinks import SampleOrigin, origins_of
from monitor.traffic.reading import CallReader
from monitor.vantage import WatchedOrigins, watched_origins
from probes._model import Endpoint, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class PartValues:
    """The values of one configuration."""

    config: Config
    jobs: Sequence[Job]
    board: Board
    """A board without data. The daemon's first one, or one whose states the daemon's board takes over."""
    providers: Mapping[str, str]
    """By endpoint."""
    aliases: Mapping[str, str]
    """Former endpoint ids to present ones."""
    adaptive: frozenset[str]
    """The endpoints that may be probed between their ticks."""
    tasks: Mapping[str, Task]
    """The headline task of each enabled endpoint."""
    caps: Mapping[str, Amounts]
    """Daily budgets by provider."""
    limits: Mapping[str, int]
    """How many probes may run at once, by provider."""
    reader: CallReader
    spans: Spans
    watched: WatchedOrigins
    origins: Mapping[str, SampleOrigin]
    """What sinks look up, by endpoint."""
    expected: Sequence[tuple[Endpoint, Task]]
    """The series that start at zero."""


def values_of(config: Config, now: datetime) -> PartValues:
    """What the parts take from a configuration."""
    jobs = enabled_jobs(config)
    return PartValues(
        config=config,
        jobs=jobs,
        board=Board(config, jobs, now, rendered=False),
        providers={spec.endpoint.id: spec.endpoint.provider for spec in config.endpoints},
        aliases=aliases_of(config),
        adaptive=adaptive_endpoints(config),
        tasks=tasks_of(config),
        caps=caps_of(config),
        limits={name: provider.max_concurrent for name, provider in config.providers.items()},
        reader=reader_of(config),
        spans=spans_of(config),
        watched=watched_origins(config.endpoints, config.canaries),
        origins=origins_of(config),
        expected=[(job.spec.endpoint, job.probe.task) for job in jobs],
    )


def adaptive_endpoints(config: Config) -> frozenset[str]:
    """The endpoints that may be probed between their ticks."""
    settling = {
        spec.endpoint.id: confirming_probe(config.probes[name] for name in spec.probes) for spec in config.endpoints
    }
    return frozenset(name for name, probe in settling.items() if config.scoring.confirm or probe.closest_s is not None)
