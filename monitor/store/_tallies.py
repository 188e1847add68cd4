"""Counts of all endpoints' samples by bucket of time: from samples, or from what they were rolled up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Table, and_, exists, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.store._append import HOUR_S, hour
from monitor.store._blocks import number, unpack
from monitor.store._protocol import Tally, Tier
from monitor.store._raw import hour_of, meant
from monitor.store._rolling import HOURS_A_DAY
from monitor.store._rollup_rows import counts_of
from monitor.store._statements import MICROSECONDS_AN_HOUR, blocks_since, tallies_since
from monitor.store._tables import block, daily, endpoint, hourly, sample, stale_day, stale_hour
from probes._model import ErrorClass, Task

_PORTION: Final = 500
"""Rows taken at a time; the event loop breathes between portions."""
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KIND: Final = ("endpoint", "task", "vantage")
"""What a rollup is of, but for its bucket."""


async def tallies(connection: AsyncConnection, since: datetime, bucket_s: int) -> list[Tally]:
    """See `Store.tallies`."""
    totals: Counter[tuple[datetime, str, Task, ErrorClass | None]] = Counter()
    if bucket_s < HOUR_S:
        await _count_sealed(connection, since, bucket_s, totals)
        found = await _tallied_rows(connection, since, bucket_s)
        if not totals:
            return found  # there may be a million of them
        for each in found:
            totals[each.bucket, each.endpoint, each.task, each.error] += each.count
        return tallied(totals)
    counted: Counter[tuple[str, int, Task, ErrorClass | None]] = Counter()
    first = hour(since)
    if bucket_s % Tier.DAY.value == 0:
        first -= first % HOURS_A_DAY
        await _count(connection, _days(first // HOURS_A_DAY), counted, hours=HOURS_A_DAY)
        await _count(connection, _hours_of_open_days(first), counted)
    else:
        await _count(connection, _hours(first), counted)
    await _count_stale(connection, first, counted)
    for (name, at_hour, task, error), count in counted.items():
        start_s = at_hour * HOUR_S // bucket_s * bucket_s
        totals[_EVER + timedelta(seconds=start_s), name, task, error] += count
    return tallied(totals)


async def _tallied_rows(connection: AsyncConnection, since: datetime, bucket_s: int) -> list[Tally]:
    """Of the samples that lie in rows."""
    found: list[Tally] = []
    rows = await connection.stream(tallies_since(since, bucket_s))
    async for portion in rows.partitions(_PORTION):
        found.extend(
            Tally(endpoint=name, bucket=bucket, task=task, error=error, count=count)
            for name, bucket, error, task, count in portion
        )
    return found


async def _count_sealed(connection: AsyncConnection, since: datetime, bucket_s: int, totals: Counter[Any]) -> None:
    """What lies in blocks: nothing, of the newest day."""
    begin, length = (since - _EVER) // timedelta(microseconds=1), bucket_s * 1_000_000
    for name, data in (await connection.execute(blocks_since(hour(since)))).all():
        for row in unpack(data, ("started_at", "task", "error")):
            at = number(row["started_at"])
            if at >= begin:
                bucket = meant("started_at", at // length * length)
                totals[bucket, name, meant("task", row["task"]), meant("error", row["error"])] += 1


def tallied(totals: Counter[tuple[datetime, str, Task, ErrorClass | None]]) -> list[Tally]:
    """Counts as tallies, in their order."""
    ordered = sorted(totals.items(), key=lambda item: (item[0][0], item[0][1], item[0][3] or "", item[0][2]))
    return [
        Tally(endpoint=name, bucket=at, task=task, error=error, count=count)
        for (at, name, task, error), count in ordered
    ]


def _hours(first: int) -> Select[Any]:
    """What hourly rollups count, but for those that are stale."""
    return _counts(hourly).where(hourly.c.bucket >= first, ~exists().where(*_same(stale_hour, hourly)))


def _days(first: int) -> Select[Any]:
    """What daily rollups count, but for those that are stale or hold an hour that is."""
    within = stale_hour.c.bucket.between(daily.c.bucket * HOURS_A_DAY, daily.c.bucket * HOURS_A_DAY + HOURS_A_DAY - 1)
    query = _counts(daily).where(daily.c.bucket >= first, ~exists().where(*_same(stale_day, daily)))
    return query.where(~exists().where(*_same(stale_hour, daily, _KIND), within))


def _hours_of_open_days(first: int) -> Select[Any]:
    """What hourly rollups count of the days that `_days` leaves out; there are few, so they are where to begin."""
    marked = select(*(stale_day.c[name] for name in (*_KIND, "bucket")))
    hours = select(*(stale_hour.c[name] for name in _KIND), (stale_hour.c.bucket // HOURS_A_DAY).label("bucket"))
    days = marked.union(hours).subquery()
    begin = days.c.bucket * HOURS_A_DAY
    mine = and_(*_same(days, hourly, _KIND), hourly.c.bucket.between(begin, begin + HOURS_A_DAY - 1))
    query = select(endpoint.c.id, hourly.c.bucket, hourly.c.task, hourly.c.counts).join_from(days, hourly, mine)
    query = query.join(endpoint, hourly.c.endpoint == endpoint.c.key)
    return query.where(hourly.c.bucket >= first, ~exists().where(*_same(stale_hour, hourly)))


def _counts(kept: Table) -> Select[Any]:
    query = select(endpoint.c.id, kept.c.bucket, kept.c.task, kept.c.counts)
    return query.join_from(kept, endpoint, kept.c.endpoint == endpoint.c.key)


def _same(one: FromClause, other: FromClause, names: Sequence[str] = (*_KIND, "bucket")) -> list[ColumnElement[bool]]:
    return [one.c[name] == other.c[name] for name in names]


async def _count(connection: AsyncConnection, query: Select[Any], counted: Counter[Any], *, hours: int = 1) -> None:
    """Add what rollups count; `hours`: how long each is."""
    rows = await connection.stream(query)
    async for portion in rows.partitions(_PORTION):
        for name, bucket, task, counts in portion:
            for ending, count in counts_of(counts).items():
                counted[name, bucket * hours, task, ending.error] += count


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
