"""The lock of a daemon on an SQLite file: a file next to it that is locked while the daemon runs.

The kernel releases it when the process ends for any reason. `flock` on the database itself would conflict with SQLite's
own locks on some file systems.
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
"""Errors of file systems without such locks."""


class FileLock:
    """A lock that at most one process holds."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(f"{database.name}-lock")
        self._file: int | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether the lock was taken and not released."""
        return self._file is not None

    def take(self) -> None:
        """Take the lock. Raises StoreTakenError, or OSError when the file cannot be created."""
        while not self.is_ours():
            self._close()
            self._file = self._locked()

    def is_ours(self) -> bool:
        """Whether the locked file is the one that other daemons try to lock."""
        if self._file is None:
            return False
        locked = os.fstat(self._file)
        try:
            return os.path.samestat(locked, self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Release the lock. The file is deleted before, so that no other daemon locks a deleted file."""
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
        with suppress(OSError):  # on a full disk the file lacks the process id; the lock is valid even so
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
            log.warning(
                "%s: no file locks on this file system; a second daemon is not prevented",
                self._database,
                extra={"action": "lock_missing"},
            )

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
