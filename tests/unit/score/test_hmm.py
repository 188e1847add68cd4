"""The model: evidence from failures, successes and sibling endpoints; learned rates and their fading."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.base_rates import DEFAULT_RATES
from monitor.score.hmm import (
    LASTING,
    NEW,
    OWN,
    SHARED,
    EndpointBelief,
    Failure,
    LevelBelief,
    Seen,
    Success,
    chance,
    met,
    update,
)
from monitor.score.markov import HOUR_S, Belief, Hidden, moved, settled
from monitor.score.persistent import NEWCOMER, PersistentTrouble
from probes._model import ErrorClass
from tests.unit.score.values import EVERY_S, START, unhurried

BEGIN_S = START.timestamp()
DAY_S = 24 * HOUR_S
GOOD, LATE, REACHED = Success.WITHIN_SLO, Success.SLOW, Success.REACHED
FAILED = Failure(error=ErrorClass.SERVER_ERROR)
NOT_REACHED = Failure(error=ErrorClass.CONNECT, reach=True)
FRESH = EndpointBelief()

anything: st.SearchStrategy[Seen] = st.sampled_from(Success) | st.builds(
    Failure, error=st.sampled_from(ErrorClass), reach=st.booleans()
)
histories = st.lists(st.tuples(anything, st.floats(-600, 3 * DAY_S)), max_size=30)
"""What was seen, and how many seconds after the sample before; some are late."""


def after(view: EndpointBelief, seen: Seen, at_s: float) -> EndpointBelief:
    return update(view, seen, at_s)[0]


def expected(view: EndpointBelief, seen: Seen, at_s: float) -> float:
    return update(view, seen, at_s)[1]


def told(
    seen: Iterable[Seen], view: EndpointBelief = FRESH, first: float = 1, every_s: float = EVERY_S
) -> EndpointBelief:
    """The view after one sample each `every_s`."""
    for place, each in enumerate(seen):
        view = after(view, each, BEGIN_S + (first + place) * every_s)
    return view


def lived(history: Iterable[tuple[Seen, float]]) -> EndpointBelief:
    view, at_s = FRESH, BEGIN_S
    for seen, seconds in history:
        at_s += seconds
        view = after(view, seen, at_s)
    return view


def newest_s(view: EndpointBelief) -> float:
    return BEGIN_S if view.own.at_s is None else view.own.at_s


def score(view: EndpointBelief, seconds: float = 0.0) -> float:
    """The score so long after the newest sample."""
    return chance(view, newest_s(view) + seconds).score


WELL = told([GOOD] * 60)
FALLEN = told([FAILED] * 4, WELL, first=61)


# Samples of its own


@pytest.mark.parametrize("error", ErrorClass)
def test_a_failure_lowers_the_score_whatever_its_class(error: ErrorClass) -> None:
    """A configuration may blame any class on the provider."""
    failed = after(WELL, Failure(error=error), newest_s(WELL) + EVERY_S)
    assert score(failed) < score(WELL, EVERY_S) - 0.01


@unhurried
@given(histories, st.floats(0, DAY_S))
def test_a_success_within_the_slo_never_lowers_the_score(history: list[tuple[Seen, float]], seconds: float) -> None:
    view = lived(history)
    assert score(after(view, GOOD, newest_s(view) + seconds)) >= score(view, seconds) - 1e-5


@pytest.mark.parametrize("error", ErrorClass)
def test_the_more_failures_in_a_row_the_lower_the_score(error: ErrorClass) -> None:
    found = [score(told([Failure(error=error)] * number, WELL, first=61)) for number in range(8)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.15


def test_successes_raise_it_again_one_after_the_other() -> None:
    found = [score(told([GOOD] * number, FALLEN, first=65)) for number in range(30)]
    assert found == sorted(found)
    assert (found[0] < 0.2, found[-1] > 0.95) == (True, True)


def test_missing_the_slo_again_and_again_lowers_it_as_failures_do() -> None:
    assert score(told([LATE] * 6, WELL, first=61)) < 0.2


def test_an_endpoint_that_fails_every_other_time_is_between_the_well_and_the_fallen() -> None:
    flaky = told([FAILED, GOOD] * 12, WELL, first=61)
    assert 0.3 < score(flaky) < 0.7
    belief = met(flaky, newest_s(flaky))
    assert belief.index(max(belief)) == Hidden.FLAKY


def test_failures_that_are_usual_for_slowness_are_taken_for_less_of_an_outage() -> None:
    late = told([Failure(error=ErrorClass.TIMEOUT_TTFT)] * 2, WELL, first=61)
    refused = told([Failure(error=ErrorClass.CONNECT)] * 2, WELL, first=61)
    assert met(late, newest_s(late))[Hidden.DOWN] < met(refused, newest_s(refused))[Hidden.DOWN]


# Beliefs


@unhurried
@given(histories)
def test_beliefs_are_distributions_and_give_nothing_up_for_impossible(history: list[tuple[Seen, float]]) -> None:
    view = lived(history)
    for belief in (view.own.probabilities, view.shared.probabilities):
        if history:
            assert sum(belief) == pytest.approx(1, abs=1e-9)
            assert all(5e-7 < share < 1 for share in belief)
    assert sum(met(view, newest_s(view))) == pytest.approx(1, abs=1e-9)


@unhurried
@given(histories, st.floats(0, 1e9))
def test_the_score_is_a_probability_within_its_interval(history: list[tuple[Seen, float]], seconds: float) -> None:
    view = lived(history)
    found = chance(view, newest_s(view) + seconds)
    low, high = found.confidence
    assert 0 <= low <= found.score <= high <= 1


def test_even_after_months_of_success_an_outage_is_believed_within_three_failures() -> None:
    trusted = told([GOOD] * 2_000, every_s=HOUR_S)
    assert score(told([FAILED] * 3, trusted, first=2_001, every_s=HOUR_S)) < 0.35


@unhurried
@given(histories, st.floats(0, DAY_S))
def test_a_request_meets_the_worse_of_both_states(history: list[tuple[Seen, float]], seconds: float) -> None:
    view = lived(history)
    at_s = newest_s(view) + seconds
    own = moved(view.own.probabilities, OWN, view.own.onset_factor, seconds) if history else settled(OWN, 1.0)
    shared = (
        moved(view.shared.probabilities, SHARED, view.shared.onset_factor, seconds) if history else settled(SHARED, 1.0)
    )
    lasts, left = NEWCOMER.share, 0.0
    if history:
        lasts, _, left = view.persistent.aged(seconds)
    own = tuple(share * (1 - left) + left * (state is Hidden.UP) for share, state in zip(own, Hidden, strict=True))
    worse = [0.0] * (len(Hidden) + 1)
    for ours, other in zip(Hidden, shared, strict=True):
        worse[LASTING if ours is Hidden.UP else ours] += lasts * other
        for mine, one in zip(Hidden, own, strict=True):
            worse[max(mine, ours)] += (1 - lasts) * one * other
    assert met(view, at_s) == pytest.approx(worse, abs=1e-4)


# Expectations


@unhurried
@given(histories, st.floats(0, DAY_S))
def test_all_that_may_be_seen_is_certain_together(history: list[tuple[Seen, float]], seconds: float) -> None:
    view = lived(history)
    at_s = newest_s(view) + seconds
    asked = [expected(view, each, at_s) for each in (GOOD, LATE, FAILED)]
    looked = [expected(view, each, at_s) for each in (REACHED, NOT_REACHED)]
    assert sum(asked) == pytest.approx(1, abs=1e-9)
    assert sum(looked) == pytest.approx(1, abs=1e-9)
    assert expected(view, GOOD, newest_s(view)) == pytest.approx(score(view))


def test_of_failures_the_class_makes_none_the_likelier() -> None:
    at_s = newest_s(WELL) + EVERY_S
    assert len({expected(WELL, Failure(error=error), at_s) for error in ErrorClass}) == 1


def test_a_failure_is_a_surprise_while_all_is_well_and_none_in_an_outage() -> None:
    assert expected(WELL, FAILED, newest_s(WELL) + EVERY_S) < 0.02
    assert expected(FALLEN, FAILED, newest_s(FALLEN) + EVERY_S) > 0.75


# The provider's other endpoints


def beside(view: EndpointBelief, other: EndpointBelief) -> EndpointBelief:
    """The belief about an endpoint after a sample of another endpoint of its provider."""
    return replace(view, shared=other.shared)


def test_one_endpoints_failures_lower_the_score_of_another_and_its_successes_raise_it() -> None:
    failing = told([FAILED] * 3, WELL, first=61)
    at_s = newest_s(failing)
    hurt = beside(WELL, failing)
    assert chance(hurt, at_s).score < chance(WELL, at_s).score - 0.2
    cleared = beside(failing, told([GOOD] * 3, hurt, first=64))
    assert cleared.shared.probabilities[Hidden.UP] > failing.shared.probabilities[Hidden.UP] + 0.2


def test_an_endpoint_that_fails_alone_is_in_trouble_alone() -> None:
    """Its sibling is well, so that what is wrong is not the provider's."""
    one, other = WELL, WELL
    for minute in range(61, 81):
        one = told([FAILED], beside(one, other), first=minute)
        other = told([GOOD], beside(other, one), first=minute)
    assert score(beside(one, other)) < 0.15
    assert score(other) > 0.9
    assert other.shared.probabilities[Hidden.UP] > 0.9


