"""Rollups: hours from samples, days from hours. A rollup is recomputed whenever one of its samples changed.

So samples may come late, twice or out of order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, select, type_coerce
from sqlalchemy.types import NULLTYPE

from monitor.domain.epoch import EPOCH
from monitor.store._blocks import Row as Raw
from monitor.store._blocks import number
from monitor.store._codes import TASKS, decode, words_of
from monitor.store._protocol import Bucket, RollupTier
from monitor.store._raw import decode_value, hours_of, ids
from monitor.store._rollup_rows import SUMS, counts_of, to_rollup, to_row
from monitor.store._rows import blame_of
from monitor.store._statements import Insert, key_of
from monitor.store._tables import daily, hourly, stale_day, stale_hour, vantage
from monitor.store._threads import yield_to_loop
from monitor.store._time import HOURS_A_DAY, hour
from monitor.store.rollup import FIGURES, TAKEN, Rollup, fuller, merged, rolled_values
from probes._model import Task

_BREATH: Final = 50
"""Rows that are read at a time, with a yield to the event loop in between."""
_KEPT: Final[Mapping[RollupTier, tuple[Table, Table]]] = {
    RollupTier.HOUR: (hourly, stale_hour),
    RollupTier.DAY: (daily, stale_day),
}

_TASKS: Final[Mapping[int, Task]] = words_of(TASKS)

Key: TypeAlias = tuple[Task, int]
"""A task, and the key of a vantage."""


def roll_hour(connection: Connection, insert: Insert, before: int) -> bool:
    """Roll up one stale hour of one endpoint before hour `before`; False: there is none."""
    found = connection.execute(
        select(stale_hour.c.endpoint, stale_hour.c.bucket).where(stale_hour.c.bucket < before).limit(1)
    )
    oldest = found.first()
    if oldest is None:
        return False
    fresh = _fresh_hours(connection, oldest.endpoint, [oldest.bucket])
    for (task, seen_from), rollup in fresh[oldest.bucket].items():
        key = {"endpoint": oldest.endpoint, "task": task, "vantage": seen_from}
        if _counted(connection, {**key, "bucket": oldest.bucket}) <= rollup.count:
            _put(connection, insert, hourly, {**key, "bucket": oldest.bucket}, rollup)
        mark = insert(stale_day).values({**key, "bucket": oldest.bucket // HOURS_A_DAY}).on_conflict_do_nothing()
        connection.execute(mark)
    condition = (stale_hour.c.endpoint == oldest.endpoint, stale_hour.c.bucket == oldest.bucket)
    connection.execute(delete(stale_hour).where(*condition))
    return True


def roll_day(connection: Connection, insert: Insert, before: int) -> bool:
    """Roll up one stale day before day `before` from its hours; False: there is none."""
    found = connection.execute(select(stale_day).where(stale_day.c.bucket < before).limit(1))
    mark = found.mappings().first()
    if mark is None:
        return False
    key = {name: mark[name] for name in ("endpoint", "task", "vantage")}
    rollup = _fresh_day(connection, key, mark["bucket"])
    if rollup.count:
        _put(connection, insert, daily, dict(mark), rollup)
        cluster_day(connection, key, mark["bucket"])
    connection.execute(delete(stale_day).where(*(stale_day.c[name] == value for name, value in mark.items())))
    return True


def rollups(
    connection: Connection,
    name: str,
    tier: RollupTier,
    *,
    since: datetime,
    until: datetime,
    figures: Sequence[str],
) -> list[Bucket]:
    """See `Store.rollups`. Stale rollups are computed now and not stored."""
    span = (_bucket_at_or_after(since, tier), _bucket_at_or_after(until, tier))
    found = _stored(connection, name, tier, span, figures)
    for place, rollup in (_stale(connection, name, tier, span, figures)).items():
        found[place] = fuller(rollup, found.get(place))
    return _named(connection, tier, found)


def hours(
    connection: Connection, name: str, task: Task, *, starts: Collection[datetime], figures: Sequence[str]
) -> list[Bucket]:
    """See `Store.hours`: one index search for each hour."""
    wanted = {hour(at) for at in starts if EPOCH + timedelta(hours=hour(at)) == at}
    if not wanted:
        return []
    found = _stored_hours(connection, name, task, wanted, figures)
    condition = (
        stale_hour.c.endpoint == key_of(name),
        stale_hour.c.task == task,
        stale_hour.c.bucket.in_(sorted(wanted)),
    )
    marks = connection.execute(select(stale_hour).where(*condition)).all()
    if marks:
        fresh = _fresh_hours(connection, marks[0].endpoint, {mark.bucket for mark in marks}, figures)
        found |= {
            (at, *kind): rollup for at, kinds in fresh.items() for kind, rollup in kinds.items() if kind[0] is task
        }
    return _named(connection, RollupTier.HOUR, found)


def _named(connection: Connection, tier: RollupTier, found: Found) -> list[Bucket]:
    """Rollups as sorted buckets."""
    words = ids(connection, vantage)
    buckets = [
        Bucket(task=task, vantage=words[seen_from], start=EPOCH + bucket * timedelta(seconds=tier.value), rollup=rollup)
        for (bucket, task, seen_from), rollup in found.items()
    ]
    return sorted(buckets, key=lambda bucket: (bucket.start, bucket.task, bucket.vantage))


Found: TypeAlias = dict[tuple[int, Task, int], Rollup]
"""Rollups by bucket, task and vantage."""


def _stored(
    connection: Connection, name: str, tier: RollupTier, span: tuple[int, int], figures: Sequence[str]
) -> Found:
    kept, _ = _KEPT[tier]
    begin, end = span
    # Naming every task and vantage lets the index search start at the span, years after the first hour.
    every = (kept.c.task.in_(TASKS), kept.c.vantage.in_(select(vantage.c.key)))
    within = (kept.c.endpoint == key_of(name), *every, kept.c.bucket >= begin, kept.c.bucket < end)
    return _read(connection, kept, within, figures)


def _stored_hours(
    connection: Connection, name: str, task: Task, hours: Collection[int], figures: Sequence[str]
) -> Found:
    every = hourly.c.vantage.in_(select(vantage.c.key))
    within = (hourly.c.endpoint == key_of(name), hourly.c.task == task, every, hourly.c.bucket.in_(sorted(hours)))
    return _read(connection, hourly, within, figures)


def _read(connection: Connection, kept: Table, within: Sequence[ColumnElement[bool]], figures: Sequence[str]) -> Found:
    columns = ("bucket", "task", "vantage", "counts", *SUMS, *figures)
    # Without conversion: a month of hours is read at once.
    query = select(*(type_coerce(kept.c[name], NULLTYPE) for name in columns)).where(*within)
    rows: Sequence[Any] = connection.execute(query).all()
    found: Found = {}
    for begin in range(0, len(rows), _BREATH):
        for row in rows[begin : begin + _BREATH]:
            found[row[0], decode(_TASKS, row[1]), row[2]] = to_rollup(dict(zip(columns, row, strict=True)))
        yield_to_loop()
    return found


def _stale(connection: Connection, name: str, tier: RollupTier, span: tuple[int, int], figures: Sequence[str]) -> Found:
    match tier:
        case RollupTier.HOUR:
            return _stale_hours(connection, name, span, figures)
        case RollupTier.DAY:
            return _stale_days(connection, name, span, figures)


def _stale_hours(connection: Connection, name: str, span: tuple[int, int], figures: Sequence[str]) -> Found:
    marks = _marks(connection, stale_hour, name, span)
    if not marks:
        return {}
    fresh = _fresh_hours(connection, marks[0].endpoint, {mark.bucket for mark in marks}, figures)
    return {(bucket, *kind): rollup for bucket, kinds in fresh.items() for kind, rollup in kinds.items()}


def _stale_days(connection: Connection, name: str, span: tuple[int, int], figures: Sequence[str]) -> Found:
    begin, end = span
    newer: dict[tuple[int, Task, int], dict[int, Rollup]] = {}
    for mark in _marks(connection, stale_day, name, span):
        newer[mark.bucket, mark.task, mark.vantage] = {}
    fresh = _stale_hours(connection, name, (begin * HOURS_A_DAY, end * HOURS_A_DAY), figures)
    for (bucket, task, seen_from), rollup in fresh.items():
        newer.setdefault((bucket // HOURS_A_DAY, task, seen_from), {})[bucket] = rollup
    found: Found = {}
    for (day, task, seen_from), hours in newer.items():
        one = {"endpoint": key_of(name), "task": task, "vantage": seen_from}
        found[day, task, seen_from] = _fresh_day(connection, one, day, hours, figures)
    return found


def _marks(
    connection: Connection, stale: Table, name: str, span: tuple[int, int]
) -> Sequence[Row[tuple[int, Task, int, int]]]:
    """The stale marks of an endpoint in a span."""
    begin, end = span
    query = select(stale).where(stale.c.endpoint == key_of(name), stale.c.bucket >= begin, stale.c.bucket < end)
    return connection.execute(query).all()


def _fresh_hours(
    connection: Connection, key: int, buckets: Collection[int], figures: Sequence[str] = FIGURES
) -> dict[int, dict[Key, Rollup]]:
    """The rollups of hours of an endpoint from its samples, by hour."""
    found: dict[int, dict[Key, Rollup]] = {}
    columns = ("task", "vantage", *TAKEN, *figures)
    for bucket, rows in hours_of(connection, key, buckets, columns).items():
        groups: dict[Key, list[Sequence[object]]] = {}
        for row in rows:
            group = (decode(_TASKS, number(row["task"])), number(row["vantage"]))
            groups.setdefault(group, []).append(_taken(row, figures))
        found[bucket] = {group: rolled_values(taken, figures) for group, taken in groups.items()}
    return found


def _taken(row: Raw, figures: Sequence[str]) -> Sequence[object]:
    """The values of a sample that a rollup needs."""
    fields: dict[str, Any] = {name: decode_value(name, row[name]) for name in (*TAKEN, *figures)}
    fields["blame"] = blame_of(fields["error"], fields["blame"])
    return tuple(fields.values())


def _fresh_day(
    connection: Connection,
    key: Mapping[str, Any],
    day: int,
    newer: Mapping[int, Rollup] | None = None,
    figures: Sequence[str] = FIGURES,
) -> Rollup:
    """The rollup of a day from its hours. `newer`: hours whose stored rollup is stale or missing."""
    columns = [hourly.c[name] for name in ("bucket", "counts", *SUMS, *figures)]
    rows = connection.execute(select(*columns).where(*_of_day(key, day))).mappings()
    hours = {row["bucket"]: to_rollup({**row}) for row in rows} | dict(newer or {})
    return merged(hours.values())


def cluster_day(connection: Connection, key: Mapping[str, Any], day: int) -> None:
    """Rewrite a day's hours next to each other in the file. `key`: endpoint, task and vantage.

    Each hour was written next to the same hour of other endpoints, so a month of one endpoint would need one page for
    every hour.
    """
    hours = [dict(row) for row in connection.execute(select(hourly).where(*_of_day(key, day))).mappings()]
    connection.execute(delete(hourly).where(*_of_day(key, day)))
    connection.execute(hourly.insert(), hours)


def _of_day(key: Mapping[str, Any], day: int) -> list[ColumnElement[bool]]:
    """The condition for the hours of a day."""
    first = day * HOURS_A_DAY
    within = (hourly.c.bucket >= first, hourly.c.bucket < first + HOURS_A_DAY)
    return [*within, *(hourly.c[name] == value for name, value in key.items())]


def _counted(connection: Connection, key: Mapping[str, Any]) -> int:
    """The number of samples in the stored rollup of an hour.

    A rollup with more samples than are stored stays: a clock that was ahead had some of them deleted.
    """
    condition = (hourly.c[name] == value for name, value in key.items())
    counts = connection.execute(select(hourly.c.counts).where(*condition)).scalar()
    return 0 if counts is None else sum(counts_of(counts).values())


def _put(connection: Connection, insert: Insert, table: Table, key: Mapping[str, Any], rollup: Rollup) -> None:
    row = to_row(rollup)
    put = insert(table).values({**key, **row})
    fresh = {name: put.excluded[name] for name in row}
    connection.execute(put.on_conflict_do_update(index_elements=list(table.primary_key), set_=fresh))


def _bucket_at_or_after(at: datetime, tier: RollupTier) -> int:
    """The first bucket that begins at a moment or later."""
    hours = hour(at)
    whole = at == EPOCH + timedelta(hours=hours)
    per = tier.value // RollupTier.HOUR.value
    return -(-(hours if whole else hours + 1) // per)
