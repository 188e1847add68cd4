"""Counts of all endpoints' samples by bucket of time, from samples or rollups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    exists,
    func,
    select,
    type_coerce,
)
from sqlalchemy.types import NULLTYPE

from monitor.domain.epoch import EPOCH
from monitor.store._blocks import Value, number, unpack_columns
from monitor.store._protocol import RollupTier, SampleTally
from monitor.store._raw import decode_value, hour_of
from monitor.store._rollup_rows import counts_of
from monitor.store._statements import blocks_since, tallies_since
from monitor.store._tables import block, daily, endpoint, hourly, sample, stale_day, stale_hour
from monitor.store._threads import yield_to_loop
from monitor.store._time import HOUR_S, HOURS_A_DAY, MICROSECONDS_A_SECOND, MICROSECONDS_AN_HOUR, hour, microseconds
from probes._model import ErrorClass, Task

_PORTION: Final = 1000
"""Rows that are read at a time, with a yield to the event loop in between."""
_KIND: Final = ("endpoint", "task", "vantage")
"""The key of a rollup without its bucket."""


Ended: TypeAlias = tuple[datetime, str, ErrorClass | Literal[""], Task]
"""The key of a tally, in sort order: start of the bucket, endpoint, error, task."""


def tallies(connection: Connection, since: datetime, bucket_s: int) -> list[SampleTally]:
    """See `Store.tallies`."""
    totals: Counter[Ended] = Counter()
    if bucket_s < HOUR_S:
        _count_sealed(connection, since, bucket_s, totals)
        found = _tallied_rows(connection, since, bucket_s)
        if not totals:
            return found  # there may be a million
        for tally in found:
            totals[tally.bucket, tally.endpoint, tally.error or "", tally.task] += tally.count
        return tallied(totals)
    first = hour(since)
    if bucket_s % RollupTier.DAY.value == 0:
        first -= first % HOURS_A_DAY
        _count(connection, _days(first // HOURS_A_DAY), RollupTier.DAY, bucket_s, totals)
        _count(connection, _hours_of_open_days(first), RollupTier.HOUR, bucket_s, totals)
    else:
        _count(connection, _hours(first), RollupTier.HOUR, bucket_s, totals)
    _count_stale(connection, first, bucket_s, totals)
    return tallied(totals)


def _tallied_rows(connection: Connection, since: datetime, bucket_s: int) -> list[SampleTally]:
    """Tallies of the samples in rows."""
    found: list[SampleTally] = []
    rows = connection.execute(tallies_since(since, bucket_s), execution_options={"yield_per": _PORTION})
    for portion in rows.partitions(_PORTION):
        found.extend(
            SampleTally(
                endpoint=name, bucket=_moment(bucket), task=_task(task), error=_error(error) or None, count=count
            )
            for name, bucket, error, task, count in portion
        )
        yield_to_loop()
    return found


def _count_sealed(connection: Connection, since: datetime, bucket_s: int, totals: Counter[Ended]) -> None:
    """Count the samples in blocks; the newest day has none."""
    begin, length = microseconds(since), bucket_s * MICROSECONDS_A_SECOND
    for name, data in connection.execute(blocks_since(hour(since))).all():
        for started_at, task, error in zip(*unpack_columns(data, ("started_at", "task", "error")), strict=True):
            at = number(started_at)
            if at >= begin:
                totals[_moment(at // length * length), name, _error(error), _task(task)] += 1
        yield_to_loop()


def tallied(totals: Counter[Ended]) -> list[SampleTally]:
    """Counts as sorted tallies."""
    return [
        SampleTally(endpoint=name, bucket=at, task=task, error=error or None, count=count)
        for (at, name, error, task), count in sorted(totals.items())
    ]


@lru_cache(maxsize=4096)
def _moment(micros: int) -> datetime:
    """Cached, since buckets of all endpoints start at the same times."""
    return EPOCH + timedelta(microseconds=micros)


def _start(second: int, bucket_s: int) -> datetime:
    return _moment(second // bucket_s * bucket_s * MICROSECONDS_A_SECOND)


@cache
def _task(code: Value) -> Task:
    return Task(str(decode_value("task", code)))


@cache
def _error(code: Value) -> ErrorClass | Literal[""]:
    return "" if code is None else ErrorClass(str(decode_value("error", code)))


def _hours(first: int) -> Select[Any]:
    """The counts of hourly rollups that are not stale."""
    return _counts(hourly).where(hourly.c.bucket >= first, ~exists().where(*_same(stale_hour, hourly)))


def _days(first: int) -> Select[Any]:
    """The counts of daily rollups that are not stale and have no stale hour."""
    within = stale_hour.c.bucket.between(daily.c.bucket * HOURS_A_DAY, daily.c.bucket * HOURS_A_DAY + HOURS_A_DAY - 1)
    query = _counts(daily).where(daily.c.bucket >= first, ~exists().where(*_same(stale_day, daily)))
    return query.where(~exists().where(*_same(stale_hour, daily, _KIND), within))


def _hours_of_open_days(first: int) -> Select[Any]:
    """The counts of hourly rollups for the days that `_days` leaves out, starting with these few days."""
    marked = select(*(stale_day.c[name] for name in (*_KIND, "bucket")))
    hours = select(*(stale_hour.c[name] for name in _KIND), (stale_hour.c.bucket // HOURS_A_DAY).label("bucket"))
    days = marked.union(hours).subquery()
    begin = days.c.bucket * HOURS_A_DAY
    matching = and_(*_same(days, hourly, _KIND), hourly.c.bucket.between(begin, begin + HOURS_A_DAY - 1))
    query = select(endpoint.c.id, hourly.c.bucket, type_coerce(hourly.c.task, NULLTYPE), hourly.c.counts).join_from(
        days, hourly, matching
    )
    query = query.join(endpoint, hourly.c.endpoint == endpoint.c.key)
    return query.where(hourly.c.bucket >= first, ~exists().where(*_same(stale_hour, hourly)))


def _counts(kept: Table) -> Select[Any]:
    query = select(endpoint.c.id, kept.c.bucket, type_coerce(kept.c.task, NULLTYPE), kept.c.counts)
    return query.join_from(kept, endpoint, kept.c.endpoint == endpoint.c.key)


def _same(one: FromClause, other: FromClause, names: Sequence[str] = (*_KIND, "bucket")) -> list[ColumnElement[bool]]:
    return [one.c[name] == other.c[name] for name in names]


def _count(connection: Connection, query: Select[Any], tier: RollupTier, bucket_s: int, totals: Counter[Ended]) -> None:
    length_s = tier.value
    rows = connection.execute(query, execution_options={"yield_per": _PORTION})
    for portion in rows.partitions(_PORTION):
        for name, bucket, task_code, counts in portion:
            start, task = _start(bucket * length_s, bucket_s), _task(task_code)
            for ending, count in counts_of(counts).items():
                totals[start, name, ending.error or "", task] += count
        yield_to_loop()


def _count_stale(connection: Connection, since: int, bucket_s: int, totals: Counter[Ended]) -> None:
    """Add samples that no rollup counts yet: from rows, and for a partly sealed hour from rows and block."""
    sealed = exists().where(block.c.endpoint == stale_hour.c.endpoint, block.c.hour == stale_hour.c.bucket)
    started = type_coerce(sample.c.started_at, BigInteger)
    begin = type_coerce(stale_hour.c.bucket, BigInteger) * MICROSECONDS_AN_HOUR
    same = (sample.c[name] == stale_hour.c[name] for name in ("endpoint", "task", "vantage"))
    within = and_(*same, started >= begin, started < begin + MICROSECONDS_AN_HOUR)
    rows = select(endpoint.c.id, stale_hour.c.bucket, sample.c.task, sample.c.error, func.count().label("tally"))
    rows = rows.join_from(stale_hour, sample, within).join(endpoint, endpoint.c.key == stale_hour.c.endpoint)
    rows = rows.where(stale_hour.c.bucket >= since, ~sealed).group_by(*rows.selected_columns[:4])
    for name, at_hour, task, error, count in connection.execute(rows).all():
        totals[_start(at_hour * HOUR_S, bucket_s), name, error or "", task] += count
    both = select(stale_hour, endpoint.c.id).join_from(stale_hour, endpoint, stale_hour.c.endpoint == endpoint.c.key)
    for mark in connection.execute(both.where(stale_hour.c.bucket >= since, sealed)).all():
        start = _start(mark.bucket * HOUR_S, bucket_s)
        for row in hour_of(connection, mark.endpoint, mark.bucket):
            if (_task(row["task"]), row["vantage"]) == (mark.task, mark.vantage):
                totals[start, mark.id, _error(row["error"]), mark.task] += 1
        yield_to_loop()
