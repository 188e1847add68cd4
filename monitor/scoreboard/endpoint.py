"""The facts of one endpoint at one moment, from which every output format is made."""

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
"""The source of figures: probes alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One endpoint: its configuration, status, score and figures."""

    spec: EndpointSpec
    status: Status
    since: datetime
    score: float | None
    account: Trouble | None = None
    measured_at: datetime | None = None
    """Start of the newest counted sample."""
    counts: Mapping[str, Counts]
    """By window name."""
    summaries: Mapping[str, Summary]
    """Of the last half hour, by figure name."""
    source: str = SYNTHETIC

    @property
    def id(self) -> str:
        """The endpoint's id."""
        return self.spec.endpoint.id
