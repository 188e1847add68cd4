"""Rolling up: hours from samples, days from hours, each made anew from its whole whenever something in it changed.

So samples may come late, twice or out of order, and what is rolled up is what the samples say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import Table, delete, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NULLTYPE

from monitor.store._append import hour
from monitor.store._blocks import number
from monitor.store._codes import TASKS
from monitor.store._protocol import Bucket, Tier
from monitor.store._raw import cooked, hours_of, names
from monitor.store._rollup_rows import SUMS, to_rollup, to_row
from monitor.store._statements import Insert
from monitor.store._tables import daily, endpoint, hourly, stale_day, stale_hour
from monitor.store.rollup import FIGURES, Rollup, merged, rolled
from probes._model import Sample, Task

HOURS_A_DAY: Final = 24
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT: Final[Mapping[Tier, tuple[Table, Table]]] = {Tier.HOUR: (hourly, stale_hour), Tier.DAY: (daily, stale_day)}

_TASKS: Final[Mapping[int, Task]] = {number: task for task, number in TASKS.items()}

Key: TypeAlias = tuple[Task, int]
"""A task, and the key of a vantage."""


async def roll_hour(connection: AsyncConnection, insert: Insert, before: int) -> bool:
    """Roll up one stale hour of one endpoint that is older than hour `before`; False when there is none."""
    found = await connection.execute(
        select(stale_hour.c.endpoint, stale_hour.c.bucket).where(stale_hour.c.bucket < before).limit(1)
    )
    oldest = found.first()
    if oldest is None:
        return False
    fresh = await _fresh_hours(connection, oldest.endpoint, [oldest.bucket])
    for (task, seen_from), rollup in fresh[oldest.bucket].items():
        key = {"endpoint": oldest.endpoint, "task": task, "vantage": seen_from}
        await _put(connection, insert, hourly, {**key, "bucket": oldest.bucket}, rollup)
        mark = insert(stale_day).values({**key, "bucket": oldest.bucket // HOURS_A_DAY}).on_conflict_do_nothing()
        await connection.execute(mark)
    mine = (stale_hour.c.endpoint == oldest.endpoint, stale_hour.c.bucket == oldest.bucket)
    await connection.execute(delete(stale_hour).where(*mine))
    return True


async def roll_day(connection: AsyncConnection, insert: Insert, before: int) -> bool:
    """Roll up one stale day that is older than day `before`, from its hours; False when there is none."""
    found = await connection.execute(select(stale_day).where(stale_day.c.bucket < before).limit(1))
    mark = found.mappings().first()
    if mark is None:
        return False
    key = {name: mark[name] for name in ("endpoint", "task", "vantage")}
    rollup = await _fresh_day(connection, key, mark["bucket"])
    if rollup.count:
        await _put(connection, insert, daily, dict(mark), rollup)
    await connection.execute(delete(stale_day).where(*(stale_day.c[name] == value for name, value in mark.items())))
    return True


async def rollups(
    connection: AsyncConnection,
    name: str,
    tier: Tier,
    *,
    since: datetime,
    until: datetime,
    figures: Sequence[str],
) -> list[Bucket]:
    """See `Store.rollups`: what was rolled up, and what is stale rolled up now and thrown away."""
    key = (await connection.execute(select(endpoint.c.key).where(endpoint.c.id == name))).scalar()
    if key is None:
        return []
    span = (_bucket_at_or_after(since, tier), _bucket_at_or_after(until, tier))
    found = await _stored(connection, key, tier, span, figures)
    found |= await _stale(connection, key, tier, span, figures)
    words = (await names(connection)).vantage
    buckets = [
        Bucket(task=task, vantage=words[seen_from], start=_EVER + bucket * timedelta(seconds=tier.value), rollup=rollup)
        for (bucket, task, seen_from), rollup in found.items()
    ]
    return sorted(buckets, key=lambda bucket: (bucket.start, bucket.task, bucket.vantage))


Found: TypeAlias = dict[tuple[int, Task, int], Rollup]
"""Rollups by bucket, task and vantage."""


async def _stored(
    connection: AsyncConnection, key: int, tier: Tier, span: tuple[int, int], figures: Sequence[str]
) -> Found:
    kept, _ = _KEPT[tier]
    columns = ("bucket", "task", "vantage", "counts", *SUMS, *figures)
    begin, end = span
    # Without conversion: a month of hours is read at once.
    query = select(*(type_coerce(kept.c[name], NULLTYPE) for name in columns))
    query = query.where(kept.c.endpoint == key, kept.c.bucket >= begin, kept.c.bucket < end)
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return {(row[0], _TASKS[row[1]], row[2]): to_rollup(dict(zip(columns, row, strict=True))) for row in rows}


async def _stale(
    connection: AsyncConnection, key: int, tier: Tier, span: tuple[int, int], figures: Sequence[str]
) -> Found:
    match tier:
        case Tier.HOUR:
            return await _stale_hours(connection, key, span, figures)
        case Tier.DAY:
            return await _stale_days(connection, key, span, figures)


async def _stale_hours(connection: AsyncConnection, key: int, span: tuple[int, int], figures: Sequence[str]) -> Found:
    begin, end = span
    query = select(stale_hour.c.bucket).distinct()
    query = query.where(stale_hour.c.endpoint == key, stale_hour.c.bucket >= begin, stale_hour.c.bucket < end)
    buckets = (await connection.execute(query)).scalars().all()
    fresh = await _fresh_hours(connection, key, buckets, figures)
    return {(bucket, *kind): rollup for bucket, kinds in fresh.items() for kind, rollup in kinds.items()}


async def _stale_days(connection: AsyncConnection, key: int, span: tuple[int, int], figures: Sequence[str]) -> Found:
    """Days that are stale, or hold an hour that is."""
    begin, end = span
    days = select(stale_day.c.bucket, stale_day.c.task, stale_day.c.vantage)
    days = days.where(stale_day.c.endpoint == key, stale_day.c.bucket >= begin, stale_day.c.bucket < end)
    newer: dict[tuple[int, Task, int], dict[int, Rollup]] = {}
    for day, task, seen_from in (await connection.execute(days)).all():
        newer[day, task, seen_from] = {}
    fresh = await _stale_hours(connection, key, (begin * HOURS_A_DAY, end * HOURS_A_DAY), figures)
    for (bucket, task, seen_from), rollup in fresh.items():
        newer.setdefault((bucket // HOURS_A_DAY, task, seen_from), {})[bucket] = rollup
    found: Found = {}
    for (day, task, seen_from), hours in newer.items():
        one = {"endpoint": key, "task": task, "vantage": seen_from}
        found[day, task, seen_from] = await _fresh_day(connection, one, day, hours, figures)
    return found


async def _fresh_hours(
    connection: AsyncConnection, key: int, buckets: Sequence[int], figures: Sequence[str] = FIGURES
) -> dict[int, dict[Key, Rollup]]:
    """The rollups of some hours of an endpoint from its samples, by hour."""
    words = await names(connection)
    found: dict[int, dict[Key, Rollup]] = {}
    for bucket, rows in (await hours_of(connection, key, buckets)).items():
        groups: dict[Key, list[Sample]] = {}
        for row in rows:
            sample = cooked(row, "", words)
            groups.setdefault((sample.task, number(row["vantage"])), []).append(sample)
        found[bucket] = {group: rolled(samples, figures) for group, samples in groups.items()}
    return found


async def _fresh_day(
    connection: AsyncConnection,
    key: Mapping[str, Any],
    day: int,
    newer: Mapping[int, Rollup] | None = None,
    figures: Sequence[str] = FIGURES,
) -> Rollup:
    """The rollup of a day from its hours; `newer`: hours whose stored rollup is stale, or not there yet."""
    first = day * HOURS_A_DAY
    columns = [hourly.c[name] for name in ("bucket", "counts", *SUMS, *figures)]
    query = select(*columns).where(hourly.c.bucket >= first, hourly.c.bucket < first + HOURS_A_DAY)
    query = query.where(*(hourly.c[name] == value for name, value in key.items()))
    rows = (await connection.execute(query)).mappings()
    hours = {row["bucket"]: to_rollup({**row}) for row in rows} | dict(newer or {})
    return merged(hours.values())


async def _put(
    connection: AsyncConnection, insert: Insert, table: Table, key: Mapping[str, Any], rollup: Rollup
) -> None:
    row = to_row(rollup)
    put = insert(table).values({**key, **row})
    fresh = {name: put.excluded[name] for name in row}
    await connection.execute(put.on_conflict_do_update(index_elements=list(table.primary_key), set_=fresh))


def _bucket_at_or_after(at: datetime, tier: Tier) -> int:
    """The first bucket that begins at a moment or later."""
    hours = hour(at)
    whole = at == _EVER + timedelta(hours=hours)
    per = tier.value // Tier.HOUR.value
    return -(-(hours if whole else hours + 1) // per)
