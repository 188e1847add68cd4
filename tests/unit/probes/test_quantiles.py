"""Quantiles against the standard library's, which are defined alike."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probes._quantiles import quantile

seconds = st.floats(0, 1e6)
shares = st.floats(0, 1)


@given(st.lists(seconds, min_size=2, max_size=60))
def test_percentiles_are_those_of_the_standard_library(values: list[float]) -> None:
    ordered = sorted(values)
    expected = statistics.quantiles(ordered, n=100, method="inclusive")
    for percent in range(1, 100):
        assert quantile(ordered, percent / 100) == pytest.approx(expected[percent - 1], rel=1e-9, abs=1e-9)


@given(st.lists(seconds, min_size=1), shares)
@example([0.1, 0.3], 0.9999999999999999)
def test_a_quantile_lies_within_the_values(values: list[float], share: float) -> None:
    assert min(values) <= quantile(sorted(values), share) <= max(values)


@given(st.lists(seconds | st.just(math.inf), min_size=1), shares, shares)
def test_a_higher_share_has_no_lower_quantile(values: list[float], one: float, other: float) -> None:
    ordered = sorted(values)
    assert quantile(ordered, min(one, other)) <= quantile(ordered, max(one, other))


@given(seconds, shares)
def test_every_quantile_of_one_value_is_that_value(value: float, share: float) -> None:
    assert quantile([value], share) == value


@given(st.lists(seconds, min_size=1))
def test_the_ends_are_the_least_and_the_greatest(values: list[float]) -> None:
    assert quantile(sorted(values), 0) == min(values)
    assert quantile(sorted(values), 1) == max(values)


def test_a_quantile_that_touches_never_is_never() -> None:
    assert quantile([1.0, math.inf], 0.5) == math.inf
    assert quantile([math.inf, math.inf], 0.5) == math.inf
    assert quantile([1.0, 2.0, math.inf], 0.5) == 2.0
    assert quantile([1.0, 2.0, math.inf], 0.51) == math.inf


@pytest.mark.parametrize("share", [0.5, 0.75, 0.9, 0.99])
def test_a_quantile_that_falls_on_a_value_does_not_touch_the_next(share: float) -> None:
    for count in range(101, 2000, 100):
        rank = round(share * (count - 1))
        assert quantile([float(n) for n in range(rank + 1)] + [math.inf] * (count - rank - 1), share) == rank
