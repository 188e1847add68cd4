"""Read queries: raw samples from rows and blocks, costs, and the contents of the store."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, select, type_coerce
from sqlalchemy.types import NULLTYPE

from monitor.store import _horizon
from monitor.store._blocks import number, unpack, unpack_columns
from monitor.store._codes import TASKS
from monitor.store._database import Database
from monitor.store._outbox import backlogs
from monitor.store._protocol import Info, PageKey, Point, Spent
from monitor.store._raw import COLUMNS, decode_sample, decode_value, names
from monitor.store._rows import to_sample
from monitor.store._statements import (
    before_key,
    blocks_since,
    endpoint_key,
    key_of,
    named_samples,
    newest_first,
    samples_since,
    spent_since,
)
from monitor.store._tables import block, horizon, metadata, sample
from monitor.store._threads import yield_to_loop
from monitor.store._time import MICROSECOND, hour, microseconds
from probes._model import Sample, Task

_PORTION: Final = 500
"""Rows that are converted at a time."""
_BREATH: Final = 50
"""Rows that are converted at a time in history queries; that takes about as long as a block."""
_BLOCKS_AT_ONCE: Final = 8
_COSTS: Final = ("started_at", "prompt_tokens", "output_tokens", "cost_usd")


def samples(connection: Connection, since: datetime, until: datetime | None) -> list[Sample]:
    """See `Store.samples`."""
    found: list[tuple[int, Sample]] = []
    rows = connection.execute(samples_since(since, until), execution_options={"yield_per": _PORTION})
    for portion in rows.mappings().partitions(_PORTION):
        found.extend((row["seq"], to_sample(row)) for row in portion)
        yield_to_loop()
    return [sample for _, sample in heapq.merge(found, _sealed(connection, since, until), key=itemgetter(0))]


def _sealed(connection: Connection, since: datetime, until: datetime | None) -> list[tuple[int, Sample]]:
    """The samples in blocks, with their sequence numbers."""
    words = names(connection)
    begin, end = microseconds(since), math.inf if until is None else microseconds(until)
    query = blocks_since(hour(since))
    if until is not None:
        query = query.where(block.c.hour <= hour(until - MICROSECOND))  # a span often ends with an hour
    found: list[tuple[int, Sample]] = []
    for name, data in connection.execute(query).all():
        within = (row for row in unpack(data, COLUMNS) if begin <= number(row["started_at"]) < end)
        found.extend((number(row["seq"]), decode_sample(row, name, words)) for row in within)
        yield_to_loop()
    return sorted(found, key=itemgetter(0))


def spent(connection: Connection, since: datetime) -> dict[str, Spent]:
    """See `Store.spent`. A block is younger than a day only after the wall clock was ahead."""
    found = {row.id: (row.tokens, row.cost_usd) for row in connection.execute(spent_since(since)).all()}
    begin = microseconds(since)
    for name, data in connection.execute(blocks_since(hour(since))).all():
        for at, *costs in zip(*unpack_columns(data, _COSTS), strict=True):
            if number(at) >= begin:
                prompt, output, usd = (float(cost or 0) for cost in costs)
                tokens_before, usd_before = found.get(name, (0.0, 0.0))
                found[name] = (tokens_before + prompt + output, usd_before + usd)
        yield_to_loop()
    return {name: Spent(tokens=int(tokens), cost_usd=usd) for name, (tokens, usd) in found.items()}


def page(
    connection: Connection, name: str, task: Task | None, *, since: datetime, before: PageKey | None, limit: int
) -> list[Sample]:
    """See `Store.page`."""
    key = endpoint_key(connection, name)
    if key is None:
        return []
    query = named_samples().where(sample.c.endpoint == key, sample.c.started_at >= since)
    if task is not None:
        query = query.where(sample.c.task == task)
    if before is not None:
        query = query.where(before_key(sample.c.started_at, sample.c.id, before))
    query = query.order_by(*newest_first(sample.c.started_at, sample.c.id)).limit(limit)
    rows: list[Sample] = []
    for portion in connection.execute(query).mappings().partitions(_BREATH):
        rows += map(to_sample, portion)
        yield_to_loop()
    if len(rows) == limit:
        since = max(since, rows[-1].started_at)  # older ones are not on this page
    sealed = _newest_sealed(connection, key, name, task, since=since, before=before, limit=limit)
    return sorted([*rows, *sealed], key=_page_key, reverse=True)[:limit]


def _newest_sealed(
    connection: Connection,
    key: int,
    name: str,
    task: Task | None,
    *,
    since: datetime,
    before: PageKey | None,
    limit: int,
) -> list[Sample]:
    words = names(connection)
    query = select(block.c.hour, block.c.data).where(block.c.endpoint == key, block.c.hour >= hour(since))
    query = query.order_by(block.c.hour.desc()).limit(_BLOCKS_AT_ONCE)
    last = hour(before.at) + 1 if before is not None else None
    found: list[Sample] = []
    while len(found) < limit:
        portion = connection.execute(query if last is None else query.where(block.c.hour < last)).all()
        for sealed in portion:
            last = sealed.hour
            rows = unpack(sealed.data, COLUMNS)
            taken = (decode_sample(row, name, words) for row in rows if task is None or row["task"] == TASKS[task])
            found += [one for one in taken if one.started_at >= since and (before is None or _page_key(one) < before)]
            yield_to_loop()
            if len(found) >= limit:
                break
        if len(portion) < _BLOCKS_AT_ONCE:
            break
    return found


def _page_key(sample: Sample) -> PageKey:
    return PageKey(at=sample.started_at, id=sample.id)


def points(
    connection: Connection, name: str, task: Task | None, figure: str, *, since: datetime, until: datetime
) -> list[Point]:
    """See `Store.points`."""
    begin, end = (microseconds(moment) for moment in (since, until))
    started = sample.c.started_at
    columns = [type_coerce(sample.c[name], NULLTYPE) for name in ("started_at", "seq", "task", "error", figure)]
    query = select(*columns).where(sample.c.endpoint == key_of(name), started >= since, started < until)
    if task is not None:
        query = query.where(sample.c.task == task)
    rows = connection.execute(query).all()
    sealed = _sealed_between(connection, name, figure, since=since, until=until)
    codes = TASKS.values() if task is None else [TASKS[task]]
    found = [row for row in chain(rows, sealed) if begin <= row[0] < end and row[2] in codes]
    found.sort(key=itemgetter(0, 1))
    points: list[Point] = []
    for first in range(0, len(found), _PORTION):
        points += (_point(row, figure) for row in found[first : first + _PORTION])
        yield_to_loop()
    return points


def _point(row: Sequence[Any], figure: str) -> Point:
    at, _, _, error, value = row
    return Point(
        at=decode_value("started_at", at),  # type: ignore[arg-type]
        error=decode_value("error", error),  # type: ignore[arg-type]
        value=decode_value(figure, value),  # type: ignore[arg-type]
    )


def _sealed_between(
    connection: Connection, name: str, figure: str, *, since: datetime, until: datetime
) -> list[tuple[Any, ...]]:
    """Time, sequence number, task, error and figure of the samples in the blocks of a span."""
    query = select(block.c.data).where(
        block.c.endpoint == key_of(name), block.c.hour >= hour(since), block.c.hour <= hour(until)
    )
    columns = ("started_at", "seq", "task", "error", figure)
    found: list[tuple[Any, ...]] = []
    for place, data in enumerate(connection.execute(query).scalars().all(), start=1):
        found += zip(*unpack_columns(data, columns), strict=True)
        if place % _BLOCKS_AT_ONCE == 0:
            yield_to_loop()
    return found


def info(connection: Connection, database: Database) -> Info:
    """See `Store.info`."""
    rows = {}
    for table in metadata.sorted_tables:
        rows[table.name] = connection.execute(select(func.count()).select_from(table)).scalar_one()
    sealed = connection.execute(select(func.coalesce(func.sum(block.c.samples), 0))).scalar_one()
    schema = MigrationContext.configure(connection).get_current_revision()
    raw = connection.execute(select(horizon.c.at).where(horizon.c.name == _horizon.RAW_HORIZON)).scalar()
    return Info(
        place=database.place,
        schema=schema or "none",
        size=database.size(connection),
        rows=rows,
        samples=rows["sample"] + int(sealed),
        raw_since=raw,
        oldest=_horizon.oldest(connection),
        sinks=backlogs(connection),
    )
