"""Which files an SQLite database lies in: the file itself, its write-ahead log, and the index of that log.

An open file that was deleted can still be written to, and all of it is lost when it is closed. So the files that are
open are compared with those that have their names. An inode that is open is not given to another file.

A file that was overwritten in place, as by `cp`, is recognised by its header: by the number that its database was given
when it was made, and by a count of changes, which never goes back.
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
"""By what follows the path in the name of the file."""
_MAGIC: Final = b"SQLite format 3\0"
_CHANGES: Final = slice(24, 28)
_APPLICATION: Final = slice(68, 72)
"""Where both lie in the header."""
_HEADER_BYTES: Final = 100


class DatabaseFiles:
    """The files that connections have open, and whether they are still there. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._paths = {name: path.with_name(f"{path.name}{name}") for name in _WHAT}
        self._known: dict[str, Identity] = {}
        self._connections = 0
        self._file: int | None = None
        """The database itself, to read its header. Open as long as connections are: to close it ends their locks."""
        self._header = b""
        self._lock = threading.Lock()

    def opened(self) -> None:
        """A connection was opened. Raises OSError where the files cannot be looked at, and counts it not."""
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
        """A connection was closed; with the last one SQLite deletes the log."""
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
        """What was deleted or replaced; None while all is as it was opened."""
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
        """Whether another database is in the file that is open, or none."""
        now, before = self._read_header(), self._header
        if not before:
            return False
        if not now.startswith(_MAGIC) or now[_CHANGES] < before[_CHANGES]:
            return True
        return any(before[_APPLICATION]) and now[_APPLICATION] != before[_APPLICATION]

    def only_log_is_gone(self) -> bool:
        """Whether the database is still there and its log is not, nor another one in its place."""
        return self._known.get("") == self._found("") and self._found(_LOG) is None

    def forget(self) -> Mapping[str, Identity]:
        """Begin anew; what was known."""
        with self._lock:
            known, self._known = self._known, {}
        return known

    def remove_logs(self, known: Mapping[str, Identity], *, is_overwritten: bool) -> None:
        """Delete the log of a database that is gone, once all its connections are closed.

        SQLite would take it for the log of the file that is there now.
        """
        if is_overwritten or self._found("") != known.get(""):
            for name in known:
                if name and self._found(name) == known[name]:
                    self._paths[name].unlink(missing_ok=True)

    def _learn(self) -> None:
        """Take what is there for what is open, where nothing is known: SQLite makes a log when it needs one."""
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
        """The file that has the name now."""
        try:
            found = self._paths[name].stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino
