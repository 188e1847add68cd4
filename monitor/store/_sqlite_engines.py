"""Engines on one SQLite file: the writer has one connection, readers have others, and neither waits for the other.

In write-ahead mode a reader sees the last commit while the next is being written. A killed process loses nothing
committed; with `synchronous=NORMAL` a power cut may lose the newest commits, never the file.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

_EVERY: Final = ("PRAGMA foreign_keys=ON", "PRAGMA synchronous=NORMAL")
_LARGEST_ID: Final = 2**31 - 1
_WRITER: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA journal_size_limit=67108864",
    *_EVERY,
)
_READER: Final = ("PRAGMA query_only=ON", *_EVERY)


def writer_engine(path: Path, lock_wait_s: float) -> Engine:
    """One connection; a transaction takes the write lock when it begins, so that it cannot fail half-way for it."""
    return _engine(path, lock_wait_s, size=1, pragmas=_WRITER, begin="BEGIN IMMEDIATE")


def reader_engine(path: Path, lock_wait_s: float, size: int = 4) -> Engine:
    """Connections that cannot write; a transaction sees one state of the data from its first read on."""
    return _engine(path, lock_wait_s, size=size, pragmas=_READER, begin="BEGIN")


def _engine(path: Path, lock_wait_s: float, *, size: int, pragmas: Sequence[str], begin: str) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=partial(_connect, path, lock_wait_s),
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
    )
    event.listen(engine, "connect", partial(_prepare, pragmas))
    event.listen(engine, "begin", partial(_begin, begin))
    return engine


def _connect(path: Path, lock_wait_s: float) -> sqlite3.Connection:
    """Open the file that is there: one that was deleted under the daemon must not come back empty by itself."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=lock_wait_s,
        # Without an isolation level Python begins nothing on its own, and schema changes are transactional.
        isolation_level=None,
        check_same_thread=False,  # the pool gives a connection to one thread after the other
    )


def _prepare(pragmas: Sequence[str], connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Set up a new connection; one that cannot be set up is closed here, since its pool never hears of it."""
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA page_count")
        empty = cursor.fetchone() == (0,)
        for pragma in (*_new_file_pragmas(), *pragmas) if empty else pragmas:
            cursor.execute(pragma)
        cursor.close()
    except BaseException:
        connection.close()
        raise


def _new_file_pragmas() -> Sequence[str]:
    """What can be chosen only before the first page is written; on a later file it would write for nothing.

    The number tells one database from another, see `_files`.
    """
    number = 1 + random.SystemRandom().randrange(_LARGEST_ID)
    return ("PRAGMA auto_vacuum=INCREMENTAL", f"PRAGMA application_id={number}")


def _begin(statement: str, connection: Connection) -> None:
    connection.exec_driver_sql(statement)
