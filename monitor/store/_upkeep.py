"""Housekeeping of a database in slices: roll up, seal into blocks, delete old data.

A slice is one short transaction. Samples are sealed after every sink has them and their rollups are made; raw samples
are deleted after their rollups are made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, exists, func, select, type_coerce
from sqlalchemy.types import NULLTYPE

from monitor.domain.retention import Retention
from monitor.store import _horizon, _traffic
from monitor.store._blocks import pack
from monitor.store._outbox import drop, slowest
from monitor.store._raw import COLUMNS, hour_of
from monitor.store._rollups import roll_day, roll_hour
from monitor.store._statements import Insert
from monitor.store._tables import (
    activity,
    block,
    daily,
    endpoint,
    hourly,
    incident,
    sample,
    stale_hour,
    traffic,
)
from monitor.store._tables import set_aside as refused
from monitor.store._time import HOUR_S, HOURS_A_DAY, MICROSECONDS_AN_HOUR, hour

ROWS_KEPT: Final = timedelta(hours=26)
"""How long samples stay in rows, so that the windows up to a day need no block."""
_BLOCKS_A_SLICE: Final = 20
_ROWS_A_SLICE: Final = 200
_HOURS_TRIED: Final = 20
"""Hours that one slice tries to seal: while a sink lags, most have to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _TierEnds:
    """The first hour and the first day, counted from 1970, that each tier keeps."""

    raw: int
    hourly: int
    daily: int