def test_when_all_fail_it_is_the_providers_trouble() -> None:
    one, other = WELL, WELL
    for minute in range(61, 64):
        one = told([FAILED], beside(one, other), first=minute)
        other = told([FAILED], beside(other, one), first=minute)
    assert other.shared.probabilities[Hidden.UP] < 0.1
    unheard = beside(WELL, other)
    assert chance(unheard, newest_s(other)).score < 0.3


# Base rates


def test_what_fails_now_and_then_is_learned_to_be_usual() -> None:
    often = told(([GOOD] * 24 + [FAILED]) * 40)
    assert often.base_rates.fail_share == pytest.approx(0.04, abs=0.015)
    assert expected(often, FAILED, newest_s(often)) > 2 * expected(WELL, FAILED, newest_s(WELL))


def test_what_misses_its_slo_now_and_then_is_learned_to_be_usual() -> None:
    late = told(([GOOD] * 14 + [LATE]) * 40)
    assert late.base_rates.miss_share == pytest.approx(1 / 15, abs=0.025)


def test_a_well_behaved_endpoint_is_learned_to_fail_less_than_most() -> None:
    assert told([GOOD] * 2_000).base_rates.fail_share < DEFAULT_RATES.fail_share / 5


def test_an_outage_does_not_become_usual() -> None:
    """It says what the endpoint is, not what it is like while it is well."""
    later = told([FAILED] * 500, FALLEN, first=65)
    assert later.base_rates.fail_share == pytest.approx(FALLEN.base_rates.fail_share, rel=0.02)


