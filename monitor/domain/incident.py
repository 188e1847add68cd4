"""An incident: a span in which an endpoint was not up, and its causes. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from monitor.domain.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A span in which an endpoint was not up, as known so far; a later value of the same incident has the same id."""

    id: str
    """Made by `incident_id` at its beginning; kept when the endpoint is renamed."""
    endpoint: str
    worst: Status
    """DEGRADED or DOWN."""
    began_at: datetime
    """Start of the first sample that is evidence against the endpoint."""
    last_at: datetime
    """Start of the newest such sample."""
    ended_at: datetime | None = None
    """None while it is open."""
    causes: Mapping[str, int]
    """Samples by cause (error classes, or `Cause`) in order of first appearance. Never empty."""

    @property
    def samples(self) -> int:
        """The number of samples that are evidence."""
        return sum(self.causes.values())

    @property
    def cause(self) -> str:
        """The most frequent cause; of equals, the first seen."""
        return max(self.causes, key=self.causes.__getitem__)

    def lasted(self, now: datetime) -> timedelta:
        """Duration until the end, or until `now` while it is open."""
        return (self.ended_at or now) - self.began_at


def incident_id(endpoint: str, began_at: datetime) -> str:
    """16 hex digits, derived from endpoint and beginning."""
    text = f"{endpoint}\0{began_at.astimezone(UTC).isoformat(timespec='microseconds')}"
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


class Cause(StrEnum):
    """Evidence against an endpoint that is not an error class."""

    SLO = "slo"
    """Answers violated the SLO."""
    HABIT = "habit"
    """Answers were far slower than the endpoint's baseline."""
    PROVIDER = "provider"
    """The provider's other endpoints were in trouble."""
