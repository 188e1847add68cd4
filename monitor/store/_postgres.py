"""PostgreSQL, through pg8000."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Final

from alembic.util import CommandError
from pg8000 import dbapi
from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from monitor.store._claim import Claim, Identity
from monitor.store._open_connections import OpenConnections
from monitor.store._protocol import Size, StoreError, StoreReplacedError
from monitor.store._server import DIALECT, Server, error_text, interrupt, server_of
from monitor.store._sql import READERS, SqlStore

_COMMAND_S: Final = 30
_LOCK_S: Final = 5
_LOCK: Final = 0x70726F7669646572
"""A number that no other program uses as a lock in this database: the letters of `provider`."""
_REMEDY: Final = "check that the server runs and accepts this user"
_SETTINGS: Final[Mapping[str, str]] = {"timezone": "UTC", "statement_timeout": f"{_COMMAND_S}s"}
_WRITER: Final = {"default_transaction_isolation": "read committed", "lock_timeout": f"{_LOCK_S}s"}
_READER: Final = {"default_transaction_isolation": "repeatable read", "default_transaction_read_only": "on"}


def postgres_store(url: str) -> SqlStore:
    """A store in the database that `url` names: `postgresql://user:password@host:port/name`."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError("store: invalid database URL; use postgresql://user:password@host/name") from None
    return SqlStore(_PostgresDatabase(parsed.set(drivername="postgresql")))


class _PostgresDatabase:
    """A `Database` on a server. The database has to exist; tables are created."""

    def __init__(self, url: URL) -> None:
        self.place = url.render_as_string(hide_password=True)
        server = server_of(url)
        self.writer = _engine(server, size=1, settings=_WRITER)
        event.listen(self.writer, "begin", _take_lock)
        self.reader = _engine(server, size=READERS, settings=_READER)
        self._open_connections = OpenConnections(self.writer, self.reader)
        self._identity: Identity | None = None
        """The identity of the opened database."""
        self._claim = Claim(self.place, partial(server.connect, _SETTINGS))

    def store_errors(self) -> AbstractContextManager[None]:
        """See `Database.store_errors`."""
        return _store_errors(self.place)

    def is_there(self) -> bool:
        """Not known without a connection to the server."""
        return True

    def check_place(self) -> None:
        """Not known without a connection to the server."""

    def claim(self) -> None:
        """See `Database.claim`."""
        self._claim.take()

    def check_same(self) -> None:
        """See `Database.check_same`. Only for a daemon: it uses the session of the claim."""
        found = self._claim.keep()
        if found is None:
            return
        if self._identity is None:
            self._identity = found
        if found != self._identity:
            raise StoreReplacedError(
                f"{self.place}: the database or its tables were dropped or replaced while the daemon used them: "
                "creating the tables again"
            )

    def reopen(self) -> None:
        """See `Database.reopen`."""
        self._identity = None
        self.reader.dispose()
        self.writer.dispose()

    def check_writable(self, connection: Connection) -> None:
        """Only a writable server assigns a transaction id."""
        connection.execute(text("SELECT txid_current()"))
        connection.rollback()

    def give_back(self, connection: Connection) -> bool:
        """PostgreSQL's own vacuum does that."""
        return False

    def size(self, connection: Connection) -> Size:
        """See `Database.size`. Free space would need a full scan."""
        total = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        return Size(total_bytes=int(total), free_bytes=0)

    def dispose(self) -> None:
        """See `Database.dispose`."""
        self.reader.dispose()
        self.writer.dispose()
        self._claim.release()

    def abort(self) -> None:
        """See `Database.abort`."""
        for connection in self._open_connections.connections():
            interrupt(connection)
        self._claim.abort()


def _take_lock(connection: Connection) -> None:
    """Serialise write transactions, as SQLite does, so that migrations and cursors are safe."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _engine(server: Server, *, size: int, settings: Mapping[str, str]) -> Engine:
    return create_engine(
        f"{DIALECT}://",
        creator=partial(server.connect, {**_SETTINGS, **settings}),
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_pre_ping=True,  # the server may have been restarted meanwhile
    )


@contextmanager
def _store_errors(place: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, CommandError, dbapi.Error, OSError) as error:
        raise StoreError(f"{place}: {error_text(error)}: {_REMEDY}") from error
