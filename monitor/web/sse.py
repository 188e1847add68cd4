"""Rows of the scores as server-sent events. Pure.

The data of both kinds is a scores document: of all endpoints in a `snapshot`, of the changed endpoints in a `change`.
Each row is a line of its own, since many clients do not accept lines of megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from monitor.scoreboard.row import Row

KEEP_ALIVE = b": keep-alive\n\n"
BEGIN = b"retry: 2000\n: hello\n\n"
"""How long, in ms, a client waits before it reconnects; and a first comment, so that the client sees data at once."""
_LUMP_BYTES = 16_384


class EventKind(StrEnum):
    """The kind of an event."""

    SNAPSHOT = "snapshot"
    CHANGE = "change"


def event(kind: EventKind, ident: str, opening: bytes, rows: Sequence[Row]) -> Iterator[bytes]:
    """One event, in chunks that fit a socket's buffer. `opening` is a scores document up to its first row."""
    return _lumps(_lines(kind, ident, opening, rows))


def _lines(kind: EventKind, ident: str, opening: bytes, rows: Sequence[Row]) -> Iterator[bytes]:
    yield f"event: {kind}\nid: {ident}\ndata: ".encode() + opening + b"\n"
    last = len(rows) - 1
    for place, row in enumerate(rows):
        yield b"data: " + row.body + (b"\n" if place == last else b",\n")
    yield b"data: ]}\n\n"


def _lumps(pieces: Iterable[bytes]) -> Iterator[bytes]:
    lump: list[bytes] = []
    length = 0
    for piece in pieces:
        if lump and length + len(piece) > _LUMP_BYTES:
            yield b"".join(lump)
            lump, length = [], 0
        lump.append(piece)
        length += len(piece)
    yield b"".join(lump)
