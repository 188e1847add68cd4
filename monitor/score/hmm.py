"""A hidden Markov model of health: the probability that an endpoint's next request succeeds within its SLO. Pure.

The model has two levels: an endpoint has a state of its own, its provider has a state that all its endpoints share, and
a request meets the worse of both. So one endpoint's failure makes failures of the others likelier, and their successes
clear the provider. Between samples the beliefs move as in `markov`; at a sample they are weighted by the likelihood of
the sample in each pair of states. An endpoint's base rates and the onset rate of trouble are learned from its own
samples. The likelihoods in each state of trouble are the same for all endpoints.
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
"""The rates of an endpoint's own trouble, per hour."""
SHARED: Final = Rates(onset=(0.002, 0.002, 0.003, 0.003, 0.003), recovery=(1.5, 1.5, 1.5, 1.5, 2.0))
"""The rates of a provider's trouble, per hour."""

_FAILS: Final = (0.02, 0.02, 0.24, 0.545, 0.985)
"""Share of requests that fail, in each state of trouble.

Trouble has any severity, and a state represents a range of it. Its value is the middle of the range; otherwise the
scores of the whole range would be biased.
"""
_MISSES: Final = (0.645, 0.895, 0.12, 0.12, 0.3)
"""Share of successful requests that miss the SLO, in each state of trouble."""
_UNREACHABLE: Final = (0.0005, 0.003, 0.005, 0.03, 0.12, 0.5)
"""Share of requests without any answer, in each state: what a `reach` probe can tell."""

_WELL: Final = 0.2
"""The probability of up from which a sample updates the base rates."""

_ONSETS_WEIGHT: Final = 1.5
"""The weight of the prior onset rate, in onsets."""
_ONSETS_HALF_LIFE_H: Final = 30 * 24.0
_ONSET_FACTORS: Final = tuple(math.exp2(place / 2) for place in range(-6, 7))
LEAST_ONSET_FACTOR, MOST_ONSET_FACTOR = _ONSET_FACTORS[0], _ONSET_FACTORS[-1]
_ONSET_FACTOR_STEPS: Final = tuple(factor * math.exp2(0.25) for factor in _ONSET_FACTORS[:-1])
"""The boundaries between the factors."""
_BEGUN, _ENDED = 0.2, 0.8
"""The probability of up below which trouble has begun, and above which it has ended."""
_LEFT: Final = 1e-4
"""A smaller probability of persistent trouble is ignored."""
_DOUBTED: Final = 2.0
"""The weight of the prior in the confidence interval, in samples."""
_DEPTHS: Final = (20.0, 10.0, 15.0, 12.0, 15.0)
"""The weight of each state's success rate in the confidence interval, in samples."""
LASTING: Final = len(Hidden)
"""The index of persistent trouble in a belief, after the states."""
_LEAST: Final = 1e-6
"""The smallest probability of a state. A probability of 0 could never grow again."""

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
"""The share of each error class among the failures of an endpoint that is up, slow, or fails often.

Every outage repeats its own error class. So an endpoint that is down and one that fails every other time differ in how
often they fail, never in the class.
"""
_ANY_KIND: Final = (0.02, 0.02, 0.02)
"""The same for a class that the configuration blames on the provider: the class itself does not tell states apart."""


class Success(Enum):
    """How a request succeeded."""

    WITHIN_SLO = "within_slo"
    SLOW = "slow"
    REACHED = "reached"
    """A `reach` probe that got an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request that failed through the provider's fault."""

    error: ErrorClass
    reach: bool = False
    """A `reach` probe."""


Seen: TypeAlias = Success | Failure
"""The result of a counted sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBelief:
    """The belief about one state: an endpoint's own, or its provider's."""

    at_s: float | None = None
    """Start of the newest counted sample, in seconds since 1970."""
    probabilities: Belief = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    """The probability of each state at that time, after that sample."""
    troubled: bool = False
    onsets: float = 0.0
    """Number of onsets of trouble; old ones fade."""
    hours: float = 0.0
    """Hours observed without trouble; old ones fade."""
    onset_factor: float = 1.0
    """Ratio of this endpoint's failure onset rate to the fleet's."""


NEW: Final = LevelBelief()
"""Before the first sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointBelief:
    """The belief about an endpoint: its own state, its provider's state, and its base rates."""

    own: LevelBelief = NEW
    """Given that it is not in persistent trouble."""
    shared: LevelBelief = NEW
    base_rates: BaseRates = DEFAULT_RATES
    persistent: PersistentTrouble = NEWCOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """The probability that a request succeeds within its SLO."""

    score: float
    confidence: tuple[float, float]
    """The 95 % interval."""


