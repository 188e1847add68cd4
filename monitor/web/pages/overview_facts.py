"""The figures of each endpoint for the overview. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from monitor.charts.uptime_strip import UptimeBucket
from monitor.domain.incident import Incident
from monitor.domain.text import printable
from monitor.scheduler.jobs import Job, tick_at
from monitor.scoreboard.endpoint import EndpointSnapshot
from monitor.scoreboard.row import Row
from monitor.scoreboard.schema import EndpointScore
from monitor.scoreboard.snapshot import Snapshot
from monitor.web.pages.hourly import HourCounts, hour_buckets

LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFacts:
    """One endpoint."""

    place: int
    """In the order of the configuration."""
    row: Row
    published: EndpointScore
    """Its row of the scores document, so that a page and the API show the same figures."""
    snapshot: EndpointSnapshot
    incident: Incident | None = None
    """The open one."""
    next_probe: datetime | None = None
    """Only while it was never measured."""
    hours: tuple[UptimeBucket, ...] | None = None
    """None: the store could not be read."""

    @property
    def provider_name(self) -> str:
        """The display name of the provider."""
        return printable(self.snapshot.provider_name, longest=LONGEST_NAME)

    @property
    def model_name(self) -> str:
        """The display name of the model."""
        return printable(self.snapshot.model_name, longest=LONGEST_NAME)

    @property
    def is_stale(self) -> bool:
        """Whether it was measured, but not recently enough for a status."""
        return self.published["measured_at"] is not None and self.published["status"] == "unknown"


def endpoint_facts(
    snapshot: Snapshot,
    *,
    jobs: Iterable[Job],
    incidents: Mapping[str, Incident],
    hours: HourCounts | None,
    now: datetime,
    stranger: bool = False,
) -> Sequence[EndpointFacts]:
    """All endpoints of a snapshot, in the order of the configuration.

    The hours of strangers have no rate limits: those are about the account.
    """
    of_endpoint: dict[str, list[Job]] = {}
    for job in jobs:
        of_endpoint.setdefault(job.spec.endpoint.id, []).append(job)
    return [
        EndpointFacts(
            place=place,
            row=row,
            published=_published(row.body),
            snapshot=row.endpoint,
            incident=incidents.get(row.id),
            next_probe=None if row.endpoint.measured_at else _next_tick(of_endpoint.get(row.id, ()), now),
            hours=None if hours is None else _hours(row.endpoint, hours, now, stranger=stranger),
        )
        for place, row in enumerate(snapshot.rows.values())
        if row.endpoint is not None
    ]


def _hours(endpoint: EndpointSnapshot, hours: HourCounts, now: datetime, *, stranger: bool) -> tuple[UptimeBucket, ...]:
    buckets = hour_buckets(hours.get(endpoint.id, {}), endpoint.spec.maintenance, now)
    return tuple(replace(bucket, rate_limited=0) for bucket in buckets) if stranger else buckets


def _next_tick(jobs: Iterable[Job], now: datetime) -> datetime | None:
    return min((tick_at(job, now) + job.every for job in jobs), default=None)


@lru_cache(maxsize=2048)
def _published(body: bytes) -> EndpointScore:
    """Cached, since few rows change between two pages."""
    row: EndpointScore = json.loads(body)
    return row
