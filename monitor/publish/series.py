"""Series: one figure of an endpoint, or its uptime, over a window in equal steps. Pure.

Steps lie on a grid that begins in 1970, so a step that is over never changes where it lies, whoever asks and when. The
last one holds the moment of asking. Up to a day they are made from samples; hours and days from rollups.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from typing import Final, TypeAlias, TypedDict

from monitor.publish.cursor import QueryError
from monitor.publish.shapes import Count, Moment, Share
from monitor.score.outcomes import Outcome
from monitor.store import Bucket, Point, Tier
from monitor.store.rollup import Rollup, merged
from probes._model import ErrorClass, Task
from probes._plain import timestamp


class Metric(StrEnum):
    """What a series can be of: uptime, or a field of samples that is a measure."""

    UPTIME = "uptime"
    LAG = "lag_s"
    DNS = "dns_s"
    CONNECT = "connect_s"
    TLS = "tls_s"
    HEADERS = "headers_s"
    TTFT = "ttft_s"
    TTAT = "ttat_s"
    E2E = "e2e_s"
    ITL_P50 = "itl_p50_s"
    ITL_P99 = "itl_p99_s"
    ITL_MAX = "itl_max_s"
    OUTPUT_TPS = "output_tps"
    TPOT = "tpot_s"
    E2E_TPS = "e2e_tps"
    RTT = "rtt_s"
    SERVER = "server_s"
    PROMPT_TOKENS = "prompt_tokens"
    OUTPUT_TOKENS = "output_tokens"
    REASONING_TOKENS = "reasoning_tokens"
    CACHED_TOKENS = "cached_tokens"
    COST = "cost_usd"
    RETRANSMITS = "retransmits"
    RX_LAG = "rx_lag_s"
    MERGED_READS = "merged_reads"


ONLY_RAW: Final = frozenset(
    {
        Metric.PROMPT_TOKENS,
        Metric.OUTPUT_TOKENS,
        Metric.REASONING_TOKENS,
        Metric.CACHED_TOKENS,
        Metric.COST,
        Metric.RETRANSMITS,
        Metric.RX_LAG,
        Metric.MERGED_READS,
    }
)
"""Fields that no rollup has a sketch of."""
_INVERSE: Final[Mapping[Metric, Metric]] = {Metric.TPOT: Metric.OUTPUT_TPS}
"""Fields that are the inverse of one that has a sketch."""

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
SHORTEST_WINDOW_S: Final = 5 * MINUTE
LONGEST_WINDOW_S: Final = 90 * DAY
MOST_POINTS: Final = 1_500
_STEPS: Final = (
    (HOUR, MINUTE),
    (6 * HOUR, 5 * MINUTE),
    (DAY, 15 * MINUTE),
    (7 * DAY, HOUR),
    (30 * DAY, 6 * HOUR),
    (LONGEST_WINDOW_S, DAY),
)
"""Windows up to how many seconds are shown in which step, unless another is asked for."""
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHARES: Final = (0.5, 0.9, 0.99)
_ROUNDING: Final = 1e-9
"""Of a share times a count, as in sketches."""
_DIGITS: Final = 6
"""Of a ratio behind the point; of a figure in all, since a cost is as small as a millionth."""

Judge: TypeAlias = Callable[[ErrorClass | None], Outcome]
"""What a sample that ended so counts as."""


class Source(Enum):
    """What a series is made from."""

    SAMPLES = None
    HOURS = Tier.HOUR
    DAYS = Tier.DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Steps of the same length, one behind the other."""

    begin: datetime
    step: timedelta
    count: int

    @property
    def end(self) -> datetime:
        """When the last step is over."""
        return self.begin + self.count * self.step

    def starts(self) -> list[datetime]:
        """When each step begins."""
        return [self.begin + number * self.step for number in range(self.count)]

    def place(self, at: datetime) -> int | None:
        """In which step a moment lies; None: in none."""
        number = (at - self.begin) // self.step
        return number if 0 <= number < self.count else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a series is to be of."""

    metric: Metric
    task: Task | None
    """None: of all tasks."""
    window_s: int
    step_s: int
    source: Source

    @property
    def sketched(self) -> tuple[str, ...]:
        """The figures whose sketches a rollup has to bring."""
        return () if self.metric is Metric.UPTIME else (_INVERSE.get(self.metric, self.metric),)

    @property
    def figure(self) -> str:
        """The field of samples that is to be read; uptime needs none, and takes one that costs nothing."""
        return "ttft_s" if self.metric is Metric.UPTIME else self.metric

    def grid(self, now: datetime) -> Grid:
        """The steps of the window that ends at `now`: as many as it has, and one more where it lies across."""
        begin, last = (_floor(at, self.step_s) for at in (now - timedelta(seconds=self.window_s), now))
        step = timedelta(seconds=self.step_s)
        return Grid(begin=begin, step=step, count=(last - begin) // step + 1)

    def whole(self, now: datetime) -> Grid:
        """The window in one step, for a single figure of all of it."""
        begin = _floor(now - timedelta(seconds=self.window_s), _unit_s(self.source))
        return Grid(begin=begin, step=now + timedelta(microseconds=1) - begin, count=1)


class QuantilePoint(TypedDict):
    """A figure in one step: of successes that had it."""

    at: Moment
    """When the step begins."""
    count: Count
    p50: float | None
    """Percentiles of the value itself, by nearest rank; null where nothing was measured."""
    p90: float | None
    p99: float | None


class RatioPoint(TypedDict):
    """Uptime in one step."""

    at: Moment
    """When the step begins."""
    count: Count
    """Samples that count for or against the provider."""
    ratio: Share | None
    """Null where there was none of these."""


Points: TypeAlias = list[QuantilePoint] | list[RatioPoint]


def asked(metric: Metric, *, task: Task | None, window_s: float, step_s: float | None) -> Asked:
    """What is to be read for a reader. Raises QueryError where there is no such series."""
    window = _whole("window", window_s)
    if not SHORTEST_WINDOW_S <= window <= LONGEST_WINDOW_S:
        raise QueryError("window is from 5m to 90d")
    step = _default_step_s(window) if step_s is None else _whole("step", step_s)
    _check_step(window, step)
    source = _source(metric, window, step)
    return Asked(metric=metric, task=task, window_s=window, step_s=step, source=source)


def _whole(name: str, seconds: float) -> int:
    if seconds < 1 or seconds != int(seconds):
        raise QueryError(f"{name} is a whole number of seconds, such as 30s, 5m, 1h or 1d")
    return int(seconds)


def _default_step_s(window_s: int) -> int:
    return next(step for longest, step in _STEPS if window_s <= longest)


def _check_step(window_s: int, step_s: int) -> None:
    if step_s > window_s:
        raise QueryError("step is longer than the window")
    if window_s > MOST_POINTS * step_s:
        raise QueryError(f"step is too short: a window has no more than {MOST_POINTS} of them")
    if (step_s > HOUR and step_s % HOUR) or (step_s > DAY and step_s % DAY):
        raise QueryError("a step of more than an hour is a whole number of hours, one of more than a day of days")


def _source(metric: Metric, window_s: int, step_s: int) -> Source:
    if metric in ONLY_RAW:
        if window_s > DAY:
            raise QueryError(f"{metric} is known of single samples only: window is 1d at the most")
        return Source.SAMPLES
    if step_s < HOUR:
        if window_s > DAY:
            raise QueryError("step is 1h or more where the window is longer than 1d")
        return Source.SAMPLES
    return Source.HOURS if step_s < DAY else Source.DAYS


def _unit_s(source: Source) -> int:
    return 1 if source.value is None else source.value.value


def of_samples(asked: Asked, grid: Grid, points: Iterable[Point], judge: Judge) -> Points:
    """The series of single samples."""
    steps: list[list[Point]] = [[] for _ in range(grid.count)]
    for point in points:
        number = grid.place(point.at)
        if number is not None:
            steps[number].append(point)
    starts = [timestamp(at) for at in grid.starts()]
    if asked.metric is Metric.UPTIME:
        return [
            _ratio(at, _counted((point.error, 1) for point in step), judge)
            for at, step in zip(starts, steps, strict=True)
        ]
    values = ([point.value for point in step if point.error is None and point.value is not None] for step in steps)
    return [_of_values(at, sorted(found)) for at, found in zip(starts, values, strict=True)]


def of_buckets(asked: Asked, grid: Grid, buckets: Iterable[Bucket], judge: Judge) -> Points:
    """The series of rollups. A step may be several of them: of tasks, vantages, hours."""
    steps: list[list[Rollup]] = [[] for _ in range(grid.count)]
    for bucket in buckets:
        number = grid.place(bucket.start)
        if number is not None and asked.task in {None, bucket.task}:
            steps[number].append(bucket.rollup)
    rolled = zip([timestamp(at) for at in grid.starts()], map(_together, steps), strict=True)
    if asked.metric is Metric.UPTIME:
        return [_ratio(at, _of_rollup(rollup), judge) for at, rollup in rolled]
    return [_of_sketch(at, rollup, asked.metric) for at, rollup in rolled]


def _together(rollups: Sequence[Rollup]) -> Rollup:
    """Most steps are one rollup, which need not be copied."""
    return rollups[0] if len(rollups) == 1 else merged(rollups)


def _of_rollup(rollup: Rollup) -> Mapping[ErrorClass | None, int]:
    return _counted((ending.error, count) for ending, count in rollup.counts.items())


def _counted(endings: Iterable[tuple[ErrorClass | None, int]]) -> Mapping[ErrorClass | None, int]:
    counts: dict[ErrorClass | None, int] = {}
    for error, count in endings:
        counts[error] = counts.get(error, 0) + count
    return counts


def _ratio(at: str, counts: Mapping[ErrorClass | None, int], judge: Judge) -> RatioPoint:
    tallied = dict.fromkeys(Outcome, 0)
    for error, count in counts.items():
        tallied[judge(error)] += count
    good = tallied[Outcome.OK]
    counted = good + tallied[Outcome.FAILED]
    return RatioPoint(at=at, count=counted, ratio=round(good / counted, _DIGITS) if counted else None)


def _of_values(at: str, ordered: Sequence[float]) -> QuantilePoint:
    last = len(ordered)
    return _point(at, last, [ordered[rank - 1] if last else None for rank in _ranks(last)])


def _of_sketch(at: str, rollup: Rollup, metric: Metric) -> QuantilePoint:
    figure = _INVERSE.get(metric, metric)
    count = rollup.sketches[figure].count if figure in rollup.sketches else 0
    if figure is metric:
        return _point(at, count, rollup.quantiles(figure, _SHARES))
    # The slowest of a hundred takes the longest for a token.
    turned = rollup.quantiles(figure, [(count - rank + 1) / max(count, 1) for rank in _ranks(count)])
    return _point(at, count, [1 / value if value else None for value in turned])


def _ranks(count: int) -> list[int]:
    """Which of so many values, the least being the first, the shares are: by nearest rank."""
    return [max(math.ceil(share * count - _ROUNDING), 1) for share in _SHARES]


def _point(at: str, count: int, quantiles: Sequence[float | None]) -> QuantilePoint:
    p50, p90, p99 = (None if value is None else float(f"{value:.{_DIGITS}g}") for value in quantiles)
    return QuantilePoint(at=at, count=count, p50=p50, p90=p90, p99=p99)


def _floor(at: datetime, seconds: int) -> datetime:
    return at - (at - _EVER) % timedelta(seconds=seconds)
