"""Many samples as one value that can be added to others of its kind: counts, sums, and a sketch of each figure. Pure.

A sketch (DDSketch, Masson et al. 2019) gives any quantile within 1 % of the value itself, and two of them merge into
the sketch of both. So every percentile over every window is one merge, and percentiles are never averaged.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from ddsketch import DDSketch
from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import KeyMapping
from ddsketch.pb.ddsketch_pb2 import DDSketch as Message
from ddsketch.pb.ddsketch_pb2 import IndexMapping as MappingMessage
from ddsketch.pb.ddsketch_pb2 import Store as BinsMessage
from ddsketch.pb.proto import DDSketchProto, KeyMappingProto
from ddsketch.store import DenseStore

from probes._model import Blame, ErrorClass, Sample

RELATIVE_ERROR: Final = 0.01
_ROUNDING: Final = 1e-9
"""Of a share times a count: 0.07 of 100 is the seventh."""
FIGURES: Final = (
    "lag_s",
    "dns_s",
    "connect_s",
    "tls_s",
    "headers_s",
    "ttft_s",
    "ttat_s",
    "e2e_s",
    "itl_p50_s",
    "itl_p99_s",
    "itl_max_s",
    "output_tps",
    "e2e_tps",
    "rtt_s",
    "server_s",
)
"""Fields of a sample that are sketched, of successes that had them. `tpot_s` is left out: the inverse of a speed."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a probe ended: its error, and whom that was blamed on then."""

    error: ErrorClass | None = None
    blame: Blame | None = None


@dataclass(slots=True, kw_only=True)
class Rollup:
    """What is kept of the samples of one endpoint, task and vantage over a span of time."""

    counts: dict[Ending, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0
    sketches: dict[str, BaseDDSketch] = field(default_factory=dict)
    """By figure; a figure that no sample had is not there."""

    @property
    def count(self) -> int:
        """Samples in it."""
        return sum(self.counts.values())

    def quantile(self, figure: str, share: float) -> float | None:
        """The quantile of a figure over the successes by nearest rank, within `RELATIVE_ERROR`; None without any."""
        sketch = self.sketches.get(figure)
        if sketch is None or not sketch.count:
            return None
        rank = max(math.ceil(share * sketch.count - _ROUNDING), 1)
        # A sketch is asked for a share of the ranks from 0 on, and rounds down: half a rank more is safe from that.
        value: float | None = sketch.get_quantile_value(min((rank - 0.5) / max(sketch.count - 1, 1), 1.0))
        return value


def rolled(samples: Iterable[Sample], figures: Collection[str] = FIGURES) -> Rollup:
    """The rollup of samples, with the sketches of `figures`; their order does not matter."""
    rollup = Rollup()
    for sample in samples:
        ending = Ending(sample.error, sample.blame)
        rollup.counts[ending] = rollup.counts.get(ending, 0) + 1
        rollup.prompt_tokens += sample.prompt_tokens or 0
        rollup.output_tokens += sample.output_tokens or 0
        rollup.reasoning_tokens += sample.reasoning_tokens or 0
        rollup.cost_usd += sample.cost_usd or 0.0
        if sample.error is None:
            _sketch(rollup, sample, figures)
    return rollup


def merged(rollups: Iterable[Rollup]) -> Rollup:
    """The rollup of all samples of all of them."""
    total = Rollup()
    for rollup in rollups:
        for ending, count in rollup.counts.items():
            total.counts[ending] = total.counts.get(ending, 0) + count
        total.prompt_tokens += rollup.prompt_tokens
        total.output_tokens += rollup.output_tokens
        total.reasoning_tokens += rollup.reasoning_tokens
        total.cost_usd += rollup.cost_usd
        for figure, sketch in rollup.sketches.items():
            total.sketches.setdefault(figure, DDSketch(RELATIVE_ERROR)).merge(sketch)
    return total


def sketch_to_bytes(sketch: BaseDDSketch) -> bytes:
    """A sketch as compressed protobuf, in the library's own format."""
    message: Message = DDSketchProto.to_proto(sketch)  # type: ignore[no-untyped-call]
    return zlib.compress(message.SerializeToString())


def sketch_from_bytes(data: bytes) -> BaseDDSketch:
    """The sketch that `sketch_to_bytes` wrote. Raises ValueError on anything else."""
    try:
        message: Message = Message.FromString(zlib.decompress(data))
        return BaseDDSketch(
            mapping=_mapping(message.mapping.SerializeToString()),
            store=_bins(message.positiveValues),
            negative_store=_bins(message.negativeValues),
            zero_count=message.zeroCount,
        )
    except Exception as error:
        raise ValueError("not a sketch") from error


@lru_cache(maxsize=4)
def _mapping(data: bytes) -> KeyMapping:
    """From values to bins and back; the same for all sketches of one relative error, and never changed."""
    mapping: KeyMapping = KeyMappingProto.from_proto(MappingMessage.FromString(data))  # type: ignore[no-untyped-call]
    return mapping


def _bins(kept: BinsMessage) -> DenseStore:
    """The library's own way adds bin after bin and makes room for each, which takes ten times as long."""
    bins = DenseStore()
    counts = list(kept.contiguousBinCounts)
    filled = [place for place, count in enumerate(counts) if count]
    if filled:
        first, last = filled[0], filled[-1]
        bins.bins, bins.count = counts[first : last + 1], sum(counts)
        bins.min_key, bins.max_key = (kept.contiguousBinIndexOffset + place for place in (first, last))
        bins.offset = bins.min_key
    return bins


def _sketch(rollup: Rollup, sample: Sample, figures: Collection[str]) -> None:
    for figure in figures:
        value = getattr(sample, figure)
        if value is not None:
            rollup.sketches.setdefault(figure, DDSketch(RELATIVE_ERROR)).add(value)


def ratio(counts: Mapping[Ending, int]) -> float | None:
    """Successes among the samples that count for or against the provider; None without any."""
    ok = counts.get(Ending(), 0)
    failed = sum(count for ending, count in counts.items() if ending.blame is Blame.PROVIDER)
    return ok / (ok + failed) if ok + failed else None
