"""Status changes and incidents as log records: `status_changed`, `incident_opened`, `incident_closed`."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from monitor.publish.board import Absorbed, Standing
from monitor.status import Incident, Status
from probes._model import Sample

log = logging.getLogger(__name__)

_ROUND_TICKS = 10
"""Maintenance and old samples change a status without a sample: every endpoint is looked at once in so many ticks."""
_BAD = frozenset({Status.DOWN, Status.DEGRADED})


class Standings(Protocol):
    """Where the current standing of an endpoint comes from."""

    def standing(self, endpoint: str, now: datetime) -> Standing:
        """The standing of a configured endpoint; KeyError for any other."""


class EventLog:
    """Remembers what was logged of each endpoint, and logs what is different."""

    def __init__(
        self, endpoints: Sequence[str], board: Standings, now: Callable[[], datetime], *, tick_s: float = 1.0
    ) -> None:
        self._endpoints = endpoints
        self._board = board
        self._now = now
        self._tick_s = tick_s
        self._status: dict[str, Status] = {}
        self._open: dict[str, str] = {}
        """The endpoint of each open incident, by the incident's id."""

    def start(self, ended: Iterable[Incident]) -> None:
        """Begin with the restored board: log the incidents that are still open, and those that the restore ended."""
        now = self._now()
        for name in self._endpoints:
            standing = self._board.standing(name, now)
            self._status[name] = standing.status
            if standing.incident is not None:
                self._open[standing.incident.id] = name
                _log_incident("incident_restored", "incident still open", standing.incident, now)
        for incident in ended:
            _log_incident("incident_closed", "incident closed: endpoint is not probed any more", incident, now)

    def absorbed(self, news: Absorbed) -> None:
        """Log what new samples changed."""
        now = self._now()
        self._look(news.states, now)
        for incident in news.incidents:
            self._follow(incident, now)

    async def run(self) -> None:
        """Log what time alone changes, until cancelled."""
        size = max(1, math.ceil(len(self._endpoints) / _ROUND_TICKS))
        while True:
            for first in range(0, max(1, len(self._endpoints)), size):
                await asyncio.sleep(self._tick_s)
                self._look(self._endpoints[first : first + size], self._now())

    def _look(self, names: Iterable[str], now: datetime) -> None:
        for name in names:
            standing, before = self._board.standing(name, now), self._status[name]
            if standing.status is not before:
                self._status[name] = standing.status
                _log_change(name, before, standing)

    def _follow(self, incident: Incident, now: datetime) -> None:
        if incident.id not in self._open:
            self._open[incident.id] = incident.endpoint
            _log_incident("incident_opened", "incident opened", incident, now)
        if incident.ended_at is not None:
            del self._open[incident.id]
            _log_incident("incident_closed", "incident closed", incident, now)


def log_sample(sample: Sample) -> None:
    """One record a sample, for `--log-level debug`."""
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


def _log_change(endpoint: str, before: Status, standing: Standing) -> None:
    """One record; a change for the worse is a warning."""
    level = logging.WARNING if standing.status in _BAD else logging.INFO
    log.log(
        level,
        "%s is %s, was %s",
        endpoint,
        standing.status,
        before,
        extra={
            "action": "status_changed",
            "endpoint": endpoint,
            "from": before.value,
            "to": standing.status.value,
            "cause": _cause(standing),
            "score": None if standing.score is None else round(standing.score, 3),
            "evidence": _evidence(standing),
        },
    )


def _cause(standing: Standing) -> str | None:
    """What the status rests on; None where nothing speaks against the endpoint."""
    match standing.status:
        case Status.MAINTENANCE | Status.PAUSED:
            return "configuration"
        case Status.UNKNOWN:
            return "no_recent_sample"
        case Status.UP:
            return None
        case _:
            return None if standing.incident is None else standing.incident.cause


def _evidence(standing: Standing) -> str:
    match standing.status:
        case Status.UP:
            return _share(standing)
        case Status.DEGRADED | Status.DOWN if standing.incident is not None:
            return _causes(standing.incident.causes)
        case _:
            return "none" if standing.measured_at is None else f"newest sample {_stamp(standing.measured_at)}"


def _share(standing: Standing) -> str:
    if standing.newest is None:
        return "none"
    window, counts = standing.newest
    return f"{counts.ok} of {counts.counted} samples ok in {window.name}"


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
