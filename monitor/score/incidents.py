"""From samples to incidents: when one begins, what it rests on, when it is over. Pure.

What speaks against an endpoint is gathered as a suspicion before its status says anything, so that an incident that
comes of it begins with the first sample that spoke, and not with the one that settled it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from monitor.domain.incident import Cause, Incident, incident_id
from monitor.domain.status import Status
from probes._model import ErrorClass

_TROUBLE = frozenset({Status.DEGRADED, Status.DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentTracker:
    """An endpoint's suspicion or open incident, if there is one."""

    incident: Incident | None = None
    is_open: bool = False
    """False: a suspicion, which may come to nothing."""


def add_evidence(tracker: IncidentTracker, endpoint: str, cause: ErrorClass | Cause, at: datetime) -> IncidentTracker:
    """With a sample that speaks against the endpoint; it began at `at`."""
    tracker = _current(tracker)
    before = tracker.incident
    if before is None:
        before = Incident(
            id=incident_id(endpoint, at), endpoint=endpoint, worst=Status.DEGRADED, began_at=at, last_at=at, causes={}
        )
    causes = {**before.causes, cause.value: before.causes.get(cause.value, 0) + 1}
    return replace(tracker, incident=replace(before, causes=causes, last_at=max(at, before.last_at)))


def update(tracker: IncidentTracker, endpoint: str, status: Status, at: datetime, *, cleared: bool) -> IncidentTracker:
    """After the status was settled at `at`: opened, worse, or over. `cleared`: nothing is left of a suspicion.

    One that is over stays in the docket, with its end, until the next ruling.
    """
    tracker = _current(tracker)
    if status in _TROUBLE:
        return _opened(tracker, endpoint, status, at)
    if tracker.incident is None or not tracker.is_open:
        return IncidentTracker() if cleared else tracker
    return replace(tracker, incident=replace(tracker.incident, ended_at=max(at, tracker.incident.last_at)))


def bounded_tracker(tracker: IncidentTracker, now: datetime) -> IncidentTracker:
    """The docket of an incident that has not begun later than now, as one that a clock ahead has dated."""
    incident = tracker.incident
    if incident is None:
        return tracker
    began_at, last_at = min(incident.began_at, now), min(incident.last_at, now)
    return replace(tracker, incident=replace(incident, began_at=began_at, last_at=last_at))


def _opened(tracker: IncidentTracker, endpoint: str, status: Status, at: datetime) -> IncidentTracker:
    incident = tracker.incident
    if incident is None:  # no sample of its own spoke against it
        return _opened(add_evidence(tracker, endpoint, Cause.PROVIDER, at), endpoint, status, at)
    if status is Status.DOWN and incident.worst is not Status.DOWN:
        return IncidentTracker(incident=replace(incident, worst=status), is_open=True)
    return tracker if tracker.is_open else replace(tracker, is_open=True)


def _current(tracker: IncidentTracker) -> IncidentTracker:
    """The docket, without an incident that is over."""
    return IncidentTracker() if tracker.incident is not None and tracker.incident.ended_at is not None else tracker
