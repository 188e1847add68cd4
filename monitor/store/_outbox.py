"""The outbox: every sink reads the samples in the order of appending, from a cursor in the same database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from monitor.domain.stored_sample import StoredSample
from monitor.store._protocol import Backlog
from monitor.store._rows import to_sample
from monitor.store._statements import Insert, named_samples
from monitor.store._tables import sample, sink
from monitor.store._tables import set_aside as refused


def subscribe(connection: Connection, insert: Insert, names: Collection[str]) -> None:
    """See `Store.subscribe`."""
    gone = sink.c.name.not_in(sorted(names))
    connection.execute(delete(refused).where(refused.c.sink.in_(select(sink.c.name).where(gone))))
    connection.execute(delete(sink).where(gone))
    if names:
        rows = [{"name": name, "seq": 0, "dropped": 0} for name in sorted(names)]
        connection.execute(insert(sink).on_conflict_do_nothing(), rows)


def waiting(connection: Connection, name: str, limit: int) -> list[StoredSample]:
    """See `Store.waiting`. Waiting samples are rows: no sample is sealed before every sink has it."""
    query = named_samples().where(sample.c.seq > _cursor(name)).order_by(sample.c.seq).limit(limit)
    rows = connection.execute(query).mappings().all()
    return [StoredSample(seq=row["seq"], sample=to_sample(row)) for row in rows]


def delivered(
    connection: Connection, insert: Insert, name: str, seq: int, *, set_aside: Mapping[str, str], at: datetime
) -> None:
    """See `Store.delivered`."""
    connection.execute(update(sink).where(sink.c.name == name, sink.c.seq < seq).values(seq=seq))
    if set_aside:
        rows = [{"sink": name, "id": sample_id, "at": at, "reason": why} for sample_id, why in set_aside.items()]
        connection.execute(insert(refused).on_conflict_do_nothing(), rows)


def slowest(connection: Connection) -> int | None:
    """The sequence number up to which every sink has the samples; None: there are no sinks."""
    seq: int | None = connection.execute(select(func.min(sink.c.seq))).scalar()
    return seq


def drop(connection: Connection, seqs: Sequence[int]) -> None:
    """Count deleted samples for every sink that did not get them."""
    for name, cursor in connection.execute(select(sink.c.name, sink.c.seq)).all():
        lost = sum(seq > cursor for seq in seqs)
        if lost:
            connection.execute(update(sink).where(sink.c.name == name).values(dropped=sink.c.dropped + lost))


def backlogs(connection: Connection) -> dict[str, Backlog]:
    """See `Store.backlogs`."""
    later = select(func.count()).select_from(sample).where(sample.c.seq > sink.c.seq).scalar_subquery()
    rows = connection.execute(select(sink.c.name, later.label("waiting"), sink.c.dropped))
    return {row.name: Backlog(waiting=row.waiting, expired=row.dropped) for row in rows}


def _cursor(name: str) -> Any:  # noqa: ANN401  # a scalar expression
    return func.coalesce(select(sink.c.seq).where(sink.c.name == name).scalar_subquery(), 0)
