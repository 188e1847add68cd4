"""The options of the log. Apart from the log itself, since `--help` shows them."""

from __future__ import annotations

from enum import StrEnum


class LogFormat(StrEnum):
    """Format of a log record."""

    TEXT = "text"
    """A line of text."""
    JSON = "json"
    """One JSON object per line."""


class LogLevel(StrEnum):
    """The least severe record that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
