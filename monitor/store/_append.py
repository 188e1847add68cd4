"""Appending: samples once each, what they make stale, and the states and incidents that go with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.status import Incident
from monitor.store import _incidents, _traffic
from monitor.store._blocks import unpack
from monitor.store._raw import meant
from monitor.store._rows import NAMES, to_row
from monitor.store._statements import Insert, writes
from monitor.store._tables import block, endpoint, horizon
from monitor.traffic.counted import Counted
from probes._model import Sample

HOUR_S: Final = 3_600
RAW: Final = "raw"
"""The name of raw samples' horizon."""
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(seconds=HOUR_S)


def hour(at: datetime) -> int:
    """The hour since 1970 that a moment is in."""
    return (at - _EVER) // _HOUR


class Appender:
    """Appends to one kind of database."""

    def __init__(self, insert: Insert) -> None:
        self._writes = writes(insert)
        self._traffic_writes = _traffic.traffic_writes(insert)

    async def append(
        self,
        connection: AsyncConnection,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident],
        traffic: Counted | None,
    ) -> int:
        """See `Store.append`."""
        kept = await _kept(connection, samples) if samples else []
        fresh = await _fresh(connection, kept) if kept else []
        counted = () if traffic is None else _traffic.names_of(traffic)
        await self._add_names(connection, fresh, {*states, *(each.endpoint for each in incidents), *counted})
        if fresh:
            await connection.execute(self._writes.add_sample, [to_row(sample) for sample in fresh])
            await connection.execute(self._writes.mark_stale, _stale(fresh))
        if states:
            rows = [{"endpoint_id": name, "state": state} for name, state in states.items()]
            await connection.execute(self._writes.put_state, rows)
        if incidents:
            await connection.execute(self._writes.put_incident, [_incidents.to_row(each) for each in incidents])
        if traffic is not None:
            await _traffic.append(connection, self._traffic_writes, traffic)
        return len(samples) - len(kept)

    async def _add_names(
        self, connection: AsyncConnection, samples: Sequence[Sample], endpoints: Collection[str]
    ) -> None:
        """Give a key to every name that has none, and to every endpoint the time of its first sample."""
        found = {name: {getattr(sample, name) for sample in samples} for name in NAMES}
        first: dict[str, datetime] = {}
        for sample in samples:
            first[sample.endpoint] = min(first.get(sample.endpoint, sample.started_at), sample.started_at)
        found["endpoint"].update(endpoints)
        for table, names in found.items():
            if names:
                await connection.execute(self._writes.add_name[table], [{"id": name} for name in sorted(names)])
        if first:
            rows = [{"endpoint_id": name, "at": at} for name, at in sorted(first.items())]
            await connection.execute(self._writes.set_first, rows)


def _stale(samples: Iterable[Sample]) -> list[dict[str, object]]:
    """The hours whose rollups the samples change."""
    marks = {(sample.endpoint, sample.task, sample.vantage, hour(sample.started_at)) for sample in samples}
    names = ("endpoint_id", "task", "vantage_id", "bucket")
    return [dict(zip(names, mark, strict=True)) for mark in sorted(marks)]


async def _kept(connection: AsyncConnection, samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples but those that retention would have deleted."""
    raw = (await connection.execute(select(horizon.c.at).where(horizon.c.name == RAW))).scalar()
    return [sample for sample in samples if raw is None or sample.started_at >= raw]


async def _fresh(connection: AsyncConnection, samples: Sequence[Sample]) -> list[Sample]:
    """The samples but those that lie in a block already."""
    sealed = (await connection.execute(select(func.max(block.c.hour)))).scalar()
    hours = {(sample.endpoint, hour(sample.started_at)) for sample in samples}
    known: set[object] = set()
    for name, at_hour in hours:
        if sealed is not None and at_hour <= sealed:
            known |= await _sealed_ids(connection, name, at_hour)
    return [sample for sample in samples if sample.id not in known]


async def _sealed_ids(connection: AsyncConnection, name: str, at_hour: int) -> set[object]:
    """What lies in the block of an hour. Seldom asked: only for samples that come after their hour was sealed."""
    query = (
        select(block.c.data)
        .join_from(block, endpoint, block.c.endpoint == endpoint.c.key)
        .where(endpoint.c.id == name, block.c.hour == at_hour)
    )
    data = (await connection.execute(query)).scalar()
    return set() if data is None else {meant("id", row["id"]) for row in unpack(data, ("id",))}
