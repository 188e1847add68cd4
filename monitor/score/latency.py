"""Latency and speed quantiles of the last half hour: of successes, and with failures as infinitely slow."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.score.outcomes import SampleOutcome
from probes._model import Sample, Task
from probes._quantiles import quantile

RECENT = timedelta(minutes=30)
_NEVER = datetime.max.replace(tzinfo=UTC)
SHARES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99}
_REACHED = {name: 1 - share for name, share in SHARES.items()}
"""The value that a share of speeds reaches is the quantile of the remaining share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyFigure:
    """A figure that is published as quantiles."""

    name: str
    read: Callable[[Sample], float | None]
    is_time: bool
    """Times have failure-inflated quantiles, too; speeds have not."""


LATENCY_FIGURES = (
    LatencyFigure(name="ttft_s", read=lambda sample: sample.ttft_s, is_time=True),
    LatencyFigure(name="ttat_s", read=lambda sample: sample.ttat_s, is_time=True),
    LatencyFigure(name="e2e_s", read=lambda sample: sample.e2e_s, is_time=True),
    LatencyFigure(name="itl_s", read=lambda sample: sample.itl_p50_s, is_time=True),
    LatencyFigure(name="output_tps", read=lambda sample: sample.output_tps, is_time=False),
    LatencyFigure(name="e2e_tps", read=lambda sample: sample.e2e_tps, is_time=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Quantiles by name; None: no value, or infinite."""

    count: int
    quantiles: dict[str, float | None]
    inflated: dict[str, float | None] | None
    reached: dict[str, float | None] | None = None
    """For speeds: the value that this share of them reached. It falls from p50 to p99."""
    p95: float | None = None
    """Of successes, for pages; the published documents have the other quantiles."""


class RecentLatency:
    """One endpoint's counted samples of one task in the last half hour. Other tasks are not comparable."""

    __slots__ = ("_known", "_oldest", "_samples", "_task")

    def __init__(self, task: Task) -> None:
        self._task = task
        self._samples: list[tuple[Sample, SampleOutcome]] = []
        self._oldest = _NEVER
        """Start of the oldest sample."""
        self._known: dict[str, Summary] | None = None
        """The summaries; None: to be computed again."""

    def add(self, sample: Sample, outcome: SampleOutcome) -> None:
        """Keep a sample if it is counted and of the task."""
        if outcome.counted and sample.task is self._task:
            self._samples.append((sample, outcome))
            self._known = None

    def forget_after(self, now: datetime) -> None:
        """Drop samples later than `now`."""
        self._samples = [kept for kept in self._samples if kept[0].started_at <= now]
        self._known = None

    def summaries(self, now: datetime) -> dict[str, Summary]:
        """Each figure's quantiles over the half hour up to `now`."""
        begin = now - RECENT
        if self._known is None or self._oldest < begin:
            # Samples come in the order in which they ended, so an old one may stand behind newer ones.
            self._samples = [kept for kept in self._samples if kept[0].started_at >= begin]
            self._oldest = min((sample.started_at for sample, _ in self._samples), default=_NEVER)
            self._known = {figure.name: self._summary(figure) for figure in LATENCY_FIGURES}
        return self._known

    def _summary(self, figure: LatencyFigure) -> Summary:
        good = [sample for sample, outcome in self._samples if outcome is SampleOutcome.OK]
        values = sorted(value for value in map(figure.read, good) if value is not None)
        failed = len(self._samples) - len(good)
        inflated = [*values, *([math.inf] * failed)] if figure.is_time else None
        return Summary(
            count=len(values),
            quantiles=_quantiles(values, SHARES),
            inflated=None if inflated is None else _quantiles(inflated, SHARES),
            reached=None if figure.is_time else _quantiles(values, _REACHED),
            p95=_quantiles(values, {"p95": 0.95})["p95"],
        )


def _quantiles(ordered: Sequence[float], shares: Mapping[str, float]) -> dict[str, float | None]:
    found = {name: quantile(ordered, share) if ordered else math.inf for name, share in shares.items()}
    return {name: None if math.isinf(value) else value for name, value in found.items()}
