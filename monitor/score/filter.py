"""What samples say about hidden health, and how likely an endpoint's next request succeeds within its SLO. Pure.

A hidden Markov model on two levels: an endpoint has a state of its own, its provider has one that all its endpoints
share, and a request meets the worse of both. So one endpoint's failure makes the others' likelier, and their successes
clear the provider. Between samples the beliefs move as `chain` says; at a sample they are weighed by how likely that
sample is in each pair of states. What is usual while an endpoint is well (its background of failures, its misses of
the SLO) and how often trouble comes are learned from its own samples; what trouble looks like is the same for all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from operator import mul, sub
from typing import Final, TypeAlias

from monitor.score.chain import HOUR_S, Belief, Hidden, Rates, moved, settled
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

_USUAL_FAILS, _USUAL_MISSES, _USUAL_WEIGHT = 0.004, 0.01, 60.0
"""What an endpoint that is well is taken for before it has shown itself, and how many samples that is worth."""
_USUAL_HALF_LIFE_S: Final = 7 * 86_400.0
_WELL: Final = 0.5
"""How sure it has to be that an endpoint is well for its sample to say something about what is usual."""

_LUCK_WEIGHT: Final = 3.0
"""How many onsets of trouble the rates given above are worth, against those that were seen."""
_LUCK_HALF_LIFE_H: Final = 30 * 24.0
LUCK_LEAST, LUCK_MOST = 0.25, 8.0
_BEGUN, _ENDED = 0.2, 0.8
"""Below and above which probability of being up trouble has begun, and ended."""
_SIGMAS: Final = 1.96
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
class Outlook:
    """What is known of one state: an endpoint's own, or that of its provider."""

    at_s: float | None = None
    """When the newest counted sample began, in seconds since 1970."""
    belief: Belief = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    """At that time, after that sample."""
    troubled: bool = False
    onsets: float = 0.0
    """How often trouble began; old ones fade."""
    hours: float = 0.0
    """How long it was watched without trouble; old ones fade."""
    luck: float = 1.0
    """By how much trouble comes more often than to most."""


NEW: Final = Outlook()
"""Before the first sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Weights of what an endpoint's samples showed while it was well; old ones fade."""

    fails: float = _USUAL_FAILS * _USUAL_WEIGHT
    misses: float = _USUAL_MISSES * _USUAL_WEIGHT
    all: float = _USUAL_WEIGHT

    @property
    def fail_share(self) -> float:
        """How often a request fails."""
        return self.fails / self.all

    @property
    def miss_share(self) -> float:
        """How often one that succeeds misses the SLO."""
        return self.misses / max(self.all - self.fails, 1.0)

    @property
    def good_share(self) -> float:
        """How often it succeeds within the SLO."""
        return (1 - self.fail_share) * (1 - self.miss_share)

    def faded(self, seconds: float) -> Usual:
        """The same so many seconds later."""
        keep = 0.5 ** (seconds / _USUAL_HALF_LIFE_S)
        return Usual(
            fails=USUAL.fails + (self.fails - USUAL.fails) * keep,
            misses=USUAL.misses + (self.misses - USUAL.misses) * keep,
            all=USUAL.all + (self.all - USUAL.all) * keep,
        )

    def with_sample(self, seen: Seen, weight: float) -> Usual:
        """The same with one sample more."""
        return Usual(
            fails=self.fails + weight * isinstance(seen, Failure),
            misses=self.misses + weight * (seen is Success.SLOW),
            all=self.all + weight,
        )


USUAL: Final = Usual()
"""Before an endpoint has shown itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is known of an endpoint: its own state, the one it shares, and what is usual for it."""

    own: Outlook = NEW
    shared: Outlook = NEW
    usual: Usual = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """How likely a request succeeds within its SLO."""

    score: float
    confidence: tuple[float, float]
    """1.96 standard deviations to either side, as far as there are probabilities."""


def update(view: View, seen: Seen, at_s: float) -> tuple[View, float]:
    """What is known after one more counted sample, and how likely one of its kind was: of failures, of whatever class.

    A sample that is older than the newest counts as if it were new.
    """
    own, shared = _now(view, at_s)
    gap_s = 0.0 if view.own.at_s is None else at_s - view.own.at_s
    usual = view.usual.faded(gap_s) if gap_s > 0 else view.usual
    likely = _likelihoods(usual, seen)
    weights = _weighed(own, shared, likely)
    own_after, shared_after = _normal(weights), _normal(_weighed(shared, own, likely))
    well = own_after[Hidden.UP] * shared_after[Hidden.UP]
    told = not _reach(seen) and well > _WELL
    after = View(
        own=_followed(view.own, own_after, at_s, OWN),
        shared=_followed(view.shared, shared_after, at_s, SHARED),
        usual=usual.with_sample(seen, well) if told else usual,
    )
    if isinstance(seen, Failure):
        return after, _mean(_worse(own, shared), _failing(usual, reach=seen.reach))
    return after, sum(weights)


