"""SQLite errors as one line: place, what is wrong, remedy."""

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
    sqlite3.SQLITE_CORRUPT: "restore it from a backup, or move it away to start with an empty database",
    sqlite3.SQLITE_CANTOPEN: _LET_WRITE,
    sqlite3.SQLITE_READONLY: _LET_WRITE,
    sqlite3.SQLITE_PERM: _LET_WRITE,
    sqlite3.SQLITE_BUSY: "stop the other process that locks it",
    sqlite3.SQLITE_FULL: "free space on its disk",
    sqlite3.SQLITE_IOERR: "check its disk",
}
_PRIMARY: Final = 0xFF
"""The low byte of SQLite's extended result codes is the primary code."""

_SMALLEST: Final = 512
"""Bytes of the smallest database. SQLite treats a shorter file as empty and would overwrite it."""


@contextmanager
def store_errors_at(path: Path) -> Iterator[None]:
    """A context in which errors of SQLite and its libraries become StoreError."""
    try:
        yield
    except (SQLAlchemyError, CommandError, sqlite3.Error, OSError) as error:
        raise StoreError(_explain(path, error)) from error


def check_place(path: Path) -> None:
    """Raise StoreError when there cannot be a database at `path`; otherwise create the file if need be."""
    with store_errors_at(path):
        if not path.parent.is_dir():
            raise StoreError(f"{path}: {path.parent} is not a folder: create it, or {_ELSEWHERE}")
        if path.is_dir():
            raise StoreError(f"{path}: is a folder: name a file in `store`")
        if path.exists() and 0 < path.stat().st_size < _SMALLEST:
            raise StoreError(f"{path}: file is not a database: move it away, or {_ELSEWHERE}")
        # Creates the file: an engine's connection opens only an existing file.
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
