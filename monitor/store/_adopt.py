"""A renamed endpoint keeps its history: what was kept under an alias is joined to the id it has now."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Table, delete, exists, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.store import _traffic
from monitor.store._blocks import pack, union, unpack
from monitor.store._raw import COLUMNS
from monitor.store._rollup_rows import to_rollup, to_row
from monitor.store._statements import Insert
from monitor.store._tables import block, daily, endpoint, hourly, incident, sample, stale_day, stale_hour, state
from monitor.store.rollup import merged


async def adopt(connection: AsyncConnection, insert: Insert, aliases: Mapping[str, str]) -> None:
    """See `Store.adopt`."""
    for alias, name in aliases.items():
        old, new = await _key(connection, alias), await _key(connection, name)
        if old is None or alias == name:
            continue
        if new is None:
            await connection.execute(update(endpoint).where(endpoint.c.key == old).values(id=name))
        else:
            await _join(connection, insert, old, new)


async def _key(connection: AsyncConnection, name: str) -> int | None:
    key = (await connection.execute(select(endpoint.c.key).where(endpoint.c.id == name))).scalar()
    return None if key is None else int(key)


async def _join(connection: AsyncConnection, insert: Insert, old: int, new: int) -> None:
    """Both have a history: make one of them."""
    for table in (sample, incident):
        await connection.execute(update(table).where(table.c.endpoint == old).values(endpoint=new))
    await _join_blocks(connection, old, new)
    for table in (hourly, daily):
        await _join_rollups(connection, table, old, new)
    await _traffic.join(connection, insert, old, new)
    for table in (stale_hour, stale_day):
        marks = select(literal(new), *table.c[1:]).where(table.c.endpoint == old)
        await connection.execute(insert(table).from_select(list(table.c), marks).on_conflict_do_nothing())
        await connection.execute(delete(table).where(table.c.endpoint == old))
    if not (await connection.execute(select(exists().where(state.c.endpoint == new)))).scalar_one():
        await connection.execute(update(state).where(state.c.endpoint == old).values(endpoint=new))
    await connection.execute(delete(state).where(state.c.endpoint == old))
    first = (await connection.execute(select(endpoint.c.first_at).where(endpoint.c.key == old))).scalar()
    if first is not None:
        later = (endpoint.c.first_at.is_(None)) | (endpoint.c.first_at > first)
        await connection.execute(update(endpoint).where(endpoint.c.key == new, later).values(first_at=first))
    await connection.execute(delete(endpoint).where(endpoint.c.key == old))


async def _join_blocks(connection: AsyncConnection, old: int, new: int) -> None:
    mine = {
        row.hour: row.data
        for row in (await connection.execute(select(block.c.hour, block.c.data).where(block.c.endpoint == new))).all()
    }
    theirs = await connection.execute(select(block.c.hour, block.c.data).where(block.c.endpoint == old))
    for at_hour, data in theirs.all():
        if at_hour in mine:
            rows = union([unpack(data, COLUMNS), unpack(mine[at_hour], COLUMNS)])
            place = (block.c.endpoint == new, block.c.hour == at_hour)
            values = {"data": pack(rows, COLUMNS), "samples": len(rows), "last_seq": rows[-1]["seq"]}
            await connection.execute(update(block).where(*place).values(values))
            await connection.execute(delete(block).where(block.c.endpoint == old, block.c.hour == at_hour))
    await connection.execute(update(block).where(block.c.endpoint == old).values(endpoint=new))


async def _join_rollups(connection: AsyncConnection, table: Table, old: int, new: int) -> None:
    """Rollups of one endpoint's two names add up: no sample is in both."""
    key = ("task", "vantage", "bucket")
    rows = (await connection.execute(select(table).where(table.c.endpoint == new))).mappings()
    mine = {tuple(row[name] for name in key): row for row in rows}
    theirs = (await connection.execute(select(table).where(table.c.endpoint == old))).mappings().all()
    for row in theirs:
        place = tuple(row[name] for name in key)
        if place in mine:
            both = to_row(merged([to_rollup({**row}), to_rollup({**mine[place]})]))
            at = [table.c[name] == value for name, value in zip(key, place, strict=True)]
            await connection.execute(update(table).where(table.c.endpoint == new, *at).values(both))
            await connection.execute(delete(table).where(table.c.endpoint == old, *at))
    await connection.execute(update(table).where(table.c.endpoint == old).values(endpoint=new))