def met(view: View, at_s: float) -> Belief:
    """The probability of each state that a request at a time would meet: the worse of both."""
    return _worse(*_now(view, at_s))


def chance(view: View, belief: Belief) -> Chance:
    """How likely a request succeeds that meets each state with the probability in `belief`."""
    good = _likelihoods(view.usual, Success.WITHIN_SLO)
    score = _mean(belief, good)
    # Of which state it is in, and of what is usual there.
    variance = sum(share * (each - score) ** 2 for share, each in zip(belief, good, strict=True))
    variance += belief[Hidden.UP] * good[Hidden.UP] * (1 - good[Hidden.UP]) / view.usual.all
    reach = _SIGMAS * math.sqrt(variance)
    return Chance(score=score, confidence=(max(score - reach, 0.0), min(score + reach, 1.0)))


def _now(view: View, at_s: float) -> tuple[Belief, Belief]:
    return _believed(view.own, OWN, at_s), _believed(view.shared, SHARED, at_s)


def _believed(outlook: Outlook, rates: Rates, at_s: float) -> Belief:
    if outlook.at_s is None:
        return settled(rates, outlook.luck)
    if outlook.at_s >= at_s:
        return outlook.belief
    return moved(outlook.belief, rates, outlook.luck, at_s - outlook.at_s)


def _worse(own: Belief, shared: Belief) -> Belief:
    no_worse = list(map(mul, accumulate(own), accumulate(shared)))  # both are up to this state
    return (no_worse[0], *map(sub, no_worse[1:], no_worse))


def _followed(before: Outlook, belief: Belief, at_s: float, rates: Rates) -> Outlook:
    """The outlook with its new belief, and with what the time since the last one says about how often trouble comes."""
    newest_s = at_s if before.at_s is None else max(before.at_s, at_s)
    gap_h = 0.0 if before.at_s is None else (newest_s - before.at_s) / HOUR_S
    keep = 0.5 ** (gap_h / _LUCK_HALF_LIFE_H)
    troubled = belief[Hidden.UP] < (_ENDED if before.troubled else _BEGUN)
    onsets = before.onsets * keep + (troubled and not before.troubled)
    hours = before.hours * keep + gap_h * (not before.troubled)
    return Outlook(
        at_s=newest_s,
        belief=belief,
        troubled=troubled,
        onsets=onsets,
        hours=hours,
        luck=_luck(onsets, hours * sum(rates.onset)),
    )


def _luck(onsets: float, usual: float) -> float:
    """In steps of the square root of two, so that endpoints have few chains between them."""
    luck = (_LUCK_WEIGHT + onsets) / (_LUCK_WEIGHT + usual)
    return math.exp2(round(2 * math.log2(min(max(luck, LUCK_LEAST), LUCK_MOST))) / 2)


def _likelihoods(usual: Usual, seen: Seen) -> tuple[float, ...]:
    """How likely a sample is in each state."""
    match seen:
        case Success.REACHED:
            return tuple([1 - each for each in _UNREACHABLE])
        case Success.WITHIN_SLO:
            return (usual.good_share, *_GOOD)
        case Success.SLOW:
            return ((1 - usual.fail_share) * usual.miss_share, *_LATE)
        case _:
            up, slow, bad = _KINDS.get(seen.error, _ANY_KIND)
            return tuple(map(mul, _failing(usual, reach=seen.reach), (up, slow, slow, bad, bad, bad)))


def _failing(usual: Usual, *, reach: bool) -> tuple[float, ...]:
    return _UNREACHABLE if reach else (usual.fail_share, *_FAILS)


def _reach(seen: Seen) -> bool:
    return seen.reach if isinstance(seen, Failure) else seen is Success.REACHED


def _mean(belief: Belief, values: tuple[float, ...]) -> float:
    return float(sum(map(mul, belief, values)))


def _weighed(belief: Belief, other: Belief, likely: tuple[float, ...]) -> list[float]:
    """One level's belief, weighed by how likely a sample is in each state, the worse of both levels' states counting.

    Together it is how likely the sample was.
    """
    alone = list(map(mul, other, likely))
    whole = sum(alone)
    parts = zip(belief, likely, accumulate(other), accumulate(alone), strict=True)
    # Where the other's state is no worse this one's tells, and where it is, the other's own.
    return [share * (each * no_worse + whole - its) for share, each, no_worse, its in parts]


def _normal(weights: list[float]) -> Belief:
    least = sum(weights) * _LEAST
    floored = [weight if weight > least else least for weight in weights]  # noqa: FURB136  (max() takes twice as long)
    total = sum(floored)
    return tuple([weight / total for weight in floored])


_GOOD: Final = tuple((1 - fails) * (1 - misses) for fails, misses in zip(_FAILS, _MISSES, strict=True))
_LATE: Final = tuple((1 - fails) * misses for fails, misses in zip(_FAILS, _MISSES, strict=True))
