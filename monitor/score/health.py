"""An endpoint's health: the score, the status with its hysteresis, and what troubles the account.

The first policy, to be beaten: successes within SLO against the rest, weighted down by half every few probes, leaning
on the endpoint's long-run share, which itself leans on a common prior. Two failures in a row make it down, two
successes in a row raise it again; between up and degraded the score decides, with a gap between falling and rising.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.score.outcomes import Outcome, wilson
from monitor.status import Status
from probes._model import ErrorClass

_PRIOR_SHARE, _PRIOR_WEIGHT = 0.95, 2.0
_LONG_HALF_LIFE_S = 86_400.0
_LONG_WEIGHT = 2.0
_HALF_LIFE_PROBES = 5
_IN_A_ROW = 2
_DEGRADED_BELOW = 0.85
_UP_FROM = 0.93


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one sample says about health."""

    at: datetime
    """When the probe started."""
    outcome: Outcome
    within_slo: bool
    error: ErrorClass | None = None
    status_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The account's trouble: its newest class, since the first refusal in a row."""

    error: ErrorClass
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The newest sample that failed."""

    error: ErrorClass
    at: datetime
    status_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights of good and bad samples, halved every so often."""

    good: float = 0.0
    bad: float = 0.0

    def aged(self, seconds: float, half_life_s: float) -> Weights:
        """The same, `seconds` later."""
        factor = 0.5 ** (max(seconds, 0.0) / half_life_s)
        return Weights(good=self.good * factor, bad=self.bad * factor)

    def with_sample(self, *, good: bool) -> Weights:
        """The same with one sample more."""
        return Weights(good=self.good + good, bad=self.bad + (not good))

    def share(self, prior: float, weight: float) -> float:
        """The share of good, leaning on a prior of this weight."""
        return (self.good + prior * weight) / (self.good + self.bad + weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Everything an endpoint's judgement depends on; small enough to store with every sample."""

    status: Status = Status.UNKNOWN
    since: datetime
    measured_at: datetime | None = None
    """Start of the newest counted sample."""
    short: Weights = Weights()
    long: Weights = Weights()
    failures: int = 0
    """Provider failures in a row."""
    successes: int = 0
    """Successes in a row."""
    trouble: Trouble | None = None
    last_error: LastError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What is published of an endpoint's health at one moment."""

    status: Status
    since: datetime
    score: float | None
    confidence: tuple[float, float] | None
    stale_after: datetime | None


def advance(health: Health, seen: Observation, interval_s: float) -> Health:
    """The health after one more sample, of an endpoint that is probed about every `interval_s`."""
    health = _remember_error(health, seen)
    if not seen.outcome.counted:
        return _note_account(health, seen)
    ok = seen.outcome is Outcome.OK
    good = ok and seen.within_slo
    gap_s = (seen.at - health.measured_at).total_seconds() if health.measured_at else 0.0
    after = replace(
        health,
        short=health.short.aged(gap_s, _half_life_s(interval_s)).with_sample(good=good),
        long=health.long.aged(gap_s, _LONG_HALF_LIFE_S).with_sample(good=good),
        failures=0 if ok else health.failures + 1,
        successes=health.successes + 1 if ok else 0,
        measured_at=max(seen.at, health.measured_at or seen.at),
        trouble=None,
    )
    status = _next_status(after)
    # A slow probe reports after quicker ones that began later: the change is not older than the one before it.
    return after if status is health.status else replace(after, status=status, since=max(seen.at, health.since))


def assess(health: Health, now: datetime, *, interval_s: float, stale_s: float) -> Assessment:
    """What to publish at `now`; a health without a sample for `stale_s` is unknown, its score what was usual."""
    if health.measured_at is None:
        return Assessment(status=Status.UNKNOWN, since=health.since, score=None, confidence=None, stale_after=None)
    stale_after = health.measured_at + timedelta(seconds=stale_s)
    stale = now > stale_after
    short = health.short.aged((now - health.measured_at).total_seconds(), _half_life_s(interval_s))
    score = _score(short, health.long)
    weight = short.good + short.bad + _LONG_WEIGHT
    return Assessment(
        status=Status.UNKNOWN if stale else health.status,
        since=stale_after if stale else health.since,
        score=score,
        confidence=wilson(score * weight, weight),
        stale_after=stale_after,
    )


def wants_confirmation(before: Health, after: Health) -> bool:
    """Whether the newest sample spoke against the status without changing it: one more probe would settle it."""
    if after.measured_at == before.measured_at:
        return False
    if after.status is Status.DOWN:
        return after.successes == 1
    return after.failures == 1


def _half_life_s(interval_s: float) -> float:
    return _HALF_LIFE_PROBES * interval_s


def _score(short: Weights, long: Weights) -> float:
    return short.share(long.share(_PRIOR_SHARE, _PRIOR_WEIGHT), _LONG_WEIGHT)


def _next_status(health: Health) -> Status:
    if health.failures >= _IN_A_ROW:
        return Status.DOWN
    if health.status is Status.DOWN and health.successes < _IN_A_ROW:
        return Status.DOWN
    # Rising takes more than staying, so that a score near the line does not flap.
    line = _DEGRADED_BELOW if health.status in {Status.UP, Status.UNKNOWN} else _UP_FROM
    return Status.UP if _score(health.short, health.long) >= line else Status.DEGRADED


def _remember_error(health: Health, seen: Observation) -> Health:
    if seen.error is None or seen.outcome in {Outcome.MONITOR, Outcome.NETWORK}:
        return health
    return replace(health, last_error=LastError(error=seen.error, at=seen.at, status_code=seen.status_code))


def _note_account(health: Health, seen: Observation) -> Health:
    if seen.error is None or seen.outcome not in {Outcome.ACCOUNT, Outcome.RATE_LIMITED}:
        return health
    since = health.trouble.since if health.trouble else seen.at
    return replace(health, trouble=Trouble(error=seen.error, since=since))
