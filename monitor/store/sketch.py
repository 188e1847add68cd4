"""A sketch of many values that gives any quantile within 1 % of the value itself, and merges with others. Pure.

DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
VLDB 2019), of the kept library `ddsketch`. What this adds is for a month of hours that is read at once: several
quantiles in one walk, and bytes that hold no empty bin. The library's own take more than twice the room, and most of a
store is sketches.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import LogarithmicMapping
from ddsketch.store import DenseStore

RELATIVE_ERROR: Final = 0.01
_ROUNDING: Final = 1e-9
"""Of a share times a count: 0.07 of 100 is the seventh."""
_FORMAT: Final = 1
"""Stands first in the bytes of a sketch of this relative error whose bins grow by its logarithm."""
_MAPPING: Final = LogarithmicMapping(RELATIVE_ERROR)
"""From values to the keys of bins and back; never changed."""
_LAST_KEY: Final = 40_000
"""Of any float's bin, above or below 0."""
_LOW: Final = 0x7F
_HIGH: Final = 0x80
_EMPTY: Final = (0.0,)
_MANY: Final = 7
"""A count that is not written beside the step to its bin, but behind it."""


class Sketch(BaseDDSketch):
    """A sketch of values of any sign; NaN and infinities are not taken."""

    _store: DenseStore
    _negative_store: DenseStore

    def quantiles(self, shares: Sequence[float]) -> list[float | None]:
        """The quantiles by nearest rank, each within `RELATIVE_ERROR`; None of no values."""
        if not self.count:
            return [None] * len(shares)
        up_to = list(accumulate(self._store.bins))
        return [self._ranked(max(math.ceil(share * self.count - _ROUNDING), 1), up_to) for share in shares]

    def _ranked(self, rank: int, up_to: Sequence[float]) -> float | None:
        """The value of a rank from 1 on. `up_to`: how many values above 0 lie in each bin and those before.

        The library counts from the first bin on for every rank it is asked for.
        """
        not_above_0 = self.count - self._store.count
        if rank > not_above_0:
            return float(self._mapping.value(bisect_right(up_to, rank - not_above_0 - 1) + self._store.offset))
        # It takes a share of the ranks from 0 on, and rounds down: half a rank more is safe from that.
        return self.get_quantile_value(min((rank - 0.5) / max(self.count - 1, 1), 1.0))

    def to_bytes(self) -> bytes:
        """Whole numbers, seven bits a byte, the lowest first, each byte but the last of a number with the high bit set.

        The format; the count of zeros; then of values above 0, and of those below: how many bins are filled, and for
        each the steps from the bin before (the first: from the lowest key there can be) times 8, plus its count. A
        count of 7 or more is written as 7 there, and less 7 behind it.
        """
        out = bytearray([_FORMAT])
        _put(out, round(self._zero_count))
        for bins in (self._store, self._negative_store):
            filled = [(key, round(count)) for key, count in enumerate(bins.bins, bins.offset) if count]
            _put(out, len(filled))
            last = -_LAST_KEY
            for key, count in filled:
                _put(out, (key - last) << 3 | min(count, _MANY))
                if count >= _MANY:
                    _put(out, count - _MANY)
                last = key
        return bytes(out)


def empty() -> Sketch:
    """A sketch of no values yet."""
    return Sketch(_MAPPING, DenseStore(), DenseStore(), zero_count=0.0)


def from_bytes(data: bytes) -> Sketch:
    """The sketch that `Sketch.to_bytes` wrote. Raises ValueError on anything else."""
    numbers = _numbers(data)
    if next(numbers, None) != _FORMAT:
        raise ValueError("not a sketch")
    try:
        zeros = next(numbers)
        above_0, below_0 = _bins(numbers), _bins(numbers)
    except StopIteration:
        raise ValueError("not a whole sketch") from None
    if next(numbers, None) is not None:
        raise ValueError("more than a sketch")
    return Sketch(_MAPPING, above_0, below_0, float(zeros))


def _put(out: bytearray, number: int) -> None:
    while number > _LOW:
        out.append(number & _LOW | _HIGH)
        number >>= 7
    out.append(number)


def _numbers(data: bytes) -> Iterator[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        if byte & _HIGH:
            number |= (byte & _LOW) << shift
            shift += 7
        else:
            numbers.append(number | byte << shift)
            number = shift = 0
    return iter(numbers)


def _bins(numbers: Iterator[int]) -> DenseStore:
    """The library's own way would add bin after bin and make room for each, which takes ten times as long."""
    bins = DenseStore()
    key, counts = -_LAST_KEY, bins.bins
    for _ in range(next(numbers)):
        number = next(numbers)
        count = number & _MANY
        if count == _MANY:
            count += next(numbers)
        step = number >> 3
        key += step
        if key > _LAST_KEY or (counts and not step):
            raise ValueError("a sketch of no float's bin, or of one twice")
        if counts:
            counts += _EMPTY * (step - 1)
        else:
            bins.offset = bins.min_key = key
        counts.append(count)
    if counts:
        bins.max_key, bins.count = key, sum(counts)
    return bins
