"""A file of JSON lines, one per sample, in the form of the HTTP API; rotated by size.

A batch is one write that is synced before it counts. After a crash the end of the file is repaired: half a line is cut
off, and lines that are already there are not written again.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from monitor.config.options import Count, FilePath, Size
from monitor.domain.stored_sample import StoredSample
from monitor.sinks._protocol import Delivery, SampleOrigin, SinkError, SinkOptions
from probes._serialize import sample_to_plain

_BATCH: Final = 500
_CHUNK: Final = 64 * 1024


class Ndjson(SinkOptions):
    """A file of JSON lines that is rotated."""

    path: FilePath
    """Path of the file. Rotated files are path.1, path.2, …"""
    max_bytes: Size = 100_000_000
    """Maximum size. The file is rotated before it grows beyond it."""
    keep: Count = 5
    """Number of rotated files that are kept."""

    def create(self, name: str, origins: Mapping[str, SampleOrigin]) -> NdjsonSink:
        """See `SinkOptions.create`."""
        return NdjsonSink(name, self)


class NdjsonSink:
    """A `Sink` that appends to a file. The file is created if it is missing; its folder is not."""

    def __init__(self, name: str, options: Ndjson) -> None:
        self.name = name
        self.batch = _BATCH
        self._options = options
        self._written: frozenset[str] | None = None
        """Ids of the last lines, as many as a batch may hold; None: not known, read them from the file."""
        self._turn = Lock()

    async def deliver(self, batch: Sequence[StoredSample]) -> Delivery:
        """See `Sink.deliver`."""
        await asyncio.to_thread(self._deliver, batch)
        return Delivery(seq=batch[-1].seq)

    async def close(self) -> None:
        """See `Sink.close`. The thread of a cancelled call finishes its write."""
        await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        with self._turn:
            self._written = None

    def _deliver(self, batch: Sequence[StoredSample]) -> None:
        path = self._options.path
        with self._turn:
            try:
                known = _repaired(path) if self._written is None else self._written
                self._written = None
                fresh = [stored for stored in batch if stored.sample.id not in known]
                if fresh:
                    _append(self._options, b"".join(map(_line, fresh)))
            except OSError as error:
                raise SinkError(f"{path}: write failed: {error.strerror or error}") from error
            self._written = frozenset(stored.sample.id for stored in batch)


def _line(stored: StoredSample) -> bytes:
    return (
        json.dumps(sample_to_plain(stored.sample), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        + b"\n"
    )


def _append(options: Ndjson, body: bytes) -> None:
    """Write `body` whole or not at all."""
    if _size(options.path) and _size(options.path) + len(body) > options.max_bytes:
        _rotate(options)
    is_new = not options.path.exists()
    file = os.open(options.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        before = os.fstat(file).st_size
        try:
            if os.write(file, body) < len(body):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301  # as the next write would
            os.fsync(file)
        except BaseException:
            os.ftruncate(file, before)
            raise
    finally:
        os.close(file)
    if is_new:
        _sync_folder(options.path)


def _rotate(options: Ndjson) -> None:
    """`x` becomes `x.1`, `x.1` becomes `x.2`, up to a gap that a crash left, or to the last file, which is deleted."""
    names = [options.path, *(_older(options.path, number) for number in range(1, options.keep + 1))]
    end = next((place for place, name in enumerate(names) if not name.exists()), len(names) - 1)
    for place in range(end, 0, -1):
        names[place - 1].replace(names[place])
    _sync_folder(options.path)


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _repaired(path: Path) -> frozenset[str]:
    """Cut off half a line at the end. Returns the ids of the last lines, if need be also of the previous file."""
    ids = list(_ids(path, cut=True))
    if len(ids) < _BATCH:
        ids += _ids(_older(path, 1), cut=False)
    return frozenset(ids[:_BATCH])


def _ids(path: Path, *, cut: bool) -> Iterator[str]:
    """The ids of a file's last lines, newest first. Raises SinkError, without a change, when it holds other data."""
    if not _size(path):
        return
    lines, torn = _last_lines(path)
    try:
        ids = [str(json.loads(line)["id"]) for line in reversed(lines)]
    except (ValueError, TypeError, KeyError):
        raise SinkError(f"{path}: holds data other than samples: use another path") from None
    if torn and cut:
        if not lines and not b'{"id":"'.startswith(torn[:7]):
            raise SinkError(f"{path}: holds data other than samples: use another path")
        os.truncate(path, path.stat().st_size - len(torn))
    yield from ids


def _last_lines(path: Path) -> tuple[list[bytes], bytes]:
    """The last whole lines, as many as a batch may hold, and the rest after the last line break."""
    with path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        tail = b""
        while at > 0 and tail.count(b"\n") <= _BATCH:
            at, before = max(0, at - _CHUNK), at
            file.seek(at)
            tail = file.read(before - at) + tail
    *whole, torn = tail.split(b"\n")
    if at > 0:
        whole = whole[1:]  # the first was read in part
    return whole[-_BATCH:], torn
