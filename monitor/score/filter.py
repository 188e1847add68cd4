"""What samples say about hidden health, and how likely an endpoint's next request succeeds within its SLO. Pure.

A hidden Markov model on two levels: an endpoint has a state of its own, its provider has one that all its endpoints
share, and a request meets the worse of both. So one endpoint's failure makes the others' likelier, and their successes
clear the provider. Between samples the beliefs move as `chain` says, at a sample they are weighed by how likely that
sample is in each pair of states. What is usual while an endpoint is well (its background failures, its misses of the
SLO) is learned from its own samples; what trouble looks like is the same for all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, TypeAlias

from monitor.score.chain import Belief, Hidden, Rates, moved, settled
from monitor.score.outcomes import wilson
from probes._model import ErrorClass

_FAILS: Final[Belief] = (0.0, 0.03, 0.45, 0.985)
"""How often a request fails in each state; in `UP` that is learned."""
_MISSES: Final[Belief] = (0.0, 0.85, 0.15, 0.3)
"""How often one that succeeds misses its SLO; in `UP` that is learned."""
_USUAL_FAILS, _USUAL_MISSES, _USUAL_WEIGHT = 0.004, 0.01, 150.0
"""What an endpoint that is well is taken for before it has shown itself, and how many samples that is worth."""
_USUAL_HALF_LIFE_S: Final = 7 * 86_400.0
_WELL: Final = 0.5
"""How sure it has to be that an endpoint is well for its sample to say something about what is usual."""
_LEAST: Final = 1e-6
"""No state is ever given up for impossible: it would never be believed in again."""

_KINDS: Final[Mapping[ErrorClass, Belief]] = {
    ErrorClass.DNS: (0.03, 0.01, 0.01, 0.05),
    ErrorClass.CONNECT: (0.08, 0.02, 0.05, 0.28),
    ErrorClass.TLS: (0.02, 0.01, 0.01, 0.04),
    ErrorClass.TIMEOUT_TTFT: (0.17, 0.48, 0.17, 0.20),
    ErrorClass.TIMEOUT_TOTAL: (0.10, 0.25, 0.06, 0.05),
    ErrorClass.STALLED: (0.08, 0.10, 0.06, 0.03),
    ErrorClass.OVERLOADED: (0.20, 0.06, 0.33, 0.10),
    ErrorClass.SERVER_ERROR: (0.17, 0.03, 0.20, 0.21),
    ErrorClass.MALFORMED: (0.02, 0.01, 0.02, 0.01),
    ErrorClass.TRUNCATED: (0.06, 0.01, 0.04, 0.01),
    ErrorClass.STREAM_ERROR: (0.04, 0.01, 0.03, 0.01),
    ErrorClass.EMPTY: (0.02, 0.005, 0.01, 0.005),
    ErrorClass.WRONG_ANSWER: (0.01, 0.005, 0.01, 0.005),
}
"""Of the failures in each state, how many are of each class."""
_ANY_KIND: Final[Belief] = (0.02, 0.02, 0.02, 0.02)
"""Of a class that a configuration blames on the provider: it tells the states apart by being a failure alone."""


class Success(Enum):
    """How a request succeeded."""

    WITHIN_SLO = "within_slo"
    SLOW = "slow"


Seen: TypeAlias = Success | ErrorClass
"""What a counted sample showed: a success of one kind or the other, or the provider's failure of a class."""


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

    def with_sample(self, seen: Seen, weight: float, seconds: float) -> Usual:
        """The same, so many seconds later, with one sample more."""
        keep = 0.5 ** (max(seconds, 0.0) / _USUAL_HALF_LIFE_S)
        first = Usual()
        return Usual(
            fails=first.fails + (self.fails - first.fails) * keep + weight * isinstance(seen, ErrorClass),
            misses=first.misses + (self.misses - first.misses) * keep + weight * (seen is Success.SLOW),
            all=first.all + (self.all - first.all) * keep + weight,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known of one state, an endpoint's own or that of its provider."""

    at_s: float | None = None
    """When the newest counted sample began, in seconds since 1970."""
    belief: Belief = (1.0, 0.0, 0.0, 0.0)
    """At that time, after that sample."""
    rates: Rates = field(default_factory=Rates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is known of an endpoint: its own state, the one it shares, and what is usual for it."""

    own: Outlook = field(default_factory=Outlook)
    shared: Outlook = field(default_factory=lambda: Outlook(rates=SHARED))
    usual: Usual = field(default_factory=Usual)


SHARED: Final = Rates(up_slow=0.008, up_flaky=0.01, up_down=0.008)
"""A provider's own rates, before it has shown itself."""


def after(pair: Pair, seen: Seen, at_s: float) -> Pair:
    """What is known after one more counted sample; an older one than the newest counts as if it were new."""
    own, shared = believed(pair.own, at_s), believed(pair.shared, at_s)
    likely = [_likelihood(pair.usual, state, seen) for state in Hidden]
    joint = [[x * y * likely[max(place, other)] for other, y in enumerate(own)] for place, x in enumerate(shared)]
    mine = _normal([sum(column) for column in zip(*joint, strict=True)])
    ours = _normal([sum(row) for row in joint])
    well = mine[Hidden.UP] * ours[Hidden.UP]
    gap_s = 0.0 if pair.own.at_s is None else at_s - pair.own.at_s
    return Pair(
        own=_moved_to(pair.own, mine, at_s),
        shared=_moved_to(pair.shared, ours, at_s),
        usual=pair.usual.with_sample(seen, well if well > _WELL else 0.0, gap_s),
    )


def _moved_to(outlook: Outlook, belief: Belief, at_s: float) -> Outlook:
    newest_s = at_s if outlook.at_s is None else max(at_s, outlook.at_s)
    return replace(outlook, at_s=newest_s, belief=belief)


def believed(outlook: Outlook, at_s: float) -> Belief:
    """The probability of each state at a time, as far as the samples up to then tell."""
    if outlook.at_s is None:
        return settled(outlook.rates)
    return moved(outlook.belief, outlook.rates, at_s - outlook.at_s)


def met(pair: Pair, at_s: float) -> Belief:
    """The probability of each state that a request at a time would meet: the worse of both."""
    own, shared = believed(pair.own, at_s), believed(pair.shared, at_s)
    found = [0.0] * len(Hidden)
    for place, x in enumerate(shared):
        for other, y in enumerate(own):
            found[max(place, other)] += x * y
    up, slow, flaky, down = found
    return up, slow, flaky, down


def chance(pair: Pair, at_s: float) -> tuple[float, tuple[float, float]]:
    """How likely a request at a time succeeds within its SLO, and the 95 % interval of that."""
    belief = met(pair, at_s)
    good = [_likelihood(pair.usual, state, Success.WITHIN_SLO) for state in Hidden]
    score = sum(share * each for share, each in zip(belief, good, strict=True))
    # Of which state it is in, and of what is usual there.
    spread = sum(share * (each - score) ** 2 for share, each in zip(belief, good, strict=True))
    spread += belief[Hidden.UP] * good[Hidden.UP] * (1 - good[Hidden.UP]) / pair.usual.all
    weight = max(score * (1 - score) / max(spread, _LEAST) - 1, 1.0)
    return score, wilson(score * weight, weight)


def doubt(belief: Belief) -> float:
    """How unsure a belief is, 0..1: its entropy as a share of the greatest there can be."""
    return -sum(share * math.log(share) for share in belief if share > 0) / math.log(len(belief))


def _likelihood(usual: Usual, state: Hidden, seen: Seen) -> float:
    fails = usual.fail_share if state is Hidden.UP else _FAILS[state]
    misses = usual.miss_share if state is Hidden.UP else _MISSES[state]
    match seen:
        case Success.WITHIN_SLO:
            return (1 - fails) * (1 - misses)
        case Success.SLOW:
            return (1 - fails) * misses
        case _:
            return fails * _KINDS.get(seen, _ANY_KIND)[state]


def _normal(weights: list[float]) -> Belief:
    whole = sum(weights)
    up, slow, flaky, down = (max(weight / whole, _LEAST) for weight in weights)
    total = up + slow + flaky + down
    return up / total, slow / total, flaky / total, down / total
