"""What samples say about hidden health, and how likely an endpoint's next request succeeds within its SLO. Pure.

A hidden Markov model on two levels: an endpoint has a state of its own, its provider has one that all its endpoints
share, and a request meets the worse of both. So one endpoint's failure makes the others' likelier, and their successes
clear the provider. Between samples the beliefs move as `chain` says; at a sample they are weighed by how likely that
sample is in each pair of states. What is usual while an endpoint is well (its background of failures, its misses of
the SLO) and how often trouble comes are learned from its own samples; what trouble looks like is the same for all.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import accumulate
from operator import mul, sub
from typing import Final, TypeAlias

from monitor.score.base_rates import DEFAULT_RATES, DEFAULT_WEIGHT, BaseRates
from monitor.score.interval import interval
from monitor.score.markov import HOUR_S, Belief, Hidden, Rates, moved, settled
from monitor.score.persistent import NEWCOMER, PersistentTrouble, Shares, bounded
from probes._model import ErrorClass

OWN: Final = Rates(onset=(0.005, 0.004, 0.004, 0.003, 0.0033), recovery=(2.0, 2.0, 1.5, 1.5, 3.0))
"""How an endpoint's own trouble comes and goes."""
SHARED: Final = Rates(onset=(0.002, 0.002, 0.003, 0.003, 0.003), recovery=(1.5, 1.5, 1.5, 1.5, 2.0))
"""How that of a whole provider does."""

_FAILS: Final = (0.02, 0.02, 0.24, 0.545, 0.985)
"""How often a request fails in each state of trouble.

Trouble is of any depth, and a state stands for its part of them: it is where the middle of that part is, or else the
scores of all that it stands for are off to one side.
"""
_MISSES: Final = (0.645, 0.895, 0.12, 0.12, 0.3)
"""How often one that succeeds misses its SLO there."""
_UNREACHABLE: Final = (0.0005, 0.003, 0.005, 0.03, 0.12, 0.5)
"""How often a provider does not answer at all, in each state: what a probe without tokens can tell."""

_WELL: Final = 0.2
"""How sure it has to be that an endpoint is well for its sample to say something about what is usual."""

_ONSETS_WEIGHT: Final = 1.5
"""How many onsets of trouble the rates given above are worth, against those that were seen."""
_ONSETS_HALF_LIFE_H: Final = 30 * 24.0
_ONSET_FACTORS: Final = tuple(math.exp2(place / 2) for place in range(-6, 7))
LEAST_ONSET_FACTOR, MOST_ONSET_FACTOR = _ONSET_FACTORS[0], _ONSET_FACTORS[-1]
_ONSET_FACTOR_STEPS: Final = tuple(factor * math.exp2(0.25) for factor in _ONSET_FACTORS[:-1])
"""From where on the next one is nearer."""
_BEGUN, _ENDED = 0.2, 0.8
"""Below and above which probability of being up trouble has begun, and ended."""
_LEFT: Final = 1e-4
"""A chance that trouble lasts, or has just passed, is worth the arithmetic from here on."""
_DOUBTED: Final = 2.0
"""How many samples of an endpoint itself what it is taken for beforehand is worth, in its interval."""
_DEPTHS: Final = (20.0, 10.0, 15.0, 12.0, 15.0)
"""How well known it is what requests meet in each state of trouble, in samples: trouble is of any depth."""
LASTING: Final = len(Hidden)
"""The place of trouble that lasts in what a request meets, after the states."""
_LEAST: Final = 1e-6
"""No state is ever given up for impossible: it would never be believed in again."""

