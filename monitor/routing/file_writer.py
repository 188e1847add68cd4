"""Keeps the files of `publish.files` up to date with the newest snapshot, without blocking the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from monitor.config.options import FileSection
from monitor.domain.ongoing_failure import OngoingFailure
from monitor.routing.atomic_file import replace_file
from monitor.routing.router_format import RouterFormat
from monitor.routing.weights import weights_basis
from monitor.scoreboard.snapshot import Snapshot

log = logging.getLogger(__name__)

_REST: Final = 9
"""The pause after a write, as a multiple of the write's duration."""
_LONGEST_REST_S: Final = 5.0


class FileWriter:
    """Writes the newest snapshot in the format of each file; skips snapshots that were replaced during a write."""

    def __init__(self, files: Sequence[FileSection]) -> None:
        self._files = _formats(files)
        self._writers: dict[Path, tuple[RouterFormat, Callable[[Snapshot], bytes]]] = {}
        self._snapshot: Snapshot | None = None
        self._written: dict[Path, bytes] = {}
        self._weights_basis: Sequence[object] = ()
        self._news = asyncio.Event()
        self._failures: dict[Path, OngoingFailure] = {}
        self._writing = threading.Lock()

    @property
    def failing(self) -> int:
        """How many files could not be written at the last try."""
        failures = [self._failures.get(file.path) for file in self._files]
        return sum(failure is not None and failure.reason is not None for failure in failures)

    def apply(self, files: Sequence[FileSection]) -> None:
        """Write these files from now on, and at once. Other files stay as they are."""
        self._files = _formats(files)
        self.wake()

    def wake(self) -> None:
        """Signal a change; never waits."""
        self._news.set()

    async def run(self, newest: Callable[[], Awaitable[Snapshot]]) -> None:
        """Write the newest snapshot after each change, until cancelled. Without files there is nothing to write."""
        while True:
            await self._news.wait()
            self._news.clear()
            if not self._files:
                continue
            began_s = time.monotonic()
            self._snapshot = await newest()
            await asyncio.to_thread(self._write)
            await asyncio.sleep(min(_REST * (time.monotonic() - began_s), _LONGEST_REST_S))

    def write(self, snapshot: Snapshot) -> None:
        """Write all files now. A failure is logged once; the next write tries again."""
        self._snapshot = snapshot
        self._write()

    def _write(self) -> None:
        """Write the newest snapshot. The lock orders this write after one that a cancelled `run` left in its thread."""
        with self._writing:
            snapshot = self._snapshot
            if snapshot is None:
                return
            now = weights_basis(snapshot.rows.values())
            was, self._weights_basis = self._weights_basis, now
            for file in self._files:
                self._write_one(file, snapshot, same_weights=now == was)

    def _write_one(self, file: RouterFormat, snapshot: Snapshot, *, same_weights: bool) -> None:
        failure = self._failures.setdefault(file.path, OngoingFailure())
        try:
            keeps = same_weights and file.has_weights and self._is_written(file)
            self._replace(file, self._written[file.path] if keeps else self._body(file, snapshot))
        except OSError as error:
            self._forget(file)
            if failure.begins(str(error)):
                log.error("cannot write %s: %s", file.path, error.strerror or error, extra={"action": "file_failed"})  # noqa: TRY400
        except Exception as error:  # a format may be a third party's; its fault must not end the daemon
            self._forget(file)
            if failure.begins(str(error)):
                log.exception(
                    "cannot write %s: format %s failed", file.path, file.format, extra={"action": "file_failed"}
                )
        else:
            if failure.ends():
                log.info("%s is written again", file.path, extra={"action": "file_recovered"})

    def _is_written(self, file: RouterFormat) -> bool:
        """Whether the file was written in this format and with these options."""
        return file.path in self._written and self._writers[file.path][0] == file

    def _forget(self, file: RouterFormat) -> None:
        """The file may be older than the weights, and the writer may have stopped halfway: begin with new ones."""
        self._written.pop(file.path, None)
        self._writers.pop(file.path, None)

    def _body(self, file: RouterFormat, snapshot: Snapshot) -> bytes:
        known, write = self._writers.get(file.path, (None, file.render))
        if known != file:
            write = file.writer()
            self._writers[file.path] = file, write
        return write(snapshot)

    def _replace(self, file: RouterFormat, body: bytes) -> None:
        # Unchanged files are not replaced: watchers would see a change.
        if body != self._written.get(file.path) or not file.path.exists():
            replace_file(file.path, body)
        self._written[file.path] = body


def _formats(files: Sequence[FileSection]) -> tuple[RouterFormat, ...]:
    """The files as formats, which all of `FORMATS` are."""
    return tuple(file for file in files if isinstance(file, RouterFormat))
