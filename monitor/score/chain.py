"""How an endpoint's health moves on by itself: a Markov chain in continuous time, and where it goes in any span. Pure.

Four states: up; slow (answers, but not within its SLO); flaky (fails now and then); down. Slow and flaky are what
people call degraded. Trouble begins from up and ends in up; flaky and down also turn into each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final, TypeAlias

HOUR_S: Final = 3_600.0
_LONGEST: Final = 23
"""Doublings of a second that are kept: 97 days, after which nothing moves any more."""
_TERMS: Final = 4
"""Of the exponential's series over one second, in which no rate moves more than a thousandth."""

Belief: TypeAlias = tuple[float, float, float, float]
"""The probability of each state; they sum to 1."""
Matrix: TypeAlias = tuple[Belief, Belief, Belief, Belief]
"""From a row's state to a column's."""


class Hidden(IntEnum):
    """A state; the number is its place in a belief."""

    UP = 0
    SLOW = 1
    FLAKY = 2
    DOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often, per hour, a state turns into another."""

    up_slow: float = 0.02
    up_flaky: float = 0.02
    up_down: float = 0.01
    slow_up: float = 2.0
    flaky_up: float = 2.0
    down_up: float = 2.0
    flaky_down: float = 0.2
    down_flaky: float = 0.2


def moved(belief: Belief, rates: Rates, seconds: float) -> Belief:
    """The belief some time later, without news in between; to the second."""
    left = min(round(max(seconds, 0.0)), (1 << _LONGEST) - 1)
    for place, matrix in enumerate(_doublings(rates)):
        if left >> place & 1:
            belief = _times(belief, matrix)
    return belief


def settled(rates: Rates) -> Belief:
    """The share of time that is spent in each state in the long run."""
    return _doublings(rates)[-1][0]


@lru_cache(maxsize=4096)
def _doublings(rates: Rates) -> tuple[Matrix, ...]:
    """The transition matrices of 1 s, 2 s, 4 s, … ."""
    found = [_one_second(rates)]
    for _ in range(_LONGEST - 1):
        found.append(_product(found[-1], found[-1]))
    return tuple(found)


def _one_second(rates: Rates) -> Matrix:
    """exp(Q) of the generator per second, by its series."""
    generator = _generator(rates)
    total = term = _IDENTITY
    for power in range(1, _TERMS + 1):
        term = _scaled(_product(term, generator), 1 / power)
        total = _sum(total, term)
    return total


def _generator(rates: Rates) -> Matrix:
    leaves = (
        (0.0, rates.up_slow, rates.up_flaky, rates.up_down),
        (rates.slow_up, 0.0, 0.0, 0.0),
        (rates.flaky_up, 0.0, 0.0, rates.flaky_down),
        (rates.down_up, 0.0, rates.down_flaky, 0.0),
    )
    rows = [[rate / HOUR_S for rate in row] for row in leaves]
    for place, row in enumerate(rows):
        row[place] = -sum(row)
    return _matrix(rows)


_IDENTITY: Final[Matrix] = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def _times(belief: Belief, matrix: Matrix) -> Belief:
    a, b, c, d = belief
    (aa, ab, ac, ad), (ba, bb, bc, bd), (ca, cb, cc, cd), (da, db, dc, dd) = matrix
    return (
        a * aa + b * ba + c * ca + d * da,
        a * ab + b * bb + c * cb + d * db,
        a * ac + b * bc + c * cc + d * dc,
        a * ad + b * bd + c * cd + d * dd,
    )


def _product(one: Matrix, two: Matrix) -> Matrix:
    return _matrix([_times(row, two) for row in one])


def _sum(one: Matrix, two: Matrix) -> Matrix:
    return _matrix([[x + y for x, y in zip(left, right, strict=True)] for left, right in zip(one, two, strict=True)])


def _scaled(matrix: Matrix, factor: float) -> Matrix:
    return _matrix([[value * factor for value in row] for row in matrix])


def _matrix(rows: Sequence[Sequence[float]]) -> Matrix:
    first, second, third, fourth = ((row[0], row[1], row[2], row[3]) for row in rows)
    return first, second, third, fourth
