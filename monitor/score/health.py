"""Health of an endpoint: its belief, its status with hysteresis, and its account trouble. Pure.

The belief comes from `hmm`. The status follows it with different thresholds for falling and rising, so that it does not
flap. Samples of the provider's other endpoints move the belief, but only a failure of its own makes an endpoint down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from monitor.domain.status import Status
from monitor.score.base_rates import DEFAULT_RATES, BaseRates
from monitor.score.hmm import (
    LASTING,
    NEW,
    EndpointBelief,
    Failure,
    LevelBelief,
    Seen,
    Success,
    chance,
    met,
    update,
)
from monitor.score.markov import Belief, Hidden
from monitor.score.outcomes import SampleOutcome
from monitor.score.persistent import NEWCOMER, PersistentTrouble
from probes._model import ErrorClass

_DOWN_FROM, _DOWN_STAYS = 0.5, 0.1
"""The probability of down from which an endpoint becomes down, and from which it stays down."""
_WELL_STAYS, _WELL_FROM = 0.25, 0.8
"""The probability of up from which an endpoint stays up, and from which it becomes up."""
_GOOD_STAYS, _GOOD_FROM = 0.8, 0.85
"""The base rate of good requests from which an endpoint stays up, and from which it becomes up."""
_FINE, _POOR = 0.9, 0.75
"""Persistent trouble counts fully as up from the first share of good requests on, and not at all below the second."""
_LASTS: Final = 0.01
"""The probability of persistent trouble below which it is ignored."""
_DEAD, _ALIVE = 0.05, 0.42
"""Persistent trouble counts fully as down up to the first share of successes, and not at all from the second on."""
_ANOMALIES_FROM, _ANOMALIES_MOST = 3, 5
"""The anomaly count from which an endpoint is degraded, and its maximum."""
_SILENCE = frozenset({ErrorClass.DNS, ErrorClass.CONNECT, ErrorClass.TLS})
"""Errors without any answer."""
_SURPRISE: Final = 0.03
"""A sample that was less likely than this is a surprise."""
AHEAD: Final = timedelta(seconds=1)
"""A time further ahead than this was written while the clock was ahead."""
SURPRISE_MEMORY: Final = 16
"""The number of samples after which a surprise no longer affects the probe interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The part of a sample that affects health."""

    at: datetime
    """When the probe started."""
    outcome: SampleOutcome
    within_slo: bool
    anomalous: bool = False
    """Far from the endpoint's baseline."""
    reach: bool = False
    """Whether it was a `reach` probe of an endpoint that other probes ask for tokens."""
    error: ErrorClass | None = None
    status_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Account trouble: the newest error class, and the time of the first refusal in a row."""

    error: ErrorClass
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The newest sample that failed."""

    error: ErrorClass
    at: datetime
    status_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Everything that an endpoint's status depends on except its provider's belief. Stored with every sample."""

    status: Status = Status.UNKNOWN
    since: datetime
    measured_at: datetime | None = None
    """Start of the newest counted sample."""
    own: LevelBelief = NEW
    base_rates: BaseRates = DEFAULT_RATES
    persistent: PersistentTrouble = NEWCOMER
    succeeded: bool = False
    """Whether any sample succeeded; until then the status is unknown or down."""
    failures: int = 0
    """Consecutive failures of the provider."""
    anomaly_count: int = 0
    """Anomalous minus normal samples, within 0 and its maximum."""
    since_surprise: int = SURPRISE_MEMORY
    """Samples since the last surprise or status change; `reach` samples do not count."""
    interval_from: datetime | None = None
    """The time from which the probe interval counts: the start of the newest of these samples."""
    silent: bool = False
    """Whether the newest sample got no answer at all."""
    trouble: Trouble | None = None
    last_error: LastError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The published health of an endpoint at one moment."""

    status: Status
    since: datetime
    score: float | None
    confidence: tuple[float, float] | None
    stale_after: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedStatus:
    """The part of an assessment that changes only with a sample or when it becomes stale."""

    status: Status
    since: datetime
    stale_after: datetime | None