def tier_ends(now: datetime, retention: Retention) -> _TierEnds:
    """The ends of retention. Whole days of hours are kept, so that a day can be recomputed after a late sample."""
    until = retention.until or now
    raw = hour(until - retention.raw)
    hourly_day = min(hour(until - retention.hourly), raw) // HOURS_A_DAY
    daily_day = min(hour(until - retention.daily) // HOURS_A_DAY, hourly_day)
    return _TierEnds(raw=raw, hourly=hourly_day * HOURS_A_DAY, daily=daily_day)


class UpkeepSlices:
    """The slices of housekeeping, in their order."""

    def __init__(self, insert: Insert) -> None:
        self._insert = insert
        self._to_seal: deque[tuple[int, int]] = deque()
        self._nothing_at: tuple[int, int | None] | None = None
        """The hour and the slowest sink's cursor at which there was nothing to seal."""
        self._refused_before: int | None = None
        """The hour before which nothing is set aside any more."""

    def slice(self, connection: Connection, now: datetime, retention: Retention) -> bool:
        """Do one slice; False: there is nothing to do."""
        this_hour = hour(now)
        ends, until = tier_ends(now, retention), retention.until or now
        return (
            roll_hour(connection, self._insert, this_hour)
            or roll_day(connection, self._insert, this_hour // HOURS_A_DAY)
            or self._seal_one(connection, hour(now - ROWS_KEPT))
            or _delete_raw(connection, self._insert, ends.raw, until)
            or self._delete_refused(connection, ends.raw)
            or _delete_rollups(connection, hourly, ends.hourly)
            or _delete_rollups(connection, daily, ends.daily)
            or _delete_incidents(connection, ends.daily)
            or _delete_traffic(connection, until, ends.daily)
        )

    def _seal_one(self, connection: Connection, before: int) -> bool:
        """Seal one hour of an endpoint, if one of the next few is ready; True: there may be more."""
        given = slowest(connection)
        if not self._to_seal:
            if self._nothing_at == (before, given):
                return False
            self._to_seal.extend(_sealable(connection, before))
            self._nothing_at = (before, given)
        for _ in range(min(_HOURS_TRIED, len(self._to_seal))):
            sealed = _seal(connection, self._insert, *self._to_seal[0], given)
            self._to_seal.popleft()
            if sealed:
                self._nothing_at = None
                return True
        return bool(self._to_seal)

    def _delete_refused(self, connection: Connection, before: int) -> bool:
        """What a sink rejected is kept as long as raw samples. There is no index on its time: look once an hour."""
        if self._refused_before == before:
            return False
        more = _delete_oldest(connection, refused, refused.c.at < _start(before), _ROWS_A_SLICE)
        self._refused_before = None if more else before
        return more


def _sealable(connection: Connection, before: int) -> list[tuple[int, int]]:
    """The oldest hour with rows of each endpoint, if it is old enough."""
    oldest = select(func.min(type_coerce(sample.c.started_at, NULLTYPE))).where(sample.c.endpoint == endpoint.c.key)
    rows = connection.execute(select(endpoint.c.key, oldest.scalar_subquery().label("oldest")))
    hours = [(row.key, row.oldest // MICROSECONDS_AN_HOUR) for row in rows if row.oldest is not None]
    return [(key, at_hour) for key, at_hour in hours if at_hour < before]


def _seal(connection: Connection, insert: Insert, key: int, at_hour: int, given: int | None) -> bool:
    """Seal an hour; False: it waits for its rollup or for a sink, or there are no rows."""
    started = type_coerce(sample.c.started_at, NULLTYPE)
    begin = at_hour * MICROSECONDS_AN_HOUR
    span = (sample.c.endpoint == key, started >= begin, started < begin + MICROSECONDS_AN_HOUR)
    condition = (stale_hour.c.endpoint == key, stale_hour.c.bucket == at_hour)
    stale, newest = connection.execute(
        select(exists().where(*condition), select(func.max(sample.c.seq)).where(*span).scalar_subquery())
    ).one()
    if stale or newest is None or (given is not None and newest > given):
        return False
    rows = hour_of(connection, key, at_hour)
    last = rows[-1]["seq"]
    put = insert(block).values(endpoint=key, hour=at_hour, samples=len(rows), last_seq=last, data=pack(rows, COLUMNS))
    fresh = {name: put.excluded[name] for name in ("samples", "last_seq", "data")}
    connection.execute(put.on_conflict_do_update(index_elements=list(block.primary_key), set_=fresh))
    connection.execute(delete(sample).where(*span))
    return True


def _delete_raw(connection: Connection, insert: Insert, before: int, until: datetime) -> bool:
    """Delete raw samples before an hour, and move the horizon so that they are not stored again."""
    begin = type_coerce(before * MICROSECONDS_AN_HOUR, NULLTYPE)
    _horizon.move(connection, insert, _start(before), until)
    if _delete_oldest(connection, block, block.c.hour < before, _BLOCKS_A_SLICE):
        return True
    started = type_coerce(sample.c.started_at, NULLTYPE)
    keys = select(endpoint.c.key)
    rows = select(sample.c.seq).where(sample.c.endpoint.in_(keys), started < begin).limit(_ROWS_A_SLICE)
    seqs = connection.execute(rows).scalars().all()
    if seqs:
        drop(connection, seqs)
        _delete_rows(connection, sample, [{"seq": seq} for seq in seqs])
    return bool(seqs)


def _delete_rollups(connection: Connection, table: Table, before: int) -> bool:
    return _delete_oldest(connection, table, table.c.bucket < before, _ROWS_A_SLICE)


def _delete_incidents(connection: Connection, before_day: int) -> bool:
    """Incidents are kept as long as daily rollups; open incidents stay."""
    end = _start(before_day * HOURS_A_DAY)
    return _delete_oldest(connection, incident, incident.c.ended_at < end, _ROWS_A_SLICE)


def _delete_traffic(connection: Connection, now: datetime, before_day: int) -> bool:
    """Counts are kept as long as a window needs them, usage as long as daily rollups."""
    return _delete_oldest(connection, traffic, _traffic.expired(now), _ROWS_A_SLICE) or _delete_oldest(
        connection, activity, activity.c.day < before_day, _ROWS_A_SLICE
    )


def _delete_oldest(connection: Connection, table: Table, old: ColumnElement[bool], limit: int) -> bool:
    query = select(*table.primary_key).where(old).limit(limit)
    found = [dict(row) for row in connection.execute(query).mappings()]
    if found:
        _delete_rows(connection, table, found)
    return bool(found)


def _delete_rows(connection: Connection, table: Table, keys: Sequence[Mapping[str, object]]) -> None:
    """Delete rows key by key: for a list of keys SQLite may scan the whole table."""
    condition = (column == bindparam(f"old_{column.name}", type_=column.type) for column in table.primary_key)
    rows = [{f"old_{name}": value for name, value in key.items()} for key in keys]
    connection.execute(delete(table).where(*condition), rows)


def _start(at_hour: int) -> datetime:
    """The start of an hour counted from 1970."""
    return datetime.fromtimestamp(at_hour * HOUR_S, UTC)