_KINDS: Final[Mapping[ErrorClass, tuple[float, float, float]]] = {
    ErrorClass.DNS: (0.03, 0.01, 0.04),
    ErrorClass.CONNECT: (0.08, 0.02, 0.19),
    ErrorClass.TLS: (0.02, 0.01, 0.03),
    ErrorClass.TIMEOUT_TTFT: (0.17, 0.48, 0.19),
    ErrorClass.TIMEOUT_TOTAL: (0.10, 0.25, 0.05),
    ErrorClass.STALLED: (0.08, 0.10, 0.04),
    ErrorClass.OVERLOADED: (0.20, 0.06, 0.19),
    ErrorClass.SERVER_ERROR: (0.17, 0.03, 0.20),
    ErrorClass.MALFORMED: (0.02, 0.01, 0.01),
    ErrorClass.TRUNCATED: (0.06, 0.01, 0.02),
    ErrorClass.STREAM_ERROR: (0.04, 0.01, 0.02),
    ErrorClass.EMPTY: (0.02, 0.005, 0.01),
    ErrorClass.WRONG_ANSWER: (0.01, 0.005, 0.01),
}
"""Of the failures of an endpoint that is up, slow, or fails often: how many are of each class.

Every outage has a face of its own, which it shows again and again: one that is down and one that fails every other time
are told apart by how often they fail, never by the class.
"""
_ANY_KIND: Final = (0.02, 0.02, 0.02)
"""Of a class that a configuration blames on the provider: it tells the states apart by being a failure alone."""


class Success(Enum):
    """How a request succeeded."""

    WITHIN_SLO = "within_slo"
    SLOW = "slow"
    REACHED = "reached"
    """It asked for no tokens, and was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a request failed, by the provider's fault."""

    error: ErrorClass
    reach: bool = False
    """It asked for no tokens."""


Seen: TypeAlias = Success | Failure
"""What a counted sample showed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderBelief:
    """What is known of one state: an endpoint's own, or that of its provider."""

    at_s: float | None = None
    """When the newest counted sample began, in seconds since 1970."""
    probabilities: Belief = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    """At that time, after that sample."""
    troubled: bool = False
    onsets: float = 0.0
    """How often trouble began; old ones fade."""
    hours: float = 0.0
    """How long it was watched without trouble; old ones fade."""
    onset_factor: float = 1.0
    """By how much trouble comes more often than to most."""


