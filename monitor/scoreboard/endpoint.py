"""What is known of one endpoint at one moment, as values: what every published shape is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.config.model import EndpointSpec
from monitor.domain.status import Status
from monitor.score.health import Trouble
from monitor.score.latency import Summary
from monitor.score.outcomes import Counts

SYNTHETIC: Final = "synthetic"
"""Where figures come from: probes alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One endpoint as configured, and how it does."""

    spec: EndpointSpec
    status: Status
    since: datetime
    score: float | None
    account: Trouble | None = None
    measured_at: datetime | None = None
    """Start of the newest sample that counts."""
    counts: Mapping[str, Counts]
    """By the name of a window."""
    summaries: Mapping[str, Summary]
    """Of the last half hour, by the name of a figure."""
    source: str = SYNTHETIC

    @property
    def id(self) -> str:
        """The endpoint's id."""
        return self.spec.endpoint.id
