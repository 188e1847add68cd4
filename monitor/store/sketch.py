"""A sketch of many values that gives any quantile within 1 % of the value itself, and merges with others. Pure.

DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
VLDB 2019), of the kept library `ddsketch`. What this adds is for a month of hours that is read at once: several
quantiles in one walk, and short bytes that are quickly read. The library's own take twice the room, and most of a store
is sketches.
"""

from __future__ import annotations

import math
import struct
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
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
_HEAD: Final = struct.Struct("<BciIi")
_WIDTHS: Final = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFF_FFFF, "Q": 0xFFFF_FFFF_FFFF_FFFF}
"""By their code, the widths of a count and what each can hold."""
_LEVEL: Final = 9
_BARE: Final = -15
"""Deflate without zlib's header and checksum, which would be a tenth of an hour's sketch."""


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
            return _value(bisect_right(up_to, rank - not_above_0 - 1) + self._store.offset)
        # It takes a share of the ranks from 0 on, and rounds down: half a rank more is safe from that.
        return self.get_quantile_value(min((rank - 0.5) / max(self.count - 1, 1), 1.0))

    def to_bytes(self) -> bytes:
        """What `from_bytes` reads: a header and whole counts, deflated.

        The header: the format, how wide a count is (`B H I Q` as in `struct`), the key of the first bin above 0, how
        many bins there are, and the key of the first one below 0. The counts, all little-endian: of zeros, of the bins
        above 0, and of those below. What is empty lies between bins that are filled, and deflates to nearly nothing.
        """
        above, below = _filled(self._store), _filled(self._negative_store)
        counts = [round(count) for count in (self._zero_count, *above, *below)]
        width = next(code for code, largest in _WIDTHS.items() if max(counts) <= largest)
        first, first_below = (int(bins.min_key) if bins.count else 0 for bins in (self._store, self._negative_store))
        head = _HEAD.pack(_FORMAT, width.encode(), first, len(above), first_below)
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _BARE)
        return deflate.compress(head + struct.pack(f"<{len(counts)}{width}", *counts)) + deflate.flush()


@lru_cache(maxsize=4096)
def _value(key: int) -> float:
    """What a bin above 0 stands for; every sketch here has the same bins."""
    return float(_MAPPING.value(key))


def empty() -> Sketch:
    """A sketch of no values yet."""
    return Sketch(_MAPPING, DenseStore(), DenseStore(), zero_count=0.0)


def from_bytes(data: bytes) -> Sketch:
    """The sketch that `Sketch.to_bytes` wrote. Raises ValueError on anything else."""
    try:
        found = zlib.decompress(data, _BARE)
        made_as, width, first, length, first_below = _HEAD.unpack_from(found)
        if made_as != _FORMAT:
            raise ValueError("a sketch of a newer format")
        code = width.decode()
        counts = struct.unpack(
            f"<{(len(found) - _HEAD.size) // struct.calcsize('<' + code)}{code}", found[_HEAD.size :]
        )
        zeros, above, below = counts[0], counts[1 : length + 1], counts[length + 1 :]
    except (zlib.error, struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError("not a sketch") from error
    return Sketch(_MAPPING, _bins(above, first), _bins(below, first_below), zeros)


def _filled(bins: DenseStore) -> list[float]:
    """The counts without the empty bins at both ends, which the library keeps for what comes."""
    return bins.bins[bins.min_key - bins.offset : bins.max_key - bins.offset + 1] if bins.count else []


def _bins(counts: Sequence[int], first: int) -> DenseStore:
    """The library's own way would add bin after bin and make room for each, which takes ten times as long."""
    bins = DenseStore()
    if counts:
        bins.bins = list(counts)
        bins.count = sum(counts)
        bins.offset = bins.min_key = first
        bins.max_key = first + len(counts) - 1
    return bins
