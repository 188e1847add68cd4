"""What SQLite says, in one line for people: the place, what is wrong, the remedy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from monitor.store._protocol import StoreError

_ELSEWHERE: Final = "name another in `store`"
_LET_WRITE: Final = f"let this user write to the file and its folder, or {_ELSEWHERE}"
_REMEDIES: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_NOTADB: f"move it away, or {_ELSEWHERE}",
    sqlite3.SQLITE_CORRUPT: "restore it from a backup, or move it away to begin anew",
    sqlite3.SQLITE_CANTOPEN: _LET_WRITE,
    sqlite3.SQLITE_READONLY: _LET_WRITE,
    sqlite3.SQLITE_PERM: _LET_WRITE,
    sqlite3.SQLITE_BUSY: "end the other process that holds it locked",
    sqlite3.SQLITE_FULL: "free space on its disk",
    sqlite3.SQLITE_IOERR: "look at its disk",
}
_PRIMARY: Final = 0xFF
"""Of SQLite's extended result codes, the low byte is the plain one."""

_SMALLEST: Final = 512
"""Bytes of the smallest database. SQLite takes a shorter file for an empty one and would write over it."""


@contextmanager
def store_errors_at(path: Path) -> Iterator[None]:
    """The border: whatever the database or its libraries raise inside leaves as `StoreError`."""
    try:
        yield
    except (SQLAlchemyError, CommandError, sqlite3.Error, OSError) as error:
        raise StoreError(_explain(path, error)) from error


def check_place(path: Path) -> None:
    """Raise `StoreError` when no database can be at `path`; else there is a file, if an empty one."""
    with store_errors_at(path):
        if not path.parent.is_dir():
            raise StoreError(f"{path}: {path.parent} is not a folder: create it, or {_ELSEWHERE}")
        if path.is_dir():
            raise StoreError(f"{path}: is a folder: name a file in `store`")
        if path.exists() and 0 < path.stat().st_size < _SMALLEST:
            raise StoreError(f"{path}: file is not a database: move it away, or {_ELSEWHERE}")
        # Makes the file: a connection of an engine only opens one that is there.
        sqlite3.connect(path).close()


def _explain(path: Path, error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    what = next(iter(str(cause).splitlines()), type(cause).__name__)
    return f"{path}: {what}{_remedy(cause)}"


def _remedy(cause: BaseException) -> str:
    if isinstance(cause, OSError):
        return f": {_LET_WRITE}"
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY
    return f": {_REMEDIES[code]}" if code in _REMEDIES else ""
