"""The stored history of a model's endpoints, reduced to what its page shows. Pure: buckets of rollups → figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from monitor.charts.boxes import Five
from monitor.charts.series import SeriesPoint
from monitor.charts.uptime_strip import UptimeBucket
from monitor.domain.incident import Incident
from monitor.domain.maintenance import MaintenanceWindow
from monitor.history.buckets import OutcomeOf
from monitor.history.series import Grid, Metric
from monitor.score.outcomes import Z95, SampleOutcome
from monitor.store import Bucket
from monitor.store.rollup import Rollup, merged
from monitor.traffic.counted import Activity
from monitor.web.pages.model.query import DAY, HOUR, ChartSpan
from probes._model import Task

HOURS: Final = 72
"""Hourly bars of uptime."""
DAYS: Final = 90
"""Daily bars of uptime."""
ACTIVE_DAYS: Final = 30
"""Days of activity."""
CHARTED: Final = (Metric.TTFT, Metric.OUTPUT_TPS, Metric.E2E)
"""The metrics with charts of their own."""
ENOUGH_FOR_SPREAD: Final = 20
"""Least number of values whose 5th percentile is not simply the smallest one."""
_ENOUGH_FOR_INTERVAL: Final = 6
"""With fewer values even the smallest and the largest enclose the median with less than 95 % probability."""
_HALF: Final = 0.5
_SPREAD: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
NOW: Final = 2 * HOUR
"""The figures of now are of this hour and the last one: this one may have begun a minute ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianFigure:
    """A median with its 95 % interval; None without a value."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureHistory:
    """One metric of one endpoint, of the successes of its headline task."""

    now: MedianFigure
    """Of this hour and the last one."""
    spread: Five | None
    """Percentiles of the charts' span: 5, 25, 50, 75, 95."""
    spread_n: int
    points: tuple[SeriesPoint, ...]
    """The median of each step of the span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeDay:
    """What the probes of an endpoint used on one day (UTC)."""

    day: date
    probes: int
    prompt_tokens: int
    output_tokens: int
    """With those of the reasoning."""
    reasoning_tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHistory:
    """What the store knows of one endpoint."""

    endpoint: str
    figures: Mapping[Metric, FigureHistory]
    hours: tuple[UptimeBucket, ...]
    """72, the last one is the current hour."""
    days: tuple[UptimeBucket, ...]
    """90, the last one is today (UTC)."""
    probe_days: tuple[ProbeDay, ...]
    """The last 30 days that have probes."""
    incidents: tuple[Incident, ...] = ()
    """Open in the charts' span, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHistory:
    """The history of a model's endpoints, as it was read at one time."""

    read_at: datetime
    span: ChartSpan
    endpoints: Mapping[str, EndpointHistory]
    activity: tuple[Activity, ...] = ()
    """Of reported real traffic, by day, endpoint and application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointBuckets:
    """What is read from the store for one endpoint."""

    endpoint: str
    task: Task | None
    """The headline task; None: the endpoint is not probed now."""
    hourly: Sequence[Bucket]
    """At least the last 72 hours, with the sketches of `CHARTED`."""
    daily: Sequence[Bucket]
    """At least the last 90 days; with these sketches if the charts' steps are days."""
    incidents: Sequence[Incident] = ()
    maintenance: Sequence[MaintenanceWindow] = ()


def hour_grid(now: datetime) -> Grid:
    """The hours of the bars; the last one contains `now`."""
    return Grid(begin=_hour(now) - (HOURS - 1) * HOUR, step=HOUR, count=HOURS)


def day_grid(now: datetime) -> Grid:
    """The days of the bars (UTC); the last one contains `now`."""
    return Grid(begin=_midnight(now) - (DAYS - 1) * DAY, step=DAY, count=DAYS)


def endpoint_history(read: EndpointBuckets, span: ChartSpan, now: datetime, judge: OutcomeOf) -> EndpointHistory:
    """An endpoint's buckets as figures."""
    charted = read.hourly if span.grid.step < DAY else read.daily
    lately = [bucket.rollup for bucket in _of_task(read.hourly, read.task) if bucket.start > _hour(now) - NOW]
    return EndpointHistory(
        endpoint=read.endpoint,
        figures=_figures(together(lately), _steps(_of_task(charted, read.task), span.grid), span.grid),
        hours=_uptime(read, read.hourly, hour_grid(now), judge),
        days=_uptime(read, read.daily, day_grid(now), judge),
        probe_days=tuple(_probe_days(read.daily, _midnight(now) - (ACTIVE_DAYS - 1) * DAY)),
        incidents=tuple(read.incidents),
    )


def without_limits(history: ModelHistory) -> ModelHistory:
    """The history without rate limits."""
    return replace(
        history,
        endpoints={
            name: replace(each, hours=_without_limits(each.hours), days=_without_limits(each.days))
            for name, each in history.endpoints.items()
        },
    )


