"""Every statement that the store sends."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, ScalarSelect, Select, Table, bindparam, func, select, type_coerce
from sqlalchemy.dialects.sqlite import Insert, insert

from monitor.store._columns import Moment
from monitor.store._rows import NAMES
from monitor.store._tables import endpoint, metadata, sample, state

_NAME_TABLES = tuple(metadata.tables[name] for name in NAMES)


def _add_name(table: Table) -> Insert:
    return insert(table).on_conflict_do_nothing(index_elements=[table.c.id])


def _key_of(table: Table) -> ScalarSelect[Any]:
    return select(table.c.key).where(table.c.id == bindparam(f"{table.name}_id")).scalar_subquery()


def _add_sample() -> Insert:
    keys = {table.name: _key_of(table) for table in _NAME_TABLES}
    return insert(sample).values(keys).on_conflict_do_nothing(index_elements=[sample.c.id])


def _put_state() -> Insert:
    put = insert(state).values(endpoint=_key_of(endpoint))
    return put.on_conflict_do_update(index_elements=[state.c.endpoint], set_={"state": put.excluded.state})


ADD_NAME: Final = {table.name: _add_name(table) for table in _NAME_TABLES}
"""By table; takes `id`."""
ADD_SAMPLE: Final = _add_sample()
"""Takes what `_rows.to_row` gives."""
PUT_STATE: Final = _put_state()
"""Takes `endpoint_id` and `state`."""
STATES: Final = select(endpoint.c.id, state.c.state).join_from(endpoint, state)


def samples_since(since: datetime) -> Select[Any]:
    """Rows for `_rows.to_sample`. The index finds the numbers, then rows are read in order: nothing is sorted twice."""
    names = (table.c.id.label(f"{table.name}_id") for table in _NAME_TABLES)
    fields = (column for column in sample.c if column.name not in NAMES)
    rows = select(*fields, *names)
    for table in _NAME_TABLES:
        rows = rows.join_from(sample, table, sample.c[table.name] == table.c.key)
    return rows.where(sample.c.seq.in_(_began(sample.c.seq, since))).order_by(sample.c.seq)


def tallies_since(since: datetime, bucket_s: int) -> Select[Any]:
    """Rows of `id`, `bucket`, `error`, `task`, `tally`."""
    micros = type_coerce(sample.c.started_at, BigInteger)
    bucket = type_coerce(micros - micros % (bucket_s * 1_000_000), Moment).label("bucket")
    began = _began(sample.c.endpoint, since).add_columns(bucket, sample.c.error, sample.c.task).subquery()
    counts = select(began, func.count().label("tally")).group_by(*began.c).subquery()
    rows = select(endpoint.c.id, counts.c.bucket, counts.c.error, counts.c.task, counts.c.tally)
    return rows.join_from(counts, endpoint, counts.c.endpoint == endpoint.c.key).order_by(
        counts.c.bucket, endpoint.c.id, counts.c.error, counts.c.task
    )


def first_seen() -> Select[Any]:
    """Rows of `id`, `first`: one look into the index per endpoint."""
    first = select(func.min(sample.c.started_at)).where(sample.c.endpoint == endpoint.c.key).scalar_subquery()
    return select(endpoint.c.id, first.label("first"))


def _began(column: ColumnElement[Any], since: datetime) -> Select[Any]:
    """`column` of all samples since then. Naming every endpoint lets the index on (endpoint, started_at) serve."""
    return select(column).where(sample.c.endpoint.in_(select(endpoint.c.key)), sample.c.started_at >= since)
