"""Baselines of an endpoint's latency and speed at an hour of the week, and anomalous samples. Pure.

Times and speeds are about log-normal. So a baseline is the median and the median absolute deviation (MAD) of the
logarithms. Neither moves much when one of six weeks was bad. A baseline uses successes only, of hours in which nearly
all requests succeeded. It follows lasting changes: an endpoint that gets slower over weeks gets a slower baseline.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import Final, TypeAlias

from monitor.score.outcomes import wilson
from probes._model import Sample, Task

GENERATES: Final = frozenset({Task.CHAT, Task.TOOL_CALL, Task.STRUCTURED_OUTPUT})
"""Tasks whose answers have a first token and a speed."""
BASELINE_FIGURES: Final = ("ttft_s", "output_tps")
"""Fields of a sample that have a baseline."""
_LEAST_SAMPLES: Final = 60
_LEAST_DAYS: Final = 3
_DEVIATIONS: Final = 5.0
"""How many standard deviations of the logarithm are anomalous.

With an exact deviation, 3.1 would be exceeded once in 1,000 samples. But the MAD of 60 samples is off by 15 %: with 4,
a fifth of such baselines would be exceeded more often than that; with 5, one in seventy, and on average once in 12,000.
"""
_NORMAL: Final = 1.4826
"""Standard deviation ÷ MAD of a normal distribution."""
_LEAST_FACTOR: Final = 1.5
"""A value within this factor of the median is never anomalous, however steady the endpoint is."""
_LEAST_S: Final = 0.1
"""Nor is a TTFT that is longer by less than this: networks add as much from time to time."""
_MOST_FAILED: Final = 0.1
"""The share of failures up to which an hour counts as normal."""
_ROUNDING: Final = 1e-9
"""Relative tolerance: sums of many shares differ in their last digits."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

Bins: TypeAlias = Mapping[float, int]
"""Counts by value, as in a sketch."""


class Basis(StrEnum):
    """Which hours a baseline is made of; the most specific first."""

    WEEKDAY = "the same hour of the same weekday of 6 weeks"
    HOUR = "the same hour of 14 days"
    WEEK = "all hours of 7 days"


