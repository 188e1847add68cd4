"""Series: the valid ones, and their grid of steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.history.pagination import QueryError
from monitor.history.series import (
    LONGEST_WINDOW_S,
    MOST_POINTS,
    ONLY_RAW,
    Metric,
    SeriesQuery,
    Source,
    series_query,
)
from monitor.store.rollup import FIGURES
from probes._model import Sample, Task

NOW = datetime(2026, 11, 22, 7, 41, 13, 250_000, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def ask(metric: str = "ttft_s", window: timedelta = HOUR, step: timedelta | None = None) -> SeriesQuery:
    step_s = None if step is None else step.total_seconds()
    return series_query(Metric(metric), task=Task.CHAT, window_s=window.total_seconds(), step_s=step_s)


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
        with pytest.raises(
            QueryError, match=f"{metric} is available from single samples only: window must be at most 1d"
        ):
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
        ("ttft_s", 299, None, "window must be between 5m and 90d"),
        ("ttft_s", LONGEST_WINDOW_S + 1, None, "window must be between 5m and 90d"),
        ("ttft_s", 0.5, None, "window must be a whole number of seconds"),
        ("ttft_s", 300.5, None, "window must be a whole number of seconds"),
        ("ttft_s", 3600, 0, "step must be a whole number of seconds"),
        ("ttft_s", 3600, 1.5, "step must be a whole number of seconds"),
        ("ttft_s", 3600, 7200, "step must not be longer than the window"),
        ("ttft_s", 3600, 1, f"step is too short: a window may have at most {MOST_POINTS} steps"),
        ("ttft_s", 7 * 86400, 1800, "step must be at least 1h if the window is longer than 1d"),
        ("uptime", 30 * 86400, 5400, "a step above 1h must be a whole number of hours"),
        ("uptime", 30 * 86400, 90000, "a step above 1d a whole number of days"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_reason(
    metric: str, window_s: float, step_s: float | None, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        series_query(Metric(metric), task=None, window_s=window_s, step_s=step_s)


# The grid


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(300, LONGEST_WINDOW_S),
)
def test_a_grid_holds_the_window_and_less_than_two_steps_more(now: datetime, window_s: int) -> None:
    grid = series_query(Metric.TTFT, task=None, window_s=window_s, step_s=None).grid(now)
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


def test_a_series_names_the_fields_to_read() -> None:
    assert (ask("ttft_s").sketched, ask("ttft_s").figure) == (("ttft_s",), "ttft_s")
    assert (ask("tpot_s").sketched, ask("tpot_s").figure) == (("output_tps",), "tpot_s")
    assert ask("uptime").sketched == ()
