"""Appends samples, each once, marks stale rollups, and stores states and incidents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from monitor.domain.incident import Incident
from monitor.store import _incidents, _traffic
from monitor.store._blocks import unpack
from monitor.store._horizon import RAW_HORIZON
from monitor.store._raw import decode_value
from monitor.store._rows import NAMES, to_row
from monitor.store._statements import Insert, append_statements
from monitor.store._tables import block, endpoint, horizon
from monitor.store._time import hour
from monitor.traffic.counted import TrafficBatch
from probes._model import Sample


@dataclass(slots=True, kw_only=True)
class _Known:
    """Names that need not be inserted again. PostgreSQL uses up keys for existing names, too."""

    names: dict[str, set[str]] = field(default_factory=dict)
    """By table, the names that have a key."""
    first: dict[str, datetime] = field(default_factory=dict)
    """By endpoint, an upper bound for the time of its first sample."""

    def add(self, other: _Known) -> None:
        """Add the names and times of another append."""
        for table, names in other.names.items():
            self.names.setdefault(table, set()).update(names)
        self.first |= {name: at for name, at in other.first.items() if self.is_earlier(name, at)}

    def is_earlier(self, name: str, at: datetime) -> bool:
        """Whether a moment may be before an endpoint's first sample."""
        return name not in self.first or at < self.first[name]


class Appender:
    """Appends to one kind of database."""

    def __init__(self, insert: Insert) -> None:
        self._writes = append_statements(insert)
        self._traffic_writes = _traffic.traffic_statements(insert)
        self._known = _Known()
        self._asked = _Known()
        """The known names and times, valid once the newest append is committed."""

    def committed(self) -> None:
        """The newest append is committed: keep its names."""
        self._known.add(self._asked)

    def append(
        self,
        connection: Connection,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident],
        traffic: TrafficBatch | None,
    ) -> int:
        """See `Store.append`."""
        kept, fresh = _split_known(connection, samples) if samples else ([], [])
        counted = () if traffic is None else _traffic.names_of(traffic)
        self._add_names(connection, fresh, {*states, *(incident.endpoint for incident in incidents), *counted})
        if fresh:
            connection.execute(self._writes.add_sample, [to_row(sample) for sample in fresh])
            connection.execute(self._writes.mark_stale, _stale(fresh))
        if states:
            rows = [{"endpoint_id": name, "state": state} for name, state in states.items()]
            connection.execute(self._writes.put_state, rows)
        if incidents:
            connection.execute(self._writes.put_incident, [_incidents.to_row(incident) for incident in incidents])
        if traffic is not None:
            _traffic.append(connection, self._traffic_writes, traffic)
        return len(samples) - len(kept)

    def _add_names(self, connection: Connection, samples: Sequence[Sample], endpoints: Collection[str]) -> None:
        """Insert new names, and set the time of each endpoint's first sample."""
        found = {name: {getattr(sample, name) for sample in samples} for name in NAMES}
        first: dict[str, datetime] = {}
        for sample in samples:
            first[sample.endpoint] = min(first.get(sample.endpoint, sample.started_at), sample.started_at)
        found["endpoint"].update(endpoints)
        self._asked = _Known(names=found, first=first)
        for table, names in found.items():
            unknown = names - self._known.names.get(table, set())
            if unknown:
                connection.execute(self._writes.add_name[table], [{"id": name} for name in sorted(unknown)])
        earlier = {name: at for name, at in first.items() if self._known.is_earlier(name, at)}
        if earlier:
            rows = [{"endpoint_id": name, "at": at} for name, at in sorted(earlier.items())]
            connection.execute(self._writes.set_first, rows)


def _stale(samples: Iterable[Sample]) -> list[dict[str, object]]:
    """The hours whose rollups become stale."""
    marks = {(sample.endpoint, sample.task, sample.vantage, hour(sample.started_at)) for sample in samples}
    names = ("endpoint_id", "task", "vantage_id", "bucket")
    return [dict(zip(names, mark, strict=True)) for mark in sorted(marks)]


def _split_known(connection: Connection, samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The samples within retention; and those of them that are not in a block yet."""
    edges = connection.execute(
        select(
            select(horizon.c.at).where(horizon.c.name == RAW_HORIZON).scalar_subquery().label("raw"),
            select(func.max(block.c.hour)).scalar_subquery().label("sealed"),
        )
    )
    raw, sealed = edges.one()
    kept = [sample for sample in samples if raw is None or sample.started_at >= raw]
    hours = {(sample.endpoint, hour(sample.started_at)) for sample in kept}
    known: set[object] = set()
    for name, at_hour in hours:
        if sealed is not None and at_hour <= sealed:
            known |= _sealed_ids(connection, name, at_hour)
    return kept, [sample for sample in kept if sample.id not in known]


def _sealed_ids(connection: Connection, name: str, at_hour: int) -> set[object]:
    """The ids in the block of an hour. Rarely needed: only for samples that come after their hour was sealed."""
    query = (
        select(block.c.data)
        .join_from(block, endpoint, block.c.endpoint == endpoint.c.key)
        .where(endpoint.c.id == name, block.c.hour == at_hour)
    )
    data = connection.execute(query).scalar()
    return set() if data is None else {decode_value("id", row["id"]) for row in unpack(data, ("id",))}