def test_uncertainty_shrinks_with_what_was_seen() -> None:
    widths = []
    for number in (0, 1, 3, 10):
        view = told([GOOD] * number)
        low, high = chance(view, newest_s(view)).confidence
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


# Luck


def told_apart(
    seen: Iterable[Seen], view: EndpointBelief = FRESH, first: float = 1, every_s: float = EVERY_S
) -> EndpointBelief:
    """The view after samples of its own, each of which a well endpoint of the same provider follows at once."""
    sibling = EndpointBelief(shared=view.shared)
    for place, each in enumerate(seen):
        view = told([each], beside(view, sibling), first + place, every_s)
        sibling = told([GOOD] * 2, beside(sibling, view), first + place, every_s)
    return beside(view, sibling)


TEN_MINUTES_S = 600.0
DAY = [GOOD] * 140 + [FAILED] * 4
"""Ten minutes by ten minutes."""


def test_trouble_is_expected_sooner_of_those_who_were_often_in_trouble() -> None:
    troubled = told_apart(DAY * 30, every_s=TEN_MINUTES_S)
    since_surprise = told_apart([GOOD] * len(DAY) * 30, every_s=TEN_MINUTES_S)
    assert since_surprise.own.onset_factor < 1 < troubled.own.onset_factor
    assert troubled.own.onsets > 5
    assert score(troubled, DAY_S) < score(since_surprise, DAY_S)


def test_a_provider_whose_endpoints_all_fail_is_the_one_that_has_the_onsets() -> None:
    one = other = FRESH
    for place, each in enumerate(DAY * 15):
        one = told([each], beside(one, other), place, TEN_MINUTES_S)
        other = told([each], beside(other, one), place, TEN_MINUTES_S)
    assert (other.shared.onset_factor > 2, other.own.onset_factor < 1) == (True, True)


