"""Calibration: known values of the Brier score and skill."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.backtest.calibration import BINS, Calibration
from tests.unit.score.values import unhurried

outcomes = st.lists(st.booleans(), min_size=1, max_size=50)


def weighed(figures: list[float], good: list[bool]) -> Calibration:
    scale = Calibration()
    for figure, came_true in zip(figures, good, strict=True):
        scale.add(figure, good=came_true)
    return scale


@unhurried
@given(outcomes)
def test_the_constant_figure_that_fits_best_has_no_skill(good: list[bool]) -> None:
    share = sum(good) / len(good)
    skill = weighed([share] * len(good), good).skill
    if share in {0.0, 1.0}:
        assert skill is None
    else:
        assert skill == pytest.approx(0, abs=1e-9)


@unhurried
@given(outcomes, st.floats(0, 1))
def test_no_other_constant_does_better(good: list[bool], figure: float) -> None:
    skill = weighed([figure] * len(good), good).skill
    assert skill is None or skill <= 1e-9


@unhurried
@given(outcomes)
def test_who_knows_what_comes_makes_no_error(good: list[bool]) -> None:
    scale = weighed([float(each) for each in good], good)
    assert scale.brier == 0
    assert scale.skill in {1.0, None}


@unhurried
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60))
def test_every_figure_is_in_one_bin_which_holds_its_mean(pairs: list[tuple[float, bool]]) -> None:
    scale = weighed([figure for figure, _ in pairs], [good for _, good in pairs])
    assert len(scale.bins) == BINS
    assert sum(tenth.count for tenth in scale.bins) == scale.count == len(pairs)
    for place, each in enumerate(scale.bins):
        if each.figure is None or each.observed is None:
            assert each.count == 0
            continue
        assert place / BINS - 1e-9 <= each.figure <= (place + 1) / BINS + 1e-9
        assert 0 <= each.observed <= 1


def test_nothing_weighed_is_nothing_known() -> None:
    scale = Calibration()
    assert (scale.count, scale.share, scale.brier, scale.skill) == (0, None, None, None)


def test_a_figure_of_one_is_in_the_last_bin() -> None:
    (*_, last) = weighed([1.0, 0.95], [True, False]).bins
    assert (last.count, last.observed) == (2, 0.5)
    assert last.figure == pytest.approx(0.975)


def test_the_brier_score_is_the_mean_squared_error() -> None:
    scale = weighed([0.9, 0.4], [True, False])
    assert scale.brier == pytest.approx((0.01 + 0.16) / 2)
    assert scale.skill == pytest.approx(1 - 0.085 / 0.25)
