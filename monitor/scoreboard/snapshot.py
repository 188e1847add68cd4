"""A published snapshot: the rows of all endpoints, and the scores document around them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.domain.status import Status
from monitor.scoreboard.compression import digest
from monitor.scoreboard.row import Row
from monitor.scoreboard.schema import SCHEMA

_MAX_AGE_S = 120
"""The age from which readers should not use a document."""
_REFRESH = timedelta(seconds=30)
"""A document without changes is made again after this long, so that its time stays recent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Rows by endpoint id, and the whole document, serialised once."""

    generated_at: datetime
    vantage: str
    rows: Mapping[str, Row]
    body: bytes
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Which endpoints to select; None: all."""

    model: str | None = None
    provider: str | None = None
    status: str | None = None
    min_score: float | None = None

    def passes(self, row: Row) -> bool:
        """Whether a row is selected. An unknown score passes any minimum."""
        return (
            self.model in {None, row.model}
            and self.provider in {None, row.provider}
            and self.status in {None, row.status}
            and (self.min_score is None or row.score is None or row.score >= self.min_score)
        )


def summary(counts: Mapping[Status, int]) -> str:
    """The number of endpoints of each status, in one line."""
    return ", ".join(f"{counts[status]} {status}" for status in Status if counts[status]) or "no endpoints"


def is_recent(snapshot: Snapshot, now: datetime) -> bool:
    """Whether an unchanged snapshot is recent enough to be served again."""
    return timedelta() <= now - snapshot.generated_at < _REFRESH


def assemble(vantage: str, now: datetime, rows: Mapping[str, Row]) -> Snapshot:
    """A snapshot of these rows."""
    head = opening(vantage, now)
    return Snapshot(
        generated_at=now,
        vantage=vantage,
        rows=rows,
        body=document(vantage, now, rows.values()),
        etag=digest(head + "".join(row.etag for row in rows.values()).encode()),
    )


def select(snapshot: Snapshot, wanted: RowFilter) -> Snapshot:
    """The part of a snapshot that passes a filter."""
    rows = {name: row for name, row in snapshot.rows.items() if wanted.passes(row)}
    return assemble(snapshot.vantage, snapshot.generated_at, rows)


def document(vantage: str, now: datetime, rows: Iterable[Row]) -> bytes:
    """The scores document around serialised rows."""
    bodies = [row.body for row in rows] or [b""]
    # Joining first and adding head and tail later would copy the document twice: 1 MB for 1,000 endpoints.
    bodies[0] = opening(vantage, now) + bodies[0]
    bodies[-1] += CLOSING
    return b",".join(bodies)


CLOSING = b"]}\n"


def opening(vantage: str, now: datetime) -> bytes:
    """A document up to its first row."""
    stamp = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = {"schema": SCHEMA, "generated_at": stamp, "vantage": vantage, "max_age_s": _MAX_AGE_S}
    return json.dumps(head, separators=(",", ":")).encode().removesuffix(b"}") + b',"endpoints":['
