"""What the daemon asks of a store, whatever database is behind it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Protocol

from monitor.domain.incident import Incident
from monitor.store.rollup import Rollup
from monitor.traffic.counted import Activity, TrafficBatch, TrafficTally, UsageKey
from probes._model import ErrorClass, Sample, Task


class StoreError(Exception):
    """The store cannot do what was asked; its message is one line that names the place and the remedy."""


class StoreTakenError(StoreError):
    """Another daemon has claimed the store."""


class StoreReplacedError(StoreError):
    """What was stored is not there any more: the database was deleted, or another one was put in its place.

    The next call that writes makes the store ready again; what it held before has to be appended once more.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTally:
    """How many samples of one task of an endpoint began in one bucket of time and ended the same way."""

    endpoint: str
    bucket: datetime
    """UTC start of the bucket; buckets are counted from 1970-01-01T00:00Z."""
    task: Task
    error: ErrorClass | None
    """None: they succeeded."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What samples cost together, as far as it is known of each."""

    tokens: int
    """Of prompts and answers."""
    cost_usd: float


class RollupTier(Enum):
    """How much time a rollup covers; the value is in seconds."""

    HOUR = 3_600
    DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The rollup of one endpoint, task and vantage over an hour or a day of UTC."""

    task: Task
    vantage: str
    start: datetime
    rollup: Rollup


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One figure of one sample."""

    at: datetime
    """When the sample began."""
    error: ErrorClass | None
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PageKey:
    """A sample's or an incident's place among others, by when it began; of several that began together, by id."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSample:
    """A sample with its place in the order of appending, counted up over all endpoints."""

    seq: int
    sample: Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each tier is kept. One is kept at least as long as the tier it is made from."""

    raw: timedelta = timedelta(days=7)
    hourly: timedelta = timedelta(days=400)
    daily: timedelta = timedelta(days=3650)
    until: datetime | None = None
    """All of them count back from here; None: from now. Earlier than now while the clock is not trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What a store knows of time, to hold a clock against."""

    newest: datetime | None
    """When its newest raw sample began."""
    counted_from: datetime | None
    """The time that retention last counted back from."""
    horizon: datetime | None
    """Raw samples that began before were deleted, and are not taken again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Versions of how a database is laid out."""

    found: str | None
    """Of the database; None: it is empty."""
    known: str
    """Of this program."""
    missing: str | None = None
    """The file that is not there."""

    def check_readable(self) -> None:
        """Raise `StoreError` when there is nothing in it that this program could read as it is."""
        if self.missing is not None:
            raise StoreError(
                f"holds nothing yet: the file {self.missing} does not exist; `providerwatch run` or "
                "`providerwatch db upgrade` makes it"
            )
        if self.found is None:
            raise StoreError("holds nothing yet; `providerwatch run` or `providerwatch db upgrade` makes it")
        if self.found != self.known:
            raise StoreError(
                f"its schema ({self.found}) is older than this program's ({self.known}): run `providerwatch db upgrade`"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a store takes on its disk."""

    total_bytes: int
    free_bytes: int
    """Of these, what is free for new rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What a sink was not given, in samples."""

    waiting: int
    expired: int
    """Since the sink was first named, those that retention deleted before the sink was given them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What a store holds."""

    place: str
    schema: str
    size: Size
    rows: Mapping[str, int]
    """By table."""
    samples: int
    """Raw samples, in rows and in blocks."""
    raw_since: datetime | None
    """Raw samples that began before were deleted."""
    oldest: datetime | None = None
    """When the oldest raw sample began."""
    sinks: Mapping[str, Backlog] = field(default_factory=dict)
    """By name."""


class Store(Protocol):
    """Samples in the order in which they were appended, rollups of them, one state per endpoint, and incidents.

    Every method may raise `StoreError`. A sample comes back as it was appended, times to the microsecond; what no
    database can hold (a count beyond 63 bits, an infinite duration) comes back as None, and characters that are
    not Unicode text as the replacement character.
    """

    async def claim(self) -> None:
        """Keep every other daemon away until this store is closed or the process ends.

        Raises `StoreTakenError` when another daemon has claimed it. Programs that do not claim it may use it as before.
        """

    async def open(self) -> None:
        """Make ready for use; brings the schema up to date."""

    async def schema(self) -> Schema:
        """Which schema the database has, open or not; changes nothing. Refuses the same as `open`."""

    async def append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident] = (),
        traffic: TrafficBatch | None = None,
    ) -> int:
        """Keep all of it in one transaction that is committed on return.

        A sample whose id is already kept is ignored, so a call that failed or was cancelled may be repeated; a
        cancelled one may have been committed all the same. So is a sample that began before what retention has deleted;
        how many these were is returned.

        A state takes the place of the one before, an incident that of the one with its id. `states` are opaque texts
        by endpoint id: the scorer's, whose effect is about to be published. `traffic` whose id is already kept is
        ignored, for half an hour.
        """

    async def states(self) -> dict[str, str]:
        """The newest state by endpoint id."""

    async def open_incidents(self) -> list[Incident]:
        """All that have not ended, also of endpoints that nobody probes any more, newest first."""

    async def incidents(
        self, *, endpoint: str | None, since: datetime, before: PageKey | None, limit: int
    ) -> list[Incident]:
        """The newest incidents that were open at `since` or later, by when they began, newest first.

        `endpoint`: whose; None for all. `before`: where the page before ended; None for the first page.
        """

    async def samples(self, since: datetime, until: datetime | None = None) -> list[Sample]:
        """All raw samples that began in the span [since, until), in the order of appending; None: at any time after."""

    async def tallies(self, since: datetime, bucket_s: int) -> list[SampleTally]:
        """Counts of the samples that began at `since` or later, by bucket of `bucket_s` seconds, oldest first.

        Buckets of an hour or more are counted from rollups, and so from the beginning of the hour of `since`; those of
        whole days from the beginning of its day (UTC).
        """

    async def first_seen(self) -> dict[str, datetime]:
        """When each endpoint's earliest sample began, by endpoint id."""

    async def spent(self, since: datetime) -> dict[str, Spent]:
        """What the raw samples that began at `since` or later cost, by endpoint id.

        Endpoints without such samples may be left out.
        """

    async def page(
        self, endpoint: str, *, since: datetime, before: PageKey | None, limit: int, task: Task | None = None
    ) -> list[Sample]:
        """The newest raw samples of an endpoint that began at `since` or later, newest first.

        `before`: where the page before ended, so that only older ones come; None for the first page. `task`: only those
        of it. All of the span is looked through for one that is seldom run, so a caller in a hurry keeps that short.
        """

    async def points(
        self, endpoint: str, task: Task | None, figure: str, since: datetime, until: datetime
    ) -> list[Point]:
        """A figure of an endpoint's raw samples that began in the span [since, until), oldest first.

        Those that began together come in the order of appending. `task`: only those of it; None: of all tasks.
        """

    async def rollups(
        self, endpoint: str, tier: RollupTier, since: datetime, until: datetime, figures: Sequence[str]
    ) -> list[Bucket]:
        """An endpoint's buckets that begin in the span [since, until), oldest first, with the sketches of `figures`.

        Those that begin together come by task and vantage. The hour or day that is not over is among them, and holds
        what came a moment ago.
        """

    async def hours(
        self, endpoint: str, task: Task, starts: Collection[datetime], figures: Sequence[str]
    ) -> list[Bucket]:
        """The buckets of one task of an endpoint for the hours that begin at `starts`, however far apart these are.

        Otherwise as `rollups` gives them: a start that is no beginning of an hour finds nothing.
        """

    async def traffic(self, since: datetime, span_s: int) -> list[TrafficTally]:
        """Counts of real requests in the spans of so many seconds that hold `since` or are later, oldest first.

        There are spans of 10 s, 300 s, an hour and a day, each kept as long as a window of the scores asks for it.
        """

    async def activity(
        self,
        since: date,
        endpoints: Collection[str] | None = None,
        *,
        after: UsageKey | None = None,
        limit: int | None = None,
    ) -> list[Activity]:
        """What applications used since a day (UTC); `endpoints`: of which, None for all.

        The newest day first, in it by endpoint and application, compared by code points; `after`: those that come
        behind this one, which need not be there.
        """

    async def counted_keys(self, since: datetime) -> list[tuple[datetime, Sequence[int]]]:
        """The keys of the real requests that were counted at `since` or later, with when, oldest first."""

    async def upkeep(self, now: datetime, retention: Retention) -> bool:
        """One slice of what keeps a store quick and small: roll up, seal into blocks, delete what is too old.

        Holds no lock for long. True when there is more to be done now.
        """

    async def times(self) -> Times:
        """What the store knows of time; cheap to ask."""

    async def lower_horizon(self, at: datetime) -> None:
        """Take samples again that began at `at` or later: the horizon was set by a clock that was ahead."""

    async def rename(self, aliases: Mapping[str, str]) -> None:
        """Join the history of each alias to that of the endpoint it is now called by: alias to id."""

    async def subscribe(self, sinks: Collection[str]) -> None:
        """Say which sinks there are. A new one begins with all samples that lie in rows; other sinks are forgotten."""

    async def waiting(self, sink: str, limit: int) -> list[StoredSample]:
        """The oldest samples that a sink was not yet given, in the order of appending."""

    async def delivered(self, sink: str, seq: int, set_aside: Mapping[str, str], at: datetime) -> None:
        """Move a sink's cursor to `seq`. `set_aside`: samples that it refused for good, by id, each with the reason."""

    async def backlogs(self) -> dict[str, Backlog]:
        """Of every sink, by name."""

    async def size(self) -> Size:
        """How large it is now; quickly told."""

    async def info(self) -> Info:
        """What the store holds. Counts every row, which takes a while."""

    async def check_writable(self) -> None:
        """Raise `StoreError` unless an append could begin now. Writes nothing; waits for a lock only so long."""

    async def close(self) -> None:
        """Wait a moment for calls under way, then let go of files, threads and the claim."""
