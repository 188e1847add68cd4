"""The lock of a daemon on an SQLite file: a file beside it that is locked as long as the daemon lives.

The kernel releases it when the process ends, however it ends. `flock` on the database itself would meet SQLite's own
locks on some file systems.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from monitor.store._protocol import StoreTakenError

log = logging.getLogger(__name__)

_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP})
"""What a file system says that has no such locks."""


class FileLock:
    """At most one process holds it."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(f"{database.name}-lock")
        self._file: int | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether it was taken, and not released since."""
        return self._file is not None

    def take(self) -> None:
        """Take it, or raise StoreTakenError, or OSError when the file cannot be made."""
        while not self.is_ours():
            self._close()
            self._file = self._locked()

    def is_ours(self) -> bool:
        """Whether the file that is locked is the one that other daemons try to lock."""
        if self._file is None:
            return False
        mine = os.fstat(self._file)
        try:
            return os.path.samestat(mine, self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give it up; the file goes while it is still locked, so that no other daemon locks one that has no name."""
        if self.is_ours():
            self._path.unlink(missing_ok=True)
        self._close()

    def _locked(self) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._lock(file)
        except BaseException:
            os.close(file)
            raise
        with suppress(OSError):  # on a full disk the file lacks the number; the lock holds all the same
            os.ftruncate(file, 0)
            os.write(file, f"{os.getpid()}\n".encode())
        return file

    def _lock(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 20).decode(errors="replace").strip() or "not known"
            raise StoreTakenError(
                f"{self._database}: another daemon uses it (process {holder}): "
                "stop that daemon, or name another `store`"
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            log.warning("%s cannot be locked on this file system: a second daemon would not be refused", self._database)

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
