"""Many samples as one value that can be added to others of its kind: counts, sums, and a sketch of each figure. Pure.

So every percentile over every window is one merge of sketches, and percentiles are never averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from monitor.store import sketch
from monitor.store.sketch import Sketch
from probes._model import Blame, ErrorClass, Sample

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
TAKEN: Final = ("error", "blame", "prompt_tokens", "output_tokens", "reasoning_tokens", "cost_usd")
"""Fields of a sample that go into every rollup."""


@dataclass(frozen=True, slots=True)
class RecordedEnding:
    """How a probe ended: its error, and whom that was blamed on then."""

    error: ErrorClass | None = None
    blame: Blame | None = None


@dataclass(slots=True, kw_only=True)
class Rollup:
    """What is kept of the samples of one endpoint, task and vantage over a span of time."""

    counts: dict[RecordedEnding, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0
    sketches: dict[str, Sketch] = field(default_factory=dict)
    """By figure; a figure that no sample had is not there."""

    @property
    def count(self) -> int:
        """Samples in it."""
        return sum(self.counts.values())

    def quantile(self, figure: str, share: float) -> float | None:
        """The quantile of a figure over the successes by nearest rank, within 1 %; None without any."""
        return self.quantiles(figure, [share])[0]

    def quantiles(self, figure: str, shares: Sequence[float]) -> list[float | None]:
        """The same of several shares."""
        found = self.sketches.get(figure)
        return [None] * len(shares) if found is None else found.quantiles(shares)


def rolled(samples: Iterable[Sample], figures: Sequence[str] = FIGURES) -> Rollup:
    """The rollup of samples, with the sketches of `figures`; their order does not matter."""
    return rolled_values(map(attrgetter(*TAKEN, *figures), samples), figures)


def rolled_values(rows: Iterable[Sequence[Any]], figures: Sequence[str]) -> Rollup:
    """The same of no more than is needed of each sample: the values of `TAKEN`, and behind them those of `figures`."""
    rollup = Rollup()
    for error, blame, prompt_tokens, output_tokens, reasoning_tokens, cost_usd, *values in rows:
        ending = RecordedEnding(error, blame)
        rollup.counts[ending] = rollup.counts.get(ending, 0) + 1
        rollup.prompt_tokens += prompt_tokens or 0
        rollup.output_tokens += output_tokens or 0
        rollup.reasoning_tokens += reasoning_tokens or 0
        rollup.cost_usd += cost_usd or 0.0
        if error is None:
            _add_figures(rollup, zip(figures, values, strict=True))
    return rollup


def fuller(fresh: Rollup, stored: Rollup | None) -> Rollup:
    """What was rolled up before, where it counts samples that are gone; else what was rolled up now."""
    return stored if stored is not None and stored.count > fresh.count else fresh


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
        for figure, found in rollup.sketches.items():
            total.sketches.setdefault(figure, sketch.empty()).merge(found)
    return total


def _add_figures(rollup: Rollup, values: Iterable[tuple[str, float | None]]) -> None:
    for figure, value in values:
        if value is not None:
            rollup.sketches.setdefault(figure, sketch.empty()).add(value)


def ratio(counts: Mapping[RecordedEnding, int]) -> float | None:
    """Successes among the samples that count for or against the provider; None without any."""
    ok = counts.get(RecordedEnding(), 0)
    failed = sum(count for ending, count in counts.items() if ending.blame is Blame.PROVIDER)
    return ok / (ok + failed) if ok + failed else None
