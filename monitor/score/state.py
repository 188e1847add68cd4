"""An endpoint's health as text and back, so that a restart goes on where it stopped."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from monitor.score.health import Health, LastError, Trouble, Weights
from monitor.status import Status
from probes._model import ErrorClass

VERSION = 1


def health_to_text(health: Health) -> str:
    """The health as one line of JSON."""
    trouble, last = health.trouble, health.last_error
    return json.dumps(
        {
            "version": VERSION,
            "status": health.status,
            "since": health.since.isoformat(),
            "measured_at": health.measured_at.isoformat() if health.measured_at else None,
            "short": [health.short.good, health.short.bad],
            "long": [health.long.good, health.long.bad],
            "failures": health.failures,
            "successes": health.successes,
            "trouble": [trouble.error, trouble.since.isoformat()] if trouble else None,
            "last_error": [last.error, last.at.isoformat(), last.status_code] if last else None,
        },
        separators=(",", ":"),
    )


def health_from_text(text: str) -> Health | None:
    """The health that `health_to_text` wrote; None when another version of the program wrote it, or nobody did.

    A state that cannot be read costs its endpoint the judgement so far; it must not keep the daemon from starting.
    """
    try:
        plain = json.loads(text)
        return _health(plain) if plain["version"] == VERSION else None
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return None


def _health(plain: dict[str, Any]) -> Health:
    measured_at, trouble, last = plain["measured_at"], plain["trouble"], plain["last_error"]
    return Health(
        status=Status(plain["status"]),
        since=_moment(plain["since"]),
        measured_at=_moment(measured_at) if measured_at else None,
        short=_weights(*plain["short"]),
        long=_weights(*plain["long"]),
        failures=_count(plain["failures"]),
        successes=_count(plain["successes"]),
        trouble=Trouble(error=ErrorClass(trouble[0]), since=_moment(trouble[1])) if trouble else None,
        last_error=_last_error(*last) if last else None,
    )


def _last_error(error: str, at: str, status_code: int | None) -> LastError:
    status_code = None if status_code is None else _count(status_code)
    return LastError(error=ErrorClass(error), at=_moment(at), status_code=status_code)


def _weights(good: float, bad: float) -> Weights:
    """Weights are finite and not negative, or every score that follows is nonsense."""
    weights = (float(good), float(bad))
    if not all(0 <= weight < math.inf for weight in weights):
        raise ValueError(f"{weights} are not weights")
    return Weights(good=weights[0], bad=weights[1])


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return at