NEW: Final = ProviderBelief()
"""Before the first sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointBelief:
    """What is known of an endpoint: its own state, the one it shares, and what is usual for it."""

    own: ProviderBelief = NEW
    """Unless it is in trouble that lasts."""
    shared: ProviderBelief = NEW
    base_rates: BaseRates = DEFAULT_RATES
    persistent: PersistentTrouble = NEWCOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """How likely a request succeeds within its SLO."""

    score: float
    confidence: tuple[float, float]
    """1.96 standard deviations to either side, as far as there are probabilities."""


def update(view: EndpointBelief, seen: Seen, at_s: float) -> tuple[EndpointBelief, float]:
    """What is known after one more counted sample, and how likely one of its kind was: of failures, of whatever class.

    A sample that is older than the newest counts as if it were new.
    """
    own, shared, lasts, keep = _now(view, at_s)
    gap_s = 0.0 if view.own.at_s is None else at_s - view.own.at_s
    base_rates = view.base_rates.faded(gap_s) if gap_s > 0 else view.base_rates
    shares = view.persistent.next_shares(keep)
    likely = _likelihoods(base_rates, seen)
    weights, shared_weights = _weighed(own, shared, likely)
    # One that is in trouble that lasts meets that, unless its provider is in trouble, too.
    lasting = (_lasting(shares, seen), *likely[1:])
    alone, together = (1 - lasts) * sum(weights), lasts * _mean(shared, lasting)
    share = bounded(together / (alone + together))
    if lasts > _LEFT:
        both = zip(shared_weights, shared, lasting, strict=True)
        shared_weights = [(1 - lasts) * each + lasts * ours * its for each, ours, its in both]
    own_after, shared_after = _normal(weights), _normal(shared_weights)
    up = own_after[Hidden.UP] * (1 - share)
    after = EndpointBelief(
        own=_followed(view.own, own_after, up, at_s, OWN),
        shared=_followed(view.shared, shared_after, shared_after[Hidden.UP], at_s, SHARED),
        base_rates=_learned(base_rates, seen, up * shared_after[Hidden.UP]),
        persistent=_lived(view.persistent, share, keep, seen),
    )
    if isinstance(seen, Failure):
        failing = _failing(base_rates, reach=seen.reach)
        expected = _mean(shared, (_lasting_fails(shares, reach=seen.reach), *failing[1:]))
        return after, (1 - lasts) * _mean(_worse(own, shared), failing) + lasts * expected
    return after, alone + together


def met(view: EndpointBelief, at_s: float) -> Belief:
    """The probability of each state that a request at a time would meet, the worse of both; last, of what lasts."""
    own, shared, lasts, _ = _now(view, at_s)
    return _meets(own, shared, lasts)


def chance(view: EndpointBelief, at_s: float) -> Chance:
    """How likely a request at a time succeeds."""
    own, shared, lasts, keep = _now(view, at_s)
    belief = _meets(own, shared, lasts)
    good = (view.base_rates.good_share, *_GOOD, view.persistent.next_shares(keep)[0])
    score = _mean(belief, good)
    known = (view.base_rates.all - DEFAULT_WEIGHT + _DOUBTED, *_DEPTHS, view.persistent.weight(keep))
    return Chance(score=score, confidence=interval(zip(belief, good, known, strict=True), score))


def _meets(own: Belief, shared: Belief, lasts: float) -> Belief:
    passes = 1 - lasts
    up, a, b, c, d, e = _worse(own, shared)
    its, f, g, h, i, j = shared
    # Written out, since it is asked so often.
    return (
        passes * up,
        *(passes * a + lasts * f, passes * b + lasts * g, passes * c + lasts * h),
        *(passes * d + lasts * i, passes * e + lasts * j, lasts * its),
    )


def _now(view: EndpointBelief, at_s: float) -> tuple[Belief, Belief, float, float]:
    """Both levels' beliefs, how likely trouble lasts, and how much of what was seen of it counts."""
    own, shared = _believed(view.own, OWN, at_s), _believed(view.shared, SHARED, at_s)
    if view.own.at_s is None or view.own.at_s >= at_s:
        return own, shared, view.persistent.share, 1.0
    lasts, keep, left = view.persistent.aged(at_s - view.own.at_s)
    if left > _LEFT:  # where it was, it is well now
        up, *worse = (share * (1 - left) for share in own)
        own = (up + left, *worse)
    return own, shared, lasts, keep


def _learned(base_rates: BaseRates, seen: Seen, well: float) -> BaseRates:
    if well <= _WELL or _reach(seen):
        return base_rates
    return base_rates.with_sample(well, failed=isinstance(seen, Failure), late=seen is Success.SLOW)


def _lived(persistent: PersistentTrouble, share: float, keep: float, seen: Seen) -> PersistentTrouble:
    if _reach(seen):
        return replace(persistent, share=share)
    return persistent.after(share, keep, good=seen is Success.WITHIN_SLO, late=seen is Success.SLOW)


def _believed(before: ProviderBelief, rates: Rates, at_s: float) -> Belief:
    if before.at_s is None:
        return settled(rates, before.onset_factor)
    if before.at_s >= at_s:
        return before.probabilities
    return moved(before.probabilities, rates, before.onset_factor, at_s - before.at_s)


def _worse(own: Belief, shared: Belief) -> Belief:
    no_worse = list(map(mul, accumulate(own), accumulate(shared)))  # both are up to this state
    return (no_worse[0], *map(sub, no_worse[1:], no_worse))


def _followed(before: ProviderBelief, belief: Belief, up: float, at_s: float, rates: Rates) -> ProviderBelief:
    """The outlook with its new belief, and with what the time since the last one says about how often trouble comes."""
    newest_s = at_s if before.at_s is None else max(before.at_s, at_s)
    gap_h = 0.0 if before.at_s is None else (newest_s - before.at_s) / HOUR_S
    keep = 0.5 ** (gap_h / _ONSETS_HALF_LIFE_H)
    troubled = up < (_ENDED if before.troubled else _BEGUN)
    # What was bad from its first sample on has not begun.
    onsets = before.onsets * keep + (troubled and not before.troubled and before.at_s is not None)
    hours = before.hours * keep + gap_h * (not before.troubled)
    return ProviderBelief(
        at_s=newest_s,
        probabilities=belief,
        troubled=troubled,
        onsets=onsets,
        hours=hours,
        onset_factor=_onset_factor(onsets, hours * rates.onsets),
    )


