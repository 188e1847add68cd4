"""The interface of the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Protocol

from monitor.domain.incident import Incident
from monitor.domain.retention import Retention
from monitor.domain.stored_sample import StoredSample
from monitor.store.rollup import Rollup
from monitor.traffic.counted import Activity, TrafficBatch, TrafficTally, UsageKey
from probes._model import ErrorClass, Sample, Task


class StoreError(Exception):
    """A failed call of the store. The message is one line with the place, what is wrong, and the remedy."""


class StoreTakenError(StoreError):
    """Another daemon has claimed the store."""


class StoreReplacedError(StoreError):
    """The database was deleted or replaced, so the stored data is gone.

    The next write prepares the store again. Its earlier contents have to be appended again.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTally:
    """The number of samples of an endpoint and task that began in a bucket of time, by error."""

    endpoint: str
    bucket: datetime
    """Start of the bucket (UTC); buckets are aligned to 1970-01-01T00:00Z."""
    task: Task
    error: ErrorClass | None
    """None: they succeeded."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The total cost of samples, as far as it is known."""

    tokens: int
    """Prompt and output tokens."""
    cost_usd: float


class RollupTier(Enum):
    """The span of a rollup; the value is in seconds."""

    HOUR = 3_600
    DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The rollup of one endpoint, task and vantage over an hour or a day (UTC)."""

    task: Task
    vantage: str
    start: datetime
    rollup: Rollup


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One figure of one sample."""

    at: datetime
    """Start of the sample."""
    error: ErrorClass | None
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PageKey:
    """The sort key of a sample or an incident: its start, then its id."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Times in a store, to check a clock."""

    newest: datetime | None
    """Start of the newest raw sample."""
    counted_from: datetime | None
    """The last reference time of retention."""
    horizon: datetime | None
    """Raw samples that began before this were deleted, and are ignored when appended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Schema versions."""

    found: str | None
    """The database's version; None: it is empty."""
    known: str
    """This program's version."""
    missing: str | None = None
    """The path of a missing file."""

    def check_readable(self) -> None:
        """Raise StoreError when this program cannot read the database as it is."""
        if self.missing is not None:
            raise StoreError(
                f"is empty: the file {self.missing} does not exist; `providerwatch run` or "
                "`providerwatch db upgrade` creates it"
            )
        if self.found is None:
            raise StoreError("is empty; `providerwatch run` or `providerwatch db upgrade` creates it")
        if self.found != self.known:
            raise StoreError(
                f"its schema ({self.found}) is older than this program's ({self.known}): run `providerwatch db upgrade`"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Disk usage of a store."""

    total_bytes: int
    free_bytes: int
    """The part that is free for new rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Samples that a sink did not get."""

    waiting: int
    expired: int
    """Samples that retention deleted before the delivery, since the sink was first configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """The contents of a store."""

    place: str
    schema: str
    size: Size
    rows: Mapping[str, int]
    """Number of rows by table."""
    samples: int
    """Number of raw samples, in rows and in blocks."""
    raw_since: datetime | None
    """Raw samples that began before this were deleted."""
    oldest: datetime | None = None
    """Start of the oldest raw sample."""
    sinks: Mapping[str, Backlog] = field(default_factory=dict)
    """By sink name."""


class Store(Protocol):
    """Samples in the order of appending, rollups, one state per endpoint, and incidents.

    Every method may raise StoreError. A sample is returned as it was appended, times to the microsecond. Values that no
    database can hold (a count beyond 63 bits, an infinite duration) become None, and invalid Unicode becomes U+FFFD.
    """

    async def claim(self) -> None:
        """Claim the store for this daemon until it is closed or the process ends.

        Raises StoreTakenError when another daemon holds the claim. Programs that make no claim may use the store.
        """

    async def open(self) -> None:
        """Prepare the store and migrate its schema."""

    async def schema(self) -> Schema:
        """The schema versions, open or not; changes nothing. Raises as `open` does."""

    async def append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident] = (),
        traffic: TrafficBatch | None = None,
    ) -> int:
        """Store everything in one transaction that is committed on return.

        A sample with a stored id is ignored, so a failed or cancelled call may be repeated; a cancelled call may have
        been committed. A sample from before the retention horizon is ignored; the number of these is returned.

        A state replaces the endpoint's last one, an incident the one with its id. `states` are opaque texts by endpoint
        id. `traffic` with a stored id is ignored, for half an hour.
        """

    async def states(self) -> dict[str, str]:
        """The newest state by endpoint id."""

    async def open_incidents(self) -> list[Incident]:
        """All incidents that have not ended, also of endpoints that are no longer probed, newest first."""

    async def incidents(
        self, *, endpoint: str | None, since: datetime, before: PageKey | None, limit: int
    ) -> list[Incident]:
        """The newest incidents that were open at `since` or later, by their start, newest first.

        `endpoint`: None for all. `before`: the end of the previous page; None for the first page.
        """

    async def samples(self, since: datetime, until: datetime | None = None) -> list[Sample]:
        """All raw samples that began in [since, until), in the order of appending. `until` None: no end."""

    async def tallies(self, since: datetime, bucket_s: int) -> list[SampleTally]:
        """Counts of the samples that began at `since` or later, in buckets of `bucket_s` seconds, oldest first.

        Buckets of an hour or more are counted from rollups, so from the start of the hour of `since`; buckets of whole
        days from the start of its day (UTC).
        """

    async def first_seen(self) -> dict[str, datetime]:
        """The start of each endpoint's first sample, by endpoint id."""

    async def spent(self, since: datetime) -> dict[str, Spent]:
        """The cost of the raw samples that began at `since` or later, by endpoint id.

        Endpoints without such samples may be left out.
        """

    async def page(
        self, endpoint: str, *, since: datetime, before: PageKey | None, limit: int, task: Task | None = None
    ) -> list[Sample]:
        """The newest raw samples of an endpoint that began at `since` or later, newest first.

        `before`: the end of the previous page; None for the first page. `task`: only samples of it. For a rare task the
        whole span is searched, so keep the span short.
        """

    async def points(
        self, endpoint: str, task: Task | None, figure: str, since: datetime, until: datetime
    ) -> list[Point]:
        """A figure of an endpoint's raw samples that began in [since, until), oldest first.

        Samples with the same start come in the order of appending. `task`: None for all tasks.
        """

    async def rollups(
        self, endpoint: str, tier: RollupTier, since: datetime, until: datetime, figures: Sequence[str]
    ) -> list[Bucket]:
        """An endpoint's buckets that begin in [since, until), oldest first, with the sketches of `figures`.

        Buckets with the same start are sorted by task and vantage. The current hour or day is included, with its newest
        samples.
        """

    async def hours(
        self, endpoint: str, task: Task, starts: Collection[datetime], figures: Sequence[str]
    ) -> list[Bucket]:
        """The buckets of one task of an endpoint for the hours that begin at `starts`, in any distance.

        Otherwise as in `rollups`. A start that is not the start of an hour finds nothing.
        """

    async def traffic(self, since: datetime, span_s: int) -> list[TrafficTally]:
        """Counts of reported requests in buckets of `span_s` from the bucket of `since` on, oldest first.

        `span_s` is 10 s, 300 s, an hour or a day. Each is kept as long as a window of the scores needs it.
        """

    async def activity(
        self,
        since: date,
        endpoints: Collection[str] | None = None,
        *,
        after: UsageKey | None = None,
        limit: int | None = None,
    ) -> list[Activity]:
        """Usage by application since a day (UTC). `endpoints`: None for all.

        Sorted by day, newest first, then by endpoint and application by code points. `after`: only rows after this key,
        which need not exist.
        """

    async def counted_keys(self, since: datetime) -> list[tuple[datetime, Sequence[int]]]:
        """The keys of the requests that were counted at `since` or later, with the time, oldest first."""

    async def upkeep(self, now: datetime, retention: Retention) -> bool:
        """One slice of housekeeping: roll up, seal into blocks, delete old data.

        Holds no lock for long. True: there is more to do now.
        """

    async def times(self) -> Times:
        """The times in the store; cheap."""

    async def lower_horizon(self, at: datetime) -> None:
        """Lower the retention horizon to `at`, so that later samples are stored again, after a clock that was ahead."""

    async def rename(self, aliases: Mapping[str, str]) -> None:
        """Merge the history of each alias into that of its present id. `aliases`: alias to id."""

    async def subscribe(self, sinks: Collection[str]) -> None:
        """Set the names of the sinks. A new sink starts with all samples in rows; other sinks are removed."""

    async def waiting(self, sink: str, limit: int) -> list[StoredSample]:
        """The oldest samples that were not delivered to a sink, in the order of appending."""

    async def delivered(self, sink: str, seq: int, set_aside: Mapping[str, str], at: datetime) -> None:
        """Move a sink's cursor to `seq`. `set_aside`: samples that it rejected for good, by id, with the reason."""

    async def backlogs(self) -> dict[str, Backlog]:
        """The backlogs of all sinks by name."""

    async def size(self) -> Size:
        """The disk usage; cheap."""

    async def info(self) -> Info:
        """The contents of the store. Counts every row, which takes a while."""

    async def check_writable(self) -> None:
        """Raise StoreError unless an append could begin now. Writes nothing; waits for a lock only briefly."""

    async def close(self) -> None:
        """Wait briefly for running calls, then release files, threads and the claim."""
