"""An hour of an endpoint's samples as one block of bytes: columns of database values, as compressed JSON. Pure.

A sample takes about 87 bytes in a block and 190 as a row of its own with its indexes. Values of one column are alike,
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
    document = {"v": _VERSION, "n": len(rows), "columns": {name: _short(values) for name, values in kept.items()}}
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return zlib.compress(text.encode(), _LEVEL)


def _short(values: Sequence[Value]) -> Value | Sequence[Value]:
    """A column that holds the same value in every row as that value: many do, and are then read in no time."""
    first = values[0]
    same = all(value == first and type(value) is type(first) for value in values)
    return first if same else values


def unpack(data: bytes, columns: Sequence[str]) -> list[Row]:
    """The rows of a block; a column that it was made without is None. Raises StoreError when it is not a block."""
    values = zip(*unpack_columns(data, columns), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def unpack_columns(data: bytes, columns: Sequence[str]) -> list[list[Value]]:
    """The same column by column."""
    try:
        document = json.loads(zlib.decompress(data))
        if document["v"] > _VERSION:
            raise StoreError("store: a block that a newer providerwatch wrote: install that one")
        return [_column(document["columns"], name, document["n"]) for name in columns]
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise StoreError(f"store: a block cannot be read ({type(error).__name__}): restore it from a backup") from error


def _column(kept: Mapping[str, Value | list[Value]], name: str, length: int) -> list[Value]:
    """Raises ValueError, KeyError or TypeError when it cannot be."""
    known = kept[name] if name in _RISING or name in _SINCE else kept.get(name)
    values = known if isinstance(known, list) else [known] * length
    if len(values) != length:
        raise ValueError("a column is too short or too long")
    if name in _RISING:
        return list(accumulate(map(number, values)))
    if name in _SINCE:
        base = _column(kept, _SINCE[name], length)
        return [number(value) + number(since) for value, since in zip(values, base, strict=True)]
    return values


def union(blocks: Iterable[Sequence[Row]]) -> list[Row]:
    """Rows of several blocks, each id once (the one appended first), in the order of appending."""
    rows = sorted((row for block in blocks for row in block), key=lambda row: number(row["seq"]))
    first: dict[Value, Row] = {}
    for row in rows:
        first.setdefault(row["id"], row)
    return list(first.values())


def number(value: Value) -> int:
    """A value of a column that holds whole numbers and never nothing. Raises TypeError on another."""
    if not isinstance(value, int):
        raise TypeError("a whole number was expected")
    return value
