"""Incidents to rows and back, and queries for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, literal_column, or_, select, type_coerce

from monitor.domain.incident import Incident
from monitor.store._columns import Moment
from monitor.store._protocol import PageKey
from monitor.store._statements import before_key, key_of, newest_first
from monitor.store._tables import endpoint, incident

_FIELDS: Final = ("id", "worst", "began_at", "last_at", "ended_at")
_ROWS: Final = select(
    *(incident.c[name] for name in (*_FIELDS, "causes")), endpoint.c.id.label("endpoint_id")
).join_from(incident, endpoint, incident.c.endpoint == endpoint.c.key)
_OPEN: Final = incident.c.ended_at.is_(None)
_unindexed_began: Final = type_coerce(type_coerce(incident.c.began_at, BigInteger) + literal_column("0"), Moment)
"""The same time without an index, so that the index on `ended_at` is used: few incidents are open or ended lately."""


def to_row(found: Incident) -> dict[str, object]:
    """The parameters to insert an incident. Its causes are JSON, in their order."""
    fields = {name: getattr(found, name) for name in _FIELDS}
    return fields | {"endpoint_id": found.endpoint, "causes": json.dumps(dict(found.causes))}


def to_incident(row: Mapping[Any, Any]) -> Incident:
    """The incident in a selected row."""
    fields = {name: row[name] for name in _FIELDS}
    return Incident(**fields, endpoint=row["endpoint_id"], causes=json.loads(row["causes"]))


def open_incidents(connection: Connection) -> list[Incident]:
    """See `Store.open_incidents`."""
    return _select(connection, _ROWS.where(_OPEN).order_by(*newest_first(_unindexed_began, incident.c.id)))


def incidents(
    connection: Connection, name: str | None, *, since: datetime, before: PageKey | None, limit: int
) -> list[Incident]:
    """See `Store.incidents`. Incidents that began since then all match; of earlier ones, few do."""
    selected = _ROWS if name is None else _ROWS.where(incident.c.endpoint == key_of(name))
    recent = selected.where(incident.c.began_at >= since)
    found = _select(connection, _page(recent, incident.c.began_at, before, limit))
    if len(found) < limit:
        earlier = selected.where(_unindexed_began < since, or_(_OPEN, incident.c.ended_at >= since))
        found += _select(connection, _page(earlier, _unindexed_began, before, limit - len(found)))
    return found


def _page(query: Select[Any], at: ColumnElement[Any], before: PageKey | None, limit: int) -> Select[Any]:
    if before is not None:
        query = query.where(before_key(at, incident.c.id, before))
    return query.order_by(*newest_first(at, incident.c.id)).limit(limit)


def _select(connection: Connection, query: Select[Any]) -> list[Incident]:
    return [to_incident(row) for row in connection.execute(query).mappings()]
