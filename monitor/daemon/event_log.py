"""Status changes and incidents as log records: `status_changed`, `incident_opened`, `incident_closed`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.score.endpoint import EndpointState
from monitor.score.outcomes import Counts
from monitor.score.windows import Window
from monitor.scoreboard.absorbed import Absorbed
from monitor.scoreboard.board import Board, StatusChange
from probes._model import Sample

log = logging.getLogger(__name__)

_BAD = frozenset({Status.DOWN, Status.DEGRADED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """The evidence for an endpoint's published status."""

    score: float | None
    measured_at: datetime | None
    """Start of the newest counted sample."""
    incident: Incident | None
    """The open incident."""
    newest: tuple[Window, Counts] | None
    """The shortest window with a counted sample; None if no window has one."""


def grounds_of(state: EndpointState, now: datetime) -> Grounds:
    """The evidence for the status of an endpoint."""
    return Grounds(
        score=state.assess(now).score,
        measured_at=state.health.measured_at,
        incident=_open_incident(state),
        newest=next(((window, counts) for window, counts, _ in state.counts(now) if counts.counted), None),
    )


def _open_incident(state: EndpointState) -> Incident | None:
    incident = state.tracker.incident if state.tracker.is_confirmed else None
    return None if incident is None or incident.ended_at is not None else incident


class EventLog:
    """Logs status changes and incidents of a board's endpoints; keeps the ids of open incidents."""

    def __init__(self, board: Board, now: Callable[[], datetime]) -> None:
        self._board = board
        self._now = now
        self._open: set[str] = set()
        """Ids of incidents."""

    def start(self, endpoints: Iterable[str], ended: Iterable[Incident]) -> None:
        """Start with restored endpoints: log the incidents that are still open, and those that the restore closed."""
        now = self._now()
        for name in endpoints:
            incident = _open_incident(self._board.endpoint(name))
            if incident is not None and incident.id not in self._open:  # a renamed endpoint keeps its incident
                self._open.add(incident.id)
                _log_incident("incident_restored", "incident still open", incident, now)
        for incident in ended:
            _log_incident("incident_closed", "incident closed: endpoint is no longer probed", incident, now)

    def changed(self, changes: Iterable[StatusChange]) -> None:
        """Log status changes."""
        now = self._now()
        for change in changes:
            _log_change(change, grounds_of(self._board.endpoint(change.endpoint), now))

    def absorbed(self, news: Absorbed) -> None:
        """Log the incidents that new samples opened or closed."""
        now = self._now()
        for incident in news.incidents:
            if incident.id not in self._open:
                self._open.add(incident.id)
                _log_incident("incident_opened", "incident opened", incident, now)
            if incident.ended_at is not None:
                self._open.discard(incident.id)
                _log_incident("incident_closed", "incident closed", incident, now)


def log_sample(sample: Sample) -> None:
    """One record per sample, for `--log-level debug`."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    log.debug(
        "%s: %s",
        sample.endpoint,
        sample.error or "ok",
        extra={
            "action": "sample",
            "endpoint": sample.endpoint,
            "task": sample.task.value,
            "error": sample.error,
            "status_code": sample.status_code,
            "ttft_s": sample.ttft_s,
            "e2e_s": sample.e2e_s,
            "detail": sample.detail,
        },
    )


def _log_change(change: StatusChange, grounds: Grounds) -> None:
    """A change to a worse status is a warning."""
    log.log(
        logging.WARNING if change.after in _BAD else logging.INFO,
        "%s is %s, was %s",
        change.endpoint,
        change.after,
        change.before,
        extra={
            "action": "status_changed",
            "endpoint": change.endpoint,
            "from": change.before.value,
            "to": change.after.value,
            "cause": _cause(change.after, grounds),
            "score": None if grounds.score is None else round(grounds.score, 3),
            "evidence": _evidence(change.after, grounds),
        },
    )


def _cause(status: Status, grounds: Grounds) -> str | None:
    """The cause of the status; None if there is no evidence against the endpoint."""
    match status:
        case Status.MAINTENANCE | Status.PAUSED:
            return "configuration"
        case Status.UNKNOWN:
            return "no_recent_sample"
        case Status.UP:
            return None
        case _:
            return None if grounds.incident is None else grounds.incident.cause


def _evidence(status: Status, grounds: Grounds) -> str:
    match status:
        case Status.UP if grounds.newest is not None:
            window, counts = grounds.newest
            return f"{counts.ok} of {counts.counted} samples ok in {window.name}"
        case Status.DEGRADED | Status.DOWN if grounds.incident is not None:
            return _causes(grounds.incident.causes)
        case _:
            return "none" if grounds.measured_at is None else f"newest sample {_stamp(grounds.measured_at)}"


def _causes(causes: Mapping[str, int]) -> str:
    """`4 samples: overloaded 3, stalled 1`."""
    total = sum(causes.values())
    counted = sorted(causes.items(), key=lambda item: -item[1])
    return f"{total} sample{'s' if total != 1 else ''}: " + ", ".join(f"{name} {count}" for name, count in counted)


def _log_incident(action: str, message: str, incident: Incident, now: datetime) -> None:
    log.log(
        logging.WARNING if incident.ended_at is None else logging.INFO,
        "%s: %s",
        incident.endpoint,
        message,
        extra={
            "action": action,
            "endpoint": incident.endpoint,
            "incident": incident.id,
            "worst": incident.worst.value,
            "cause": incident.cause,
            "began_at": _stamp(incident.began_at),
            "lasted_s": round(incident.lasted(now).total_seconds(), 1),
            "evidence": _causes(incident.causes),
        },
    )


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
