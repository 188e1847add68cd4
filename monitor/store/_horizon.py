"""Times in a database: its newest sample, the reference time of retention, and the retention horizon."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Connection, func, select, update

from monitor.domain.epoch import EPOCH
from monitor.store._protocol import Times
from monitor.store._statements import Insert
from monitor.store._tables import block, endpoint, horizon, sample

RAW_HORIZON: Final = "raw"
"""The name of the horizon of raw samples."""
_COUNTED_FROM: Final = "counted_from"
"""The name of the last reference time of retention."""
_HOUR: Final = timedelta(hours=1)


def times(connection: Connection) -> Times:
    """See `Store.times`."""
    kept = {row.name: row.at for row in connection.execute(select(horizon.c.name, horizon.c.at)).all()}
    return Times(newest=_edge(connection, "max"), counted_from=kept.get(_COUNTED_FROM), horizon=kept.get(RAW_HORIZON))


def oldest(connection: Connection) -> datetime | None:
    """Start of the oldest raw sample; for a sample in a block, at least the start of its hour."""
    edge = _edge(connection, "min")
    first: datetime | None = connection.execute(select(func.min(endpoint.c.first_at))).scalar()
    return edge if edge is None or first is None else max(edge, first)


def move(connection: Connection, insert: Insert, at: datetime, counted_from: datetime) -> None:
    """Move the horizon forward; never back, since earlier samples are deleted."""
    put = insert(horizon).values(name=RAW_HORIZON, at=at)
    put = put.on_conflict_do_update(index_elements=[horizon.c.name], set_={"at": at}, where=horizon.c.at < at)
    connection.execute(put)
    put = insert(horizon).values(name=_COUNTED_FROM, at=counted_from)
    connection.execute(put.on_conflict_do_update(index_elements=[horizon.c.name], set_={"at": counted_from}))


def lower(connection: Connection, at: datetime) -> None:
    """See `Store.lower_horizon`."""
    connection.execute(update(horizon).where(horizon.c.name == RAW_HORIZON, horizon.c.at > at).values(at=at))


def _edge(connection: Connection, which: Literal["min", "max"]) -> datetime | None:
    """The oldest or newest start of all samples, with one index search per endpoint and one for blocks."""
    edge = getattr(func, which)
    of_one = select(edge(sample.c.started_at)).where(sample.c.endpoint == endpoint.c.key).scalar_subquery()
    of_each = select(of_one.label("at")).select_from(endpoint).subquery()
    at = connection.execute(select(edge(of_each.c.at))).scalar()
    hour = connection.execute(select(edge(block.c.hour))).scalar()
    found = [] if at is None else [at]
    found += [] if hour is None else [EPOCH + int(hour) * _HOUR]
    if not found:
        return None
    moment: datetime = max(found) if which == "max" else min(found)
    return moment
