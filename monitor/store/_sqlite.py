"""The store in one SQLite file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.store._calls import Calls
from monitor.store._connections import reader_engine, writer_engine
from monitor.store._faults import check_place, faults_at
from monitor.store._migrate import migrate
from monitor.store._protocol import Tally
from monitor.store._rows import NAMES, to_row, to_sample
from monitor.store._statements import (
    ADD_NAME,
    ADD_SAMPLE,
    PUT_STATE,
    STATES,
    first_seen,
    samples_since,
    tallies_since,
)
from probes._model import Sample

_PORTION: Final = 500
"""Rows turned into samples at a time; the event loop breathes between portions."""


class SqliteStore:
    """A `Store` in the file at `path`. A lock that another process holds is waited for `lock_wait_s`."""

    def __init__(self, path: Path, *, lock_wait_s: float = 5.0) -> None:
        self._path = path
        self._writer = writer_engine(path, lock_wait_s)
        self._reader = reader_engine(path, lock_wait_s)
        self._calls = Calls()

    async def open(self) -> None:
        """See `Store.open`. The file is created, its folder is not."""
        try:
            check_place(self._path)
            await self._calls.run(self._migrate())
            await self.check_writable()
        except BaseException:
            await self.close()
            raise

    async def append(self, samples: Sequence[Sample], states: Mapping[str, str]) -> None:
        """See `Store.append`."""
        if samples or states:
            await self._calls.run(self._append(samples, states))

    async def states(self) -> dict[str, str]:
        """See `Store.states`."""
        return {row.id: row.state for row in await self._calls.run(self._select(STATES))}

    async def samples(self, since: datetime) -> list[Sample]:
        """See `Store.samples`."""
        return await self._calls.run(self._samples(since))

    async def tallies(self, since: datetime, bucket_s: int) -> list[Tally]:
        """See `Store.tallies`."""
        rows = await self._calls.run(self._select(tallies_since(since, bucket_s)))
        return [
            Tally(endpoint=row.id, bucket=row.bucket, task=row.task, error=row.error, count=row.tally) for row in rows
        ]

    async def first_seen(self) -> dict[str, datetime]:
        """See `Store.first_seen`."""
        rows = await self._calls.run(self._select(first_seen()))
        return {row.id: row.first for row in rows if row.first is not None}

    async def check_writable(self) -> None:
        """See `Store.check_writable`."""
        await self._calls.run(self._check_writable())

    async def close(self) -> None:
        """See `Store.close`."""
        await self._calls.finished()
        await self._reader.dispose()
        await self._writer.dispose()

    async def _migrate(self) -> None:
        with faults_at(self._path):
            async with self._writer.begin() as connection:
                await connection.run_sync(migrate, str(self._path))

    async def _append(self, samples: Sequence[Sample], states: Mapping[str, str]) -> None:
        with faults_at(self._path):
            async with self._writer.begin() as connection:
                await _add_names(connection, samples, states)
                if samples:
                    await connection.execute(ADD_SAMPLE, [to_row(sample) for sample in samples])
                if states:
                    rows = [{"endpoint_id": endpoint, "state": state} for endpoint, state in states.items()]
                    await connection.execute(PUT_STATE, rows)

    async def _select(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with faults_at(self._path):
            async with self._reader.connect() as connection:
                rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return rows

    async def _samples(self, since: datetime) -> list[Sample]:
        found: list[Sample] = []
        with faults_at(self._path):
            async with self._reader.connect() as connection:
                rows = await connection.stream(samples_since(since))
                async for portion in rows.mappings().partitions(_PORTION):
                    found.extend(map(to_sample, portion))
        return found

    async def _check_writable(self) -> None:
        """A change to the file's header that is taken back."""
        with faults_at(self._path):
            async with self._writer.connect() as connection:
                await connection.exec_driver_sql("PRAGMA user_version=0")
                await connection.rollback()


async def _add_names(connection: AsyncConnection, samples: Sequence[Sample], states: Mapping[str, str]) -> None:
    """Give a key to every name that has none."""
    found = {name: {getattr(sample, name) for sample in samples} for name in NAMES}
    found["endpoint"] |= states.keys()
    for table, names in found.items():
        if names:
            await connection.execute(ADD_NAME[table], [{"id": name} for name in sorted(names)])
