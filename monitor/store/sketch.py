"""A mergeable sketch of values that gives every quantile within 1 % of its value. Pure.

DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
VLDB 2019). The library `ddsketch` adds values and merges. A sketch that was read from the store is rarely changed: from
a month of hours only quantiles are taken. So it stays a row of counts, which gives several quantiles in one pass, and
becomes the library's object when a value is added. The library's own serialisation is not used: it takes twice the
space, and most of a store is sketches.
"""

from __future__ import annotations

import math
import struct
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import LogarithmicMapping
from ddsketch.store import DenseStore

RELATIVE_ERROR: Final = 0.01
_ROUNDING: Final = 1e-9
"""Tolerance of a share times a count: 0.07 of 100 is rank 7."""
_FORMAT: Final = 1
"""Stands first in the bytes of a sketch of this relative error whose bins grow by its logarithm."""
_MAPPING: Final = LogarithmicMapping(RELATIVE_ERROR)
"""From values to the keys of bins and back; never changed."""
_HEAD: Final = struct.Struct("<BciIi")
_WIDTHS: Final = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFF_FFFF, "Q": 0xFFFF_FFFF_FFFF_FFFF}
"""By their code, the widths of a count and what each can hold."""
_LEVEL: Final = 9
_BARE: Final = -15
"""Deflate without zlib's header and checksum, which would be a tenth of an hour's sketch."""


@dataclass(frozen=True, slots=True)
class _Counts:
    """A sketch as counts of its bins."""

    counts: Sequence[int]
    """From the bin of the smallest values to that of the largest; zeros between negative and positive bins."""
    zero: int
    """The index of the zeros."""
    first: int
    """The key of the first bin above 0."""
    first_below: int
    """The key of the bin next below 0."""

    def quantiles(self, shares: Sequence[float]) -> list[float | None]:
        up_to = list(accumulate(self.counts))
        total = up_to[-1]
        if not total:
            return [None] * len(shares)
        ranks = (max(math.ceil(share * total - _ROUNDING), 1) for share in shares)
        return [self._value(bisect_right(up_to, rank - 1)) for rank in ranks]

    def bins(self) -> dict[float, int]:
        return {self._value(place): count for place, count in enumerate(self.counts) if count}

    def _value(self, place: int) -> float:
        """The representative value of a bin."""
        above = place - self.zero
        if above > 0:
            return _value(self.first + above - 1)
        return -_value(self.first_below - above - 1) if above else 0.0

    def to_bytes(self) -> bytes:
        above, below = self.counts[self.zero + 1 :], self.counts[: self.zero][::-1]
        width = next(code for code, largest in _WIDTHS.items() if max(self.counts) <= largest)
        head = _HEAD.pack(_FORMAT, width.encode(), self.first, len(above), self.first_below)
        counts = struct.pack(f"<{len(self.counts)}{width}", self.counts[self.zero], *above, *below)
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _BARE)
        return deflate.compress(head + counts) + deflate.flush()

    def growing(self) -> _Growing:
        """The sketch in its growing form."""
        above = _bins(self.counts[self.zero + 1 :], self.first)
        below = _bins(self.counts[: self.zero][::-1], self.first_below)
        return _Growing(_MAPPING, above, below, self.counts[self.zero])


class _Growing(BaseDDSketch):
    """A sketch as the library's object, to add values."""

    _store: DenseStore
    _negative_store: DenseStore

    def at_rest(self) -> _Counts:
        """The sketch as counts."""
        above, below = _filled(self._store), _filled(self._negative_store)
        counts = [round(count) for count in (*reversed(below), self._zero_count, *above)]
        first, first_below = (int(bins.min_key) if bins.count else 0 for bins in (self._store, self._negative_store))
        return _Counts(counts, len(below), first, first_below)


class Sketch:
    """A sketch of values of any sign. NaN and infinities are ignored."""

    __slots__ = ("_held",)

    def __init__(self, held: _Counts | _Growing) -> None:
        self._held = held

    @property
    def count(self) -> int:
        """Number of values."""
        return sum(self._at_rest().counts)

    def add(self, value: float) -> None:
        """Add a value."""
        self._growing().add(value)

    def merge(self, other: Sketch) -> None:
        """Add all values of another sketch, which is not changed."""
        held = other._held
        self._growing().merge(held if isinstance(held, _Growing) else held.growing())

    def quantiles(self, shares: Sequence[float]) -> list[float | None]:
        """Quantiles by nearest rank, each within `RELATIVE_ERROR`; None: no values."""
        return self._at_rest().quantiles(shares)

    def bins(self) -> dict[float, int]:
        """The count of each bin that is not empty, by its representative value in ascending order.

        Every sketch has the same bins, so the counts of several sketches can be added.
        """
        return self._at_rest().bins()

    def to_bytes(self) -> bytes:
        """The serialised sketch for `from_bytes`: a header and integer counts, deflated.

        The header: the format, how wide a count is (`B H I Q` as in `struct`), the key of the first bin above 0, how
        many bins there are, and the key of the first one below 0. The counts, all little-endian: of zeros, of the bins
        above 0, and of those below. Empty bins between filled bins deflate to nearly nothing.
        """
        return self._at_rest().to_bytes()

    def _at_rest(self) -> _Counts:
        if isinstance(self._held, _Growing):
            self._held = self._held.at_rest()
        return self._held

    def _growing(self) -> _Growing:
        if isinstance(self._held, _Counts):
            self._held = self._held.growing()
        return self._held


@lru_cache(maxsize=4096)
def _value(key: int) -> float:
    """The representative value of a positive bin; every sketch has the same bins."""
    return float(_MAPPING.value(key))


def empty() -> Sketch:
    """An empty sketch."""
    return Sketch(_Growing(_MAPPING, DenseStore(), DenseStore(), zero_count=0))


def from_bytes(data: bytes) -> Sketch:
    """The sketch of `Sketch.to_bytes`. Raises ValueError for other bytes."""
    try:
        found = zlib.decompress(data, _BARE)
        made_as, width, first, length, first_below = _HEAD.unpack_from(found)
        if made_as != _FORMAT:
            raise ValueError("sketch of a newer format")
        counts = _unpacked(found[_HEAD.size :], width.decode())
    except (zlib.error, struct.error, UnicodeDecodeError) as error:
        raise ValueError("not a sketch") from error
    if len(counts) <= length:
        raise ValueError("not a sketch")
    below = counts[length + 1 :]
    if below:
        counts = (*reversed(below), *counts[: length + 1])
    return Sketch(_Counts(counts, len(below), first, first_below))


def _unpacked(data: bytes, code: str) -> Sequence[int]:
    """Counts of a width. Most hours have no bin with more than 255 values, so one byte is enough."""
    return data if code == "B" else struct.unpack(f"<{len(data) // struct.calcsize('<' + code)}{code}", data)


def _filled(bins: DenseStore) -> list[float]:
    """The counts without the empty bins at both ends, which the library reserves."""
    return bins.bins[bins.min_key - bins.offset : bins.max_key - bins.offset + 1] if bins.count else []


def _bins(counts: Sequence[int], first: int) -> DenseStore:
    """The library's own way adds bin by bin, which takes ten times as long."""
    bins = DenseStore()
    if counts:
        bins.bins = list(counts)
        bins.count = sum(counts)
        bins.offset = bins.min_key = first
        bins.max_key = first + len(counts) - 1
    return bins
