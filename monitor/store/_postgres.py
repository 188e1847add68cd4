"""PostgreSQL, through asyncpg."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from alembic.util import CommandError
from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from monitor.store._protocol import Size, StoreError
from monitor.store._sql import SqlStore

_READERS: Final = 4
_CONNECT_S: Final = 5.0
_COMMAND_S: Final = 30.0
_LOCK_S: Final = 5.0
_LOCK: Final = 0x70726F7669646572
"""Any number will do that no other program takes in this database: the letters of `provider`."""
_REMEDY: Final = "see that the server runs and lets this user in"


def postgres_store(url: str) -> SqlStore:
    """A store in the database that `url` names: `postgresql://user:password@host:port/name`."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError("store: not the address of a database; write postgresql://user:password@host/name") from None
    return SqlStore(PostgresDatabase(parsed.set(drivername="postgresql+asyncpg")))


class PostgresDatabase:
    """A `Database` on a server. The database itself has to be there; tables are made."""

    def __init__(self, url: URL) -> None:
        self.place = url.set(drivername="postgresql").render_as_string(hide_password=True)
        self.writer = _engine(url, size=1, isolation="READ COMMITTED", options={"lock_timeout": f"{_LOCK_S:g}s"})
        event.listen(self.writer.sync_engine, "begin", _take_lock)
        read_only = {"default_transaction_read_only": "on"}
        self.reader = _engine(url, size=_READERS, isolation="REPEATABLE READ", options=read_only)

    def faults(self) -> AbstractContextManager[None]:
        """See `Database.faults`."""
        return _faults(self.place)

    def is_there(self) -> bool:
        """The server says that itself."""
        return True

    def check_place(self) -> None:
        """The server says that itself."""

    async def check_writable(self, connection: AsyncConnection) -> None:
        """A transaction number can only be had from a server that takes changes."""
        await connection.execute(text("SELECT txid_current()"))
        await connection.rollback()

    async def give_back(self, connection: AsyncConnection) -> bool:
        """PostgreSQL's own vacuum does that."""
        return False

    async def size(self, connection: AsyncConnection) -> Size:
        """See `Database.size`. How much of it is free only a full scan would tell."""
        total = (await connection.execute(text("SELECT pg_database_size(current_database())"))).scalar_one()
        return Size(total_bytes=int(total), free_bytes=0)


def _take_lock(connection: Connection) -> None:
    """One program writes at a time, as in a file: migrations and cursors need not think of another."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _engine(url: URL, *, size: int, isolation: IsolationLevel, options: dict[str, str]) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_pre_ping=True,  # the server may have been restarted in between
        isolation_level=isolation,
        connect_args={
            "timeout": _CONNECT_S,
            "command_timeout": _COMMAND_S,
            "server_settings": {"application_name": "providerwatch", "timezone": "UTC", **options},
        },
    )


@contextmanager
def _faults(place: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, CommandError, OSError, TimeoutError) as error:
        cause = getattr(error, "orig", None) or error
        what = next(iter(str(cause).splitlines()), type(cause).__name__) or type(cause).__name__
        raise StoreError(f"{place}: {what}: {_REMEDY}") from error
