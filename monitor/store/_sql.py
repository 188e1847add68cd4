"""The store in an SQL database: one writer, and readers that do not wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Engine, Row, Select

from monitor.domain.incident import Incident
from monitor.domain.retention import Retention
from monitor.domain.stored_sample import StoredSample
from monitor.store import _horizon, _incidents, _outbox, _queries, _rollups, _tallies, _traffic
from monitor.store._append import Appender
from monitor.store._database import Database
from monitor.store._migrate import migrate, newest, version
from monitor.store._protocol import (
    Backlog,
    Bucket,
    Info,
    PageKey,
    Point,
    RollupTier,
    SampleTally,
    Schema,
    Size,
    Spent,
    StoreError,
    StoreReplacedError,
    Times,
)
from monitor.store._rename import rename
from monitor.store._statements import FIRST_SEEN, STATES, insert_of
from monitor.store._threads import Result, Threads
from monitor.store._upkeep import UpkeepSlices
from monitor.traffic.counted import Activity, TrafficBatch, TrafficTally, UsageKey
from probes._model import Sample, Task

log = logging.getLogger(__name__)

Work: TypeAlias = Callable[[Connection], Result]
READERS: Final = 4
"""The number of reader threads and connections."""
_CLOSE_S: Final = 2.0
"""How long running calls may take when the store is closed."""


class SqlStore:
    """A `Store` in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._write_thread = Threads(f"store writer of {database.place}", 1, droppable=False)
        self._read_threads = Threads(f"store readers of {database.place}", READERS, droppable=True)
        self._insert = insert_of(database.writer.dialect)
        self._sinks: Collection[str] | None = None
        self._is_open = False
        self._lost: str | None = None
        """Why the opened database is lost; None: it is in place."""
        self._is_reported = False
        """Whether an append has reported the loss."""
        self._reset()

    def _reset(self) -> None:
        """Drop all cached knowledge about the rows in the database."""
        self._appender = Appender(self._insert)
        self._upkeep = UpkeepSlices(self._insert)

    async def claim(self) -> None:
        """See `Store.claim`."""
        await self._write_thread.run(self._claim)

    async def open(self) -> None:
        """See `Store.open`."""
        try:
            await self._write_thread.run(self._open)
            await self.check_writable()
        except BaseException:
            await self.close()
            raise

    async def schema(self) -> Schema:
        """See `Store.schema`."""
        if not self._database.is_there():
            return Schema(found=None, known=newest(), missing=self._database.place)
        self._database.check_place()
        return await self._read(lambda connection: version(connection, self._database.place))

    async def append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident] = (),
        traffic: TrafficBatch | None = None,
    ) -> int:
        """See `Store.append`."""
        if not (samples or states or incidents or traffic):
            return 0
        return await self._write_thread.run(lambda: self._append(samples, states, incidents, traffic))

    async def states(self) -> dict[str, str]:
        """See `Store.states`."""
        return {row.id: row.state for row in await self._select(STATES)}

    async def open_incidents(self) -> list[Incident]:
        """See `Store.open_incidents`."""
        return await self._read(_incidents.open_incidents)

    async def incidents(
        self, *, endpoint: str | None, since: datetime, before: PageKey | None, limit: int
    ) -> list[Incident]:
        """See `Store.incidents`."""
        return await self._read(
            lambda connection: _incidents.incidents(connection, endpoint, since=since, before=before, limit=limit)
        )

    async def first_seen(self) -> dict[str, datetime]:
        """See `Store.first_seen`."""
        return {row.id: row.first_at for row in await self._select(FIRST_SEEN)}

    async def samples(self, since: datetime, until: datetime | None = None) -> list[Sample]:
        """See `Store.samples`."""
        return await self._read(lambda connection: _queries.samples(connection, since, until))

    async def tallies(self, since: datetime, bucket_s: int) -> list[SampleTally]:
        """See `Store.tallies`."""
        return await self._read(lambda connection: _tallies.tallies(connection, since, bucket_s))

    async def spent(self, since: datetime) -> dict[str, Spent]:
        """See `Store.spent`."""
        return await self._read(lambda connection: _queries.spent(connection, since))

    async def page(
        self, endpoint: str, *, since: datetime, before: PageKey | None, limit: int, task: Task | None = None
    ) -> list[Sample]:
        """See `Store.page`."""
        return await self._read(
            lambda connection: _queries.page(connection, endpoint, task, since=since, before=before, limit=limit)
        )

    async def points(
        self, endpoint: str, task: Task | None, figure: str, since: datetime, until: datetime
    ) -> list[Point]:
        """See `Store.points`."""
        return await self._read(
            lambda connection: _queries.points(connection, endpoint, task, figure, since=since, until=until)
        )

    async def rollups(
        self, endpoint: str, tier: RollupTier, since: datetime, until: datetime, figures: Sequence[str]
    ) -> list[Bucket]:
        """See `Store.rollups`."""
        return await self._read(
            lambda connection: _rollups.rollups(connection, endpoint, tier, since=since, until=until, figures=figures)
        )

    async def hours(
        self, endpoint: str, task: Task, starts: Collection[datetime], figures: Sequence[str]
    ) -> list[Bucket]:
        """See `Store.hours`."""
        return await self._read(
            lambda connection: _rollups.hours(connection, endpoint, task, starts=starts, figures=figures)
        )

    async def traffic(self, since: datetime, span_s: int) -> list[TrafficTally]:
        """See `Store.traffic`."""
        return await self._read(lambda connection: _traffic.tallies(connection, since, span_s))

    async def activity(
        self,
        since: date,
        endpoints: Collection[str] | None = None,
        *,
        after: UsageKey | None = None,
        limit: int | None = None,
    ) -> list[Activity]:
        """See `Store.activity`."""
        return await self._read(lambda connection: _traffic.activity_page(connection, since, endpoints, after, limit))

    async def counted_keys(self, since: datetime) -> list[tuple[datetime, Sequence[int]]]:
        """See `Store.counted_keys`."""
        return await self._read(lambda connection: _traffic.counted_keys(connection, since))

    async def upkeep(self, now: datetime, retention: Retention) -> bool:
        """See `Store.upkeep`."""
        more = await self._write(lambda connection: self._upkeep.slice(connection, now, retention))
        return more or await self._write(self._database.give_back)

    async def times(self) -> Times:
        """See `Store.times`."""
        return await self._read(_horizon.times)

    async def lower_horizon(self, at: datetime) -> None:
        """See `Store.lower_horizon`."""
        await self._write(lambda connection: _horizon.lower(connection, at))

    async def rename(self, aliases: Mapping[str, str]) -> None:
        """See `Store.rename`."""
        if aliases:
            await self._write_thread.run(lambda: self._rename(aliases))

    async def subscribe(self, sinks: Collection[str]) -> None:
        """See `Store.subscribe`."""
        self._sinks = sinks
        await self._write(lambda connection: _outbox.subscribe(connection, self._insert, sinks))

    async def waiting(self, sink: str, limit: int) -> list[StoredSample]:
        """See `Store.waiting`."""
        return await self._read(lambda connection: _outbox.waiting(connection, sink, limit))

    async def delivered(self, sink: str, seq: int, set_aside: Mapping[str, str], at: datetime) -> None:
        """See `Store.delivered`."""
        await self._write(
            lambda connection: _outbox.delivered(connection, self._insert, sink, seq, set_aside=set_aside, at=at)
        )

    async def backlogs(self) -> dict[str, Backlog]:
        """See `Store.backlogs`."""
        return await self._read(_outbox.backlogs)

    async def size(self) -> Size:
        """See `Store.size`."""
        return await self._read(self._database.size)

    async def info(self) -> Info:
        """See `Store.info`."""
        return await self._read(lambda connection: _queries.info(connection, self._database))

    async def check_writable(self) -> None:
        """See `Store.check_writable`."""
        await self._write_thread.run(self._check_writable)

    async def close(self) -> None:
        """See `Store.close`."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._read_threads.end()
                await self._write_thread.run(self._database.dispose)
                await self._write_thread.end()
        except TimeoutError:
            log.warning(
                "%s: store does not answer; closed without waiting",
                self._database.place,
                extra={"action": "store_left"},
            )
            self._read_threads.drop()
            self._write_thread.drop(self._database.dispose)
            self._database.abort()

    async def _select(self, query: Select[Any]) -> Sequence[Row[Any]]:
        return await self._read(lambda connection: connection.execute(query).all())

    async def _read(self, work: Work[Result]) -> Result:
        """Run `work` in a read transaction."""

        def read() -> Result:
            if self._lost is not None:
                raise StoreError(self._lost)
            with self._connected(self._database.reader) as connection:
                return work(connection)

        return await self._read_threads.run(read)

    async def _write(self, work: Work[Result]) -> Result:
        """Run `work` in a write transaction."""
        return await self._write_thread.run(lambda: self._transact(work))

    # The methods below run in the writer thread.

    def _claim(self) -> None:
        self._database.check_place()
        with self._database.store_errors():
            self._database.claim()

    def _open(self) -> None:
        self._migrate()
        self._is_open = True

    def _migrate(self) -> None:
        self._database.check_place()
        with self._connected(self._database.writer) as connection, connection.begin():
            migrate(connection, self._database.place)

    def _append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident],
        traffic: TrafficBatch | None,
    ) -> int:
        with self._to_append():
            expired = self._transact(
                lambda connection: self._appender.append(connection, samples, states, incidents, traffic)
            )
            self._appender.committed()
            return expired

    def _rename(self, aliases: Mapping[str, str]) -> None:
        """One call, so that no append runs in between with names that are gone."""
        self._transact(lambda connection: rename(connection, self._insert, aliases))
        self._reset()

    def _check_writable(self) -> None:
        with self._to_append(), self._same_database(), self._connected(self._database.writer) as connection:
            self._database.check_writable(connection)

    def _transact(self, work: Work[Result]) -> Result:
        with self._same_database(), self._connected(self._database.writer) as connection, connection.begin():
            return work(connection)

    @contextmanager
    def _same_database(self) -> Iterator[None]:
        """Check before and after a write that the database is the opened one."""
        self._check_same()
        yield
        self._check_same()

    def _check_same(self) -> None:
        if self._lost is not None:
            raise StoreReplacedError(self._lost)
        try:
            with self._database.store_errors():
                self._database.check_same()
        except StoreReplacedError as error:
            if self._is_open:
                self._lost, self._is_reported = str(error), False
            raise

    @contextmanager
    def _to_append(self) -> Iterator[None]:
        """Report a lost database once to an append; then prepare the new database."""
        if self._lost is not None and self._is_reported:
            self._reopen()
        try:
            yield
        except StoreReplacedError:
            self._is_reported = True
            raise

    def _reopen(self) -> None:
        """Prepare the database that replaced the opened one, and register the sinks."""
        with self._database.store_errors():
            self._database.reopen()
        self._reset()
        self._migrate()
        sinks = self._sinks
        if sinks is not None:
            with self._connected(self._database.writer) as connection, connection.begin():
                _outbox.subscribe(connection, self._insert, sinks)
        self._lost = None

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        """A connection; it is discarded when the database does not answer."""
        with self._database.store_errors(), engine.connect() as connection:
            try:
                yield connection
            except OSError:
                connection.invalidate()
                raise
