"""Keeps the files of `publish.files` up to date with the newest snapshot, without holding up the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from monitor.config.model import PublishFile
from monitor.domain.formats import Format
from monitor.routing.atomic_file import replace_file
from monitor.routing.formats.render import render
from monitor.routing.openrouter.file import OpenRouterFile
from monitor.routing.weights import weights_basis
from monitor.scoreboard.snapshot import Snapshot

log = logging.getLogger(__name__)

_REST: Final = 9
"""From one writing to the next it rests so many times as long as the writing took, however much there is news."""
_LONGEST_REST_S: Final = 5.0


class FileWriter:
    """Writes the newest snapshot in the shape of each file, and leaves out those that came and went while it wrote."""

    def __init__(self, files: Sequence[PublishFile]) -> None:
        self._files = files
        self._openrouter_file = OpenRouterFile()
        self._snapshot: Snapshot | None = None
        self._written: dict[Path, bytes] = {}
        self._weights_basis: Sequence[object] = ()
        self._news = asyncio.Event()
        self._failing: set[str] = set()
        self._writing = threading.Lock()

    def apply(self, files: Sequence[PublishFile]) -> None:
        """Write these files from now on, and at once; those that are not among them stay as they are."""
        self._files = files
        self.wake()

    def wake(self) -> None:
        """There is news; never waits."""
        self._news.set()

    async def run(self, newest: Callable[[], Awaitable[Snapshot]]) -> None:
        """Write the newest snapshot whenever there is news, until cancelled. Without files it never asks for one."""
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
        """Write all files now. A file that cannot be written is told of once, and tried again next time."""
        self._snapshot = snapshot
        self._write()

    def _write(self) -> None:
        """Write the newest; a write that was left to its thread by a cancelled `run` never has the last word."""
        with self._writing:
            snapshot = self._snapshot
            if snapshot is None:
                return
            now = weights_basis(snapshot.rows.values())
            was, self._weights_basis = self._weights_basis, now
            for file in self._files:
                if file.format.has_weights and now == was and file.path in self._written:
                    self._replace(file, self._written[file.path])
                else:
                    self._replace(file, self._body(file, snapshot))

    def _body(self, file: PublishFile, snapshot: Snapshot) -> bytes:
        """A file's content. The largest is put together from what did not change since the last time."""
        if file.format is Format.OPENROUTER:
            return self._openrouter_file.body(snapshot)
        return render(file.format, snapshot, file.cluster, file.options)

    def _replace(self, file: PublishFile, body: bytes) -> None:
        try:
            # Who watches a file would take it for news.
            if body != self._written.get(file.path) or not file.path.exists():
                replace_file(file.path, body)
        except OSError as error:
            if str(file.path) not in self._failing:
                log.error("%s cannot be written: %s", file.path, error.strerror, extra={"action": "file_failed"})  # noqa: TRY400
            self._failing.add(str(file.path))
        else:
            self._written[file.path] = body
            self._failing.discard(str(file.path))
