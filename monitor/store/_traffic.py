"""Real traffic in the database, counted in every span at once, so that no rollup is needed.

A batch is counted once: its id is stored with it, and a batch with a stored id is ignored.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Executable, Table, and_, collate, delete, or_, select

from monitor.domain.epoch import EPOCH
from monitor.store._codes import ERRORS, decode, words_of
from monitor.store._statements import Insert, keyed
from monitor.store._tables import activity, endpoint, traffic, traffic_batch
from monitor.traffic.counted import FINEST_S, Activity, Tokens, TrafficBatch, TrafficTally, UsageKey
from monitor.traffic.known import REMEMBERED
from probes._model import ErrorClass

SPANS: Final[Mapping[int, timedelta]] = {
    FINEST_S: timedelta(hours=2),
    300: timedelta(hours=26),
    3_600: timedelta(days=8),
    86_400: timedelta(days=92),
}
"""Spans in seconds, and how long each is kept: as long as a window needs it."""
_GOOD: Final = 0
"""In place of an error's number: success."""
_ERRORS: Final[Mapping[int, ErrorClass]] = words_of(ERRORS)
_SUMS: Final = ("requests", "prompt_tokens", "output_tokens", "reasoning_tokens")
_FIRST_DAY: Final = EPOCH.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class _TrafficStatements:
    """The statements of an append of traffic."""

    put_count: Executable
    """Takes `endpoint_id`, `span_s`, `bucket`, `error` and `calls`, which is added to the stored count."""
    put_activity: Executable
    """Takes `endpoint_id`, `day`, `app` and the sums, which are added."""
    put_batch: Executable
    """Takes `id`, `at` and `call_keys`; returns the id unless it is stored already."""


def traffic_statements(insert: Insert) -> _TrafficStatements:
    """The statements, for one database."""
    put_batch = insert(traffic_batch).on_conflict_do_nothing().returning(traffic_batch.c.id)
    return _TrafficStatements(
        put_count=_adding(insert(traffic).values(endpoint=keyed(endpoint)), traffic, ["calls"]),
        put_activity=_adding(insert(activity).values(endpoint=keyed(endpoint)), activity, _SUMS),
        put_batch=put_batch,
    )


def _adding(put: Any, table: Table, sums: Sequence[str]) -> Executable:  # noqa: ANN401  # a dialect's own insert
    added = {name: table.c[name] + put.excluded[name] for name in sums}
    found: Executable = put.on_conflict_do_update(index_elements=list(table.primary_key), set_=added)
    return found


def append(connection: Connection, writes: _TrafficStatements, counted: TrafficBatch) -> None:
    """Count a batch unless it is counted already. Its endpoints are in the table of names."""
    row = {"id": counted.id, "at": counted.at, "call_keys": _packed(counted.keys)}
    if connection.execute(writes.put_batch, row).first() is None:
        return
    counts = _counts(counted)
    if counts:
        connection.execute(writes.put_count, counts)
    uses = _uses(counted)
    if uses:
        connection.execute(writes.put_activity, uses)
    forgotten = traffic_batch.c.at < counted.at - 2 * REMEMBERED
    connection.execute(delete(traffic_batch).where(forgotten))


