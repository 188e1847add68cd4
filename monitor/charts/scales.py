"""From values to pixels: linear and logarithmic scales with ticks at 1, 2 and 5. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

_LEAST: Final = 1e-12
_MOST: Final = 1e300
_MULTIPLES: Final = (1.0, 2.0, 5.0, 10.0)
_NEAR: Final = 1e-9
_FINE: Final = 4


class Scale(Protocol):
    """A span of values over a span of pixels."""

    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102
    @property
    def start(self) -> float: ...  # noqa: D102

    def at(self, value: float) -> float: ...  # noqa: D102
    def ticks(self, most: int) -> tuple[float, ...]: ...  # noqa: D102
    def grid(self, most: int) -> tuple[float, ...]: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """`low` at pixel `start`, `high` at pixel `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value; a value outside lies on the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> tuple[float, ...]:
        """Round values, `most` + 1 at most."""
        step = _step((self.high - self.low) / max(1, most))
        first, last = math.ceil(self.low / step - _NEAR), math.floor(self.high / step + _NEAR)
        return tuple(float(f"{index * step:.12g}") for index in range(first, last + 1))

    def grid(self, most: int) -> tuple[float, ...]:
        """Where lines help the eye: at the ticks."""
        return self.ticks(most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Equal ratios have equal lengths. All values are greater than 0."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value; a value outside lies on the edge."""
        within = math.log(min(max(value, self.low), self.high)) - math.log(self.low)
        share = min(within / (math.log(self.high) - math.log(self.low)), 1.0)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> tuple[float, ...]:
        """Values at 1, 2 and 5 times powers of ten; where those are too many at 1 and 3, or at powers alone."""
        for multiples in ((1, 2, 5), (1, 3)):
            ticks = self._round(multiples)
            if len(ticks) <= most:
                return ticks
        decades = self._round((1,))
        return decades[:: max(1, math.ceil(len(decades) / max(1, most)))]

    def grid(self, most: int) -> tuple[float, ...]:
        """Where lines help the eye: at the ticks, and between powers of ten that stand alone."""
        ticks, fine = self.ticks(most), self._round((1, 2, 5))
        return fine if len(fine) <= most * _FINE and ticks == self._round((1,)) else ticks

    def _round(self, multiples: Iterable[int]) -> tuple[float, ...]:
        powers = range(math.floor(math.log10(self.low)) - 1, math.floor(math.log10(self.high)) + 2)
        values = (float(f"{multiple}e{power}") for power in powers for multiple in multiples)
        return tuple(value for value in values if self.low * (1 - _NEAR) <= value <= self.high * (1 + _NEAR))


def linear_from_zero(values: Iterable[float], *, start: float, end: float, ticks: int) -> Linear:
    """A linear scale from 0 (or from the least value below it) to a round value at or above the greatest.

    Without values below 0 it ends at a tick if `ticks` is also the number that the axis asks for.
    """
    known = [min(max(value, -_MOST), _MOST) for value in values]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    if high - low < _LEAST:
        high = low + 1
    step = _step((high - low) / ticks)
    return Linear(
        low=math.floor(low / step + _NEAR) * step, high=math.ceil(high / step - _NEAR) * step, start=start, end=end
    )


def log_over(values: Iterable[float], *, start: float, end: float) -> Log:
    """A logarithmic scale between round values around those given; values of 0 and less have no place on it."""
    known = [min(max(value, _LEAST), _MOST) for value in values if value > 0] or [1.0]
    low, high = _round_down(min(known)), _round_up(max(known))
    if low >= high:
        low, high = _round_down(low * 0.9), _round_up(high * 1.1)
    return Log(low=low, high=high, start=start, end=end)


def scale_over(values: Iterable[float], *, start: float, end: float, ticks: int, log: bool) -> Scale:
    """Either of the two."""
    if log:
        return log_over(values, start=start, end=end)
    return linear_from_zero(values, start=start, end=end, ticks=ticks)


def thinned(spans: Iterable[tuple[float, float]], *, gap: float) -> int:
    """The least k such that every k-th of the spans (in order) can be drawn without touching its neighbour."""
    known = list(spans)
    for step in range(1, len(known)):
        if all(before[1] + gap <= after[0] for before, after in pairwise(known[::step])):
            return step
    return max(1, len(known))


def _step(least: float) -> float:
    """The first of 1, 2, 5 times a power of ten that is not below `least`."""
    power = math.floor(math.log10(least))
    return next(m * 10.0**power for m in _MULTIPLES if m * 10.0**power >= least * (1 - _NEAR))


def _of_power(power: int) -> tuple[float, ...]:
    return tuple(float(f"{multiple}e{power}") for multiple in (1, 2, 5))


def _round_down(value: float) -> float:
    power = math.floor(math.log10(value))
    return max(each for each in (*_of_power(power - 1), *_of_power(power)) if each <= value * (1 + _NEAR))


def _round_up(value: float) -> float:
    power = math.floor(math.log10(value))
    return min(each for each in (*_of_power(power), *_of_power(power + 1)) if each >= value * (1 - _NEAR))