def _without_limits(buckets: Iterable[UptimeBucket]) -> tuple[UptimeBucket, ...]:
    return tuple(replace(bucket, rate_limited=0) if bucket.rate_limited else bucket for bucket in buckets)


def median_figure(rollup: Rollup, metric: Metric) -> MedianFigure:
    """The median of a metric. Its interval is that between two ranks of the values, which needs no distribution."""
    count = count_of(rollup, metric)
    half = Z95 * math.sqrt(count) / 2 / count if count else 1.0
    low, value, high = rollup.quantiles(metric, (max(_HALF - half, 0.0), _HALF, min(_HALF + half, 1.0)))
    if count < _ENOUGH_FOR_INTERVAL:
        return MedianFigure(value=value, n=count)
    return MedianFigure(value=value, low=low, high=high, n=count)


def count_of(rollup: Rollup, metric: Metric) -> int:
    """The number of values of a metric."""
    return rollup.sketches[metric].count if metric in rollup.sketches else 0


def _figures(now: Rollup, steps: Sequence[Sequence[Rollup]], grid: Grid) -> dict[Metric, FigureHistory]:
    by_step = [together(step) for step in steps]
    whole = together(by_step)
    return {metric: _figure(metric, now=now, whole=whole, steps=by_step, grid=grid) for metric in CHARTED}


def _figure(metric: Metric, *, now: Rollup, whole: Rollup, steps: Sequence[Rollup], grid: Grid) -> FigureHistory:
    return FigureHistory(
        now=median_figure(now, metric),
        spread=_spread(whole, metric),
        spread_n=count_of(whole, metric),
        points=tuple(
            SeriesPoint(at=at, value=found.value, low=found.low, high=found.high, n=found.n)
            for at, found in zip(grid.starts(), (median_figure(step, metric) for step in steps), strict=True)
        ),
    )


def _spread(rollup: Rollup, metric: Metric) -> Five | None:
    if count_of(rollup, metric) < ENOUGH_FOR_SPREAD:
        return None
    p5, p25, p50, p75, p95 = (value or 0.0 for value in rollup.quantiles(metric, _SPREAD))
    return p5, p25, p50, p75, p95


def together(rollups: Sequence[Rollup]) -> Rollup:
    """The merged rollup; one alone is not copied."""
    return rollups[0] if len(rollups) == 1 else merged(rollups)


def _of_task(buckets: Iterable[Bucket], task: Task | None) -> list[Bucket]:
    return [bucket for bucket in buckets if bucket.task is task]


def _steps(buckets: Iterable[Bucket], grid: Grid) -> list[list[Rollup]]:
    steps: list[list[Rollup]] = [[] for _ in range(grid.count)]
    for bucket in buckets:
        number = grid.place(bucket.start)
        if number is not None:
            steps[number].append(bucket.rollup)
    return steps


def _uptime(read: EndpointBuckets, buckets: Iterable[Bucket], grid: Grid, judge: OutcomeOf) -> tuple[UptimeBucket, ...]:
    """The bars of all tasks together, as in uptime everywhere else."""
    bars = zip(grid.starts(), _steps(buckets, grid), strict=True)
    return tuple(_bar(at, _outcomes(step, judge), grid.step, read.maintenance) for at, step in bars)


def _bar(
    at: datetime,
    counts: Mapping[SampleOutcome, int],
    step: timedelta,
    maintenance: Iterable[MaintenanceWindow],
) -> UptimeBucket:
    return UptimeBucket(
        at=at,
        ok=counts.get(SampleOutcome.OK, 0),
        failed=counts.get(SampleOutcome.FAILED, 0),
        rate_limited=counts.get(SampleOutcome.RATE_LIMITED, 0),
        maintenance=any(span.begin < at + step and at < span.end for span in maintenance),
        network=SampleOutcome.NETWORK in counts,
    )


def _outcomes(rollups: Iterable[Rollup], judge: OutcomeOf) -> dict[SampleOutcome, int]:
    counts: dict[SampleOutcome, int] = {}
    for rollup in rollups:
        for ending, count in rollup.counts.items():
            outcome = judge(ending.error)
            counts[outcome] = counts.get(outcome, 0) + count
    return counts


def _probe_days(buckets: Iterable[Bucket], since: datetime) -> Iterable[ProbeDay]:
    days: dict[date, list[Rollup]] = {}
    for bucket in buckets:
        if bucket.start >= since:
            days.setdefault(bucket.start.date(), []).append(bucket.rollup)
    for day, rollups in days.items():
        yield ProbeDay(
            day=day,
            probes=sum(rollup.count for rollup in rollups),
            prompt_tokens=sum(rollup.prompt_tokens for rollup in rollups),
            output_tokens=sum(rollup.output_tokens for rollup in rollups),
            reasoning_tokens=sum(rollup.reasoning_tokens for rollup in rollups),
            cost_usd=sum(rollup.cost_usd for rollup in rollups),
        )


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
