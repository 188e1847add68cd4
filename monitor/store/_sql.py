"""The store in an SQL database: one writer, readers that never wait for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.status import Incident
from monitor.store import _horizon, _incidents, _outbox, _queries, _rolling, _tallies, _traffic
from monitor.store._adopt import adopt
from monitor.store._append import Appender
from monitor.store._calls import Calls, Result
from monitor.store._database import Database
from monitor.store._migrate import migrate, newest, version
from monitor.store._protocol import (
    Backlog,
    Bucket,
    Info,
    Numbered,
    Place,
    Point,
    Retention,
    Schema,
    Size,
    Spent,
    Tally,
    Tier,
    Times,
)
from monitor.store._statements import FIRST_SEEN, STATES, insert_of
from monitor.store._tidy import Tidying
from monitor.traffic.counted import Activity, Counted, Use
from monitor.traffic.counted import Tally as TrafficTally
from probes._model import Sample, Task

Work: TypeAlias = Callable[[AsyncConnection], Awaitable[Result]]


class SqlStore:
    """A `Store` in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._calls = Calls()
        insert = insert_of(database.writer.dialect)
        self._insert = insert
        self._appender = Appender(insert)
        self._tidying = Tidying(insert)

    async def open(self) -> None:
        """See `Store.open`."""
        try:
            self._database.check_place()
            await self._calls.run(self._migrate())
            await self.check_writable()
        except BaseException:
            await self.close()
            raise

    async def schema(self) -> Schema:
        """See `Store.schema`."""
        if not self._database.is_there():
            return Schema(found=None, known=newest(), missing=self._database.place)
        self._database.check_place()
        return await self._read(lambda connection: connection.run_sync(version, self._database.place))

    async def append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident] = (),
        traffic: Counted | None = None,
    ) -> int:
        """See `Store.append`."""
        if not (samples or states or incidents or traffic):
            return 0
        return await self._write(
            lambda connection: self._appender.append(connection, samples, states, incidents, traffic)
        )

    async def states(self) -> dict[str, str]:
        """See `Store.states`."""
        return {row.id: row.state for row in await self._select(STATES)}

    async def open_incidents(self) -> list[Incident]:
        """See `Store.open_incidents`."""
        return await self._read(_incidents.open_incidents)

    async def incidents(
        self, *, endpoint: str | None, since: datetime, before: Place | None, limit: int
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

    async def tallies(self, since: datetime, bucket_s: int) -> list[Tally]:
        """See `Store.tallies`."""
        return await self._read(lambda connection: _tallies.tallies(connection, since, bucket_s))

    async def spent(self, since: datetime) -> dict[str, Spent]:
        """See `Store.spent`."""
        return await self._read(lambda connection: _queries.spent(connection, since))

    async def page(
        self, endpoint: str, *, since: datetime, before: Place | None, limit: int, task: Task | None = None
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
        self, endpoint: str, tier: Tier, since: datetime, until: datetime, figures: Sequence[str]
    ) -> list[Bucket]:
        """See `Store.rollups`."""
        return await self._read(
            lambda connection: _rolling.rollups(connection, endpoint, tier, since=since, until=until, figures=figures)
        )

    async def hours(
        self, endpoint: str, task: Task, starts: Collection[datetime], figures: Sequence[str]
    ) -> list[Bucket]:
        """See `Store.hours`."""
        return await self._read(
            lambda connection: _rolling.hours(connection, endpoint, task, starts=starts, figures=figures)
        )

    async def traffic(self, since: datetime, span_s: int) -> list[TrafficTally]:
        """See `Store.traffic`."""
        return await self._read(lambda connection: _traffic.tallies(connection, since, span_s))

    async def activity(
        self,
        since: date,
        endpoints: Collection[str] | None = None,
        *,
        after: Use | None = None,
        limit: int | None = None,
    ) -> list[Activity]:
        """See `Store.activity`."""
        return await self._read(lambda connection: _traffic.activity_page(connection, since, endpoints, after, limit))

    async def counted_keys(self, since: datetime) -> list[tuple[datetime, Sequence[int]]]:
        """See `Store.counted_keys`."""
        return await self._read(lambda connection: _traffic.counted_keys(connection, since))

    async def tidy(self, now: datetime, retention: Retention) -> bool:
        """See `Store.tidy`."""
        more = await self._write(lambda connection: self._tidying.slice(connection, now, retention))
        return more or await self._write(self._database.give_back)

    async def times(self) -> Times:
        """See `Store.times`."""
        return await self._read(_horizon.times)

    async def lower_horizon(self, at: datetime) -> None:
        """See `Store.lower_horizon`."""
        await self._write(lambda connection: _horizon.lower(connection, at))

    async def adopt(self, aliases: Mapping[str, str]) -> None:
        """See `Store.adopt`."""
        if aliases:
            await self._write(lambda connection: adopt(connection, self._insert, aliases))

    async def subscribe(self, sinks: Collection[str]) -> None:
        """See `Store.subscribe`."""
        await self._write(lambda connection: _outbox.subscribe(connection, self._insert, sinks))

    async def waiting(self, sink: str, limit: int) -> list[Numbered]:
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
        await self._calls.run(self._check_writable())

    async def close(self) -> None:
        """See `Store.close`."""
        await self._calls.finished()
        await self._database.reader.dispose()
        await self._database.writer.dispose()

    async def _migrate(self) -> None:
        async with self._transaction() as connection:
            await connection.run_sync(migrate, self._database.place)

    async def _check_writable(self) -> None:
        with self._database.faults():
            async with self._database.writer.connect() as connection:
                await self._database.check_writable(connection)

    async def _select(self, query: Select[Any]) -> Sequence[Row[Any]]:
        async def select(connection: AsyncConnection) -> Sequence[Row[Any]]:
            rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
            return rows

        return await self._read(select)

    async def _read(self, work: Work[Result]) -> Result:
        """Run `work` on one state of the data."""

        async def run() -> Result:
            with self._database.faults():
                async with self._database.reader.connect() as connection:
                    return await work(connection)

        return await self._calls.run(run())

    async def _write(self, work: Work[Result]) -> Result:
        """Run `work` in a transaction of its own."""

        async def run() -> Result:
            async with self._transaction() as connection:
                return await work(connection)

        return await self._calls.run(run())

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        with self._database.faults():
            async with self._database.writer.begin() as connection:
                yield connection