def test_the_more_onsets_the_higher_the_onset_factor() -> None:
    found = []
    for days in (16, 8, 4, 2, 1):
        since_surprise = [GOOD] * len(DAY) * (days - 1)
        found.append(told_apart([*since_surprise, *DAY] * (16 // days), every_s=TEN_MINUTES_S).own.onset_factor)
    assert found == sorted(found)
    assert found[-1] > 2 * found[0]


@unhurried
@given(histories)
def test_the_onset_factor_is_bounded_and_comes_in_steps(history: list[tuple[Seen, float]]) -> None:
    view = lived(history)
    for belief in (view.own, view.shared):
        assert 0.125 <= belief.onset_factor <= 8
        assert 2 * math.log2(belief.onset_factor) == pytest.approx(round(2 * math.log2(belief.onset_factor)), abs=1e-9)


@pytest.mark.parametrize(("onsets", "hours", "onset_factor"), [(1_000.0, 10.0, 8.0), (0.0, 100_000.0, 0.125)])
def test_whatever_was_seen_the_onset_factor_stays_within_its_bounds(
    onsets: float, hours: float, onset_factor: float
) -> None:
    view = EndpointBelief(own=LevelBelief(at_s=BEGIN_S, onsets=onsets, hours=hours))
    assert after(view, GOOD, BEGIN_S + 1).own.onset_factor == onset_factor


def test_an_onset_counts_once_until_the_trouble_is_over() -> None:
    fallen = told_apart([FAILED] * 50, told_apart([GOOD] * 60), first=61)
    assert fallen.own.troubled is True
    assert fallen.own.onsets == pytest.approx(1, abs=0.01)
    back = told_apart([GOOD] * 40, fallen, first=111)
    assert back.own.troubled is False
    assert back.own.onsets == pytest.approx(1, abs=0.01)
    assert fallen.own.hours < back.own.hours < fallen.own.hours + 1
    again = told_apart([FAILED] * 5, back, first=151)
    assert again.own.onsets == pytest.approx(2, abs=0.01)


# Time


def test_without_news_the_belief_settles_to_the_long_run() -> None:
    for view in (WELL, FALLEN):
        own, shared = (
            replace(NEW, onset_factor=view.own.onset_factor),
            replace(NEW, onset_factor=view.shared.onset_factor),
        )
        lasts = view.persistent.aged(1e9)[0]
        rest = chance(replace(view, own=own, shared=shared, persistent=PersistentTrouble(share=lasts)), BEGIN_S).score
        distances = [abs(score(view, hours * HOUR_S) - rest) for hours in (0, 0.5, 1, 2, 5, 24, 24 * 365)]
        assert distances[0] == max(distances)
        assert distances[-1] < 1e-6


def test_before_the_first_sample_it_is_what_most_are() -> None:
    found = chance(FRESH, BEGIN_S)
    assert 0.85 < found.score < 0.99
    assert met(FRESH, BEGIN_S) == met(FRESH, BEGIN_S + DAY_S)


def test_a_late_sample_counts_and_does_not_turn_time_back() -> None:
    late = after(WELL, FAILED, newest_s(WELL) - 600)
    assert (late.own.at_s, late.shared.at_s) == (newest_s(WELL), newest_s(WELL))
    assert late == after(WELL, FAILED, newest_s(WELL))


# Reach


def test_a_reach_success_is_weak_evidence_that_requests_succeed() -> None:
    reached, asked = after(FALLEN, REACHED, newest_s(FALLEN)), after(FALLEN, GOOD, newest_s(FALLEN))
    assert score(FALLEN) < score(reached) < 0.3
    assert score(asked) > 2 * score(reached)


def test_a_missing_answer_is_strong_evidence() -> None:
    assert score(told([NOT_REACHED] * 2, WELL, first=61)) < 0.4


@pytest.mark.parametrize("seen", [REACHED, NOT_REACHED], ids=str)
def test_a_probe_without_tokens_does_not_change_the_base_rates(seen: Seen) -> None:
    later = after(WELL, seen, newest_s(WELL))
    assert later.base_rates == WELL.base_rates


def test_a_view_is_never_changed_by_what_comes_after() -> None:
    belief: Belief = WELL.own.probabilities
    after(WELL, FAILED, newest_s(WELL))
    assert WELL.own.probabilities is belief
