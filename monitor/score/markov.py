"""A continuous-time Markov chain of health: how a belief changes between samples. Pure.

There are six states. Sluggish and slow endpoints answer but miss the SLO often or nearly always; shaky and flaky ones
fail sometimes or every other time; these four are degraded. Trouble begins from up and ends in up; neighbouring states
of trouble also turn into each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Final, TypeAlias

HOUR_S: Final = 3_600.0
_FOREVER_S: Final = 90 * 86_400
"""The span after which a belief no longer changes."""
_DIGITS: Final = 7
_TERMS: Final = 5
"""Terms of the exponential series over one second, in which no rate exceeds a hundredth."""

Belief: TypeAlias = tuple[float, ...]
"""The probability of each state, in the order of `Hidden`. The sum is 1."""
Matrix: TypeAlias = tuple[Belief, ...]
"""Stored by columns: from every row's state to a column's."""


class Hidden(IntEnum):
    """A hidden state. The number is its index in a belief; a greater number is worse."""

    UP = 0
    SLUGGISH = 1
    SLOW = 2
    SHAKY = 3
    FLAKY = 4
    DOWN = 5


_TROUBLE: Final = tuple(Hidden)[1:]
_TURNS: Final = ((Hidden.SLUGGISH, Hidden.SLOW), (Hidden.SHAKY, Hidden.FLAKY), (Hidden.FLAKY, Hidden.DOWN))
"""Neighbouring states that turn into each other, in both directions."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """Transition rates per hour.

    Hashed by identity: there are two objects, and their matrices are looked up with every sample.
    """

    onset: Belief
    """From up into each state of trouble, in the order of `Hidden`."""
    recovery: Belief
    """From each state of trouble back to up."""
    turn: float = 0.2
    """From a state of trouble into a neighbouring one."""
    onsets: float = field(init=False)
    """From up into any state of trouble."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "onsets", sum(self.onset))


def moved(belief: Belief, rates: Rates, onset_factor: float, seconds: float) -> Belief:
    """The belief some time later, without samples in between. `onset_factor` multiplies the onset rates.

    Exact to the second, and to a hundredth of the span.
    """
    whole = coarse(min(round(max(seconds, 0.0)), _FOREVER_S))
    if whole == 0:
        return belief
    return _times(belief, _matrix(rates, onset_factor, whole))


def settled(rates: Rates, onset_factor: float) -> Belief:
    """The stationary distribution."""
    return tuple(column[Hidden.UP] for column in _matrix(rates, onset_factor, _FOREVER_S))


def coarse(seconds: int) -> int:
    """A span rounded down to its leading binary digits: there are few such spans, and each matrix is computed once."""
    rest = max(seconds.bit_length() - _DIGITS, 0)
    return seconds >> rest << rest


@lru_cache(maxsize=8192)
def _matrix(rates: Rates, onset_factor: float, seconds: int) -> Matrix:
    found = _IDENTITY
    for place, doubling in enumerate(_doublings(rates, onset_factor)):
        if seconds >> place & 1:
            found = _product(found, doubling)
    return found


@lru_cache(maxsize=256)
def _doublings(rates: Rates, onset_factor: float) -> tuple[Matrix, ...]:
    """The matrices of 1 s, 2 s, 4 s, … ."""
    found = [_one_second(rates, onset_factor)]
    for _ in range(_FOREVER_S.bit_length() - 1):
        found.append(_product(found[-1], found[-1]))
    return tuple(found)


def _one_second(rates: Rates, onset_factor: float) -> Matrix:
    """exp(Q) of the generator per second, by its series."""
    generator = _generator(rates, onset_factor)
    total = term = _IDENTITY
    for power in range(1, _TERMS + 1):
        term = tuple(tuple(value / power for value in column) for column in _product(term, generator))
        total = tuple(tuple(map(sum, zip(*columns, strict=True))) for columns in zip(total, term, strict=True))
    return total


def _generator(rates: Rates, onset_factor: float) -> Matrix:
    leaves = [[0.0] * len(Hidden) for _ in Hidden]
    for state, onset, recovery in zip(_TROUBLE, rates.onset, rates.recovery, strict=True):
        leaves[Hidden.UP][state] = onset * onset_factor / HOUR_S
        leaves[state][Hidden.UP] = recovery / HOUR_S
    for one, other in _TURNS:
        leaves[one][other] = leaves[other][one] = rates.turn / HOUR_S
    for state, row in zip(Hidden, leaves, strict=True):
        row[state] = -sum(row)
    return _columns(leaves)


def _product(one: Matrix, two: Matrix) -> Matrix:
    return _columns([_times(row, two) for row in _columns(one)])


def _times(row: Belief, matrix: Matrix) -> Belief:
    # Written out, since most of the time is spent here.
    up, sluggish, slow, shaky, flaky, down = row
    return tuple([up * a + sluggish * b + slow * c + shaky * d + flaky * e + down * f for a, b, c, d, e, f in matrix])


def _columns(rows: Iterable[Iterable[float]]) -> Matrix:
    return tuple(zip(*rows, strict=True))


_IDENTITY: Final = tuple(tuple(float(row is column) for row in Hidden) for column in Hidden)
