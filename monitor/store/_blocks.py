"""An hour of an endpoint's samples as one block of bytes: columns of database values, as compressed JSON. Pure.

A sample takes about 65 bytes in a block and 180 as a row of its own with its indexes. Values of one column are alike,
so they compress; times are kept as differences for that. Any program can read a block: it is zlib's JSON.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Final, TypeAlias

from monitor.store._protocol import StoreError

Value: TypeAlias = int | float | str | None
Row: TypeAlias = Mapping[str, Value]
"""A sample as the database holds it: whole microseconds, numbers for words."""

_VERSION: Final = 1
_LEVEL: Final = 6
_RISING: Final = ("seq", "scheduled_at")
"""Columns kept as differences from one row to the next."""
_SINCE: Final = {"started_at": "scheduled_at"}
"""Columns kept as differences from another column of the same row."""


def pack(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    """At least one row, in the order in which they come back."""
    kept = {name: [row[name] for row in rows] for name in columns}
    for name, base in _SINCE.items():
        kept[name] = [number(row[name]) - number(row[base]) for row in rows]
    for name in _RISING:
        numbers = [number(row[name]) for row in rows]
        kept[name] = [numbers[0], *(later - earlier for earlier, later in pairwise(numbers))]
    text = json.dumps({"v": _VERSION, "columns": kept}, separators=(",", ":"), allow_nan=False)
    return zlib.compress(text.encode(), _LEVEL)


def unpack(data: bytes, columns: Sequence[str]) -> list[Row]:
    """The rows of a block; a column that it was made without is None. Raises StoreError when it is not a block."""
    try:
        document = json.loads(zlib.decompress(data))
        if document["v"] > _VERSION:
            raise StoreError("store: a block that a newer providerwatch wrote: install that one")
        return _rows(document["columns"], columns)
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise StoreError(f"store: a block cannot be read ({type(error).__name__}): restore it from a backup") from error


def union(blocks: Iterable[Sequence[Row]]) -> list[Row]:
    """Rows of several blocks, each id once (the one appended first), in the order of appending."""
    rows = sorted((row for block in blocks for row in block), key=lambda row: number(row["seq"]))
    first: dict[Value, Row] = {}
    for row in rows:
        first.setdefault(row["id"], row)
    return list(first.values())


def _rows(kept: dict[str, list[Value]], columns: Sequence[str]) -> list[Row]:
    for name in _RISING:
        kept[name] = list(accumulate(map(number, kept[name])))
    for name, base in _SINCE.items():
        kept[name] = [number(value) + number(since) for value, since in zip(kept[name], kept[base], strict=True)]
    nothing = [None] * len(kept["seq"])
    values = zip(*(kept.get(name, nothing) for name in columns), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def number(value: Value) -> int:
    """A value of a column that holds whole numbers and never nothing. Raises TypeError on another."""
    if not isinstance(value, int):
        raise TypeError("a whole number was expected")
    return value
