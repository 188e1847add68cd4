"""The Markov chain of health: probabilities sum to 1, spans add up, and beliefs converge."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.hmm import OWN, SHARED
from monitor.score.markov import HOUR_S, Belief, Hidden, Rates, coarse, moved, settled
from tests.unit.score.values import unhurried

DAY_S = 24 * HOUR_S
UP = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
TROUBLES = list(Hidden)[1:]


def all_of(strategy: st.SearchStrategy[float], size: int) -> st.SearchStrategy[Belief]:
    return st.lists(strategy, min_size=size, max_size=size).map(tuple)


def distribution(weights: Belief) -> Belief:
    return tuple(weight / sum(weights) for weight in weights)


beliefs = all_of(st.floats(1e-6, 1), len(Hidden)).map(distribution)
rates = st.builds(
    Rates, onset=all_of(st.floats(0, 0.1), 5), recovery=all_of(st.floats(0.1, 5), 5), turn=st.floats(0, 1)
)
onset_factors = st.sampled_from([0.25, 2**-0.5, 1.0, 2.0, 8.0])
spans = st.integers(0, 30 * 86_400)
pairs_of_spans = st.tuples(st.integers(0, 63), st.integers(0, 63), st.integers(0, 14)).map(
    lambda drawn: (drawn[0] << drawn[2], drawn[1] << drawn[2])
)
"""Spans of few binary digits, which are exact to the second, as their sums are."""
EXACT = 1e-8
"""Three months are some million seconds, each with its rounding."""


def only(state: Hidden, onset: float, recovery: float) -> Rates:
    """A chain that knows one kind of trouble."""
    place = TROUBLES.index(state)
    return Rates(
        onset=tuple(onset * (number == place) for number in range(5)),
        recovery=tuple(recovery * (each == place) for each in range(5)),
        turn=0.0,
    )


@unhurried
@given(beliefs, rates, onset_factors, st.floats(-1e9, 1e9))
def test_whatever_time_passes_a_belief_stays_a_distribution(
    belief: Belief, rates: Rates, onset_factor: float, seconds: float
) -> None:
    later = moved(belief, rates, onset_factor, seconds)
    assert sum(later) == pytest.approx(1, abs=EXACT)
    assert all(-EXACT <= share <= 1 + EXACT for share in later)


@unhurried
@given(beliefs, rates, onset_factors, pairs_of_spans)
def test_two_spans_after_each_other_are_one_span(
    belief: Belief, rates: Rates, onset_factor: float, spans: tuple[int, int]
) -> None:
    first, second = spans
    in_two = moved(moved(belief, rates, onset_factor, first), rates, onset_factor, second)
    assert in_two == pytest.approx(moved(belief, rates, onset_factor, first + second), abs=EXACT)


@unhurried
@given(beliefs, rates, onset_factors, st.floats(-1e6, 0.4))
def test_no_time_and_time_turned_back_move_nothing(
    belief: Belief, rates: Rates, onset_factor: float, seconds: float
) -> None:
    assert moved(belief, rates, onset_factor, seconds) == belief


@given(st.integers(0, 90 * 86_400))
def test_a_span_is_kept_to_the_hundredth_and_a_minute_to_the_second(seconds: int) -> None:
    assert seconds * 0.98 <= coarse(seconds) <= seconds
    assert coarse(seconds) == seconds or seconds > 120
    assert coarse(coarse(seconds)) == coarse(seconds)


@unhurried
@given(rates, onset_factors, spans)
def test_what_has_settled_stays(rates: Rates, onset_factor: float, seconds: int) -> None:
    rest = settled(rates, onset_factor)
    assert sum(rest) == pytest.approx(1, abs=EXACT)
    assert moved(rest, rates, onset_factor, seconds) == pytest.approx(rest, abs=EXACT)


@unhurried
@given(beliefs, rates, onset_factors)
def test_every_belief_settles_to_the_same(belief: Belief, rates: Rates, onset_factor: float) -> None:
    assert moved(belief, rates, onset_factor, 1e12) == pytest.approx(settled(rates, onset_factor), abs=EXACT)


@unhurried
@given(
    st.sampled_from(TROUBLES),
    st.floats(0.001, 1),
    st.floats(0.01, 5),
    onset_factors,
    st.integers(0, 10**6).map(coarse),
)
def test_two_states_move_as_the_closed_form_says(
    state: Hidden, onset: float, recovery: float, onset_factor: float, seconds: int
) -> None:
    away, back = onset * onset_factor / HOUR_S, recovery / HOUR_S
    rest = away / (away + back)
    left = math.exp(-(away + back) * seconds)
    chain = only(state, onset, recovery)
    assert moved(UP, chain, onset_factor, seconds)[state] == pytest.approx(rest * (1 - left), abs=EXACT)
    in_trouble = tuple(float(each is state) for each in Hidden)
    assert moved(in_trouble, chain, onset_factor, seconds)[state] == pytest.approx(rest + (1 - rest) * left, abs=EXACT)


@pytest.mark.parametrize("rates", [OWN, SHARED], ids=["own", "shared"])
@pytest.mark.parametrize("onset_factor", [0.25, 1.0, 8.0])
def test_the_onset_factor_scales_how_often_trouble_comes_and_not_how_long_it_lasts(
    rates: Rates, onset_factor: float
) -> None:
    second = moved(UP, rates, onset_factor, 1)
    expected = [onset * onset_factor / HOUR_S for onset in rates.onset]
    assert list(second[1:]) == pytest.approx(expected, rel=5e-3)
    for state in TROUBLES:
        trouble = tuple(float(each is state) for each in Hidden)
        assert moved(trouble, rates, onset_factor, 1)[Hidden.UP] == pytest.approx(
            rates.recovery[state - 1] / HOUR_S, rel=5e-3
        )


def test_a_higher_onset_factor_is_more_trouble_at_any_time() -> None:
    for seconds in (60, HOUR_S, DAY_S):
        well = [moved(UP, OWN, onset_factor, seconds)[Hidden.UP] for onset_factor in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)]
        assert well == sorted(well, reverse=True)
        assert well[0] > well[-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [(Hidden.SLUGGISH, Hidden.SLOW), (Hidden.SHAKY, Hidden.FLAKY), (Hidden.FLAKY, Hidden.DOWN)],
)
def test_kinds_of_trouble_turn_into_their_neighbours_and_into_no_others(one: Hidden, other: Hidden) -> None:
    chain = Rates(onset=(0.0,) * 5, recovery=(0.0,) * 5, turn=0.2)
    for begun, turned in ((one, other), (other, one)):
        later = moved(tuple(float(state is begun) for state in Hidden), chain, 1.0, 1)
        assert later[turned] == pytest.approx(0.2 / HOUR_S, rel=1e-3)
        assert later[Hidden.UP] == 0.0


def test_of_two_states_the_greater_is_the_worse() -> None:
    assert [state.name for state in sorted(Hidden)] == ["UP", "SLUGGISH", "SLOW", "SHAKY", "FLAKY", "DOWN"]
