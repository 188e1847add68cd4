"""Series of an endpoint: metrics, and the grid of their steps. Pure.

Steps lie on a grid that begins in 1970, so the bounds of a past step are the same for every request. The last step
contains the time of the request. Windows up to a day are made from samples, steps of hours and days from rollups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Final

from monitor.domain.epoch import EPOCH
from monitor.history.pagination import QueryError
from monitor.store import RollupTier
from probes._model import Task


class Metric(StrEnum):
    """The metric of a series: uptime, or a numeric field of samples."""

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
"""Fields without a sketch in rollups."""
INVERSE: Final[Mapping[Metric, Metric]] = {Metric.TPOT: Metric.OUTPUT_TPS}
"""Fields that are the inverse of a field with a sketch."""

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
_SHORTEST_WINDOW_S: Final = 5 * _MINUTE
LONGEST_WINDOW_S: Final = 90 * _DAY
MOST_POINTS: Final = 1_500
_STEPS: Final = (
    (_HOUR, _MINUTE),
    (6 * _HOUR, 5 * _MINUTE),
    (_DAY, 15 * _MINUTE),
    (7 * _DAY, _HOUR),
    (30 * _DAY, 6 * _HOUR),
    (LONGEST_WINDOW_S, _DAY),
)
"""The default step, by the longest window that it applies to, in seconds."""


class Source(Enum):
    """The source of a series."""

    SAMPLES = None
    HOURS = RollupTier.HOUR
    DAYS = RollupTier.DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Consecutive steps of the same length."""

    begin: datetime
    step: timedelta
    count: int

    @property
    def end(self) -> datetime:
        """End of the last step."""
        return self.begin + self.count * self.step

    def starts(self) -> list[datetime]:
        """Start of each step."""
        return [self.begin + number * self.step for number in range(self.count)]

    def place(self, at: datetime) -> int | None:
        """The step that contains a moment; None: the moment is outside all steps."""
        number = (at - self.begin) // self.step
        return number if 0 <= number < self.count else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    """A requested series."""

    metric: Metric
    task: Task | None
    """None: all tasks."""
    window_s: int
    step_s: int
    source: Source

    @property
    def sketched(self) -> tuple[str, ...]:
        """The figures whose sketches are needed."""
        return () if self.metric is Metric.UPTIME else (INVERSE.get(self.metric, self.metric),)

    @property
    def figure(self) -> str:
        """The sample field to read. Uptime needs none and takes one that is cheap to read."""
        return "ttft_s" if self.metric is Metric.UPTIME else self.metric

    def grid(self, now: datetime) -> Grid:
        """The steps of the window that ends at `now`, with one more if the window is not aligned to the grid."""
        begin, last = (_floor(at, self.step_s) for at in (now - timedelta(seconds=self.window_s), now))
        step = timedelta(seconds=self.step_s)
        return Grid(begin=begin, step=step, count=(last - begin) // step + 1)

    def whole(self, now: datetime) -> Grid:
        """The window as one step."""
        begin = _floor(now - timedelta(seconds=self.window_s), _unit_s(self.source))
        return Grid(begin=begin, step=now + timedelta(microseconds=1) - begin, count=1)


def series_query(metric: Metric, *, task: Task | None, window_s: float, step_s: float | None) -> SeriesQuery:
    """The series for a request. Raises QueryError when there is no such series."""
    window = _whole("window", window_s)
    if not _SHORTEST_WINDOW_S <= window <= LONGEST_WINDOW_S:
        raise QueryError("window must be between 5m and 90d")
    step = _default_step_s(window) if step_s is None else _whole("step", step_s)
    _check_step(window, step)
    source = _source(metric, window, step)
    return SeriesQuery(metric=metric, task=task, window_s=window, step_s=step, source=source)


def _whole(name: str, seconds: float) -> int:
    if seconds < 1 or seconds != int(seconds):
        raise QueryError(f"{name} must be a whole number of seconds, such as 30s, 5m, 1h or 1d")
    return int(seconds)


def _default_step_s(window_s: int) -> int:
    return next(step for longest, step in _STEPS if window_s <= longest)


def _check_step(window_s: int, step_s: int) -> None:
    if step_s > window_s:
        raise QueryError("step must not be longer than the window")
    if window_s > MOST_POINTS * step_s:
        raise QueryError(f"step is too short: a window may have at most {MOST_POINTS} steps")
    if (step_s > _HOUR and step_s % _HOUR) or (step_s > _DAY and step_s % _DAY):
        raise QueryError("a step above 1h must be a whole number of hours, a step above 1d a whole number of days")


def _source(metric: Metric, window_s: int, step_s: int) -> Source:
    if metric in ONLY_RAW:
        if window_s > _DAY:
            raise QueryError(f"{metric} is available from single samples only: window must be at most 1d")
        return Source.SAMPLES
    if step_s < _HOUR:
        if window_s > _DAY:
            raise QueryError("step must be at least 1h if the window is longer than 1d")
        return Source.SAMPLES
    return Source.HOURS if step_s < _DAY else Source.DAYS


def _unit_s(source: Source) -> int:
    return 1 if source.value is None else source.value.value


def _floor(at: datetime, seconds: int) -> datetime:
    return at - (at - EPOCH) % timedelta(seconds=seconds)
