"""Scales: round ticks, every value at its place, nothing outside the pixels."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.charts.scales import Linear, Log, linear_from_zero, log_over, thinned
from monitor.charts.time_scale import TimeScale
from tests.unit.charts.drawn import rising

EARLY = datetime.fromisoformat("1990-01-01")
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def test_a_linear_scale_begins_at_zero_and_ends_at_a_round_value() -> None:
    scale = linear_from_zero([0.21, 0.64], start=100, end=0, ticks=4)
    assert (scale.low, scale.high) == (0, 0.8)
    assert scale.ticks(4) == (0, 0.2, 0.4, 0.6, 0.8)
    assert scale.grid(4) == scale.ticks(4)
    assert scale.at(0.4) == pytest.approx(50)


def test_a_linear_scale_goes_below_zero_only_for_values_below_it() -> None:
    scale = linear_from_zero([-3.0, 4.0], start=0, end=100, ticks=4)
    assert (scale.low, scale.high) == (-4, 4)
    assert scale.ticks(4) == (-4, -2, 0, 2, 4)


@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0], [5e-324]])
def test_zeros_have_a_scale_too(values: list[float]) -> None:
    scale = linear_from_zero(values, start=10, end=0, ticks=4)
    assert (scale.low, scale.high) == (0, 1)
    assert scale.at(0) == 10


@given(values=st.lists(FINITE, min_size=1, max_size=5), most=st.integers(1, 12))
def test_a_linear_scale_holds_every_value_with_few_round_ticks(values: list[float], most: int) -> None:
    scale = linear_from_zero(values, start=100, end=0, ticks=most)
    assert all(0 <= scale.at(value) <= 100 for value in values)
    ticks = scale.ticks(most)
    assert rising(list(ticks))
    assert len(ticks) <= most + 1
    assert 0 in ticks
    if min(values) >= 0 and max(values) > 1e-9:
        assert math.isclose(ticks[-1], scale.high, rel_tol=1e-9, abs_tol=1e-12)


@given(low=st.floats(0.001, 1e6), more=st.floats(0, 1e6))
def test_a_linear_scale_does_not_waste_half_of_its_room(low: float, more: float) -> None:
    scale = linear_from_zero([low, low + more], start=0, end=1, ticks=4)
    assert low + more <= scale.high * (1 + 1e-9)
    assert scale.high < 2 * (low + more)


def test_a_logarithmic_scale_gives_equal_ratios_equal_lengths() -> None:
    scale = log_over([0.03, 4.0], start=0, end=100)
    assert (scale.low, scale.high) == (0.02, 5)
    assert scale.at(0.2) - scale.at(0.02) == pytest.approx(scale.at(2) - scale.at(0.2))
    assert scale.ticks(20) == (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
    assert scale.ticks(5) == (0.03, 0.1, 0.3, 1, 3)
    assert scale.ticks(3) == (0.1, 1)
    assert scale.ticks(1) == (0.1,)
    assert scale.grid(3) == scale.ticks(20)
    assert scale.grid(5) == scale.ticks(5)
    assert log_over([1e-6, 1e6], start=0, end=100).grid(3) == (1e-6, 0.1, 1e4)


@pytest.mark.parametrize(
    ("values", "ends"), [([], (0.5, 2)), ([0.0, -1.0], (0.5, 2)), ([2.0], (1, 5)), ([3.0], (2, 5))]
)
def test_equal_values_and_none_have_a_logarithmic_scale(values: list[float], ends: tuple[float, float]) -> None:
    scale = log_over(values, start=0, end=100)
    assert (scale.low, scale.high) == ends


@given(values=st.lists(st.floats(min_value=0, allow_infinity=False), max_size=5), most=st.integers(1, 12))
def test_a_logarithmic_scale_holds_every_value(values: list[float], most: int) -> None:
    scale = log_over(values, start=0, end=100)
    assert 0 < scale.low < scale.high
    assert all(0 <= scale.at(value) <= 100 for value in values)
    ticks = scale.ticks(most)
    assert len(ticks) <= most
    assert rising(list(ticks))
    assert all(0 <= scale.at(tick) <= 100 for tick in scale.grid(most))


def test_a_logarithmic_scale_within_two_round_values_has_no_decade() -> None:
    assert Log(low=2, high=2.5, start=0, end=1).ticks(1) == (2,)
    assert Log(low=2.1, high=2.9, start=0, end=1).ticks(1) == ()


def test_labels_are_thinned_until_none_touches_the_next() -> None:
    assert thinned([(0, 10), (12, 22), (24, 34)], gap=1) == 1
    assert thinned([(0, 10), (12, 22), (24, 34)], gap=5) == 2
    assert thinned([(0, 10), (1, 11), (2, 12)], gap=5) == 3
    assert thinned([], gap=5) == 1


def scale_of(span: timedelta, start: datetime = datetime(2026, 11, 21, 22, 10, tzinfo=UTC)) -> TimeScale:
    return TimeScale(start=start, end=start + span, left=0, right=700)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(seconds=8), ["22:10:02", "22:10:04", "22:10:06", "22:10:08"]),
        (timedelta(minutes=20), ["22:10", "22:15", "22:20", "22:25", "22:30"]),
        (timedelta(hours=24), ["22 Nov", "06:00", "12:00", "18:00"]),
        (timedelta(days=3), ["22 Nov", "23 Nov", "24 Nov"]),
        (timedelta(days=30), ["23 Nov", "7 Dec", "21 Dec"]),
        (timedelta(days=90), ["Dec", "Jan 2027", "Feb"]),
        (timedelta(days=400), ["Jan 2027", "Apr", "Jul", "Oct"]),
        (timedelta(days=2000), ["2028", "2030", "2032"]),
    ],
)
def test_ticks_stand_at_whole_hours_days_and_months(span: timedelta, expected: list[str]) -> None:
    ticks = [tick.text for tick in scale_of(span).ticks(4)]
    assert ticks[-len(expected) :] == expected or ticks[: len(expected)] == expected


def test_weeks_begin_on_mondays() -> None:
    assert {tick.at.isoweekday() for tick in scale_of(timedelta(days=40)).ticks(6)} == {1}


def test_a_tick_says_what_its_text_shows() -> None:
    spans = (timedelta(minutes=20), timedelta(days=3), timedelta(days=90), timedelta(days=2000))
    assert [{tick.form for tick in scale_of(span).ticks(4)} for span in spans] == [
        {"time"},
        {"day"},
        {"month"},
        {"year"},
    ]


@given(
    start=st.datetimes(EARLY, EARLY.replace(year=2090), timezones=st.just(UTC)),
    span=st.timedeltas(timedelta(seconds=1), timedelta(days=20_000)),
    most=st.integers(1, 12),
)
def test_times_rise_from_left_to_right_with_few_ticks(start: datetime, span: timedelta, most: int) -> None:
    scale = scale_of(span, start)
    ticks = scale.ticks(most)
    assert len(ticks) <= most + 1
    assert all(scale.holds(tick.at) for tick in ticks)
    assert rising([scale.at(tick.at) for tick in ticks])
    assert scale.at(start) == 0
    assert scale.at(start + span) == 700
    assert scale.at(start + span / 2) == pytest.approx(350, abs=0.01)
    assert (scale.at(start - span), scale.at(start + 2 * span)) == (0, 700)


def test_a_scale_of_no_length_and_one_of_many_thousand_years_do_not_fail() -> None:
    assert scale_of(timedelta(0)).at(datetime(2026, 11, 21, 22, 10, tzinfo=UTC)) == 0
    ages = TimeScale(start=datetime(1, 1, 1, tzinfo=UTC), end=datetime(9999, 12, 31, tzinfo=UTC), left=0, right=700)
    assert ages.ticks(2) == ()
    late = TimeScale(start=datetime(9998, 1, 1, tzinfo=UTC), end=datetime(9999, 12, 31, tzinfo=UTC), left=0, right=700)
    assert [tick.text for tick in late.ticks(2)] == ["9998", "9999"]


def test_pixels_of_a_linear_scale_may_run_both_ways() -> None:
    assert Linear(low=0, high=1, start=100, end=0).at(0.25) == 75
    assert Linear(low=0, high=1, start=0, end=100).at(0.25) == 25
