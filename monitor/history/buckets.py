"""The points of a series, from samples or rollups. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NotRequired, TypeAlias

from typing_extensions import TypedDict

from monitor.history.series import INVERSE, Grid, Metric, SeriesQuery
from monitor.schema.types import Moment
from monitor.score.outcomes import SampleOutcome
from monitor.scoreboard.schema import Count, Share
from monitor.store import Bucket, Point
from monitor.store.rollup import Rollup, merged
from probes._model import ErrorClass
from probes._serialize import timestamp

LATENCIES: Final = frozenset(
    {Metric.HEADERS, Metric.TTFT, Metric.TTAT, Metric.E2E, Metric.ITL_P50, Metric.ITL_P99, Metric.ITL_MAX}
)
"""Latencies. Their percentiles are given twice: of successes, and failure-inflated."""
_SHARES: Final = (0.5, 0.9, 0.99)
_ROUNDING: Final = 1e-9
"""Tolerance of a share times a count, as in sketches."""
_DIGITS: Final = 6
"""Decimals of a ratio; significant digits of a figure, since a cost may be a millionth."""

OutcomeOf: TypeAlias = Callable[[ErrorClass | None], SampleOutcome]
"""The outcome of a sample by its error."""


class Percentiles(TypedDict):
    """Percentiles of the value, by nearest rank."""

    p50: float | None
    p90: float | None
    p99: float | None


class QuantilePoint(TypedDict):
    """A metric in one step, from successful samples that have the value."""

    at: Moment
    """Start of the step."""
    count: Count
    p50: float | None
    """Percentiles of the value, by nearest rank; null if nothing was measured."""
    p90: float | None
    p99: float | None
    failure_inflated: NotRequired[Percentiles]
    """For latencies: failures of the provider count as infinitely slow. null: infinite, or not known."""


class RatioPoint(TypedDict):
    """Uptime in one step."""

    at: Moment
    """Start of the step."""
    count: Count
    """Samples that count for or against the provider."""
    ratio: Share | None
    """Share of successes; null without counted samples."""


Points: TypeAlias = list[QuantilePoint] | list[RatioPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class _BucketStep:
    """The values of one step, from samples or rollups."""

    count: int
    """Number of values."""
    ranked: Callable[[Sequence[int]], Sequence[float | None]]
    """The values at ranks; rank 1 is the smallest value."""
    endings: Mapping[ErrorClass | None, int]


def of_samples(asked: SeriesQuery, grid: Grid, points: Iterable[Point], outcome_of: OutcomeOf) -> Points:
    """A series from single samples."""
    steps: list[list[Point]] = [[] for _ in range(grid.count)]
    for point in points:
        number = grid.place(point.at)
        if number is not None:
            steps[number].append(point)
    return _points(asked, grid, map(_of_samples, steps), outcome_of)


def of_buckets(asked: SeriesQuery, grid: Grid, buckets: Iterable[Bucket], outcome_of: OutcomeOf) -> Points:
    """A series from rollups. A step may have several: one per task, vantage and hour."""
    steps: list[list[Rollup]] = [[] for _ in range(grid.count)]
    for bucket in buckets:
        number = grid.place(bucket.start)
        if number is not None and asked.task in {None, bucket.task}:
            steps[number].append(bucket.rollup)
    return _points(asked, grid, (_of_rollup(_together(step), asked.metric) for step in steps), outcome_of)


def _of_samples(points: Sequence[Point]) -> _BucketStep:
    ordered = sorted(point.value for point in points if point.error is None and point.value is not None)
    return _BucketStep(
        count=len(ordered),
        ranked=lambda ranks: [ordered[rank - 1] for rank in ranks],
        endings=_counted((point.error, 1) for point in points),
    )


def _together(rollups: Sequence[Rollup]) -> Rollup:
    """The merged rollup. Most steps have only one rollup, which is not copied."""
    return rollups[0] if len(rollups) == 1 else merged(rollups)


def _of_rollup(rollup: Rollup, metric: Metric) -> _BucketStep:
    figure = INVERSE.get(metric, metric)
    count = rollup.sketches[figure].count if figure in rollup.sketches else 0

    def ranked(ranks: Sequence[int]) -> Sequence[float | None]:
        if figure is metric:
            return rollup.quantiles(figure, [rank / count for rank in ranks])
        # The inverse reverses the ranks.
        turned = rollup.quantiles(figure, [(count - rank + 1) / count for rank in ranks])
        return [1 / value if value else None for value in turned]

    endings = _counted((ending.error, number) for ending, number in rollup.counts.items())
    return _BucketStep(count=count, ranked=ranked, endings=endings)


def _counted(endings: Iterable[tuple[ErrorClass | None, int]]) -> Mapping[ErrorClass | None, int]:
    counts: dict[ErrorClass | None, int] = {}
    for error, count in endings:
        counts[error] = counts.get(error, 0) + count
    return counts


def _points(asked: SeriesQuery, grid: Grid, steps: Iterable[_BucketStep], outcome_of: OutcomeOf) -> Points:
    placed = zip(map(timestamp, grid.starts()), steps, strict=True)
    if asked.metric is Metric.UPTIME:
        return [_ratio(at, step, outcome_of) for at, step in placed]
    return [_quantiles(at, step, outcome_of if asked.metric in LATENCIES else None) for at, step in placed]


def _ratio(at: str, step: _BucketStep, outcome_of: OutcomeOf) -> RatioPoint:
    good, failed = (_tally(step, outcome_of, outcome) for outcome in (SampleOutcome.OK, SampleOutcome.FAILED))
    ratio = round(good / (good + failed), _DIGITS) if good + failed else None
    return RatioPoint(at=at, count=good + failed, ratio=ratio)


def _quantiles(at: str, step: _BucketStep, outcome_of: OutcomeOf | None) -> QuantilePoint:
    plain = _percentiles(step, 0)
    point = QuantilePoint(at=at, count=step.count, p50=plain["p50"], p90=plain["p90"], p99=plain["p99"])
    if outcome_of is not None:
        point["failure_inflated"] = _percentiles(step, _tally(step, outcome_of, SampleOutcome.FAILED))
    return point


def _percentiles(step: _BucketStep, failed: int) -> Percentiles:
    """The percentiles with so many failures ranked after the slowest success."""
    total = step.count + failed
    ranks = [max(math.ceil(share * total - _ROUNDING), 1) for share in _SHARES]
    known = [rank for rank in ranks if rank <= step.count]
    values = [None if value is None else float(f"{value:.{_DIGITS}g}") for value in step.ranked(known)]
    p50, p90, p99 = (*values, None, None, None)[: len(ranks)]
    return Percentiles(p50=p50, p90=p90, p99=p99)


def _tally(step: _BucketStep, outcome_of: OutcomeOf, outcome: SampleOutcome) -> int:
    return sum(count for error, count in step.endings.items() if outcome_of(error) is outcome)