def _counts(counted: TrafficBatch) -> list[dict[str, Any]]:
    """The rows in a fixed order, to avoid deadlocks."""
    totals: dict[tuple[str, int, int, int], int] = {}
    for (name, second, error), count in counted.counts.items():
        for span_s in SPANS:
            place = (name, span_s, second // span_s, _number(error))
            totals[place] = totals.get(place, 0) + count
    names = ("endpoint_id", "span_s", "bucket", "error", "calls")
    return [dict(zip(names, (*place, count), strict=True)) for place, count in sorted(totals.items())]


def _uses(counted: TrafficBatch) -> list[dict[str, Any]]:
    return [
        {
            "endpoint_id": name,
            "day": (day - _FIRST_DAY).days,
            "app": app,
            **{column: getattr(sums, column) for column in _SUMS},
        }
        for (day, name, app), sums in sorted(counted.activity.items())
    ]


def names_of(counted: TrafficBatch) -> Collection[str]:
    """The endpoints of a batch."""
    return {key[0] for key in counted.counts} | {use[1] for use in counted.activity}


def _packed(keys: Sequence[int]) -> bytes:
    return struct.pack(f">{len(keys)}Q", *keys)


def tallies(connection: Connection, since: datetime, span_s: int) -> list[TrafficTally]:
    """See `Store.traffic`."""
    first = (since - EPOCH) // timedelta(seconds=span_s)
    query = select(endpoint.c.id, traffic.c.bucket, traffic.c.error, traffic.c.calls)
    query = query.join_from(traffic, endpoint, traffic.c.endpoint == endpoint.c.key)
    query = query.where(traffic.c.span_s == span_s, traffic.c.bucket >= first)
    found = [
        TrafficTally(
            endpoint=row[0], start=EPOCH + row[1] * timedelta(seconds=span_s), error=_error(row[2]), count=row[3]
        )
        for row in connection.execute(query).all()
    ]
    return sorted(found, key=order)


def order(tally: TrafficTally) -> tuple[datetime, str, int]:
    """The sort key of tallies."""
    return tally.start, tally.endpoint, _number(tally.error)


def _number(error: ErrorClass | None) -> int:
    return _GOOD if error is None else ERRORS[error]


def _error(number: int) -> ErrorClass | None:
    return None if number == _GOOD else decode(_ERRORS, number)


def activity_page(
    connection: Connection, since: date, endpoints: Collection[str] | None, after: UsageKey | None, limit: int | None
) -> list[Activity]:
    """See `Store.activity`."""
    # By code points, as Python compares text, regardless of the database's collation.
    as_bytes = "C" if connection.dialect.name == "postgresql" else "BINARY"
    name, app = collate(endpoint.c.id, as_bytes), collate(activity.c.app, as_bytes)
    query = select(endpoint.c.id, activity.c.day, activity.c.app, *(activity.c[name] for name in _SUMS))
    query = query.join_from(activity, endpoint, activity.c.endpoint == endpoint.c.key)
    query = query.where(activity.c.day >= (since - _FIRST_DAY).days)
    if endpoints is not None:
        query = query.where(endpoint.c.id.in_(sorted(endpoints)))
    if after is not None:
        day = (after[0] - _FIRST_DAY).days
        later = or_(name > after[1], and_(name == after[1], app > after[2]))
        query = query.where(activity.c.day <= day, or_(activity.c.day < day, later))
    query = query.order_by(activity.c.day.desc(), name, app).limit(limit)
    return [
        Activity(
            day=_FIRST_DAY + timedelta(days=row.day),
            endpoint=row.id,
            app=row.app,
            tokens=Tokens(**{name: getattr(row, name) for name in _SUMS}),
        )
        for row in connection.execute(query).all()
    ]


def counted_keys(connection: Connection, since: datetime) -> list[tuple[datetime, Sequence[int]]]:
    """See `Store.counted_keys`."""
    query = select(traffic_batch.c.at, traffic_batch.c.call_keys).where(traffic_batch.c.at >= since)
    rows = connection.execute(query.order_by(traffic_batch.c.at, traffic_batch.c.id))
    return [(row[0], struct.unpack(f">{len(row[1]) // 8}Q", row[1])) for row in rows.all()]


def expired(now: datetime) -> ColumnElement[bool]:
    """The condition for counts that are too old."""
    return or_(
        *(
            and_(traffic.c.span_s == span_s, traffic.c.bucket < (now - kept - EPOCH) // timedelta(seconds=span_s))
            for span_s, kept in SPANS.items()
        )
    )


def join(connection: Connection, insert: Insert, old: int, new: int) -> None:
    """Merge one endpoint's traffic into another's."""
    for table, sums in ((traffic, ["calls"]), (activity, list(_SUMS))):
        rows = connection.execute(select(table).where(table.c.endpoint == old)).mappings().all()
        if rows:
            connection.execute(_adding(insert(table), table, sums), [{**row, "endpoint": new} for row in rows])
        connection.execute(delete(table).where(table.c.endpoint == old))
