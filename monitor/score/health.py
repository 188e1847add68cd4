"""An endpoint's health: what is believed of it, its status with hysteresis, and what troubles the account. Pure.

The belief is the filter's; the status follows it, with a gap between falling and rising, so that it does not flap near
a line. What the provider's other endpoints show moves the belief, but it takes a failure of its own to make an endpoint
down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from monitor.score.chain import Belief, Hidden
from monitor.score.filter import (
    NEW,
    USUAL,
    Failure,
    Outlook,
    Seen,
    Success,
    Usual,
    View,
    after,
    chance,
    expected,
    met,
)
from monitor.score.outcomes import Outcome
from monitor.status import Status
from probes._model import ErrorClass, Task

_DOWN_FROM, _DOWN_STAYS = 0.6, 0.1
"""How likely a request has to meet an endpoint that is down for it to be called so, and for that to stay."""
_WELL_STAYS, _WELL_FROM = 0.25, 0.8
"""How likely it has to meet one that is up for it not to be called degraded any more, and for `up` to stay."""
_GOOD_STAYS, _GOOD_FROM = 0.8, 0.85
"""The same of how many requests succeed within the SLO while nothing ails an endpoint: some never do well."""
_ODD_FROM, _ODD_MOST = 3, 5
"""From how many more unusual samples than usual ones an endpoint is degraded, and how many are remembered."""
_SURPRISE: Final = 0.03
"""A sample that was less likely than this raises a doubt."""
CALM: Final = 16
"""Samples after which no surprise is remembered, whatever the limits of the pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one sample says about health."""

    at: datetime
    """When the probe started."""
    outcome: Outcome
    within_slo: bool
    unusual: bool = False
    """Far from the endpoint's own habit."""
    task: Task = Task.CHAT
    paces: bool = True
    """Whether it is one of those whose pace adapts; of others only a surprise counts for that."""
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
    own: Outlook = NEW
    usual: Usual = USUAL
    failures: int = 0
    """Provider failures in a row."""
    odd: int = 0
    """How many more of the newest samples were unusual than were not."""
    calm: int = CALM
    """Samples since the newest that was a surprise."""
    paced_at: datetime | None = None
    """Start of the newest of these, or of the surprise."""
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


def advance(health: Health, shared: Outlook, seen: Observation) -> tuple[Health, Outlook]:
    """An endpoint's health and its provider's outlook after one more sample."""
    health = _remember_error(health, seen)
    if not seen.outcome.counted:
        return _note_account(health, seen), shared
    view, shown, at_s = _view(health, shared), _shown(seen), seen.at.timestamp()
    surprised = expected(view, shown, at_s) < _SURPRISE
    view = after(view, shown, at_s)
    health = replace(
        health,
        own=view.own,
        usual=view.usual,
        failures=_failures(health.failures, shown),
        odd=min(health.odd + 1, _ODD_MOST) if seen.unusual else max(health.odd - 1, 0),
        measured_at=max(seen.at, health.measured_at or seen.at),
        trouble=None,
    )
    return settle(_paced(health, seen, surprised=surprised), view.shared, seen.at), view.shared


def settle(health: Health, shared: Outlook, at: datetime) -> Health:
    """The health with the status that is due at a moment, as far as samples up to then tell."""
    if health.measured_at is None:
        return health
    status = _status(health, met(_view(health, shared), at.timestamp()))
    # A slow probe reports after quicker ones that began later: the change is not older than the one before it.
    return health if status is health.status else replace(health, status=status, since=max(at, health.since))


def assess(health: Health, shared: Outlook, now: datetime, *, stale_s: float) -> Assessment:
    """What to publish at `now`; a health without a sample for `stale_s` is unknown, its score what is usual for it."""
    if health.measured_at is None:
        return Assessment(status=Status.UNKNOWN, since=health.since, score=None, confidence=None, stale_after=None)
    stale_after = health.measured_at + timedelta(seconds=stale_s)
    stale = now > stale_after
    view = _view(health, shared)
    found = chance(view, met(view, now.timestamp()))
    return Assessment(
        status=Status.UNKNOWN if stale else health.status,
        since=stale_after if stale else health.since,
        score=found.score,
        confidence=found.confidence,
        stale_after=stale_after,
    )


def in_doubt(health: Health, shared: Outlook, at: datetime) -> bool:
    """Whether anything of the newest samples still speaks against an endpoint; a surprise does until the next one."""
    belief = met(_view(health, shared), at.timestamp())
    return belief[Hidden.UP] < _WELL_FROM or health.odd > 0 or health.calm == 0


def _view(health: Health, shared: Outlook) -> View:
    return View(own=health.own, shared=shared, usual=health.usual)


def _shown(seen: Observation) -> Seen:
    reach = seen.task is Task.REACH
    if seen.outcome is Outcome.OK:
        return Success.REACHED if reach else Success.WITHIN_SLO if seen.within_slo else Success.SLOW
    return Failure(error=seen.error or ErrorClass.INTERNAL, reach=reach)


def _paced(health: Health, seen: Observation, *, surprised: bool) -> Health:
    if not (surprised or seen.paces):
        return health
    newest = max(seen.at, health.paced_at or seen.at)
    return replace(health, calm=0 if surprised else health.calm + 1, paced_at=newest)


def _failures(before: int, shown: Seen) -> int:
    """That somebody answers who was not asked for tokens does not end a row of failures."""
    match shown:
        case Failure():
            return before + 1
        case Success.REACHED:
            return before
        case _:
            return 0


def _status(health: Health, belief: Belief) -> Status:
    before = health.status
    down = belief[Hidden.DOWN]
    if before is Status.DOWN and down >= _DOWN_STAYS:
        return Status.DOWN
    if health.failures and down >= _DOWN_FROM:
        return Status.DOWN
    rising = before in {Status.DEGRADED, Status.DOWN}
    well, good, odd = (_WELL_FROM, _GOOD_FROM, 1) if rising else (_WELL_STAYS, _GOOD_STAYS, _ODD_FROM)
    fine = belief[Hidden.UP] >= well and health.usual.good_share >= good and health.odd < odd
    return Status.UP if fine else Status.DEGRADED


def _remember_error(health: Health, seen: Observation) -> Health:
    if seen.error is None or seen.outcome in {Outcome.MONITOR, Outcome.NETWORK}:
        return health
    return replace(health, last_error=LastError(error=seen.error, at=seen.at, status_code=seen.status_code))


def _note_account(health: Health, seen: Observation) -> Health:
    if seen.error is None or seen.outcome not in {Outcome.ACCOUNT, Outcome.RATE_LIMITED}:
        return health
    since = health.trouble.since if health.trouble else seen.at
    return replace(health, trouble=Trouble(error=seen.error, since=since))
