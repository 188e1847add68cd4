"""An endpoint's health: what is believed of it, its status with hysteresis, and what troubles the account. Pure.

The belief is the filter's; the status follows it, with a gap between falling and rising, so that it does not flap near
a line. What the provider's other endpoints show moves the belief, but it takes a failure of its own to make an endpoint
down.
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
    ProviderBelief,
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
"""How likely a request has to meet an endpoint that is down for it to be called so, and for that to stay."""
_WELL_STAYS, _WELL_FROM = 0.25, 0.8
"""How likely it has to meet one that is up for it not to be called degraded any more, and for `up` to stay."""
_GOOD_STAYS, _GOOD_FROM = 0.8, 0.85
"""The same of how many requests succeed within the SLO while nothing ails an endpoint: some never do well."""
_FINE, _POOR = 0.9, 0.75
"""Trouble that lasts is as good as none from how many good requests on, and none below how many."""
_LASTS: Final = 0.01
"""A chance of trouble that lasts is worth a look from here on."""
_DEAD, _ALIVE = 0.05, 0.42
"""It is as bad as being down where so many requests or fewer succeed, and not where so many do."""
_ANOMALIES_FROM, _ANOMALIES_MOST = 3, 5
"""From how many more unusual samples than usual ones an endpoint is degraded, and how many are remembered."""
_SILENCE = frozenset({ErrorClass.DNS, ErrorClass.CONNECT, ErrorClass.TLS})
"""Nobody answered at all."""
_SURPRISE: Final = 0.03
"""A sample that was less likely than this raises a doubt."""
AHEAD: Final = timedelta(seconds=1)
"""Evidence that is further ahead of the clock than that is from a time when the clock was ahead."""
SURPRISE_MEMORY: Final = 16
"""Samples after which no surprise is remembered, whatever the limits of the pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one sample says about health."""

    at: datetime
    """When the probe started."""
    outcome: SampleOutcome
    within_slo: bool
    anomalous: bool = False
    """Far from the endpoint's own habit."""
    reach: bool = False
    """Whether it only asked if anybody answers, of an endpoint that other probes ask for tokens."""
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
class Health:
    """All that an endpoint's judgement depends on, but for its provider's; small enough to store with every sample."""

    status: Status = Status.UNKNOWN
    since: datetime
    measured_at: datetime | None = None
    """Start of the newest counted sample."""
    own: ProviderBelief = NEW
    base_rates: BaseRates = DEFAULT_RATES
    persistent: PersistentTrouble = NEWCOMER
    succeeded: bool = False
    """Whether it ever did; until then it is unknown, or down."""
    failures: int = 0
    """Provider failures in a row."""
    anomaly_count: int = 0
    """How many more of the newest samples were unusual than were not."""
    since_surprise: int = SURPRISE_MEMORY
    """Samples since the newest that was a surprise, or changed the status; those that only reach it do not count."""
    interval_from: datetime | None = None
    """Start of the newest of all these."""
    silent: bool = False
    """Whether nobody answered the newest sample at all."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedStatus:
    """What of an endpoint's health changes with a sample, or when it gets stale, and never in between."""

    status: Status
    since: datetime
    stale_after: datetime | None


def advance(health: Health, shared: ProviderBelief, seen: Observation) -> tuple[Health, ProviderBelief]:
    """An endpoint's health and its provider's outlook after one more sample."""
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
    # A recovery, or a step towards being down, is worth a second look just as a surprise is.
    turned = health.status is not Status.UNKNOWN and settled.status not in {health.status, Status.DOWN}
    first = failed and health.failures == 1 and not health.succeeded
    if expected < _SURPRISE or turned or first:
        settled = replace(settled, since_surprise=0, interval_from=max(seen.at, settled.interval_from or seen.at))
    return settled, view.shared


def settle(health: Health, shared: ProviderBelief, at: datetime) -> Health:
    """The health with the status that is due at a moment, as far as samples up to then tell."""
    return health if health.measured_at is None else _settled(health, met(view_of(health, shared), at.timestamp()), at)


def assess(health: Health, shared: ProviderBelief, now: datetime, *, stale_s: float) -> Assessment:
    """What to publish at `now`; a health without a sample for `stale_s` is unknown, its score what is usual for it."""
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
    """The status to publish at `now`, and since when it is that."""
    if health.measured_at is None:
        return JudgedStatus(status=Status.UNKNOWN, since=health.since, stale_after=None)
    stale_after = health.measured_at + timedelta(seconds=stale_s)
    if now > stale_after:
        return JudgedStatus(status=Status.UNKNOWN, since=stale_after, stale_after=stale_after)
    return JudgedStatus(status=health.status, since=health.since, stale_after=stale_after)


def bounded(health: Health, now: datetime) -> Health:
    """The health with nothing dated later than now, as a clock that was ahead has dated it: it would never get old."""
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


def bounded_belief(belief: ProviderBelief, now: datetime) -> ProviderBelief:
    """An outlook that is dated no later than now."""
    at_s = now.timestamp()
    return belief if belief.at_s is None or belief.at_s <= at_s else replace(belief, at_s=at_s)


def in_doubt(health: Health, shared: ProviderBelief, at: datetime) -> bool:
    """Whether anything of the newest samples still speaks against an endpoint; a surprise does until the next one."""
    belief = met(view_of(health, shared), at.timestamp())
    return well(health, belief) < _WELL_FROM or health.anomaly_count > 0 or health.since_surprise == 0


def view_of(health: Health, shared: ProviderBelief) -> EndpointBelief:
    """What the filter knows of an endpoint with this health."""
    return EndpointBelief(own=health.own, shared=shared, base_rates=health.base_rates, persistent=health.persistent)


def _shown(seen: Observation) -> Seen:
    if seen.outcome is SampleOutcome.OK:
        return Success.REACHED if seen.reach else Success.WITHIN_SLO if seen.within_slo else Success.SLOW
    return Failure(error=seen.error or ErrorClass.INTERNAL, reach=seen.reach)


def _reached(health: Health, shared: ProviderBelief, at: datetime) -> tuple[Health, ProviderBelief]:
    """After a sign of life without a token: news only where nobody answered before.

    Who answers without doing any work goes on doing so: each time that is seen again says nothing more.
    """
    if not health.silent:
        return settle(health, shared, at), shared
    view, _ = update(view_of(health, shared), Success.REACHED, at.timestamp())
    health = replace(health, own=view.own, base_rates=view.base_rates, persistent=view.persistent, silent=False)
    return settle(health, view.shared, at), view.shared


def _settled(health: Health, belief: Belief, at: datetime) -> Health:
    status = _status(health, belief)
    # A slow probe reports after quicker ones that began later: the change is not older than the one before it.
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
    """How likely a request meets an endpoint that is down, or as bad."""
    if belief[LASTING] < _LASTS:
        return belief[Hidden.DOWN]
    return belief[Hidden.DOWN] + belief[LASTING] * _share(1 - health.persistent.shares[2], _DEAD, _ALIVE)


def well(health: Health, belief: Belief) -> float:
    """How likely a request meets an endpoint that is up, or as good."""
    if belief[LASTING] < _LASTS:
        return belief[Hidden.UP]
    return belief[Hidden.UP] + belief[LASTING] * _share(health.persistent.shares[0], _FINE, _POOR)


def _share(value: float, whole: float, none: float) -> float:
    """How far a value lies from where it counts for nothing to where it counts in full."""
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
