"""What absorbing samples changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.incident import Incident
from monitor.score.endpoint import EndpointState
from monitor.score.incidents import IncidentTracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed:
    """The result of absorbing samples."""

    states: Mapping[str, str]
    """The new state of each endpoint that changed, to be stored with the samples."""
    due: Mapping[str, datetime]
    """When the next probe of each endpoint is due; it may be in the past."""
    incidents: Sequence[Incident] = ()
    """Incidents that began, changed or ended, to be stored with the samples."""


class News:
    """The changes so far while samples are absorbed."""

    def __init__(self) -> None:
        self.touched: set[str] = set()
        self.due: dict[str, datetime] = {}
        self.incidents: dict[str, Incident] = {}

    def note(self, state: EndpointState, tracker: IncidentTracker) -> None:
        """A state changed; `tracker` is its incident tracker from before."""
        self.touched.add(state.endpoint)
        incident = state.tracker.incident
        if incident is not None and state.tracker.is_confirmed and state.tracker is not tracker:
            self.incidents[incident.id] = incident
