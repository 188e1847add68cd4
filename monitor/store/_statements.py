"""The SQL statements of the store; each works on every supported database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Double,
    Executable,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import NULLTYPE

from monitor.store._columns import signed
from monitor.store._protocol import PageKey
from monitor.store._rows import NAMES
from monitor.store._tables import block, endpoint, incident, metadata, sample, stale_hour, state

_NAME_TABLES: Final = tuple(metadata.tables[name] for name in NAMES)

Insert = Callable[[Table], Any]
"""A dialect's own `insert` with ON CONFLICT; both dialects have the same methods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _AppendStatements:
    """The statements of an append."""

    add_name: dict[str, Executable]
    """By table; takes `id`."""
    set_first: Executable
    """Takes `endpoint_id` and `at`; updates an endpoint whose first sample is later or missing."""
    add_sample: Executable
    """Takes the parameters of `_rows.to_row`."""
    put_state: Executable
    """Takes `endpoint_id` and `state`."""
    put_incident: Executable
    """Takes the parameters of `_incidents.to_row`."""
    mark_stale: Executable
    """Takes `endpoint_id`, `task`, `vantage_id` and `bucket`."""


def insert_of(dialect: Dialect) -> Insert:
    """The `insert` of a dialect."""
    return postgresql.insert if dialect.name == "postgresql" else sqlite.insert


def append_statements(insert: Insert) -> _AppendStatements:
    """The statements of an append, for one database."""
    put_state = insert(state).values(endpoint=keyed(endpoint))
    put_incident = insert(incident).values(endpoint=keyed(endpoint))
    keys = {table.name: keyed(table) for table in _NAME_TABLES}
    stale_keys = {name: keys[name] for name in ("endpoint", "vantage")}
    return _AppendStatements(
        add_name={
            table.name: insert(table).on_conflict_do_nothing(index_elements=[table.c.id]) for table in _NAME_TABLES
        },
        set_first=update(endpoint)
        .where(
            endpoint.c.id == bindparam("endpoint_id"),
            or_(endpoint.c.first_at.is_(None), endpoint.c.first_at > bindparam("at", type_=endpoint.c.first_at.type)),
        )
        .values(first_at=bindparam("at")),
        add_sample=insert(sample).values(keys).on_conflict_do_nothing(index_elements=[sample.c.id]),
        put_state=put_state.on_conflict_do_update(
            index_elements=[state.c.endpoint], set_={"state": put_state.excluded.state}
        ),
        put_incident=put_incident.on_conflict_do_update(
            index_elements=[incident.c.id],
            set_={column.name: put_incident.excluded[column.name] for column in incident.c if not column.primary_key},
        ),
        mark_stale=insert(stale_hour).values(stale_keys).on_conflict_do_nothing(),
    )


def keyed(table: Table) -> ScalarSelect[Any]:
    """A subquery for the key of the name in the parameter `<table>_id`."""
    return select(table.c.key).where(table.c.id == bindparam(f"{table.name}_id")).scalar_subquery()


def key_of(name: str) -> ScalarSelect[int]:
    """A subquery for an endpoint's key. For an unknown endpoint it is NULL, which equals nothing."""
    return select(endpoint.c.key).where(endpoint.c.id == name).scalar_subquery()


def endpoint_key(connection: Connection, name: str) -> int | None:
    """The key of an endpoint; None: it is not in the table of names."""
    key = connection.execute(select(endpoint.c.key).where(endpoint.c.id == name)).scalar()
    return None if key is None else int(key)


STATES: Final = select(endpoint.c.id, state.c.state).join_from(endpoint, state)


def named_samples() -> Select[Any]:
    """Rows for `_rows.to_sample`."""
    names = (table.c.id.label(f"{table.name}_id") for table in _NAME_TABLES)
    fields = (column for column in sample.c if column.name not in NAMES)
    rows = select(*fields, *names)
    for table in _NAME_TABLES:
        rows = rows.join_from(sample, table, sample.c[table.name] == table.c.key)
    return rows


def samples_since(since: datetime, until: datetime | None = None) -> Select[Any]:
    """Rows for `_rows.to_sample`. The index finds the sequence numbers, then rows are read in order."""
    began = _began(sample.c.seq, since)
    if until is not None:
        began = began.where(sample.c.started_at < until)
    return named_samples().where(sample.c.seq.in_(began)).order_by(sample.c.seq)


def tallies_since(since: datetime, bucket_s: int) -> Select[Any]:
    """Rows of `id`, `bucket`, `error`, `task`, `tally` as stored values."""
    micros = type_coerce(sample.c.started_at, BigInteger)
    bucket = (micros - micros % (bucket_s * 1_000_000)).label("bucket")
    codes = (type_coerce(sample.c[name], NULLTYPE).label(name) for name in ("error", "task"))
    began = _began(sample.c.endpoint, since).add_columns(bucket, *codes).subquery()
    counts = select(began, func.count().label("tally")).group_by(*began.c).subquery()
    rows = select(endpoint.c.id, counts.c.bucket, counts.c.error, counts.c.task, counts.c.tally)
    return rows.join_from(counts, endpoint, counts.c.endpoint == endpoint.c.key).order_by(
        counts.c.bucket, endpoint.c.id, counts.c.error, counts.c.task
    )


def spent_since(since: datetime) -> Select[Any]:
    """Rows of `id`, `tokens`, `cost_usd`. Summed as floats, so that absurd counts of a provider do not overflow."""
    tokens, cost = (_total(*names) for names in (("prompt_tokens", "output_tokens"), ("cost_usd",)))
    began = _began(sample.c.endpoint, since).add_columns(tokens.label("tokens"), cost.label("cost_usd"))
    sums = began.group_by(sample.c.endpoint).subquery()
    return select(endpoint.c.id, sums.c.tokens, sums.c.cost_usd).join_from(
        sums, endpoint, sums.c.endpoint == endpoint.c.key
    )


def _total(*names: str) -> ColumnElement[float]:
    return sum((func.coalesce(func.sum(cast(sample.c[name], Double)), 0.0) for name in names), start=literal(0.0))


def blocks_since(first: int) -> Select[Any]:
    """The endpoint id and the bytes of every block from hour `first` on."""
    query = select(endpoint.c.id, block.c.data).join_from(block, endpoint, block.c.endpoint == endpoint.c.key)
    return query.where(block.c.hour >= first)


FIRST_SEEN: Final = select(endpoint.c.id, endpoint.c.first_at).where(endpoint.c.first_at.is_not(None))


def _began(column: ColumnElement[Any], since: datetime) -> Select[Any]:
    """`column` of all samples since then. Naming every endpoint makes the index on (endpoint, started_at) usable."""
    return select(column).where(sample.c.endpoint.in_(select(endpoint.c.key)), sample.c.started_at >= since)


def newest_first(at: ColumnElement[Any], hex_id: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    """The sort order of pages: descending by `PageKey`."""
    number = type_coerce(hex_id, BigInteger)
    return at.desc(), (number < 0).desc(), number.desc()


def before_key(at: ColumnElement[Any], hex_id: ColumnElement[Any], place: PageKey) -> ColumnElement[bool]:
    """The condition for rows after a key in that order."""
    together = and_(at == place.at, _id_before(type_coerce(hex_id, BigInteger), signed(place.id)))
    # The first condition is redundant, but gives the index search its start.
    return and_(at <= place.at, or_(at < place.at, together))


def _id_before(number: ColumnElement[int], bound: int) -> ColumnElement[bool]:
    """Compare ids by their order as text, in which negative integers come last."""
    return or_(number >= 0, number < bound) if bound < 0 else and_(number >= 0, number < bound)
