"""Which files an SQLite database lies in: the file itself, its write-ahead log, and the index of that log.

An open file that was deleted can still be written to, and all of it is lost when it is closed. So the files that are
open are compared with those that have their names. An inode that is open is not given to another file.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

Identity: TypeAlias = tuple[int, int]
"""Device and inode."""
_LOG: Final = "-wal"
_WHAT: Final = {"": "the file", _LOG: "its write-ahead log (-wal)", "-shm": "the index of its log (-shm)"}
"""By what follows the path in the name of the file."""


class Files:
    """The files that connections have open, and whether they are still there. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Identity] = {}
        self._connections = 0
        self._lock = threading.Lock()

    def opened(self) -> None:
        """A connection was opened."""
        with self._lock:
            self._connections += 1
            self._learn()

    def closed(self) -> None:
        """A connection was closed; with the last one SQLite deletes the log."""
        with self._lock:
            self._connections -= 1
            if not self._connections:
                self._known = {name: found for name, found in self._known.items() if not name}

    def missing(self) -> str | None:
        """What was deleted or replaced; None while all is as it was opened."""
        with self._lock:
            for name, known in self._known.items():
                found = self._found(name)
                if found != known:
                    return f"{_WHAT[name]} was {'replaced' if found else 'deleted'} while the daemon had it open"
            self._learn()
        return None

    def only_log_is_gone(self) -> bool:
        """Whether the database is still there and its log is not, nor another one in its place."""
        return self._known.get("") == self._found("") and self._found(_LOG) is None

    def forget(self) -> Mapping[str, Identity]:
        """Begin anew; what was known."""
        with self._lock:
            known, self._known = self._known, {}
        return known

    def remove_logs(self, known: Mapping[str, Identity]) -> None:
        """Delete the log of a database that is gone, once all its connections are closed.

        SQLite would take it for the log of the file that is there now.
        """
        if self._found("") != known.get(""):
            for name in known:
                if name and self._found(name) == known[name]:
                    self._named(name).unlink(missing_ok=True)

    def _learn(self) -> None:
        """Take what is there for what is open, where nothing is known: SQLite makes a log when it needs one."""
        for name in _WHAT:
            found = self._found(name)
            if name not in self._known and found is not None:
                self._known[name] = found

    def _found(self, name: str) -> Identity | None:
        """The file that has the name now."""
        try:
            found = self._named(name).stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _named(self, name: str) -> Path:
        return self._path.with_name(f"{self._path.name}{name}") if name else self._path