def advance(health: Health, shared: LevelBelief, seen: Observation) -> tuple[Health, LevelBelief]:
    """The endpoint's health and its provider's belief after one more sample."""
    health = _remember_error(health, seen)
    if not seen.outcome.counted:
        return _note_account(health, seen), shared
    measured_at = max(seen.at, health.measured_at or seen.at)
    shown = _shown(seen)
    if shown is Success.REACHED:
        return _reached(replace(health, measured_at=measured_at), shared, seen.at)
    at_s = seen.at.timestamp()
    view, expected = update(view_of(health, shared), shown, at_s)
    failed = isinstance(shown, Failure)
    health = Health(
        status=health.status,
        since=health.since,
        measured_at=measured_at,
        own=view.own,
        base_rates=view.base_rates,
        persistent=view.persistent,
        succeeded=health.succeeded or not failed,
        failures=health.failures + 1 if failed else 0,
        anomaly_count=min(health.anomaly_count + 1, _ANOMALIES_MOST)
        if seen.anomalous
        else max(health.anomaly_count - 1, 0),
        since_surprise=health.since_surprise if seen.reach else health.since_surprise + 1,
        interval_from=health.interval_from if seen.reach else max(seen.at, health.interval_from or seen.at),
        silent=failed and (seen.reach or seen.error in _SILENCE),
        trouble=None,
        last_error=health.last_error,
    )
    settled = _settled(health, met(view, at_s), seen.at)
    # A recovery, or a step towards down, is confirmed with an early probe just as a surprise is.
    turned = health.status is not Status.UNKNOWN and settled.status not in {health.status, Status.DOWN}
    first = failed and health.failures == 1 and not health.succeeded
    if expected < _SURPRISE or turned or first:
        settled = replace(settled, since_surprise=0, interval_from=max(seen.at, settled.interval_from or seen.at))
    return settled, view.shared


def settle(health: Health, shared: LevelBelief, at: datetime) -> Health:
    """The health with its status updated to a moment."""
    return health if health.measured_at is None else _settled(health, met(view_of(health, shared), at.timestamp()), at)


def assess(health: Health, shared: LevelBelief, now: datetime, *, stale_s: float) -> Assessment:
    """Status and score at `now`. Without a sample for `stale_s` the status is unknown."""
    stands = judged_status(health, now, stale_s=stale_s)
    view = view_of(health, shared)
    found = None if stands.stale_after is None else chance(view, now.timestamp())
    return Assessment(
        status=stands.status,
        since=stands.since,
        score=None if found is None else found.score,
        confidence=None if found is None else found.confidence,
        stale_after=stands.stale_after,
    )


def judged_status(health: Health, now: datetime, *, stale_s: float) -> JudgedStatus:
    """The status at `now`, and since when it holds."""
    if health.measured_at is None:
        return JudgedStatus(status=Status.UNKNOWN, since=health.since, stale_after=None)
    stale_after = health.measured_at + timedelta(seconds=stale_s)
    if now > stale_after:
        return JudgedStatus(status=Status.UNKNOWN, since=stale_after, stale_after=stale_after)
    return JudgedStatus(status=health.status, since=health.since, stale_after=stale_after)


def bounded(health: Health, now: datetime) -> Health:
    """The health with all times limited to `now`: times that a clock ahead has set would never become old."""
    trouble, last = health.trouble, health.last_error
    moments = (
        health.since,
        health.measured_at,
        health.interval_from,
        None if trouble is None else trouble.since,
        None if last is None else last.at,
    )
    if all(at is None or at <= now + AHEAD for at in moments):
        return health
    return replace(
        health,
        since=min(health.since, now),
        measured_at=None if health.measured_at is None else min(health.measured_at, now),
        own=bounded_belief(health.own, now),
        interval_from=None if health.interval_from is None else min(health.interval_from, now),
        trouble=None if trouble is None else replace(trouble, since=min(trouble.since, now)),
        last_error=None if last is None else replace(last, at=min(last.at, now)),
    )


