"""Score and status of an endpoint: hysteresis, the account's trouble, staleness, samples out of order."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.health import (
    Assessment,
    Health,
    LastError,
    Observation,
    Trouble,
    Weights,
    assess,
    wants_confirmation,
)
from monitor.score.outcomes import Outcome
from monitor.status import Status
from probes._model import ErrorClass
from tests.unit.score.values import EVERY_S, STALE_S, START, advanced, after, make_observation, observations, unhurried

UNCOUNTED = [Outcome.RATE_LIMITED, Outcome.ACCOUNT, Outcome.MONITOR, Outcome.NETWORK]
NEVER = Health(since=START)


def assessed(health: Health, minute: float) -> Assessment:
    return assess(health, after(minute * EVERY_S), interval_s=EVERY_S, stale_s=STALE_S)


def score(health: Health, minute: float | None = None) -> float:
    """The score at `minute`, or when the newest counted sample began."""
    now = health.measured_at if minute is None else after(minute * EVERY_S)
    assert now is not None
    found = assess(health, now, interval_s=EVERY_S, stale_s=STALE_S).score
    assert found is not None
    return found


def statuses(letters: str, health: Health = NEVER, first: float = 1) -> list[Status]:
    """The status after each observation."""
    found = []
    for each in observations(letters, first):
        health = advanced([each], health)
        found.append(health.status)
    return found


def changes(before: Status, found: list[Status]) -> list[Status]:
    """The statuses that were new when they came."""
    return [now for past, now in pairwise([before, *found]) if now is not past]


# Nothing known


def test_an_endpoint_that_was_never_probed_is_unknown_and_has_no_score() -> None:
    assert assessed(NEVER, 5) == Assessment(
        status=Status.UNKNOWN, since=START, score=None, confidence=None, stale_after=None
    )


@pytest.mark.parametrize("outcome", UNCOUNTED)
def test_without_a_counted_sample_it_stays_unknown(outcome: Outcome) -> None:
    found = assessed(advanced(observations([outcome] * 20)), 21)
    assert (found.status, found.score, found.confidence, found.stale_after) == (Status.UNKNOWN, None, None, None)


def test_the_first_success_makes_it_up() -> None:
    health = advanced(observations("o"))
    assert (health.status, health.since, health.measured_at) == (Status.UP, after(60), after(60))


def test_the_first_failure_makes_it_degraded_and_not_down() -> None:
    assert statuses("f") == [Status.DEGRADED]


# Hysteresis


def test_one_failure_does_not_make_it_down_and_two_in_a_row_do() -> None:
    health = advanced(observations("o" * 20))
    assert statuses("ff", health, 21) == [Status.UP, Status.DOWN]


def test_failures_that_are_not_in_a_row_do_not_make_it_down() -> None:
    assert Status.DOWN not in statuses("fofofofofofofofofofo")


def test_one_success_does_not_raise_it_and_two_in_a_row_do() -> None:
    health = advanced(observations("o" * 20 + "ff"))
    assert statuses("o", health, 23) == [Status.DOWN]
    assert statuses("oo", health, 23) == [Status.DOWN, Status.DEGRADED]
    assert statuses("ofofof", health, 23) == [Status.DOWN] * 6


def test_it_is_up_again_when_the_score_has_recovered() -> None:
    health = advanced(observations("o" * 20 + "ff"))
    found = statuses("o" * 60, health, 23)
    assert found[-1] is Status.UP
    assert changes(Status.DOWN, found) == [Status.DEGRADED, Status.UP]


def test_a_slow_success_is_a_success_of_the_row_that_raises() -> None:
    health = advanced(observations("o" * 20 + "ff"))
    assert statuses("ss", health, 23) == [Status.DOWN, Status.DEGRADED]


@pytest.mark.parametrize("outcome", UNCOUNTED)
def test_what_does_not_count_neither_breaks_nor_lengthens_a_row(outcome: Outcome) -> None:
    health = advanced(observations("o" * 20))
    one = advanced([make_observation(21, Outcome.FAILED), make_observation(22, outcome)], health)
    assert one.status is Status.UP
    two = advanced([make_observation(23, Outcome.FAILED)], one)
    assert two.status is Status.DOWN
    back = advanced([make_observation(24), make_observation(25, outcome), make_observation(26)], two)
    assert back.status is Status.DEGRADED


@unhurried
@given(st.lists(st.sampled_from("os"), min_size=1, max_size=80).map("".join))
def test_between_the_two_lines_the_status_never_changes(letters: str) -> None:
    """It falls from up below 0.85 only, and rises from degraded at 0.93 only."""
    health = advanced(observations("o" * 20))
    for each in observations(letters, 21):
        later = advanced([each], health)
        if later.status is not health.status:
            if later.status is Status.UP:
                assert score(later) >= 0.93
            else:
                assert (later.status, health.status) == (Status.DEGRADED, Status.UP)
                assert score(later) < 0.85
        health = later


def test_a_score_that_swings_across_one_line_only_leaves_the_status_alone() -> None:
    """One slow answer in eight: the score swings between 0.82 and 0.92 for ever."""
    found = statuses("ooooooos" * 40, advanced(observations("o" * 20)), 21)
    assert changes(Status.DEGRADED, found[-160:]) == []


def test_since_is_the_start_of_the_sample_that_changed_the_status() -> None:
    health = advanced(observations("o" * 20 + "ff"))
    assert (health.status, health.since) == (Status.DOWN, after(22 * EVERY_S))
    assert advanced(observations("fff", 23), health).since == after(22 * EVERY_S)


# Score


def test_the_score_falls_with_failures_and_recovers() -> None:
    good = advanced(observations("o" * 20))
    one = advanced(observations("f", 21), good)
    two = advanced(observations("f", 22), one)
    scores = [score(each) for each in (good, one, two)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.95
    assert scores[2] < 0.8
    recovering = [score(advanced(observations("o" * number, 23), two)) for number in range(30)]
    assert recovering == sorted(recovering)
    assert recovering[-1] > 0.9


def test_an_slo_miss_lowers_the_score_as_a_failure_does_but_never_makes_it_down() -> None:
    good = advanced(observations("o" * 20))
    slow, failed = advanced(observations("s", 21), good), advanced(observations("f", 21), good)
    assert score(slow) == score(failed) < score(good)
    assert Status.DOWN not in statuses("s" * 40, good, 21)
    assert statuses("s" * 40, good, 21)[-1] is Status.DEGRADED


@unhurried
@given(st.lists(st.sampled_from("osf"), min_size=1, max_size=60).map("".join), st.floats(0, 1e7))
def test_the_score_is_a_probability_within_its_interval(letters: str, idle_s: float) -> None:
    health = advanced(observations(letters))
    found = assess(health, after(len(letters) * EVERY_S + idle_s), interval_s=EVERY_S, stale_s=STALE_S)
    assert found.score is not None
    assert found.confidence is not None
    assert 0 <= found.confidence[0] <= found.score <= found.confidence[1] <= 1


@unhurried
@given(st.lists(st.sampled_from("osf"), max_size=30).map("".join))
def test_one_more_success_never_lowers_the_score_and_one_more_failure_never_raises_it(letters: str) -> None:
    health = advanced(observations("o" + letters))
    now = len(letters) + 1
    unchanged = score(health, now + 1)
    assert score(advanced(observations("o", now + 1), health)) >= unchanged - 1e-12
    assert score(advanced(observations("f", now + 1), health)) <= unchanged + 1e-12


# Staleness


def test_a_health_goes_stale_only_after_its_time() -> None:
    health = advanced(observations("ooo"))
    deadline = 3 + STALE_S / EVERY_S
    assert assessed(health, deadline).status is Status.UP
    late = assessed(health, deadline + 0.001)
    assert (late.status, late.since, late.stale_after) == (
        Status.UNKNOWN,
        after(deadline * EVERY_S),
        after(deadline * EVERY_S),
    )


@pytest.mark.parametrize("letters", ["o" * 200 + "ffff", "f" * 200 + "oooo"])
def test_a_stale_score_drifts_to_the_long_run_figure_and_stays_a_number(letters: str) -> None:
    health = advanced(observations(letters))
    usual = health.long.share(0.95, 2.0)
    distances = [abs(score(health, len(letters) + idle) - usual) for idle in (0, 5, 20, 60, 10_000)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 0.1
    assert distances[-1] < 1e-9


def test_uncertainty_grows_while_nothing_is_heard() -> None:
    health = advanced(observations("o" * 50))
    widths = []
    for idle in (0, 5, 20, 60):
        found = assessed(health, 50 + idle)
        assert found.confidence is not None
        widths.append(found.confidence[1] - found.confidence[0])
    assert widths == sorted(widths)


@pytest.mark.parametrize("outcome", UNCOUNTED)
def test_what_does_not_count_does_not_keep_it_fresh(outcome: Outcome) -> None:
    health = advanced([*observations("ooo"), make_observation(6, outcome)])
    assert assessed(health, 7).status is Status.UNKNOWN


# The account


@pytest.mark.parametrize("outcome", [Outcome.ACCOUNT, Outcome.RATE_LIMITED])
def test_account_errors_never_change_status_score_or_freshness(outcome: Outcome) -> None:
    health = advanced(observations("o" * 20))
    later = advanced([make_observation(20.1 + number / 100, outcome) for number in range(50)], health)
    assert replace(later, trouble=None, last_error=None) == health


def test_trouble_lasts_since_the_first_refusal_in_a_row_with_the_newest_class() -> None:
    health = advanced(
        [
            make_observation(1),
            make_observation(2, Outcome.ACCOUNT, error=ErrorClass.AUTH),
            make_observation(3, Outcome.MONITOR),
            make_observation(4, Outcome.NETWORK),
            make_observation(5, Outcome.RATE_LIMITED),
            make_observation(6, Outcome.ACCOUNT, error=ErrorClass.PAYMENT),
        ]
    )
    assert health.trouble == Trouble(error=ErrorClass.PAYMENT, since=after(2 * EVERY_S))


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.FAILED])
def test_the_next_counted_sample_ends_the_trouble(outcome: Outcome) -> None:
    health = advanced([make_observation(1, Outcome.ACCOUNT), make_observation(2, outcome)])
    assert health.trouble is None
    again = advanced([make_observation(3, Outcome.ACCOUNT)], health)
    assert again.trouble == Trouble(error=ErrorClass.AUTH, since=after(3 * EVERY_S))


@pytest.mark.parametrize("outcome", [Outcome.MONITOR, Outcome.NETWORK])
def test_the_monitors_own_faults_change_nothing_at_all(outcome: Outcome) -> None:
    health = advanced([*observations("oof"), make_observation(4, Outcome.ACCOUNT)])
    assert advanced([make_observation(5, outcome)], health) == health
    assert advanced([make_observation(5, outcome)]) == NEVER


# Last error


def test_the_last_error_is_the_newest_failure_whoevers_fault() -> None:
    health = advanced([make_observation(1, Outcome.FAILED, status_code=503), make_observation(2)])
    assert health.last_error == LastError(error=ErrorClass.SERVER_ERROR, at=after(60), status_code=503)
    refused = advanced([make_observation(3, Outcome.ACCOUNT, status_code=401)], health)
    assert refused.last_error == LastError(error=ErrorClass.AUTH, at=after(180), status_code=401)


def test_a_wrong_answer_that_does_not_count_is_remembered_as_the_last_error() -> None:
    health = advanced([make_observation(1, Outcome.OK, error=ErrorClass.WRONG_ANSWER)])
    assert health.last_error is not None
    assert (health.status, health.last_error.error) == (Status.UP, ErrorClass.WRONG_ANSWER)


# Order


def test_samples_at_the_same_moment_all_count() -> None:
    health = advanced([make_observation(1, Outcome.FAILED)] * 2)
    assert (health.status, health.short) == (Status.DOWN, Weights(bad=2.0))


def test_a_late_sample_counts_and_does_not_turn_time_back() -> None:
    health = advanced([*observations("oo", first=10), make_observation(3, Outcome.FAILED)])
    assert health.measured_at == after(11 * EVERY_S)
    assert health.short.bad == 1.0


def test_a_change_that_a_late_sample_made_is_not_older_than_the_change_before() -> None:
    health = advanced([make_observation(10), make_observation(9, Outcome.FAILED), make_observation(8, Outcome.FAILED)])
    assert health.status is Status.DOWN
    assert health.since == after(10 * EVERY_S)


anything = st.builds(
    make_observation,
    st.floats(-1000, 1000, allow_nan=False),
    st.sampled_from(Outcome),
    within_slo=st.booleans(),
    error=st.none() | st.sampled_from(ErrorClass),
)


@unhurried
@given(st.lists(anything, max_size=40), st.floats(-2000, 2000))
def test_no_order_of_samples_breaks_it(seen: list[Observation], minute: float) -> None:
    health = NEVER
    for each in seen:
        later = advanced([each], health)
        assert later.since >= health.since
        assert (later.measured_at or START) >= (health.measured_at or datetime.min.replace(tzinfo=START.tzinfo))
        health = later
        for weight in (health.short.good, health.short.bad, health.long.good, health.long.bad):
            assert 0 <= weight < math.inf
    found = assessed(health, minute)
    assert (found.score is None) is (health.measured_at is None)
    if found.score is not None and found.confidence is not None:
        assert 0 <= found.confidence[0] <= found.score <= found.confidence[1] <= 1


# Confirmation


@pytest.mark.parametrize(
    ("past", "newest", "wanted"),
    [
        ("ooo", "f", True),
        ("ooof", "f", False),
        ("ooo", "o", False),
        ("ooo", "s", False),
        ("ooff", "o", True),
        ("ooffo", "o", False),
        ("ooff", "f", False),
        ("", "f", True),
        ("", "o", False),
    ],
)
def test_one_more_probe_is_wanted_when_the_newest_sample_spoke_against_the_status(
    past: str, newest: str, wanted: bool
) -> None:
    before = advanced(observations(past))
    now = advanced(observations(newest, len(past) + 1), before)
    assert wants_confirmation(before, now) is wanted


@pytest.mark.parametrize("outcome", UNCOUNTED)
@pytest.mark.parametrize("past", ["ooof", "ooffo"])
def test_what_does_not_count_asks_for_no_confirmation(past: str, outcome: Outcome) -> None:
    before = advanced(observations(past))
    assert wants_confirmation(before, advanced([make_observation(9, outcome)], before)) is False


# Words


def test_a_tally_halves_once_a_half_life() -> None:
    assert Weights(good=8, bad=4).aged(20, 10) == Weights(good=2, bad=1)
    assert Weights(good=8, bad=4).aged(-20, 10) == Weights(good=8, bad=4)


def test_the_long_run_remembers_for_days_and_the_short_run_for_minutes() -> None:
    health = advanced(observations("o" * 30))
    health = advanced([make_observation(30 + 24 * 60)], health)
    assert health.short.good == pytest.approx(1.0, abs=1e-6)
    assert 10 < health.long.good < 20
