"""SQLite: a store in one file."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.store._connections import reader_engine, writer_engine
from monitor.store._faults import check_place, faults_at
from monitor.store._protocol import Size
from monitor.store._sql import SqlStore

_PAGES_A_SLICE: Final = 256
"""Given back at a time: a mebibyte."""
_KEPT_FREE_PAGES: Final = 2048
"""Left in the file for what comes next."""


def sqlite_store(path: Path, *, lock_wait_s: float = 5.0) -> SqlStore:
    """A store in the file at `path`. A lock that another process holds is waited for `lock_wait_s`."""
    return SqlStore(SqliteDatabase(path, lock_wait_s))


class SqliteDatabase:
    """A `Database` in a file. The file is created, its folder is not."""

    def __init__(self, path: Path, lock_wait_s: float) -> None:
        self._path = path.absolute()
        self.place = str(path.absolute())
        self.writer = writer_engine(path, lock_wait_s)
        self.reader = reader_engine(path, lock_wait_s)

    def faults(self) -> AbstractContextManager[None]:
        """See `Database.faults`."""
        return faults_at(self._path)

    def is_there(self) -> bool:
        """See `Database.is_there`."""
        with self.faults():
            return self._path.exists()

    def check_place(self) -> None:
        """See `Database.check_place`."""
        check_place(self._path)

    async def check_writable(self, connection: AsyncConnection) -> None:
        """A change to the file's header that is taken back."""
        await connection.exec_driver_sql("PRAGMA user_version=0")
        await connection.rollback()

    async def give_back(self, connection: AsyncConnection) -> bool:
        """See `Database.give_back`."""
        free = await _pragma(connection, "freelist_count")
        if free <= _KEPT_FREE_PAGES:
            return False
        # A page is freed each time the statement is stepped, and only a script is stepped to its end. It commits first.
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.executescript(f"PRAGMA incremental_vacuum({_PAGES_A_SLICE})")  # type: ignore[union-attr]
        return free - _PAGES_A_SLICE > _KEPT_FREE_PAGES

    async def size(self, connection: AsyncConnection) -> Size:
        """See `Database.size`."""
        page = await _pragma(connection, "page_size")
        total, free = await _pragma(connection, "page_count"), await _pragma(connection, "freelist_count")
        return Size(total_bytes=page * total, free_bytes=page * free)


async def _pragma(connection: AsyncConnection, name: str) -> int:
    return int((await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one())