def update(view: EndpointBelief, seen: Seen, at_s: float) -> tuple[EndpointBelief, float]:
    """The belief after one more counted sample, and the prior probability of such a result (any class of failure).

    A sample that is older than the newest counts as if it were the newest.
    """
    own, shared, lasts, keep = _now(view, at_s)
    gap_s = 0.0 if view.own.at_s is None else at_s - view.own.at_s
    base_rates = view.base_rates.faded(gap_s) if gap_s > 0 else view.base_rates
    shares = view.persistent.next_shares(keep)
    likely = _likelihoods(base_rates, seen)
    weights, shared_weights = _weighed(own, shared, likely)
    # An endpoint in persistent trouble meets that, unless its provider is in trouble, too.
    lasting = (_lasting(shares, seen), *likely[1:])
    alone, together = (1 - lasts) * sum(weights), lasts * _mean(shared, lasting)
    share = bounded(together / (alone + together))
    if lasts > _LEFT:
        both = zip(shared_weights, shared, lasting, strict=True)
        shared_weights = [(1 - lasts) * weight + lasts * share * likelihood for weight, share, likelihood in both]
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
    """The probability of each state that a request would meet, the worse of both levels; last, persistent trouble."""
    own, shared, lasts, _ = _now(view, at_s)
    return _meets(own, shared, lasts)


def chance(view: EndpointBelief, at_s: float) -> Chance:
    """The probability that a request at a time succeeds within its SLO."""
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
    # Written out, since it is called very often.
    return (
        passes * up,
        *(passes * a + lasts * f, passes * b + lasts * g, passes * c + lasts * h),
        *(passes * d + lasts * i, passes * e + lasts * j, lasts * its),
    )


def _now(view: EndpointBelief, at_s: float) -> tuple[Belief, Belief, float, float]:
    """Both levels' beliefs, the probability of persistent trouble, and the share of its samples that still counts."""
    own, shared = _believed(view.own, OWN, at_s), _believed(view.shared, SHARED, at_s)
    if view.own.at_s is None or view.own.at_s >= at_s:
        return own, shared, view.persistent.share, 1.0
    lasts, keep, left = view.persistent.aged(at_s - view.own.at_s)
    if left > _LEFT:  # persistent trouble that has ended leaves the endpoint up
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


def _believed(before: LevelBelief, rates: Rates, at_s: float) -> Belief:
    if before.at_s is None:
        return settled(rates, before.onset_factor)
    if before.at_s >= at_s:
        return before.probabilities
    return moved(before.probabilities, rates, before.onset_factor, at_s - before.at_s)


def _worse(own: Belief, shared: Belief) -> Belief:
    no_worse = list(map(mul, accumulate(own), accumulate(shared)))  # both are in this state or a better one
    return (no_worse[0], *map(sub, no_worse[1:], no_worse))


def _followed(before: LevelBelief, belief: Belief, up: float, at_s: float, rates: Rates) -> LevelBelief:
    """The new belief, with its onset rate updated by the time since the last sample."""
    newest_s = at_s if before.at_s is None else max(before.at_s, at_s)
    gap_h = 0.0 if before.at_s is None else (newest_s - before.at_s) / HOUR_S
    keep = 0.5 ** (gap_h / _ONSETS_HALF_LIFE_H)
    troubled = up < (_ENDED if before.troubled else _BEGUN)
    # Trouble from the first sample on has no onset.
    onsets = before.onsets * keep + (troubled and not before.troubled and before.at_s is not None)
    hours = before.hours * keep + gap_h * (not before.troubled)
    return LevelBelief(
        at_s=newest_s,
        probabilities=belief,
        troubled=troubled,
        onsets=onsets,
        hours=hours,
        onset_factor=_onset_factor(onsets, hours * rates.onsets),
    )


def _onset_factor(onsets: float, expected: float) -> float:
    """In steps of the square root of two, so that endpoints share few transition matrices."""
    return _ONSET_FACTORS[bisect(_ONSET_FACTOR_STEPS, (_ONSETS_WEIGHT + onsets) / (_ONSETS_WEIGHT + expected))]


def _likelihoods(base_rates: BaseRates, seen: Seen) -> tuple[float, ...]:
    match seen:
        case Success.REACHED:
            return tuple([1 - share for share in _UNREACHABLE])
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
    """The likelihood of a result in persistent trouble."""
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
    """Both levels' beliefs weighted by the likelihood of a result, which depends on the worse of both levels' states.

    The sum of either list is the probability of the result.
    """
    joint_own, joint_shared = list(map(mul, own, likely)), list(map(mul, shared, likely))
    whole_own, whole_shared = sum(joint_own), sum(joint_shared)
    sum_own = sum_shared = sum_joint_own = sum_joint_shared = 0.0
    own_weights, shared_weights = [], []
    for own_share, shared_share, own_joint, shared_joint, likelihood in zip(
        own, shared, joint_own, joint_shared, likely, strict=True
    ):
        sum_own += own_share
        sum_shared += shared_share
        sum_joint_own += own_joint
        sum_joint_shared += shared_joint
        # Where the other level's state is no worse, this level's likelihood counts; otherwise the other level's.
        own_weights.append(own_share * (likelihood * sum_shared + whole_shared - sum_joint_shared))
        shared_weights.append(shared_share * (likelihood * sum_own + whole_own - sum_joint_own))
    return own_weights, shared_weights


def _normal(weights: list[float]) -> Belief:
    least = sum(weights) * _LEAST
    floored = [weight if weight > least else least for weight in weights]  # noqa: FURB136  (max() takes twice as long)
    total = sum(floored)
    return tuple([weight / total for weight in floored])


_GOOD: Final = tuple((1 - fails) * (1 - misses) for fails, misses in zip(_FAILS, _MISSES, strict=True))
_LATE: Final = tuple((1 - fails) * misses for fails, misses in zip(_FAILS, _MISSES, strict=True))
