"""A sketch of many values that gives any quantile within 1 % of the value itself, and merges with others. Pure.

DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
VLDB 2019), of the kept library `ddsketch`. What this adds is speed where a month of hours is read at once: several
quantiles in one walk, and bytes without empty bins.
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import KeyMapping, LogarithmicMapping
from ddsketch.pb.ddsketch_pb2 import DDSketch as Message
from ddsketch.pb.ddsketch_pb2 import IndexMapping as MappingMessage
from ddsketch.pb.ddsketch_pb2 import Store as BinsMessage
from ddsketch.pb.proto import KeyMappingProto
from ddsketch.store import DenseStore

RELATIVE_ERROR: Final = 0.01
_ROUNDING: Final = 1e-9
"""Of a share times a count: 0.07 of 100 is the seventh."""


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
        """The library's own format, compressed: zlib of protobuf."""
        message = Message(
            mapping=KeyMappingProto.to_proto(self._mapping),  # type: ignore[no-untyped-call]
            positiveValues=_message(self._store),
            negativeValues=_message(self._negative_store),
            zeroCount=self._zero_count,
        )
        return zlib.compress(message.SerializeToString())


def empty() -> Sketch:
    """A sketch of no values yet."""
    return Sketch(LogarithmicMapping(RELATIVE_ERROR), DenseStore(), DenseStore(), zero_count=0.0)


def from_bytes(data: bytes) -> Sketch:
    """The sketch that `Sketch.to_bytes` wrote. Raises ValueError on anything else."""
    try:
        message: Message = Message.FromString(zlib.decompress(data))
        mapping = _mapping(message.mapping.SerializeToString())
        return Sketch(mapping, _bins(message.positiveValues), _bins(message.negativeValues), message.zeroCount)
    except Exception as error:
        raise ValueError("not a sketch") from error


@lru_cache(maxsize=4)
def _mapping(data: bytes) -> KeyMapping:
    """From values to bins and back; the same for all sketches of one relative error, and never changed."""
    mapping: KeyMapping = KeyMappingProto.from_proto(MappingMessage.FromString(data))  # type: ignore[no-untyped-call]
    return mapping


def _message(bins: DenseStore) -> BinsMessage:
    """Without the empty bins at both ends, which the library keeps for what comes."""
    if not bins.count:
        return BinsMessage()
    counts = bins.bins[bins.min_key - bins.offset : bins.max_key - bins.offset + 1]
    return BinsMessage(contiguousBinCounts=counts, contiguousBinIndexOffset=bins.min_key)


def _bins(kept: BinsMessage) -> DenseStore:
    """The library's own way adds bin after bin and makes room for each, which takes ten times as long."""
    bins = DenseStore()
    if kept.contiguousBinCounts:
        bins.bins = list(kept.contiguousBinCounts)
        bins.count = sum(bins.bins)
        bins.offset = bins.min_key = kept.contiguousBinIndexOffset
        bins.max_key = bins.offset + len(bins.bins) - 1
    return bins
