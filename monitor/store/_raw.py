"""Samples as stored values, and all samples of an endpoint's hour, from rows and from its block."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Boolean, Column, Connection, Table, select, type_coerce
from sqlalchemy.types import NULLTYPE, TypeDecorator

from monitor.store._blocks import Row, Value, number, union, unpack
from monitor.store._rows import to_sample
from monitor.store._tables import block, probe, sample, vantage
from monitor.store._time import MICROSECONDS_AN_HOUR
from probes._model import Sample

COLUMNS: Final = tuple(column.name for column in sample.c if column.name != "endpoint")
"""The columns of a block."""
RAW_COLUMNS: Final = {name: type_coerce(sample.c[name], NULLTYPE).label(name) for name in COLUMNS}
"""The columns by name, to be selected without conversion."""
_ALWAYS: Final = ("seq", "id", "started_at")
_IDS: Final = {table.name: select(table.c.key, table.c.id) for table in (vantage, probe)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names for the keys in raw rows."""

    vantage: Mapping[int, str]
    probe: Mapping[int, str]


def names(connection: Connection) -> Names:
    """All vantages and probes; there are few."""
    return Names(vantage=ids(connection, vantage), probe=ids(connection, probe))


def ids(connection: Connection, table: Table) -> dict[int, str]:
    """The names of a table by key."""
    rows = connection.execute(_IDS[table.name])
    return {row.key: row.id for row in rows}


def hour_of(connection: Connection, endpoint: int, hour: int) -> list[Row]:
    """All samples of an endpoint that began in an hour, counted from 1970, each once, in the order of appending."""
    return (hours_of(connection, endpoint, [hour]))[hour]


def hours_of(
    connection: Connection, endpoint: int, hours: Collection[int], columns: Sequence[str] = COLUMNS
) -> dict[int, list[Row]]:
    """The samples of several hours, by hour, with these columns and the identifying ones."""
    columns = tuple(dict.fromkeys((*_ALWAYS, *columns)))
    parts: dict[int, list[Sequence[Row]]] = {hour: [] for hour in hours}
    if hours:
        packed = select(block.c.hour, block.c.data).where(block.c.endpoint == endpoint, block.c.hour.in_(sorted(parts)))
        for hour, data in connection.execute(packed).all():
            parts[hour].append(unpack(data, columns))
        for row in _rows_between(connection, endpoint, min(hours), max(hours) + 1, columns):
            hour = number(row["started_at"]) // MICROSECONDS_AN_HOUR
            if hour in parts:
                parts[hour].append([row])
    return {hour: union(found) for hour, found in parts.items()}


def _rows_between(connection: Connection, endpoint: int, begin: int, end: int, columns: Sequence[str]) -> list[Row]:
    """The samples in rows; there are few, however long ago the first hour is."""
    started = type_coerce(sample.c.started_at, NULLTYPE)
    span = (
        sample.c.endpoint == endpoint,
        started >= begin * MICROSECONDS_AN_HOUR,
        started < end * MICROSECONDS_AN_HOUR,
    )
    found = connection.execute(select(*(RAW_COLUMNS[name] for name in columns)).where(*span))
    return [dict(zip(columns, map(_plain, row), strict=True)) for row in found]


def decode_sample(row: Row, endpoint: str, names: Names) -> Sample:
    """The sample in a raw row."""
    fields: dict[str, Any] = {name: decode_value(name, value) for name, value in row.items()}
    fields["endpoint_id"] = endpoint
    fields["vantage_id"] = names.vantage[fields["vantage"]]
    fields["probe_id"] = names.probe[fields["probe"]]
    return to_sample(fields)


def _plain(value: Any) -> Value:  # noqa: ANN401  # drivers return numbers and text in different types
    return int(value) if isinstance(value, bool) else value


def decode_value(name: str, value: Value) -> object:
    """The decoded value of a column."""
    return None if value is None else _MEANINGS[name](value)


def _meaning(column: Column[Any]) -> Callable[[Value], object]:
    kind = column.type
    if isinstance(kind, TypeDecorator) and type(kind).process_result_value is not TypeDecorator.process_result_value:
        return partial(_result, kind)
    return bool if isinstance(kind, Boolean) else _itself


def _result(kind: TypeDecorator[Any], value: Value) -> object:
    return kind.process_result_value(value, None)  # type: ignore[arg-type]


def _itself(value: Value) -> Value:
    return value


_MEANINGS: Final = {column.name: _meaning(column) for column in sample.c}
"""Computed once, since blocks hold many values."""
