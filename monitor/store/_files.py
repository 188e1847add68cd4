"""The files of an SQLite database: the file itself, its write-ahead log, and the index of that log.

A deleted file that is still open can be written to, but everything is lost when it is closed. So the open files are
compared with the files at their paths. The inode of an open file is not reused.

A file that was overwritten in place, as by `cp`, is recognised by its header: by the application id of its database,
and by a change counter, which never decreases.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

Identity: TypeAlias = tuple[int, int]
"""Device and inode."""
_LOG: Final = "-wal"
_WHAT: Final = {"": "the file", _LOG: "its write-ahead log (-wal)", "-shm": "the index of its log (-shm)"}
"""By the suffix of the file name."""
_MAGIC: Final = b"SQLite format 3\0"
_CHANGES: Final = slice(24, 28)
_APPLICATION: Final = slice(68, 72)
"""The positions of both in the header."""
_HEADER_BYTES: Final = 100


class DatabaseFiles:
    """The open files of all connections, and whether they are still in place. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._paths = {name: path.with_name(f"{path.name}{name}") for name in _WHAT}
        self._known: dict[str, Identity] = {}
        self._connections = 0
        self._file: int | None = None
        """The database file, to read its header. It stays open: closing it would end the connections' locks."""
        self._header = b""
        self._lock = threading.Lock()

    def opened(self) -> None:
        """A connection was opened. Raises OSError, without counting it, when the files cannot be read."""
        with self._lock:
            self._connections += 1
            try:
                if self._file is None:
                    self._file = os.open(self._paths[""], os.O_RDONLY)
                self._learn()
            except OSError:
                self._count_down()
                raise

    def closed(self) -> None:
        """A connection was closed. With the last one SQLite deletes the log."""
        with self._lock:
            self._count_down()

    def _count_down(self) -> None:
        self._connections -= 1
        if not self._connections:
            if self._file is not None:
                os.close(self._file)
            self._file, self._header = None, b""
            self._known = {name: found for name, found in self._known.items() if not name}

    def missing(self) -> str | None:
        """The deleted or replaced file, as text for a message; None: all files are in place."""
        with self._lock:
            for name, known in self._known.items():
                found = self._found(name)
                if found != known:
                    return f"{_WHAT[name]} was {'replaced' if found else 'deleted'} while the daemon had it open"
            if self.is_overwritten():
                return f"{_WHAT['']} was overwritten while the daemon had it open"
            self._learn()
        return None

    def is_overwritten(self) -> bool:
        """Whether the open file holds another database, or none."""
        now, before = self._read_header(), self._header
        if not before:
            return False
        if not now.startswith(_MAGIC) or now[_CHANGES] < before[_CHANGES]:
            return True
        return any(before[_APPLICATION]) and now[_APPLICATION] != before[_APPLICATION]

    def only_log_is_gone(self) -> bool:
        """Whether the database is in place and only its log is missing."""
        return self._known.get("") == self._found("") and self._found(_LOG) is None

    def forget(self) -> Mapping[str, Identity]:
        """Remove and return the known files."""
        with self._lock:
            known, self._known = self._known, {}
        return known

    def remove_logs(self, known: Mapping[str, Identity], *, is_overwritten: bool) -> None:
        """Delete the log of a replaced database, once all its connections are closed.

        SQLite would apply it to the present file.
        """
        if is_overwritten or self._found("") != known.get(""):
            for name in known:
                if name and self._found(name) == known[name]:
                    self._paths[name].unlink(missing_ok=True)

    def _learn(self) -> None:
        """Note the present files where none is known: SQLite creates the log when it needs one."""
        for name in _WHAT:
            found = self._found(name)
            if name not in self._known and found is not None:
                self._known[name] = found
        header = self._read_header()
        if header.startswith(_MAGIC):
            self._header = header

    def _read_header(self) -> bytes:
        return b"" if self._file is None else os.pread(self._file, _HEADER_BYTES, 0)

    def _found(self, name: str) -> Identity | None:
        """The identity of the file at the path."""
        try:
            found = self._paths[name].stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino
