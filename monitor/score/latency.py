"""Quantiles of the last half hour's figures, of successes alone and with failures as infinitely slow."""

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
"""What a share of values reaches is the quantile of the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyFigure:
    """A figure that is published as quantiles."""

    name: str
    read: Callable[[Sample], float | None]
    is_time: bool
    """Times have a failure-inflated twin; speeds have not."""


FIGURES = (
    LatencyFigure(name="ttft_s", read=lambda sample: sample.ttft_s, is_time=True),
    LatencyFigure(name="ttat_s", read=lambda sample: sample.ttat_s, is_time=True),
    LatencyFigure(name="e2e_s", read=lambda sample: sample.e2e_s, is_time=True),
    LatencyFigure(name="itl_s", read=lambda sample: sample.itl_p50_s, is_time=True),
    LatencyFigure(name="output_tps", read=lambda sample: sample.output_tps, is_time=False),
    LatencyFigure(name="e2e_tps", read=lambda sample: sample.e2e_tps, is_time=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Quantiles by name; None for one that is not there, or infinite."""

    count: int
    quantiles: dict[str, float | None]
    inflated: dict[str, float | None] | None
    reached: dict[str, float | None] | None = None
    """Of speeds, what that share of them reached: falls from p50 to p99."""


class RecentLatency:
    """The counted samples of one task in the last half hour of one endpoint.

    Of one task, since a vector is no slow chat, and a list of models no fast one.
    """

    __slots__ = ("_known", "_oldest", "_samples", "_task")

    def __init__(self, task: Task) -> None:
        self._task = task
        self._samples: list[tuple[Sample, SampleOutcome]] = []
        self._oldest = _NEVER
        """Start of the first to leave."""
        self._known: dict[str, Summary] | None = None
        """What the samples come to; None when that is to be found anew."""

    def add(self, sample: Sample, outcome: SampleOutcome) -> None:
        """Keep a sample, if it counts and is of the task."""
        if outcome.counted and sample.task is self._task:
            self._samples.append((sample, outcome))
            self._known = None

    def forget_after(self, now: datetime) -> None:
        """Samples that are dated later than now are not counted any more."""
        self._samples = [kept for kept in self._samples if kept[0].started_at <= now]
        self._known = None

    def summaries(self, now: datetime) -> dict[str, Summary]:
        """Each figure's quantiles over the half hour up to `now`."""
        begin = now - RECENT
        if self._known is None or self._oldest < begin:
            # They come in the order in which they ended, so an old one may stand behind newer ones.
            self._samples = [kept for kept in self._samples if kept[0].started_at >= begin]
            self._oldest = min((sample.started_at for sample, _ in self._samples), default=_NEVER)
            self._known = {figure.name: self._summary(figure) for figure in FIGURES}
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
        )


def _quantiles(ordered: Sequence[float], shares: Mapping[str, float]) -> dict[str, float | None]:
    found = {name: quantile(ordered, share) if ordered else math.inf for name, share in shares.items()}
    return {name: None if math.isinf(value) else value for name, value in found.items()}
