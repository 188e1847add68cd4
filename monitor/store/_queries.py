"""What readers ask: raw samples from rows and blocks, counts, and what the store holds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from alembic.runtime.migration import MigrationContext
from sqlalchemy import BigInteger, and_, exists, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.store._append import HOUR_S, RAW, hour
from monitor.store._blocks import Row, unpack
from monitor.store._database import Database
from monitor.store._outbox import backlogs
from monitor.store._protocol import Info, Place, Point, Tally
from monitor.store._raw import COLUMNS, cooked, hour_of, meant, names
from monitor.store._rollup_rows import counts_of
from monitor.store._rows import to_sample
from monitor.store._statements import MICROSECONDS_AN_HOUR, named_samples, samples_since, tallies_since
from monitor.store._tables import block, endpoint, horizon, hourly, metadata, sample, stale_hour
from probes._model import ErrorClass, Sample, Task

_PORTION: Final = 500
"""Rows turned into samples at a time; the event loop breathes between portions."""
_BLOCKS_AT_ONCE: Final = 8
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def samples(connection: AsyncConnection, since: datetime) -> list[Sample]:
    """See `Store.samples`."""
    found: list[Sample] = []
    rows = await connection.stream(samples_since(since))
    async for portion in rows.mappings().partitions(_PORTION):
        found.extend(map(to_sample, portion))
    sealed = await _sealed(connection, since)
    return sealed + found if sealed else found


async def _sealed(connection: AsyncConnection, since: datetime) -> list[Sample]:
    """Those that lie in blocks; what is in a block was appended before what is in a row, but for latecomers."""
    words = await names(connection)
    query = select(endpoint.c.id, block.c.data).join_from(block, endpoint, block.c.endpoint == endpoint.c.key)
    found: list[tuple[Row, str]] = []
    for name, data in (await connection.execute(query.where(block.c.hour >= hour(since)))).all():
        found.extend((row, name) for row in unpack(data, COLUMNS))
    found.sort(key=lambda each: each[0]["seq"] or 0)
    taken = (cooked(row, name, words) for row, name in found)
    return [each for each in taken if each.started_at >= since]


async def page(
    connection: AsyncConnection, name: str, *, since: datetime, before: Place | None, limit: int
) -> list[Sample]:
    """See `Store.page`."""
    key = await _key_of(connection, name)
    if key is None:
        return []
    query = named_samples().where(sample.c.endpoint == key, sample.c.started_at >= since)
    if before is not None:
        together = and_(sample.c.started_at == before.at, sample.c.id < before.id)
        query = query.where(or_(sample.c.started_at < before.at, together))
    query = query.order_by(sample.c.started_at.desc(), sample.c.id.desc()).limit(limit)
    rows = [to_sample(row) for row in (await connection.execute(query)).mappings()]
    sealed = await _newest_sealed(connection, key, name, since=since, before=before, limit=limit)
    found = {each.id: each for each in [*rows, *sealed]}
    return sorted(found.values(), key=_place, reverse=True)[:limit]


async def _newest_sealed(
    connection: AsyncConnection, key: int, name: str, *, since: datetime, before: Place | None, limit: int
) -> list[Sample]:
    words = await names(connection)
    query = select(block.c.hour, block.c.data).where(block.c.endpoint == key, block.c.hour >= hour(since))
    query = query.order_by(block.c.hour.desc()).limit(_BLOCKS_AT_ONCE)
    last = hour(before.at) + 1 if before is not None else None
    found: list[Sample] = []
    while len(found) < limit:
        portion = (await connection.execute(query if last is None else query.where(block.c.hour < last))).all()
        if not portion:
            break
        last = portion[-1].hour
        taken = [cooked(row, name, words) for each in portion for row in unpack(each.data, COLUMNS)]
        found += [each for each in taken if each.started_at >= since and (before is None or _place(each) < before)]
    return found


def _place(each: Sample) -> Place:
    """Ids compare as the database's numbers do."""
    return Place(at=each.started_at, id=each.id)


async def points(
    connection: AsyncConnection, name: str, task: Task, figure: str, *, since: datetime, until: datetime
) -> list[Point]:
    """See `Store.points`."""
    key = await _key_of(connection, name)
    if key is None:
        return []
    columns = (sample.c.id, sample.c.started_at, sample.c.error, sample.c[figure])
    span = (sample.c.endpoint == key, sample.c.started_at >= since, sample.c.started_at < until)
    rows = (await connection.execute(select(*columns).where(*span, sample.c.task == task))).all()
    found = {row[0]: Point(at=row[1], error=row[2], value=row[3]) for row in rows}
    for each in await _sealed_between(connection, key, since, until):
        if each.task is task:
            found[each.id] = Point(at=each.started_at, error=each.error, value=getattr(each, figure))
    return sorted(found.values(), key=lambda point: point.at)


