"""Logging: one line per record on stderr, with the event's `action`; text on a terminal, else JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from monitor.daemon.log_options import LogFormat, LogLevel
from monitor.daemon.log_queue import LogQueue

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class _JsonLines(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, message, and every extra field."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, object] = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
        fields |= _extras(record)
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


class _Plain(logging.Formatter):
    """A record as a line of text."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, message, and every extra that is not None as `key=value`; values with spaces are quoted."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        known = ((name, str(value)) for name, value in _extras(record).items() if value is not None)
        extras = "".join(f" {name}={json.dumps(value) if ' ' in value else value}" for name, value in known)
        line = f"{at} {record.levelname.lower():7} {_harmless(record.getMessage() + extras)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(stream: TextIO | None = None, *, level: LogLevel = LogLevel.INFO, form: LogFormat | None = None) -> None:
    """Log to `stream`, by default the current stderr. `form` None: text on a terminal, else JSON."""
    stream = stream or sys.stderr
    form = form or (LogFormat.TEXT if stream.isatty() else LogFormat.JSON)
    handler = _handler(stream)
    handler.setFormatter(_Plain() if form is LogFormat.TEXT else _JsonLines())
    root = logging.getLogger()
    for former in root.handlers:
        if isinstance(former, LogQueue):
            former.close()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These libraries log every tick, request and statement, which the samples record already.
    for noisy in ("apscheduler", "aiohttp.access", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    # An overrun becomes a sample; the scheduler's warning would repeat it.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


def flush() -> None:
    """Wait until all records are written, before other output to stderr."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def _handler(stream: TextIO) -> logging.Handler:
    """A thread writes to a file or pipe, which may block. A stream in memory needs no thread."""
    try:
        return LogQueue(stream)
    except (OSError, ValueError):
        return logging.StreamHandler(stream)


def _harmless(text: str) -> str:
    """Text with escaped control characters: clients' text, such as a requested path, may hold terminal commands."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}
