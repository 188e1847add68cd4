"""Limits similar log records to a few per minute and counts the rest, so that clients cannot fill the log. Pure."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

MOST: Final = 10
"""Records of one kind that are written in one span."""
SPAN_S: Final = 60.0
_MOST_KINDS: Final = 1000

Kind: TypeAlias = tuple[str, int, str, str]
"""Logger, level, `action` (else the message's template), and endpoint."""


@dataclass(slots=True)
class _Seen:
    """Counts of records of one kind since `since_s`."""

    since_s: float
    written: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """The number of suppressed records of one kind in a finished span."""

    kind: Kind
    count: int


class LogLimit:
    """Counts records by kind."""

    def __init__(self) -> None:
        self._seen: dict[Kind, _Seen] = {}
        self.suppressed = 0
        """Suppressed records since the start."""

    def admits(self, record: logging.LogRecord, now_s: float) -> bool:
        """Whether a record is to be written."""
        kind = _kind_of(record)
        seen = self._seen.get(kind)
        if seen is None:
            if len(self._seen) >= _MOST_KINDS:
                kind = (record.name, record.levelno, "", "")
            seen = self._seen.setdefault(kind, _Seen(since_s=now_s))
        if seen.written < MOST:
            seen.written += 1
            return True
        seen.suppressed += 1
        self.suppressed += 1
        return False

    def ended(self, now_s: float, *, all_of_them: bool = False) -> Iterator[Suppressed]:
        """The suppressed records of finished spans, once each. These kinds are admitted again afterwards."""
        over = [kind for kind, seen in self._seen.items() if all_of_them or now_s - seen.since_s >= SPAN_S]
        for kind in over:
            seen = self._seen.pop(kind)
            if seen.suppressed:
                yield Suppressed(kind=kind, count=seen.suppressed)


def _kind_of(record: logging.LogRecord) -> Kind:
    fields = vars(record)
    word = str(fields.get("action") or record.msg)
    return record.name, record.levelno, word, str(fields.get("endpoint", ""))