async def _sealed_between(connection: AsyncConnection, key: int, since: datetime, until: datetime) -> list[Sample]:
    words = await names(connection)
    query = select(block.c.data).where(
        block.c.endpoint == key, block.c.hour >= hour(since), block.c.hour <= hour(until)
    )
    packed = (await connection.execute(query)).scalars().all()
    taken = (cooked(row, "", words) for data in packed for row in unpack(data, COLUMNS))
    return [each for each in taken if since <= each.started_at < until]


async def tallies(connection: AsyncConnection, since: datetime, bucket_s: int) -> list[Tally]:
    """See `Store.tallies`."""
    if bucket_s < HOUR_S:
        rows = await connection.execute(tallies_since(since, bucket_s))
        return [
            Tally(endpoint=row.id, bucket=row.bucket, task=row.task, error=row.error, count=row.tally) for row in rows
        ]
    counted: Counter[tuple[str, int, Task, ErrorClass | None]] = Counter()
    await _count_rolled(connection, hour(since), counted)
    await _count_stale(connection, hour(since), counted)
    totals: Counter[tuple[datetime, str, Task, ErrorClass | None]] = Counter()
    for (name, at_hour, task, error), count in counted.items():
        start_s = at_hour * HOUR_S // bucket_s * bucket_s
        totals[_EVER + timedelta(seconds=start_s), name, task, error] += count
    return tallied(totals)


def tallied(totals: Counter[tuple[datetime, str, Task, ErrorClass | None]]) -> list[Tally]:
    """Counts as tallies, in their order."""
    ordered = sorted(totals.items(), key=lambda item: (item[0][0], item[0][1], item[0][3] or "", item[0][2]))
    return [
        Tally(endpoint=name, bucket=at, task=task, error=error, count=count)
        for (at, name, task, error), count in ordered
    ]


async def _count_rolled(connection: AsyncConnection, since: int, counted: Counter[Any]) -> None:
    """What rollups count, but for those that are stale."""
    same = (stale_hour.c[name] == hourly.c[name] for name in ("endpoint", "task", "vantage", "bucket"))
    query = select(endpoint.c.id, hourly.c.bucket, hourly.c.task, hourly.c.counts)
    query = query.join_from(hourly, endpoint, hourly.c.endpoint == endpoint.c.key)
    query = query.where(hourly.c.bucket >= since, ~exists().where(*same))
    rows = await connection.stream(query)
    async for portion in rows.partitions(_PORTION):
        for name, at_hour, task, counts in portion:
            for ending, count in counts_of(counts).items():
                counted[name, at_hour, task, ending.error] += count


async def _count_stale(connection: AsyncConnection, since: int, counted: Counter[Any]) -> None:
    """What rollups do not count yet: from the rows; and where a part of the hour lies in a block, from both."""
    sealed = exists().where(block.c.endpoint == stale_hour.c.endpoint, block.c.hour == stale_hour.c.bucket)
    started = type_coerce(sample.c.started_at, BigInteger)
    begin = type_coerce(stale_hour.c.bucket, BigInteger) * MICROSECONDS_AN_HOUR
    same = (sample.c[name] == stale_hour.c[name] for name in ("endpoint", "task", "vantage"))
    within = and_(*same, started >= begin, started < begin + MICROSECONDS_AN_HOUR)
    rows = select(endpoint.c.id, stale_hour.c.bucket, sample.c.task, sample.c.error, func.count().label("tally"))
    rows = rows.join_from(stale_hour, sample, within).join(endpoint, endpoint.c.key == stale_hour.c.endpoint)
    rows = rows.where(stale_hour.c.bucket >= since, ~sealed).group_by(*rows.selected_columns[:4])
    for name, at_hour, task, error, count in (await connection.execute(rows)).all():
        counted[name, at_hour, task, error] += count
    both = select(stale_hour, endpoint.c.id).join_from(stale_hour, endpoint, stale_hour.c.endpoint == endpoint.c.key)
    for mark in (await connection.execute(both.where(stale_hour.c.bucket >= since, sealed))).all():
        for row in await hour_of(connection, mark.endpoint, mark.bucket):
            if (meant("task", row["task"]), row["vantage"]) == (mark.task, mark.vantage):
                counted[mark.id, mark.bucket, mark.task, meant("error", row["error"])] += 1


async def info(connection: AsyncConnection, database: Database) -> Info:
    """See `Store.info`."""
    size, free = await database.size(connection)
    rows = {}
    for table in metadata.sorted_tables:
        rows[table.name] = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
    sealed = (await connection.execute(select(func.coalesce(func.sum(block.c.samples), 0)))).scalar_one()
    schema = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    raw = (await connection.execute(select(horizon.c.at).where(horizon.c.name == RAW))).scalar()
    return Info(
        place=database.place,
        schema=schema or "none",
        size_bytes=size,
        free_bytes=free,
        rows=rows,
        samples=rows["sample"] + int(sealed),
        raw_since=raw,
        sinks={row.name: row.waiting for row in (await connection.execute(backlogs())).all()},
    )


async def _key_of(connection: AsyncConnection, name: str) -> int | None:
    key = (await connection.execute(select(endpoint.c.key).where(endpoint.c.id == name))).scalar()
    return None if key is None else int(key)
