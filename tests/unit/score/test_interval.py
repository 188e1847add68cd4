"""The confidence interval of a mixture of probabilities."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.interval import interval
from monitor.score.outcomes import wilson
from tests.unit.score.values import unhurried

parts_of = st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1), st.floats(1, 1e4)), min_size=1, max_size=7)


@unhurried
@given(parts_of)
def test_it_holds_the_mean_and_nothing_beyond_0_and_1(drawn: list[tuple[float, float, float]]) -> None:
    total = sum(share for share, _, _ in drawn)
    parts = [(share / total, where, weight) for share, where, weight in drawn]
    middle = sum(share * where for share, where, _ in parts)
    low, high = interval(parts, middle)
    assert -1e-9 <= low <= middle + 1e-9
    assert middle - 1e-9 <= high <= 1 + 1e-9


@pytest.mark.parametrize(("share", "weight"), [(0.4, 100.0), (0.6, 400.0)])
def test_of_one_part_it_is_about_wilsons(share: float, weight: float) -> None:
    assert interval([(1.0, share, weight)], share) == pytest.approx(wilson(share * weight, weight), abs=0.02)


@pytest.mark.parametrize(("share", "end"), [(0.002, 0), (0.998, 1)])
def test_without_contrary_samples_the_interval_includes_certainty(share: float, end: int) -> None:
    assert interval([(1.0, share, 50.0)], share)[end] == end
    assert interval([(0.9, share, 50.0), (0.1, 0.5, 10.0)], 0.9 * share + 0.05)[end] == end


def test_the_more_samples_the_narrower() -> None:
    widths = [high - low for low, high in (interval([(1.0, 0.7, weight)], 0.7) for weight in (5, 50, 500))]
    assert widths == sorted(widths, reverse=True)


def test_what_is_believed_with_less_than_half_of_a_twentieth_does_not_stretch_it() -> None:
    likely = (0.99, 0.95, 400.0)
    low, _ = interval([likely, (0.01, 0.1, 50.0)], 0.94)
    assert low > 0.9
    low, _ = interval([(0.95, 0.95, 400.0), (0.05, 0.1, 50.0)], 0.91)
    assert low < 0.15


def test_it_leaves_as_much_below_as_above() -> None:
    """Drawn from its parts, a fortieth lies beyond either end."""
    chance = random.Random(3)
    parts = [(0.7, 0.6, 40.0), (0.3, 0.3, 60.0)]
    low, high = interval(parts, 0.51)
    found = []
    for _ in range(4_000):
        _, where, weight = parts[chance.random() >= 0.7]
        found.append(chance.gauss(where, (where * (1 - where) / weight) ** 0.5))
    assert sum(each < low for each in found) / len(found) == pytest.approx(0.025, abs=0.012)
    assert sum(each > high for each in found) / len(found) == pytest.approx(0.025, abs=0.012)
