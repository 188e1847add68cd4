"""Writes log records in a thread, from a bounded queue: a blocked stderr does not block the daemon.

Records that do not fit are dropped and counted. The thread writes to the file descriptor, not to `sys.stderr`: a
blocked thread would hold its lock at exit.
"""

from __future__ import annotations

import logging
import os
import select
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final, TextIO

from monitor.daemon.log_limit import LogLimit, Suppressed

_MOST_RECORDS: Final = 2_000
_MOST_BYTES: Final = 4_000_000
_LONGEST: Final = 16_384
"""Bytes of a record. A longer record loses its traceback and most of its message."""
_LONGEST_WORDS: Final = 2_000
_LOOK_S: Final = 1.0
_PATIENCE_S: Final = 2.0
"""How long the exit waits for records that are not written yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLosses:
    """Counts of log records that were not written."""

    dropped: int = 0
    """Records that did not fit into the queue or could not be written."""
    suppressed: int = 0
    """Records of a kind that was logged too often."""


class LogQueue(logging.Handler):
    """A handler that never blocks on its stream. `close` waits a moment for the rest to be written."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._file = stream.fileno()
        self._limit = LogLimit()
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._changed = Condition()
        self._writing = False
        self._closing = False
        self._dropped = 0
        self._untold = 0
        self._thread = Thread(target=self._write_on, name="log", daemon=True)
        self._thread.start()

    @property
    def losses(self) -> LogLosses:
        """The losses so far."""
        return LogLosses(dropped=self._dropped, suppressed=self._limit.suppressed)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record. It is formatted now, since its arguments may change later."""
        with self._changed:
            admitted = self._limit.admits(record, time.monotonic())
        if admitted:
            self._put([record])

    def flush(self) -> None:
        """Wait until all records are written, at most a moment."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or not (self._lines or self._writing), _PATIENCE_S)

    def close(self) -> None:
        """Write the rest. Records that a blocked stream does not accept in a moment are lost."""
        with self._changed:
            if self._closing:
                return
            left_out = [*self._limit.ended(time.monotonic(), all_of_them=True)]
        self._put(map(_summary, left_out))
        self.flush()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        super().close()

    def _put(self, records: Iterable[logging.LogRecord]) -> None:
        for record in records:
            line = self._line(record)
            with self._changed:
                if len(self._lines) >= _MOST_RECORDS or self._bytes + len(line) > _MOST_BYTES:
                    self._dropped += 1
                    self._untold += 1
                    continue
                self._lines.append(line)
                self._bytes += len(line)
                self._changed.notify_all()

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            line = self._bytes_of(record)
        except Exception as error:  # noqa: BLE001  # any object of a caller is turned into text here
            words = "a log record of %s cannot be formatted: %s"
            return self._bytes_of(_record(logging.ERROR, words, record.name, type(error).__name__))
        return line if len(line) <= _LONGEST else self._bytes_of(_shortened(record))

    def _bytes_of(self, record: logging.LogRecord) -> bytes:
        return f"{self.format(record)}\n".encode(errors="backslashreplace")

    def _write_on(self) -> None:
        """Write queued records until closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._closing, _LOOK_S)
                if self._closing and not self._lines:
                    return
                lines, self._lines, self._bytes = self._lines, deque(), 0
                untold, self._untold = self._untold, 0
                self._writing = bool(lines)
                left_out = [*self._limit.ended(time.monotonic())]
            if untold:
                words = "%d log records dropped: standard error was not read fast enough"
                lines.append(self._line(_record(logging.WARNING, words, untold, action="log_dropped")))
            self._write_all(lines)
            self._put(map(_summary, left_out))

    def _write_all(self, lines: Iterable[bytes]) -> None:
        lost = sum(not _write(self._file, line) for line in lines)
        with self._changed:
            self._dropped += lost
            self._writing = False
            self._changed.notify_all()


def losses() -> LogLosses:
    """The losses of this process's log."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogQueue):
            return handler.losses
    return LogLosses()


def _write(file: int, line: bytes) -> bool:
    """Write a line, however long that takes. False if it failed."""
    rest = memoryview(line)
    while rest:
        try:
            rest = rest[os.write(file, rest) :]
        except BlockingIOError:  # another program set the terminal to non-blocking
            select.select([], [file], [])
        except OSError:
            return False
    return True


def _summary(found: Suppressed) -> logging.LogRecord:
    name, level, word, endpoint = found.kind
    about = {"of": word, "logger": name} | ({"endpoint": endpoint} if endpoint else {})
    words = "%d similar log records suppressed"
    return _record(level, words, found.count, action="log_limited", **about)


def _shortened(record: logging.LogRecord) -> logging.LogRecord:
    words = f"{record.getMessage()[:_LONGEST_WORDS]} …"
    return _record(record.levelno, "%s", words, action=str(vars(record).get("action"))[:100])


def _record(level: int, words: str, *values: object, **extras: str) -> logging.LogRecord:
    record = logging.LogRecord(__name__, level, __file__, 0, words, values, None)
    vars(record).update(extras)
    return record