def _onset_factor(onsets: float, expected: float) -> float:
    """In steps of the square root of two, so that endpoints have few chains between them."""
    return _ONSET_FACTORS[bisect(_ONSET_FACTOR_STEPS, (_ONSETS_WEIGHT + onsets) / (_ONSETS_WEIGHT + expected))]


def _likelihoods(base_rates: BaseRates, seen: Seen) -> tuple[float, ...]:
    """How likely a sample is in each state."""
    match seen:
        case Success.REACHED:
            return tuple([1 - each for each in _UNREACHABLE])
        case Success.WITHIN_SLO:
            return (base_rates.good_share, *_GOOD)
        case Success.SLOW:
            return ((1 - base_rates.fail_share) * base_rates.miss_share, *_LATE)
        case _:
            up, slow, bad = _KINDS.get(seen.error, _ANY_KIND)
            return tuple(map(mul, _failing(base_rates, reach=seen.reach), (up, slow, slow, bad, bad, bad)))


def _failing(base_rates: BaseRates, *, reach: bool) -> tuple[float, ...]:
    return _UNREACHABLE if reach else (base_rates.fail_share, *_FAILS)


def _lasting(shares: Shares, seen: Seen) -> float:
    """How likely a sample is in trouble that lasts."""
    good, late, failed = shares
    match seen:
        case Success.REACHED:
            return 1 - failed * _UNREACHABLE[Hidden.DOWN]
        case Success.WITHIN_SLO:
            return good
        case Success.SLOW:
            return late
        case _:
            return _lasting_fails(shares, reach=seen.reach) * _KINDS.get(seen.error, _ANY_KIND)[2]


def _lasting_fails(shares: Shares, *, reach: bool) -> float:
    return shares[2] * (_UNREACHABLE[Hidden.DOWN] if reach else 1.0)


def _reach(seen: Seen) -> bool:
    return seen.reach if isinstance(seen, Failure) else seen is Success.REACHED


def _mean(belief: Belief, values: tuple[float, ...]) -> float:
    return float(sum(map(mul, belief, values)))


def _weighed(own: Belief, shared: Belief, likely: tuple[float, ...]) -> tuple[list[float], list[float]]:
    """Both levels' beliefs, weighed by how likely a sample is in each state, the worse of both levels' states counting.

    Together either is how likely the sample was.
    """
    alone, beside = list(map(mul, own, likely)), list(map(mul, shared, likely))
    whole_alone, whole_beside = sum(alone), sum(beside)
    sum_own = sum_shared = sum_alone = sum_beside = 0.0
    own_weights, shared_weights = [], []
    for mine, ours, my, our, each in zip(own, shared, alone, beside, likely, strict=True):
        sum_own += mine
        sum_shared += ours
        sum_alone += my
        sum_beside += our
        # Where the other's state is no worse this one's tells, and where it is, the other's own.
        own_weights.append(mine * (each * sum_shared + whole_beside - sum_beside))
        shared_weights.append(ours * (each * sum_own + whole_alone - sum_alone))
    return own_weights, shared_weights


def _normal(weights: list[float]) -> Belief:
    least = sum(weights) * _LEAST
    floored = [weight if weight > least else least for weight in weights]  # noqa: FURB136  (max() takes twice as long)
    total = sum(floored)
    return tuple([weight / total for weight in floored])


_GOOD: Final = tuple((1 - fails) * (1 - misses) for fails, misses in zip(_FAILS, _MISSES, strict=True))
_LATE: Final = tuple((1 - fails) * misses for fails, misses in zip(_FAILS, _MISSES, strict=True))
