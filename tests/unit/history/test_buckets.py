"""The points of a series: percentiles that are never averaged, ratios, and null without samples."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.history.buckets import LATENCIES, QuantilePoint, RatioPoint, of_buckets, of_samples
from monitor.history.series import LONGEST_WINDOW_S, Metric, SeriesQuery, Source, series_query
from monitor.score.outcomes import SampleOutcome, outcome
from monitor.store import Bucket, Point
from monitor.store.rollup import rolled
from probes._model import Blame, ErrorClass, Sample, Task
from probes._serialize import timestamp
from tests.unit.store.samples import make_sample

NOW = datetime(2026, 11, 22, 7, 41, 13, 250_000, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def judge(error: ErrorClass | None) -> SampleOutcome:
    return outcome(error, None, count_wrong_answers=True)


def ask(metric: str = "ttft_s", window: timedelta = HOUR, step: timedelta | None = None) -> SeriesQuery:
    step_s = None if step is None else step.total_seconds()
    return series_query(Metric(metric), task=Task.CHAT, window_s=window.total_seconds(), step_s=step_s)


# What stands in a step


def points(values: Sequence[float | None], at: datetime = NOW, error: ErrorClass | None = None) -> list[Point]:
    return [Point(at=at, error=error, value=value) for value in values]


def test_where_nothing_was_measured_stands_null_and_never_zero() -> None:
    for metric, window in (("ttft_s", HOUR), ("uptime", HOUR), ("ttft_s", 90 * DAY), ("uptime", 90 * DAY)):
        found = ask(metric, window)
        make = of_samples if found.source is Source.SAMPLES else of_buckets
        series = make(found, found.grid(NOW), [], judge)
        assert len(series) == found.grid(NOW).count
        nothing = {"p50": None, "p90": None, "p99": None}
        empty: dict[str, Any] = {"ratio": None} if metric == "uptime" else {**nothing, "failure_inflated": nothing}
        assert [{**point} for point in series] == [
            {"at": timestamp(at), "count": 0, **empty} for at in found.grid(NOW).starts()
        ]


def test_failures_and_what_has_no_value_are_no_measurement() -> None:
    found = ask()
    several = [*points([0.3, None]), *points([9.0], error=ErrorClass.TIMEOUT_TTFT), *points([1.0], at=NOW - 2 * DAY)]
    *earlier, last = of_samples(found, found.grid(NOW), several, judge)
    assert last == {
        "at": "2026-11-22T07:41:00.000000Z",
        "count": 1,
        "p50": 0.3,
        "p90": 0.3,
        "p99": 0.3,
        "failure_inflated": {"p50": 0.3, "p90": None, "p99": None},
    }
    assert {point["count"] for point in earlier} == {0}


def test_percentiles_are_of_the_value_by_nearest_rank() -> None:
    found = ask("rtt_s")
    values = [number / 100 for number in range(1, 101)]
    random.Random(1).shuffle(values)
    last: Any = of_samples(found, found.grid(NOW), points(values), judge)[-1]
    assert last == QuantilePoint(at="2026-11-22T07:41:00.000000Z", count=100, p50=0.5, p90=0.9, p99=0.99)


def test_a_cost_of_a_millionth_keeps_its_digits() -> None:
    found = ask("cost_usd")
    last: Any = of_samples(found, found.grid(NOW), points([0.000_001_234_567_89]), judge)[-1]
    assert last["p50"] == 0.000_001_234_57


ENDINGS = [None, None, ErrorClass.OVERLOADED, ErrorClass.AUTH, ErrorClass.RATE_LIMITED, ErrorClass.SKIPPED]


def test_uptime_leaves_out_whom_it_cannot_blame() -> None:
    found = ask("uptime")
    several = [Point(at=NOW, error=error, value=None) for error in ENDINGS]
    last: Any = of_samples(found, found.grid(NOW), several, judge)[-1]
    assert last == RatioPoint(at="2026-11-22T07:41:00.000000Z", count=3, ratio=0.666667)


def test_uptime_follows_what_the_configuration_blames() -> None:
    found = ask("uptime")
    several = [Point(at=NOW, error=error, value=None) for error in (None, ErrorClass.AUTH, ErrorClass.WRONG_ANSWER)]

    def strict(error: ErrorClass | None) -> SampleOutcome:
        return outcome(error, Blame.PROVIDER if error is ErrorClass.AUTH else None, count_wrong_answers=False)

    last = of_samples(found, found.grid(NOW), several, strict)[-1]
    assert last == RatioPoint(at="2026-11-22T07:41:00.000000Z", count=3, ratio=0.666667)


def bucket(start: datetime, samples: Sequence[Sample], task: Task = Task.CHAT, vantage: str = "a") -> Bucket:
    return Bucket(task=task, vantage=vantage, start=start, rollup=rolled(samples))


def test_rollups_of_vantages_and_hours_are_joined_and_never_averaged() -> None:
    found = ask(window=30 * DAY)
    slow, quick = [make_sample(n, ttft_s=2.0) for n in range(10)], [make_sample(n, ttft_s=0.1) for n in range(90)]
    start = datetime(2026, 11, 22, 6, tzinfo=UTC)
    series = of_buckets(
        found,
        found.grid(NOW),
        [
            bucket(start, slow),
            bucket(start + HOUR, quick, vantage="b"),
            bucket(start, slow, Task.TOOL_CALL),
            bucket(start - 90 * DAY, slow),
        ],
        judge,
    )
    last: Any = series[-1]
    assert (last["at"], last["count"]) == ("2026-11-22T06:00:00.000000Z", 100)
    assert (last["p50"], last["p90"], last["p99"]) == pytest.approx((0.1, 0.1, 2), rel=0.01)
    assert {point["count"] for point in series[:-1]} == {0}


def test_uptime_of_rollups_is_of_all_tasks_unless_one_is_named() -> None:
    samples = [make_sample(n, error=error) for n, error in enumerate(ENDINGS)]
    buckets = [
        bucket(datetime(2026, 11, 22, tzinfo=UTC), samples),
        bucket(datetime(2026, 11, 22, tzinfo=UTC), [make_sample(0)] * 3, Task.REACH),
    ]
    for task, expected in ((Task.CHAT, (3, 0.666667)), (Task.REACH, (3, 1.0)), (None, (6, 0.833333))):
        found = series_query(Metric.UPTIME, task=task, window_s=LONGEST_WINDOW_S, step_s=None)
        last: Any = of_buckets(found, found.grid(NOW), buckets, judge)[-1]
        assert (last["count"], last["ratio"]) == expected


@pytest.mark.parametrize("count", [1, 2, 10, 99, 100, 101, 1000])
def test_time_per_token_is_the_inverse_of_speed_in_rollups_as_it_is_in_samples(count: int) -> None:
    speeds = [20 + number * 0.7 for number in range(count)]
    samples = [make_sample(number, output_tps=speed, tpot_s=1 / speed) for number, speed in enumerate(speeds)]
    days, minutes = ask("tpot_s", 90 * DAY), ask("tpot_s")
    rough: Any = of_buckets(days, days.grid(NOW), [bucket(NOW.replace(hour=0, minute=0), samples)], judge)[-1]
    exact: Any = of_samples(minutes, minutes.grid(NOW), points([1 / speed for speed in speeds]), judge)[-1]
    assert (rough["count"], exact["count"]) == (count, count)
    assert (rough["p50"], rough["p90"], rough["p99"]) == pytest.approx(
        (exact["p50"], exact["p90"], exact["p99"]), rel=0.0102
    )


@pytest.mark.parametrize("failed", [0, 1, 9, 10, 11, 100])
def test_an_endpoint_cannot_look_fast_by_failing(failed: int) -> None:
    """Neither in samples nor in rollups; what is not the provider's fault is not held against it."""
    values = [0.1 + number / 1000 for number in range(100)]
    samples = [make_sample(number, ttft_s=value) for number, value in enumerate(values)]
    samples += [make_sample(200 + number, error=ErrorClass.OVERLOADED) for number in range(failed)]
    samples += [make_sample(400 + number, error=ErrorClass.RATE_LIMITED) for number in range(50)]
    single = [Point(at=NOW, error=sample.error, value=sample.ttft_s) for sample in samples]
    days, minutes = ask("ttft_s", 90 * DAY), ask()
    rough: Any = of_buckets(days, days.grid(NOW), [bucket(NOW.replace(hour=0), samples)], judge)[-1]
    exact: Any = of_samples(minutes, minutes.grid(NOW), single, judge)[-1]
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        rank = math.ceil(share * (100 + failed) - 1e-9)
        expected = values[rank - 1] if rank <= 100 else None
        assert exact["failure_inflated"][name] == (None if expected is None else pytest.approx(expected))
        assert rough["failure_inflated"][name] == (None if expected is None else pytest.approx(expected, rel=0.0101))
    assert (rough["count"], exact["count"]) == (100, 100)


@pytest.mark.parametrize("metric", sorted({*Metric} - LATENCIES - {Metric.UPTIME}))
def test_what_a_failure_says_nothing_about_is_not_inflated(metric: Metric) -> None:
    found = ask(metric, DAY)
    assert {frozenset(point) for point in of_samples(found, found.grid(NOW), [], judge)} == {
        frozenset({"at", "count", "p50", "p90", "p99"})
    }


def test_a_speed_of_nothing_has_no_time_per_token() -> None:
    found = ask("tpot_s", 90 * DAY)
    still = [make_sample(number, output_tps=0.0) for number in range(3)]
    last: Any = of_buckets(found, found.grid(NOW), [bucket(NOW.replace(hour=0), still)], judge)[-1]
    assert (last["count"], last["p50"]) == (3, None)
