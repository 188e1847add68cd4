"""SQLite: a store in one file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.store._files import DatabaseFiles
from monitor.store._lock import FileLock
from monitor.store._open_connections import OpenConnections
from monitor.store._protocol import Size, StoreReplacedError
from monitor.store._sql import READERS, SqlStore
from monitor.store._sqlite_engines import reader_engine, writer_engine
from monitor.store._sqlite_errors import check_place, store_errors_at

_PAGES_A_SLICE: Final = 256
"""Pages that are returned at a time: 1 MiB."""
_KEPT_FREE_PAGES: Final = 2048
"""Free pages that stay in the file for new rows."""


def sqlite_store(path: Path, *, lock_wait_s: float = 5.0) -> SqlStore:
    """A store in the file at `path`. Waits `lock_wait_s` for a lock of another process."""
    return SqlStore(SqliteDatabase(path, lock_wait_s))


class SqliteDatabase:
    """A `Database` in a file. The file is created; its folder has to exist."""

    def __init__(self, path: Path, lock_wait_s: float) -> None:
        self._path = path.absolute()
        self.place = str(path.absolute())
        self.writer = writer_engine(path, lock_wait_s)
        self.reader = reader_engine(path, lock_wait_s, READERS)
        self._files = DatabaseFiles(path)
        self._lock = FileLock(path)
        for engine in (self.writer, self.reader):
            event.listen(engine, "connect", self._connected)
            event.listen(engine, "close", lambda *_: self._files.closed())
        self._open_connections = OpenConnections(self.writer, self.reader)

    def store_errors(self) -> AbstractContextManager[None]:
        """See `Database.store_errors`."""
        return store_errors_at(self._path)

    def is_there(self) -> bool:
        """See `Database.is_there`."""
        with self.store_errors():
            return self._path.exists()

    def check_place(self) -> None:
        """See `Database.check_place`."""
        check_place(self._path)

    def claim(self) -> None:
        """See `Database.claim`."""
        self._lock.take()

    def check_same(self) -> None:
        """See `Database.check_same`."""
        missing = self._files.missing()
        if missing is not None:
            raise StoreReplacedError(f"{self.place}: {missing}: reopening the store with the present file")
        if self._lock.is_wanted:
            self._lock.take()

    def reopen(self) -> None:
        """See `Database.reopen`. When only the log was deleted, its contents are written to the file first."""
        if self.reader.pool.checkedout():  # type: ignore[attr-defined]
            self.abort()
            raise StoreReplacedError(f"{self.place}: waiting for reads of the old file to end")
        if self._files.only_log_is_gone():
            with suppress(SQLAlchemyError), self.writer.connect() as connection:
                _driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        overwritten = self._files.is_overwritten()
        known = self._files.forget()
        with _moved_aside(self._path) if overwritten else nullcontext():
            self.reader.dispose()
            self.writer.dispose()
        self._files.remove_logs(known, is_overwritten=overwritten)

    def check_writable(self, connection: Connection) -> None:
        """Changes the file's header and rolls back."""
        connection.exec_driver_sql("PRAGMA user_version=0")
        connection.rollback()

    def give_back(self, connection: Connection) -> bool:
        """See `Database.give_back`."""
        free = _pragma(connection, "freelist_count")
        if free <= _KEPT_FREE_PAGES:
            return False
        # Every step of the statement frees one page, and only `executescript` runs all steps. It commits first.
        _driver(connection).executescript(f"PRAGMA incremental_vacuum({_PAGES_A_SLICE})")
        return free - _PAGES_A_SLICE > _KEPT_FREE_PAGES

    def size(self, connection: Connection) -> Size:
        """See `Database.size`."""
        page = _pragma(connection, "page_size")
        total, free = _pragma(connection, "page_count"), _pragma(connection, "freelist_count")
        return Size(total_bytes=page * total, free_bytes=page * free)

    def dispose(self) -> None:
        """See `Database.dispose`."""
        self.reader.dispose()
        self.writer.dispose()
        self._lock.release()

    def abort(self) -> None:
        """See `Database.abort`."""
        for connection in self._open_connections.connections():
            with suppress(sqlite3.Error):
                connection.interrupt()

    def _connected(self, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        """Watch the files of a new connection. On failure it is closed here, since the pool does not."""
        try:
            self._files.opened()
        except OSError:
            connection.close()
            raise


@contextmanager
def _moved_aside(path: Path) -> Iterator[None]:
    """Rename the file temporarily, so that SQLite does not write the old log into it on close."""
    aside = path.with_name(f"{path.name}-aside")
    path.rename(aside)
    try:
        yield
    finally:
        if not path.exists():
            aside.rename(path)


def _driver(connection: Connection) -> sqlite3.Connection:
    found: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return found


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
