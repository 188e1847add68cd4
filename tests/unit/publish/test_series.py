"""A series: which ones there are, on which grid they lie, and what stands in a step."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.publish.cursor import QueryError
from monitor.publish.series import (
    LONGEST_WINDOW_S,
    MOST_POINTS,
    ONLY_RAW,
    Asked,
    Metric,
    QuantilePoint,
    RatioPoint,
    Source,
    asked,
    of_buckets,
    of_samples,
)
from monitor.score.outcomes import Outcome, outcome
from monitor.store import Bucket, Point
from monitor.store.rollup import FIGURES, rolled
from probes._model import Blame, ErrorClass, Sample, Task
from probes._plain import timestamp
from tests.unit.store.samples import make_sample

NOW = datetime(2026, 11, 22, 7, 41, 13, 250_000, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def judge(error: ErrorClass | None) -> Outcome:
    return outcome(error, None, count_wrong_answers=True)


def ask(metric: str = "ttft_s", window: timedelta = HOUR, step: timedelta | None = None) -> Asked:
    step_s = None if step is None else step.total_seconds()
    return asked(Metric(metric), task=Task.CHAT, window_s=window.total_seconds(), step_s=step_s)


# What can be asked


@pytest.mark.parametrize(
    ("window", "step", "source"),
    [
        (5 * MINUTE, MINUTE, Source.SAMPLES),
        (30 * MINUTE, MINUTE, Source.SAMPLES),
        (HOUR, MINUTE, Source.SAMPLES),
        (6 * HOUR, 5 * MINUTE, Source.SAMPLES),
        (DAY, 15 * MINUTE, Source.SAMPLES),
        (7 * DAY, HOUR, Source.HOURS),
        (30 * DAY, 6 * HOUR, Source.HOURS),
        (90 * DAY, DAY, Source.DAYS),
    ],
)
def test_a_window_has_a_step_that_suits_it(window: timedelta, step: timedelta, source: Source) -> None:
    for metric in ("ttft_s", "uptime", "tpot_s"):
        found = ask(metric, window)
        assert (timedelta(seconds=found.step_s), found.source) == (step, source)
        assert found.grid(NOW).count <= 200


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_can_be_asked_of_the_last_day(metric: str) -> None:
    assert ask(metric, DAY).source is Source.SAMPLES


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_but_those_of_single_samples_can_be_asked_of_ninety_days(metric: str) -> None:
    if metric in ONLY_RAW:
        with pytest.raises(QueryError, match=f"{metric} is known of single samples only: window is 1d at the most"):
            ask(metric, 90 * DAY)
    else:
        assert ask(metric, 90 * DAY).source is Source.DAYS


def test_what_only_samples_tell_is_made_of_them_in_any_step() -> None:
    assert ask("cost_usd", DAY, HOUR).source is Source.SAMPLES
    assert ask("ttft_s", DAY, HOUR).source is Source.HOURS


def test_a_metric_is_a_field_that_samples_have() -> None:
    names = {*Metric} - {Metric.UPTIME}
    assert names <= {*Sample.__dataclass_fields__}
    assert names - ONLY_RAW == {*FIGURES, "tpot_s"}


@pytest.mark.parametrize(
    ("metric", "window_s", "step_s", "message"),
    [
        ("ttft_s", 299, None, "window is from 5m to 90d"),
        ("ttft_s", LONGEST_WINDOW_S + 1, None, "window is from 5m to 90d"),
        ("ttft_s", 0.5, None, "window is a whole number of seconds"),
        ("ttft_s", 300.5, None, "window is a whole number of seconds"),
        ("ttft_s", 3600, 0, "step is a whole number of seconds"),
        ("ttft_s", 3600, 1.5, "step is a whole number of seconds"),
        ("ttft_s", 3600, 7200, "step is longer than the window"),
        ("ttft_s", 3600, 1, f"step is too short: a window has no more than {MOST_POINTS} of them"),
        ("ttft_s", 7 * 86400, 1800, "step is 1h or more where the window is longer than 1d"),
        ("uptime", 30 * 86400, 5400, "a step of more than an hour is a whole number of hours"),
        ("uptime", 30 * 86400, 90000, "one of more than a day of days"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_reason(
    metric: str, window_s: float, step_s: float | None, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        asked(Metric(metric), task=None, window_s=window_s, step_s=step_s)


# The grid


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(300, LONGEST_WINDOW_S),
)
def test_a_grid_holds_the_window_and_less_than_two_steps_more(now: datetime, window_s: int) -> None:
    grid = asked(Metric.TTFT, task=None, window_s=window_s, step_s=None).grid(now)
    begin = now - timedelta(seconds=window_s)
    assert begin - grid.step < grid.begin <= begin
    assert now < grid.end <= now + grid.step
    assert grid.place(begin) == 0
    assert grid.place(now) == grid.count - 1
    assert grid.place(grid.end) is None
    assert grid.place(grid.begin - timedelta(microseconds=1)) is None


def test_a_step_lies_where_it_lay_a_moment_ago() -> None:
    earlier, later = (ask(window=DAY).grid(now).starts() for now in (NOW, NOW + 17 * MINUTE))
    assert earlier[1:] == later[:-1]


def test_the_whole_window_is_one_step() -> None:
    for window in (30 * MINUTE, 7 * DAY, 90 * DAY):
        found = ask(window=window)
        whole = found.whole(NOW)
        assert whole.count == 1
        assert NOW - window - DAY < whole.begin <= NOW - window
        assert whole.place(NOW) == 0
        assert whole.place(NOW + timedelta(microseconds=1)) is None


# What stands in a step


def points(values: Sequence[float | None], at: datetime = NOW, error: ErrorClass | None = None) -> list[Point]:
    return [Point(at=at, error=error, value=value) for value in values]


def test_where_nothing_was_measured_stands_null_and_never_zero() -> None:
    for metric, window in (("ttft_s", HOUR), ("uptime", HOUR), ("ttft_s", 90 * DAY), ("uptime", 90 * DAY)):
        found = ask(metric, window)
        make = of_samples if found.source is Source.SAMPLES else of_buckets
        series = make(found, found.grid(NOW), [], judge)
        assert len(series) == found.grid(NOW).count
        empty = {"ratio": None} if metric == "uptime" else {"p50": None, "p90": None, "p99": None}
        assert [{**point} for point in series] == [
            {"at": timestamp(at), "count": 0, **empty} for at in found.grid(NOW).starts()
        ]


def test_failures_and_what_has_no_value_are_no_measurement() -> None:
    found = ask()
    *earlier, last = of_samples(
        found,
        found.grid(NOW),
        [*points([0.3, None]), *points([9.0], error=ErrorClass.TIMEOUT_TTFT), *points([1.0], at=NOW - 2 * DAY)],
        judge,
    )
    assert last == QuantilePoint(at="2026-11-22T07:41:00.000000Z", count=1, p50=0.3, p90=0.3, p99=0.3)
    assert {point["count"] for point in earlier} == {0}


def test_percentiles_are_of_the_value_by_nearest_rank() -> None:
    found = ask()
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

    def strict(error: ErrorClass | None) -> Outcome:
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
        found = asked(Metric.UPTIME, task=task, window_s=LONGEST_WINDOW_S, step_s=None)
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


def test_a_speed_of_nothing_has_no_time_per_token() -> None:
    found = ask("tpot_s", 90 * DAY)
    still = [make_sample(number, output_tps=0.0) for number in range(3)]
    last: Any = of_buckets(found, found.grid(NOW), [bucket(NOW.replace(hour=0), still)], judge)[-1]
    assert (last["count"], last["p50"]) == (3, None)


def test_what_has_to_be_read_is_told() -> None:
    assert (ask("ttft_s").sketched, ask("ttft_s").figure) == (("ttft_s",), "ttft_s")
    assert (ask("tpot_s").sketched, ask("tpot_s").figure) == (("output_tps",), "tpot_s")
    assert ask("uptime").sketched == ()
