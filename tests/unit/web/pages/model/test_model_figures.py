"""Tests of the reduction of stored rollups to the figures of a model's page."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from monitor.charts.uptime_strip import BucketState
from monitor.domain.maintenance import MaintenanceWindow
from monitor.history.series import Metric
from monitor.store.rollup import Rollup
from monitor.web.pages.model.figures import (
    CHARTED,
    DAYS,
    HOURS,
    EndpointBuckets,
    EndpointHistory,
    endpoint_history,
    median_figure,
)
from monitor.web.pages.model.query import DAY, HOUR, ChartWindow, ModelQuery
from probes._model import ErrorClass, Task
from tests.unit.web.pages.model.values import DEFAULT, NOW, bucket, days_ago, judge

HOUR_OF_NOW = NOW.replace(minute=0)


def reduced(query: ModelQuery = DEFAULT, **given: object) -> EndpointHistory:
    plain = {"endpoint": "groq:llama", "task": Task.CHAT, "hourly": [], "daily": []}
    return endpoint_history(EndpointBuckets(**{**plain, **given}), query.span(NOW), NOW, judge)  # type: ignore[arg-type]


def test_without_samples_nothing_is_known_and_every_bar_is_not_measured() -> None:
    found = reduced()
    assert (len(found.hours), len(found.days)) == (HOURS, DAYS)
    assert {bar.state for bar in (*found.hours, *found.days)} == {BucketState.NOT_MEASURED}
    assert found.probe_days == ()
    for metric in CHARTED:
        assert found.figures[metric].now.value is None
        assert found.figures[metric].spread is None
        assert {point.value for point in found.figures[metric].points} == {None}


def test_bars_end_with_this_hour_and_today() -> None:
    found = reduced(hourly=[bucket(HOUR_OF_NOW, 0.2)], daily=[bucket(days_ago(0), 0.2)])
    assert (found.hours[-1].at, found.hours[-1].ok) == (HOUR_OF_NOW, 1)
    assert (found.days[-1].at, found.days[-1].ok) == (days_ago(0), 1)


def test_a_bar_counts_every_task_and_vantage_by_the_blame_of_its_errors() -> None:
    errors = (ErrorClass.SERVER_ERROR, ErrorClass.RATE_LIMITED, ErrorClass.AUTH, ErrorClass.VANTAGE_OFFLINE)
    hourly = [bucket(HOUR_OF_NOW, 0.2, errors=errors), bucket(HOUR_OF_NOW, 0.3, task=Task.TOOL_CALL, vantage="nyc1")]
    bar = reduced(hourly=hourly).hours[-1]
    assert (bar.ok, bar.failed, bar.rate_limited, bar.network) == (2, 1, 1, True)


def test_an_hour_of_maintenance_is_marked() -> None:
    window = MaintenanceWindow(begin=HOUR_OF_NOW - HOUR, end=HOUR_OF_NOW)
    hours = reduced(maintenance=[window]).hours
    assert [bar.state for bar in hours[-3:]] == [
        BucketState.NOT_MEASURED,
        BucketState.MAINTENANCE,
        BucketState.NOT_MEASURED,
    ]


def test_figures_are_those_of_the_headline_task() -> None:
    hourly = [bucket(HOUR_OF_NOW, 0.2), bucket(HOUR_OF_NOW, 9.0, task=Task.TOOL_CALL)]
    now = reduced(hourly=hourly).figures[Metric.TTFT].now
    assert now.value == pytest.approx(0.2, rel=0.01)
    assert now.n == 1
    assert reduced(hourly=hourly, task=None).figures[Metric.TTFT].now.value is None


def test_now_is_this_hour_and_the_last_one() -> None:
    hourly = [bucket(HOUR_OF_NOW - ago * HOUR, value) for ago, value in enumerate((1.0, 2.0, 3.0))]
    now = reduced(hourly=hourly).figures[Metric.TTFT].now
    assert now.n == 2
    assert now.value == pytest.approx(1.0, rel=0.01)


def test_a_step_of_several_hours_has_the_median_of_all_their_values() -> None:
    query = ModelQuery(window=ChartWindow.WEEK)
    step = query.span(NOW).grid.begin
    hourly = [bucket(step, 1.0), bucket(step + HOUR, 2.0, 2.0)]
    first = reduced(query, hourly=hourly).figures[Metric.TTFT].points[0]
    assert (first.at, first.n) == (step, 3)
    assert first.value == pytest.approx(2.0, rel=0.01)


def test_steps_of_days_are_made_of_daily_rollups() -> None:
    query = ModelQuery(window=ChartWindow.MONTH)
    found = reduced(query, hourly=[bucket(HOUR_OF_NOW, 9.0)], daily=[bucket(days_ago(1), 1.0)])
    assert found.figures[Metric.TTFT].points[-2].value == pytest.approx(1.0, rel=0.01)
    assert found.figures[Metric.TTFT].points[-1].value is None


def test_the_spread_is_of_the_whole_span_and_needs_twenty_values() -> None:
    values = [number / 100 for number in range(1, 21)]
    found = reduced(hourly=[bucket(HOUR_OF_NOW, *values[:10]), bucket(HOUR_OF_NOW - HOUR, *values[10:])])
    assert found.figures[Metric.TTFT].spread == pytest.approx((0.01, 0.05, 0.1, 0.15, 0.19), rel=0.01)
    few = reduced(hourly=[bucket(HOUR_OF_NOW, *values[:19])]).figures[Metric.TTFT]
    assert (few.spread, few.spread_n) == (None, 19)


def test_a_median_of_few_values_has_no_interval() -> None:
    assert median_figure(bucket(NOW, *[0.2] * 5).rollup, Metric.TTFT).low is None
    assert median_figure(bucket(NOW, *[0.2] * 6).rollup, Metric.TTFT).low is not None
    assert median_figure(Rollup(), Metric.TTFT).n == 0


@pytest.mark.parametrize("count", [6, 25, 60, 400])
def test_intervals_hold_the_true_median_about_as_often_as_they_say(count: int) -> None:
    chance, held = random.Random(count), 0
    for _ in range(150):
        found = median_figure(bucket(NOW, *(chance.lognormvariate(0, 0.5) for _ in range(count))).rollup, Metric.TTFT)
        assert found.low is not None
        assert found.high is not None
        held += found.low / 1.01 <= 1.0 <= found.high * 1.01
    assert held >= 135


def test_use_is_summed_by_day_over_a_month() -> None:
    daily = [
        bucket(days_ago(30), 0.2, prompt_tokens=7),
        bucket(days_ago(29), 0.2, prompt_tokens=10, output_tokens=5, reasoning_tokens=2, cost_usd=0.5),
        bucket(days_ago(29), 0.2, prompt_tokens=20, output_tokens=5, cost_usd=0.25, task=Task.TOOL_CALL),
    ]
    (day,) = reduced(daily=daily).probe_days
    assert day.day == days_ago(29).date()
    assert (day.probes, day.prompt_tokens, day.output_tokens, day.reasoning_tokens) == (2, 30, 10, 2)
    assert day.cost_usd == 0.75


def test_samples_outside_the_span_are_ignored() -> None:
    found = reduced(hourly=[bucket(HOUR_OF_NOW - 5 * DAY, 1.0)], daily=[bucket(days_ago(0) - timedelta(days=200), 1.0)])
    assert {bar.ok for bar in (*found.hours, *found.days)} == {0}