def bounded_belief(belief: LevelBelief, now: datetime) -> LevelBelief:
    """The belief with its time limited to `now`."""
    at_s = now.timestamp()
    return belief if belief.at_s is None or belief.at_s <= at_s else replace(belief, at_s=at_s)


def in_doubt(health: Health, shared: LevelBelief, at: datetime) -> bool:
    """Whether the newest samples still suggest trouble; a surprise does until the next sample."""
    belief = met(view_of(health, shared), at.timestamp())
    return well(health, belief) < _WELL_FROM or health.anomaly_count > 0 or health.since_surprise == 0


def view_of(health: Health, shared: LevelBelief) -> EndpointBelief:
    """The belief of an endpoint with this health."""
    return EndpointBelief(own=health.own, shared=shared, base_rates=health.base_rates, persistent=health.persistent)


def _shown(seen: Observation) -> Seen:
    if seen.outcome is SampleOutcome.OK:
        return Success.REACHED if seen.reach else Success.WITHIN_SLO if seen.within_slo else Success.SLOW
    return Failure(error=seen.error or ErrorClass.INTERNAL, reach=seen.reach)


def _reached(health: Health, shared: LevelBelief, at: datetime) -> tuple[Health, LevelBelief]:
    """The health after a successful `reach` probe. It counts only when the sample before got no answer.

    A provider that answers without generating tokens goes on doing so: repeated answers add no information.
    """
    if not health.silent:
        return settle(health, shared, at), shared
    view, _ = update(view_of(health, shared), Success.REACHED, at.timestamp())
    health = replace(health, own=view.own, base_rates=view.base_rates, persistent=view.persistent, silent=False)
    return settle(health, view.shared, at), view.shared


def _settled(health: Health, belief: Belief, at: datetime) -> Health:
    status = _status(health, belief)
    # A slow probe reports after quicker ones that began later. The change must not be older than the last one.
    return health if status is health.status else replace(health, status=status, since=max(at, health.since))


def _status(health: Health, belief: Belief) -> Status:
    before, dead = health.status, down(health, belief)
    if before is Status.DOWN and dead >= _DOWN_STAYS:
        return Status.DOWN
    if health.failures and dead >= _DOWN_FROM:
        return Status.DOWN
    if not health.succeeded:
        return Status.UNKNOWN
    enough, good = (_WELL_STAYS, _GOOD_STAYS) if before is Status.UP else (_WELL_FROM, _GOOD_FROM)
    too_many = 1 if before in {Status.DEGRADED, Status.DOWN} else _ANOMALIES_FROM
    fine = well(health, belief) >= enough and health.base_rates.good_share >= good and health.anomaly_count < too_many
    return Status.UP if fine else Status.DEGRADED


def down(health: Health, belief: Belief) -> float:
    """Probability that a request meets an endpoint that is down, or as bad."""
    if belief[LASTING] < _LASTS:
        return belief[Hidden.DOWN]
    return belief[Hidden.DOWN] + belief[LASTING] * _share(1 - health.persistent.shares[2], _DEAD, _ALIVE)


def well(health: Health, belief: Belief) -> float:
    """Probability that a request meets an endpoint that is up, or as good."""
    if belief[LASTING] < _LASTS:
        return belief[Hidden.UP]
    return belief[Hidden.UP] + belief[LASTING] * _share(health.persistent.shares[0], _FINE, _POOR)


def _share(value: float, whole: float, none: float) -> float:
    """Linear position of a value between `none` (0) and `whole` (1)."""
    return min(max((value - none) / (whole - none), 0.0), 1.0)


def _remember_error(health: Health, seen: Observation) -> Health:
    if seen.error is None or seen.outcome in {SampleOutcome.MONITOR, SampleOutcome.NETWORK}:
        return health
    return replace(health, last_error=LastError(error=seen.error, at=seen.at, status_code=seen.status_code))


def _note_account(health: Health, seen: Observation) -> Health:
    if seen.error is None or seen.outcome not in {SampleOutcome.ACCOUNT, SampleOutcome.RATE_LIMITED}:
        return health
    since = health.trouble.since if health.trouble else seen.at
    return replace(health, trouble=Trouble(error=seen.error, since=since))
