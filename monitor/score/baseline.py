"""What is usual of an endpoint at an hour of the week, and whether a sample is far from it. Pure.

Times and speeds are about log-normal: their logarithms lie evenly around a middle, their values do not. So the middle
is the median, and how far values lie from it is the median absolute deviation (MAD) of the logarithms. Neither moves
much when one of six weeks was trouble. A habit is of successes only, and of hours in which nearly all succeeded, but
follows what lasts: an endpoint that grows slower over weeks gets used to it.
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
"""Tasks whose answers have a first token and a speed; a vector and a list of models have not."""
FIGURES: Final = ("ttft_s", "output_tps")
"""Fields of a sample that have a habit."""
_LEAST_SAMPLES: Final = 60
_LEAST_DAYS: Final = 3
_DEVIATIONS: Final = 5.0
"""How many standard deviations of the logarithm are unusual.

Were these known, 3.1 would be passed once in 1,000 samples. But the MAD of 60 samples is off by 15 %: with 4, a fifth
of the habits of so few would be passed more often than that; with 5, one in seventy, and on average once in 12,000.
"""
_NORMAL: Final = 1.4826
"""Standard deviations in a MAD, of a normal distribution."""
_LEAST_FACTOR: Final = 1.5
"""What is nearer to the median than by this factor is usual however steady the endpoint is."""
_LEAST_S: Final = 0.1
"""So is a TTFT that is longer by less: networks take as much now and then."""
_MOST_FAILED: Final = 0.1
"""How many may fail while an endpoint is well."""
_ROUNDING: Final = 1e-9
"""Of half of all weight: sums of many shares differ in their last digits."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

Bins: TypeAlias = Mapping[float, int]
"""Values, and how many there are of each: those of a sketch."""


class Basis(StrEnum):
    """What a habit is made of, the nearest to the point first."""

    WEEKDAY = "the same hour of the same weekday of 6 weeks"
    HOUR = "the same hour of 14 days"
    WEEK = "all hours of 7 days"


_HOURS: Final = {Basis.WEEKDAY: (7 * _DAY, 6), Basis.HOUR: (_DAY, 14), Basis.WEEK: (_HOUR, 7 * 24)}
"""How far apart the hours of a basis lie, and how many they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineHistory:
    """What an hour that is over left of an endpoint."""

    start: datetime
    bins: Mapping[str, Bins]
    """By figure, of successes only."""
    ok: int = 0
    failed: int = 0
    """By the provider's fault."""

    @property
    def well(self) -> bool:
        """Whether it says what is usual: not where many failed, since what succeeded there was not well either."""
        return not self.failed or wilson(self.failed, self.ok + self.failed)[0] <= _MOST_FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is usual of one figure."""

    median: float
    mad: float
    """Of the natural logarithm."""
    count: int
    """Samples that it is made of."""
    days: int
    """The stretches of 24 hours before the hour in which these began."""
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """What is usual of one endpoint at one hour of the week; None where not enough is known."""

    hour: datetime
    """When the hour that they are for begins."""
    task: Task
    """Whose samples they are of, and for."""
    ttft_s: Baseline | None = None
    output_tps: Baseline | None = None


@lru_cache(maxsize=16)
def starts(basis: Basis, hour: datetime) -> tuple[datetime, ...]:
    """The hours that a habit for the hour from `hour` on is made of, by when they began; the newest first."""
    apart, count = _HOURS[basis]
    return tuple(hour - number * apart for number in range(1, count + 1))


@lru_cache(maxsize=16)
def _wanted(basis: Basis, hour: datetime) -> frozenset[datetime]:
    return frozenset(starts(basis, hour))


def baselines_of(hour: datetime, task: Task, past: Iterable[BaselineHistory]) -> Baselines:
    """The habits for the hour from `hour` on, each of the first basis that has enough.

    `past`: hours of the task in any order, several that began together (of several vantages) added up. What no basis
    asks for is passed over.
    """
    known = tuple(each for each in past if each.well)
    ttft_s, output_tps = (_first_baseline(hour, known, figure) for figure in FIGURES)
    return Baselines(hour=hour, task=task, ttft_s=ttft_s, output_tps=output_tps)


def _first_baseline(hour: datetime, past: Sequence[BaselineHistory], figure: str) -> Baseline | None:
    for basis in Basis:
        wanted = _wanted(basis, hour)
        by_day: dict[int, Counter[float]] = {}
        for each in past:
            if each.start in wanted:
                day = (hour - each.start - _HOUR) // _DAY
                by_day.setdefault(day, Counter()).update(each.bins.get(figure, {}))
        if found := baseline_of(basis, by_day.values()):
            return found
    return None


def baseline_of(basis: Basis, days: Iterable[Bins]) -> Baseline | None:
    """The habit of a figure from its values' counts in each stretch of 24 hours; None of too few.

    No such day weighs more than the middle one of them: neither one that was probed more often, nor the newest.
    What is not above 0 is no time and no speed, and is passed over.
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
    """All values with what they weigh; a day of more than `most` weighs that much in all."""
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
    """The least of these values that has half of all weight at or below it."""
    half = math.fsum(weights.values()) / 2 * (1 - _ROUNDING)
    ordered = sorted(weights)
    return ordered[bisect_left(list(accumulate(weights[value] for value in ordered)), half)]


def is_anomalous(baselines: Baselines, sample: Sample) -> bool:
    """Whether a success took far longer than usual to its first token, or wrote far more slowly."""
    if sample.error is not None or sample.task is not baselines.task:
        return False
    return _is_slow(baselines.ttft_s, sample.ttft_s) or _is_dull(baselines.output_tps, sample.output_tps)


def _is_slow(baseline: Baseline | None, ttft_s: float | None) -> bool:
    if baseline is None or ttft_s is None or ttft_s <= baseline.median + _LEAST_S:
        return False
    return math.log(ttft_s) - math.log(baseline.median) > _reach(baseline)


def _is_dull(baseline: Baseline | None, output_tps: float | None) -> bool:
    """The same of a speed, which is half a time: by the same factor, but with no least difference."""
    if baseline is None or output_tps is None:
        return False
    return output_tps <= 0 or math.log(baseline.median) - math.log(output_tps) > _reach(baseline)


def _reach(baseline: Baseline) -> float:
    """How far from the median's logarithm is usual."""
    return max(_DEVIATIONS * _NORMAL * baseline.mad, math.log(_LEAST_FACTOR))
