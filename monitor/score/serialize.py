"""The state of an endpoint and its provider as text and back, so that a restart continues where it stopped."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.domain.status import Status
from monitor.score.base_rates import BaseRates
from monitor.score.health import Health, LastError, Trouble
from monitor.score.hmm import LEAST_ONSET_FACTOR, MOST_ONSET_FACTOR, NEW, LevelBelief
from monitor.score.markov import Hidden
from monitor.score.persistent import NEWCOMER, PersistentTrouble
from probes._model import ErrorClass

VERSION = 3
_BEFORE = 2
"""The previous version, which is still read. It did not separate persistent trouble from base rates."""
_FIELDS = (
    *("version", "status", "since", "measured_at", "own", "shared", "usual", "persistent", "succeeded"),
    *("failures", "odd", "calm", "paced_at", "silent", "trouble", "last_error"),
)
_STATE = "{" + ",".join(f'"{name}":%s' for name in _FIELDS) + "}"
_BELIEF = " ".join(['"%.6f', "%d", "%.9g", "%.9g", "%.9g", *["%.9g"] * (len(Hidden) - 1), '%.9g"'])
_BASE_RATES = '"%.9g %.9g %.9g"'
_PERSISTENT = '"%.9g %.9g %.9g %.9g %.9g %d"'
"""A state is written with every sample, so its JSON comes from templates, and many numbers share one string."""
_KNOWN = PersistentTrouble(share=0.001)
"""For an endpoint that was up in the previous version."""
_MOST_SEEN = 1e6
_INEXACT = 1e-6
"""By how much the probabilities of a belief may miss 1 through rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A restored state."""

    health: Health
    shared: LevelBelief
    """The provider's belief at that time."""


def state_to_text(health: Health, shared: LevelBelief) -> str:
    """The state as one line of JSON."""
    trouble, last, measured = health.trouble, health.last_error, _moment_text(health.measured_at)
    return _STATE % (
        VERSION,
        f'"{health.status}"',
        _moment_text(health.since),
        measured,
        _belief_text(health.own),
        _belief_text(shared),
        _BASE_RATES % (health.base_rates.fails, health.base_rates.misses, health.base_rates.all),
        _persistent_text(health.persistent),
        "true" if health.succeeded else "false",
        health.failures,
        health.anomaly_count,
        health.since_surprise,
        measured if health.interval_from is health.measured_at else _moment_text(health.interval_from),
        "true" if health.silent else "false",
        json.dumps([trouble.error, trouble.since.isoformat()]) if trouble else "null",
        json.dumps([last.error, last.at.isoformat(), last.status_code]) if last else "null",
    )


def state_from_text(text: str) -> Remembered | None:
    """The state that `state_to_text` wrote; None: it is invalid, or of an unknown version.

    An endpoint with an unreadable state starts without history. The daemon starts in any case.
    """
    try:
        plain = json.loads(text)
        if plain["version"] == _BEFORE:
            return Remembered(health=_health(plain | _unknown_before(plain)), shared=_belief(plain["shared"]))
        if plain["version"] != VERSION:
            return None
        return Remembered(health=_health(plain), shared=_belief(plain["shared"]))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None


def _unknown_before(plain: dict[str, Any]) -> dict[str, Any]:
    """Fields that the previous version lacks. An endpoint with base rates beyond the caps starts as new."""
    base_rates = _base_rates(*map(_weight, plain["usual"].split()))
    poor = base_rates.held() is not base_rates
    succeeded = plain["status"] in {Status.UP, Status.DEGRADED}
    return {"persistent": json.loads(_persistent_text(NEWCOMER if poor else _KNOWN)), "succeeded": succeeded}


def _health(plain: dict[str, Any]) -> Health:
    measured_at, interval_from = plain["measured_at"], plain["paced_at"]
    trouble, last = plain["trouble"], plain["last_error"]
    return Health(
        status=Status(plain["status"]),
        since=_moment(plain["since"]),
        measured_at=_moment(measured_at) if measured_at else None,
        own=_belief(plain["own"]),
        base_rates=_base_rates(*map(_weight, plain["usual"].split())).held(),
        persistent=_persistent(plain["persistent"]),
        succeeded=bool(plain["succeeded"]),
        failures=_count(plain["failures"]),
        anomaly_count=_count(plain["odd"]),
        since_surprise=_count(plain["calm"]),
        interval_from=_moment(interval_from) if interval_from else None,
        silent=bool(plain["silent"]),
        trouble=Trouble(error=ErrorClass(trouble[0]), since=_moment(trouble[1])) if trouble else None,
        last_error=_last_error(*last) if last else None,
    )


def _moment_text(at: datetime | None) -> str:
    return f'"{at.isoformat()}"' if at else "null"


def _belief_text(belief: LevelBelief) -> str:
    at_s = belief.at_s
    if at_s is None:
        return "null"
    return _BELIEF % (at_s, belief.troubled, belief.onsets, belief.hours, belief.onset_factor, *belief.probabilities)


def _belief(plain: str | None) -> LevelBelief:
    """Raises ValueError when the probabilities do not sum to 1: every later score would be wrong."""
    if plain is None:
        return NEW
    at_s, troubled, onsets, hours, onset_factor, *shares = map(_weight, plain.split())
    total = sum(shares)
    if len(shares) != len(Hidden) or abs(total - 1) > _INEXACT:
        raise ValueError(f"{shares} is not a distribution of {len(Hidden)} states")
    return LevelBelief(
        at_s=at_s,
        probabilities=tuple(share / total for share in shares),
        troubled=bool(troubled),
        onsets=onsets,
        hours=hours,
        onset_factor=_onset_factor(onset_factor),
    )


def _base_rates(fails: float, misses: float, every: float) -> BaseRates:
    if not 0 < fails + misses < every:
        raise ValueError(f"{fails}, {misses} of {every} are not weights")
    return BaseRates(fails=fails, misses=misses, all=every)


def _persistent_text(persistent: PersistentTrouble) -> str:
    return _PERSISTENT % (
        persistent.share,
        persistent.good,
        persistent.late,
        persistent.failed,
        persistent.alike,
        persistent.was_good,
    )


def _persistent(plain: str) -> PersistentTrouble:
    share, good, late, failed, alike, was_good = map(_weight, plain.split())
    if not 0 < share < 1 or good + late + failed > _MOST_SEEN:
        raise ValueError(f"{plain} is not a valid persistent trouble")
    return PersistentTrouble(share=share, good=good, late=late, failed=failed, alike=alike, was_good=bool(was_good))


def _last_error(error: str, at: str, status_code: int | None) -> LastError:
    status_code = None if status_code is None else _count(status_code)
    return LastError(error=ErrorClass(error), at=_moment(at), status_code=status_code)


def _weight(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(f"{text} is not a weight")
    return value


def _onset_factor(value: float) -> float:
    """Raises ValueError outside of the bounds, where the transition matrix is invalid."""
    if not LEAST_ONSET_FACTOR <= value <= MOST_ONSET_FACTOR:
        raise ValueError(f"{value} is not a valid onset factor")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return at