_HOURS: Final = {Basis.WEEKDAY: (7 * _DAY, 6), Basis.HOUR: (_DAY, 14), Basis.WEEK: (_HOUR, 7 * 24)}
"""The distance between the hours of a basis, and their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineHistory:
    """An endpoint's past hour."""

    start: datetime
    bins: Mapping[str, Bins]
    """By figure; successes only."""
    ok: int = 0
    failed: int = 0
    """Failures of the provider."""

    @property
    def well(self) -> bool:
        """Whether the hour counts: when many requests failed, the successes were not normal, either."""
        return not self.failed or wilson(self.failed, self.ok + self.failed)[0] <= _MOST_FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The baseline of one figure."""

    median: float
    mad: float
    """Of the natural logarithms."""
    count: int
    """Number of samples."""
    days: int
    """Number of 24-hour periods before the hour that hold samples."""
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """The baselines of one endpoint at one hour of the week; None: too few samples."""

    hour: datetime
    """Start of the hour that they apply to."""
    task: Task
    """The task of the samples."""
    ttft_s: Baseline | None = None
    output_tps: Baseline | None = None


@lru_cache(maxsize=16)
def starts(basis: Basis, hour: datetime) -> tuple[datetime, ...]:
    """The starts of the hours that a baseline for `hour` is made of; the newest first."""
    apart, count = _HOURS[basis]
    return tuple(hour - number * apart for number in range(1, count + 1))


@lru_cache(maxsize=16)
def _wanted(basis: Basis, hour: datetime) -> frozenset[datetime]:
    return frozenset(starts(basis, hour))


def baselines_of(hour: datetime, task: Task, past: Iterable[BaselineHistory]) -> Baselines:
    """The baselines for `hour`, each of the first basis that has enough samples.

    `past`: hours of the task in any order. Hours with the same start (of several vantages) are added up. Hours that no
    basis uses are ignored.
    """
    known = tuple(past_hour for past_hour in past if past_hour.well)
    ttft_s, output_tps = (_first_baseline(hour, known, figure) for figure in BASELINE_FIGURES)
    return Baselines(hour=hour, task=task, ttft_s=ttft_s, output_tps=output_tps)


def _first_baseline(hour: datetime, past: Sequence[BaselineHistory], figure: str) -> Baseline | None:
    for basis in Basis:
        wanted = _wanted(basis, hour)
        by_day: dict[int, Counter[float]] = {}
        for past_hour in past:
            if past_hour.start in wanted:
                day = (hour - past_hour.start - _HOUR) // _DAY
                by_day.setdefault(day, Counter()).update(past_hour.bins.get(figure, {}))
        if found := baseline_of(basis, by_day.values()):
            return found
    return None


def baseline_of(basis: Basis, days: Iterable[Bins]) -> Baseline | None:
    """The baseline of a figure from its counts in each 24-hour period; None: too few samples.

    No period weighs more than the median one, so that a period with more probes does not dominate. Values that are not
    above 0 are ignored.
    """
    kept = [day for day in map(_above_zero, days) if day]
    totals = sorted(sum(day.values()) for day in kept)
    if len(kept) < _LEAST_DAYS or sum(totals) < _LEAST_SAMPLES:
        return None
    weights = _evened(kept, most=totals[len(totals) // 2])
    median = weighted_median(weights)
    return Baseline(median=median, mad=_mad(weights, median), count=sum(totals), days=len(kept), basis=basis)


def _above_zero(day: Bins) -> Bins:
    return {value: count for value, count in day.items() if value > 0}


def _evened(days: Iterable[Bins], most: int) -> dict[float, float]:
    """The weight of each value. A day with more than `most` samples weighs `most` in all."""
    weights: dict[float, float] = {}
    for day in days:
        share = min(1.0, most / sum(day.values()))
        for value, count in day.items():
            weights[value] = weights.get(value, 0.0) + share * count
    return weights


def _mad(weights: Mapping[float, float], median: float) -> float:
    middle = math.log(median)
    away: dict[float, float] = {}
    for value, weight in weights.items():
        distance = abs(math.log(value) - middle)
        away[distance] = away.get(distance, 0.0) + weight
    return weighted_median(away)


def weighted_median(weights: Mapping[float, float]) -> float:
    """The smallest value with at least half of the weight at or below it."""
    half = math.fsum(weights.values()) / 2 * (1 - _ROUNDING)
    ordered = sorted(weights)
    return ordered[bisect_left(list(accumulate(weights[value] for value in ordered)), half)]


def is_anomalous(baselines: Baselines, sample: Sample) -> bool:
    """Whether a success was far slower than its baseline: in time to first token, or in output speed."""
    if sample.error is not None or sample.task is not baselines.task:
        return False
    return _is_slow(baselines.ttft_s, sample.ttft_s) or _is_dull(baselines.output_tps, sample.output_tps)


def _is_slow(baseline: Baseline | None, ttft_s: float | None) -> bool:
    if baseline is None or ttft_s is None or ttft_s <= baseline.median + _LEAST_S:
        return False
    return math.log(ttft_s) - math.log(baseline.median) > _reach(baseline)


def _is_dull(baseline: Baseline | None, output_tps: float | None) -> bool:
    """Whether a speed is far below its baseline: by the same factor as a time, but without a least difference."""
    if baseline is None or output_tps is None:
        return False
    return output_tps <= 0 or math.log(baseline.median) - math.log(output_tps) > _reach(baseline)


def _reach(baseline: Baseline) -> float:
    """The largest normal distance from the logarithm of the median."""
    return max(_DEVIATIONS * _NORMAL * baseline.mad, math.log(_LEAST_FACTOR))
