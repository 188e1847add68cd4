"""What a run of failures is called, and what caused it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from monitor.domain.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A span in which an endpoint was not up, as far as it is known; a newer value has the same id."""

    id: str
    """As `incident_id` made it when it began; it stays when the endpoint is renamed."""
    endpoint: str
    worst: Status
    """DEGRADED or DOWN."""
    began_at: datetime
    """Start of the first sample that spoke against the endpoint."""
    last_at: datetime
    """Start of the newest that did."""
    ended_at: datetime | None = None
    """None while it is open."""
    causes: Mapping[str, int]
    """How many samples showed which, the first seen first: error classes, other words of the judge's. Never empty."""

    @property
    def samples(self) -> int:
        """How many samples are its evidence."""
        return sum(self.causes.values())

    @property
    def cause(self) -> str:
        """What most samples showed; of several, what was seen first."""
        return max(self.causes, key=self.causes.__getitem__)

    def lasted(self, now: datetime) -> timedelta:
        """From its beginning to its end, or to `now` while it is open."""
        return (self.ended_at or now) - self.began_at


def incident_id(endpoint: str, began_at: datetime) -> str:
    """16 hex digits, always the same for the same beginning."""
    text = f"{endpoint}\0{began_at.astimezone(UTC).isoformat(timespec='microseconds')}"
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


class Cause(StrEnum):
    """What speaks against an endpoint, where that is no class of errors."""

    SLO = "slo"
    """Answers came too late, or too slowly."""
    HABIT = "habit"
    """They came far later, or far more slowly, than is usual for the endpoint."""
    PROVIDER = "provider"
    """The provider's other endpoints were in trouble."""
