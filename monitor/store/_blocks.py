"""Blocks: an hour of an endpoint's samples as columns of database values in compressed JSON. Pure.

A sample takes about 87 bytes in a block, and 190 bytes as a row with its indexes. Values of a column are similar and
compress well; times are stored as differences. A block is JSON compressed with zlib, so any program can read it.
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
"""A sample as the database stores it: integer microseconds, numbers for enum values."""

_VERSION: Final = 1
_LEVEL: Final = 6
_RISING: Final = ("seq", "scheduled_at")
"""Columns that are stored as differences from one row to the next."""
_SINCE: Final = {"started_at": "scheduled_at"}
"""Columns that are stored as differences from another column of the same row."""


def pack(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    """The block of at least one row; `unpack` returns the rows in the same order."""
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
    """A column with one value in every row is stored as that value. Many columns are, and are then read quickly."""
    first = values[0]
    same = all(value == first and type(value) is type(first) for value in values)
    return first if same else values


def unpack(data: bytes, columns: Sequence[str]) -> list[Row]:
    """The rows of a block; columns that it lacks are None. Raises StoreError when it is invalid."""
    values = zip(*unpack_columns(data, columns), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def unpack_columns(data: bytes, columns: Sequence[str]) -> list[list[Value]]:
    """The columns of a block. Raises StoreError when it is invalid."""
    try:
        document = json.loads(zlib.decompress(data))
        if document["v"] > _VERSION:
            raise StoreError("store: a block was written by a newer providerwatch: install that version")
        return [_column(document["columns"], name, document["n"]) for name in columns]
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise StoreError(f"store: invalid block ({type(error).__name__}): restore the store from a backup") from error


def _column(kept: Mapping[str, Value | list[Value]], name: str, length: int) -> list[Value]:
    """The values of a column. Raises ValueError, KeyError or TypeError when it is invalid."""
    known = kept[name] if name in _RISING or name in _SINCE else kept.get(name)
    values = known if isinstance(known, list) else [known] * length
    if len(values) != length:
        raise ValueError("a column has the wrong length")
    if name in _RISING:
        return list(accumulate(map(number, values)))
    if name in _SINCE:
        base = _column(kept, _SINCE[name], length)
        return [number(value) + number(since) for value, since in zip(values, base, strict=True)]
    return values


def union(blocks: Iterable[Sequence[Row]]) -> list[Row]:
    """Rows of several blocks in the order of appending; of rows with the same id the first."""
    rows = sorted((row for block in blocks for row in block), key=lambda row: number(row["seq"]))
    first: dict[Value, Row] = {}
    for row in rows:
        first.setdefault(row["id"], row)
    return list(first.values())


def number(value: Value) -> int:
    """An integer value. Raises TypeError on another type."""
    if not isinstance(value, int):
        raise TypeError("not an integer")
    return value
