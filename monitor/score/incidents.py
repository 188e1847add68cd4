"""Incidents from samples: when an incident begins, its causes, when it ends. Pure.

Bad samples are collected as a suspicion before the status changes. So an incident begins with its first bad sample and
not with the sample that changed the status.
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
    is_confirmed: bool = False
    """False: a suspicion, which may be dropped. An incident that has ended stays confirmed."""


def add_evidence(tracker: IncidentTracker, endpoint: str, cause: ErrorClass | Cause, at: datetime) -> IncidentTracker:
    """Add a bad sample that began at `at`."""
    tracker = _current(tracker)
    before = tracker.incident
    if before is None:
        before = Incident(
            id=incident_id(endpoint, at), endpoint=endpoint, worst=Status.DEGRADED, began_at=at, last_at=at, causes={}
        )
    causes = {**before.causes, cause.value: before.causes.get(cause.value, 0) + 1}
    return replace(tracker, incident=replace(before, causes=causes, last_at=max(at, before.last_at)))


def update(tracker: IncidentTracker, endpoint: str, status: Status, at: datetime, *, cleared: bool) -> IncidentTracker:
    """Open, worsen or end the incident after the status was updated at `at`. `cleared`: drop a suspicion.

    An ended incident stays in the tracker, with its end, until the next update.
    """
    tracker = _current(tracker)
    if status in _TROUBLE:
        return _opened(tracker, endpoint, status, at)
    if tracker.incident is None or not tracker.is_confirmed:
        return IncidentTracker() if cleared else tracker
    return replace(tracker, incident=replace(tracker.incident, ended_at=max(at, tracker.incident.last_at)))


def bounded_tracker(tracker: IncidentTracker, now: datetime) -> IncidentTracker:
    """The tracker with its times limited to `now`, after a clock that was ahead."""
    incident = tracker.incident
    if incident is None:
        return tracker
    began_at, last_at = min(incident.began_at, now), min(incident.last_at, now)
    return replace(tracker, incident=replace(incident, began_at=began_at, last_at=last_at))


def _opened(tracker: IncidentTracker, endpoint: str, status: Status, at: datetime) -> IncidentTracker:
    incident = tracker.incident
    if incident is None:  # the endpoint had no bad sample of its own
        return _opened(add_evidence(tracker, endpoint, Cause.PROVIDER, at), endpoint, status, at)
    if status is Status.DOWN and incident.worst is not Status.DOWN:
        return IncidentTracker(incident=replace(incident, worst=status), is_confirmed=True)
    return tracker if tracker.is_confirmed else replace(tracker, is_confirmed=True)


def _current(tracker: IncidentTracker) -> IncidentTracker:
    """The tracker without an ended incident."""
    return IncidentTracker() if tracker.incident is not None and tracker.incident.ended_at is not None else tracker
