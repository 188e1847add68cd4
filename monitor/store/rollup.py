"""A rollup of samples: counts, sums, and a sketch of each figure. Rollups can be merged. Pure.

So a percentile over any window is one merge of sketches; percentiles are never averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
"""Fields with a sketch, of successes. `tpot_s` is left out: it is the inverse of a speed."""
TAKEN: Final = ("error", "blame", "prompt_tokens", "output_tokens", "reasoning_tokens", "cost_usd")
"""Fields of a sample that every rollup needs."""


@dataclass(frozen=True, slots=True)
class RecordedEnding:
    """The error of a probe, and its blame at that time."""

    error: ErrorClass | None = None
    blame: Blame | None = None


@dataclass(slots=True, kw_only=True)
class Rollup:
    """The rollup of the samples of one endpoint, task and vantage over a span of time."""

    counts: dict[RecordedEnding, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float = 0.0
    sketches: dict[str, Sketch] = field(default_factory=dict)
    """By figure; figures without values are missing."""

    @property
    def count(self) -> int:
        """Number of samples."""
        return sum(self.counts.values())

    def quantiles(self, figure: str, shares: Sequence[float]) -> list[float | None]:
        """Quantiles of a figure over the successes by nearest rank, within 1 %; None: no values."""
        found = self.sketches.get(figure)
        return [None] * len(shares) if found is None else found.quantiles(shares)


def rolled(samples: Iterable[Sample], figures: Sequence[str] = FIGURES) -> Rollup:
    """The rollup of samples in any order, with the sketches of `figures`."""
    return rolled_values(map(attrgetter(*TAKEN, *figures), samples), figures)


def rolled_values(rows: Iterable[Sequence[Any]], figures: Sequence[str]) -> Rollup:
    """The rollup of samples that are given as the values of `TAKEN`, followed by those of `figures`."""
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
    """The older rollup when it counts samples that are deleted by now; otherwise the new one."""
    return stored if stored is not None and stored.count > fresh.count else fresh


def merged(rollups: Iterable[Rollup]) -> Rollup:
    """The sum of rollups."""
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
