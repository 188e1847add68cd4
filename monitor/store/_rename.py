"""Merges the history of a renamed endpoint: rows under an alias move to the present id."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Table, delete, exists, literal, select, update

from monitor.store import _traffic
from monitor.store._blocks import pack, union, unpack
from monitor.store._raw import COLUMNS
from monitor.store._rollup_rows import to_rollup, to_row
from monitor.store._statements import Insert, endpoint_key
from monitor.store._tables import block, daily, endpoint, hourly, incident, sample, stale_day, stale_hour, state
from monitor.store.rollup import merged


def rename(connection: Connection, insert: Insert, aliases: Mapping[str, str]) -> None:
    """See `Store.rename`."""
    for alias, name in aliases.items():
        old, new = endpoint_key(connection, alias), endpoint_key(connection, name)
        if old is None or alias == name:
            continue
        if new is None:
            connection.execute(update(endpoint).where(endpoint.c.key == old).values(id=name))
        else:
            _join(connection, insert, old, new)


def _join(connection: Connection, insert: Insert, old: int, new: int) -> None:
    """Merge two endpoints that both have a history."""
    for table in (sample, incident):
        connection.execute(update(table).where(table.c.endpoint == old).values(endpoint=new))
    _join_blocks(connection, old, new)
    for table in (hourly, daily):
        _join_rollups(connection, table, old, new)
    _traffic.join(connection, insert, old, new)
    for table in (stale_hour, stale_day):
        marks = select(literal(new), *table.c[1:]).where(table.c.endpoint == old)
        connection.execute(insert(table).from_select(list(table.c), marks).on_conflict_do_nothing())
        connection.execute(delete(table).where(table.c.endpoint == old))
    if not connection.execute(select(exists().where(state.c.endpoint == new))).scalar_one():
        connection.execute(update(state).where(state.c.endpoint == old).values(endpoint=new))
    connection.execute(delete(state).where(state.c.endpoint == old))
    first = connection.execute(select(endpoint.c.first_at).where(endpoint.c.key == old)).scalar()
    if first is not None:
        later = (endpoint.c.first_at.is_(None)) | (endpoint.c.first_at > first)
        connection.execute(update(endpoint).where(endpoint.c.key == new, later).values(first_at=first))
    connection.execute(delete(endpoint).where(endpoint.c.key == old))


def _join_blocks(connection: Connection, old: int, new: int) -> None:
    kept = {
        row.hour: row.data
        for row in connection.execute(select(block.c.hour, block.c.data).where(block.c.endpoint == new)).all()
    }
    theirs = connection.execute(select(block.c.hour, block.c.data).where(block.c.endpoint == old))
    for at_hour, data in theirs.all():
        if at_hour in kept:
            rows = union([unpack(data, COLUMNS), unpack(kept[at_hour], COLUMNS)])
            place = (block.c.endpoint == new, block.c.hour == at_hour)
            values = {"data": pack(rows, COLUMNS), "samples": len(rows), "last_seq": rows[-1]["seq"]}
            connection.execute(update(block).where(*place).values(values))
            connection.execute(delete(block).where(block.c.endpoint == old, block.c.hour == at_hour))
    connection.execute(update(block).where(block.c.endpoint == old).values(endpoint=new))


def _join_rollups(connection: Connection, table: Table, old: int, new: int) -> None:
    """Rollups of both names are added: no sample is in both."""
    key = ("task", "vantage", "bucket")
    rows = connection.execute(select(table).where(table.c.endpoint == new)).mappings()
    kept = {tuple(row[name] for name in key): row for row in rows}
    theirs = connection.execute(select(table).where(table.c.endpoint == old)).mappings().all()
    for row in theirs:
        place = tuple(row[name] for name in key)
        if place in kept:
            both = to_row(merged([to_rollup({**row}), to_rollup({**kept[place]})]))
            at = [table.c[name] == value for name, value in zip(key, place, strict=True)]
            connection.execute(update(table).where(table.c.endpoint == new, *at).values(both))
            connection.execute(delete(table).where(table.c.endpoint == old, *at))
    connection.execute(update(table).where(table.c.endpoint == old).values(endpoint=new))
