"""Score and status of an endpoint: hysteresis, its provider's trouble, the account's, staleness, order of samples."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.status import Status
from monitor.score.health import (
    SURPRISE_MEMORY,
    Assessment,
    Health,
    LastError,
    Observation,
    Trouble,
    advance,
    assess,
    bounded,
    down,
    in_doubt,
    judged_status,
    settle,
    view_of,
    well,
)
from monitor.score.hmm import NEW, met
from monitor.score.outcomes import SampleOutcome
from monitor.score.serialize import Remembered
from probes._model import ErrorClass
from tests.unit.score.values import (
    EVERY_S,
    NEVER,
    STALE_S,
    START,
    advanced,
    after,
    make_observation,
    observations,
    unhurried,
)

UNCOUNTED = [SampleOutcome.RATE_LIMITED, SampleOutcome.ACCOUNT, SampleOutcome.MONITOR, SampleOutcome.NETWORK]
WELL = advanced(observations("o" * 200))
DOWN = advanced(observations("fff", 201), WELL)
letters_of = st.lists(st.sampled_from("ossuffrx"), max_size=60).map("".join)


def assessed(known: Remembered, minute: float) -> Assessment:
    return assess(known.health, known.shared, after(minute * EVERY_S), stale_s=STALE_S)


def score(known: Remembered, minute: float | None = None) -> float:
    """The score at `minute`, or when the newest counted sample began."""
    now = known.health.measured_at if minute is None else after(minute * EVERY_S)
    assert now is not None
    found = assess(known.health, known.shared, now, stale_s=STALE_S).score
    assert found is not None
    return found


def belief(known: Remembered) -> tuple[float, ...]:
    """How likely a request meets each state when the newest counted sample began."""
    health = known.health
    assert health.measured_at is not None
    return met(view_of(health, known.shared), health.measured_at.timestamp())


def steps(letters: str, known: Remembered = NEVER, first: float = 1) -> list[Remembered]:
    """What is known after each observation."""
    found = []
    for observation in observations(letters, first):
        known = advanced([observation], known)
        found.append(known)
    return found


def statuses(letters: str, known: Remembered = NEVER, first: float = 1) -> list[Status]:
    """The status after each observation."""
    return [step.health.status for step in steps(letters, known, first)]


def changes(before: Status, found: list[Status]) -> list[Status]:
    """The statuses that were new when they came."""
    return [now for past, now in pairwise([before, *found]) if now is not past]


# Nothing known


def test_an_endpoint_that_was_never_probed_is_unknown_and_has_no_score() -> None:
    assert assessed(NEVER, 5) == Assessment(
        status=Status.UNKNOWN, since=START, score=None, confidence=None, stale_after=None
    )


@pytest.mark.parametrize("outcome", UNCOUNTED)
def test_without_a_counted_sample_it_stays_unknown(outcome: SampleOutcome) -> None:
    found = assessed(advanced(observations([outcome] * 20)), 21)
    assert (found.status, found.score, found.confidence, found.stale_after) == (Status.UNKNOWN, None, None, None)


def test_the_first_success_makes_it_up() -> None:
    health = advanced(observations("o")).health
    assert (health.status, health.since, health.measured_at) == (Status.UP, after(60), after(60))


def test_until_it_has_succeeded_it_is_unknown_or_down() -> None:
    assert statuses("f") == [Status.UNKNOWN]
    assert score(advanced(observations("f"))) < 0.4
    assert statuses("ff") == [Status.UNKNOWN, Status.DOWN]
    assert statuses("xr" * 5) == [Status.UNKNOWN] * 10


def test_a_success_is_what_ends_that_whatever_came_before() -> None:
    assert statuses("fo")[-1] is Status.DEGRADED
    assert statuses("s")[-1] is not Status.UNKNOWN


def test_a_first_failure_is_looked_at_again_at_once() -> None:
    """It is no surprise: one in seven unknown endpoints never works."""
    assert [step.health.since_surprise for step in steps("ff")] == [0, 1]


# Hysteresis


def test_a_lone_failure_leaves_the_status_alone() -> None:
    found = statuses("f" + "o" * 60 + "f" + "o" * 60, WELL, 201)
    assert changes(Status.UP, found) == []


def test_a_second_failure_in_a_row_is_an_outage() -> None:
    assert statuses("fff", WELL, 201) == [Status.UP, Status.DOWN, Status.DOWN]


def test_it_takes_more_failures_of_an_endpoint_that_often_fails() -> None:
    often = advanced(observations(("o" * 16 + "f") * 20))
    assert statuses("fff", often, 341) == [Status.UP, Status.UP, Status.DOWN]


def test_failures_between_successes_degrade_it_and_never_make_it_down() -> None:
    found = statuses("fo" * 40, WELL, 201)
    assert changes(Status.UP, found) == [Status.DEGRADED]


def test_a_success_ends_an_outage_and_a_few_more_all_trouble() -> None:
    found = statuses("o" * 10, DOWN, 204)
    assert changes(Status.DOWN, found) == [Status.DEGRADED, Status.UP]
    assert found[0] is Status.DEGRADED
    assert found[1] is Status.DEGRADED


def test_one_that_was_down_for_long_is_not_up_after_one_success() -> None:
    long_down = advanced(observations("f" * 120, 201), WELL)
    assert statuses("o", long_down, 321)[0] is not Status.UP
    assert statuses("o" * 20, long_down, 321)[-1] is Status.UP


def test_one_that_misses_its_slo_again_and_again_is_degraded_and_never_down() -> None:
    found = statuses("s" * 60, WELL, 201)
    assert changes(Status.UP, found) == [Status.DEGRADED]


@unhurried
@given(letters_of)
def test_between_the_two_lines_the_status_never_changes(letters: str) -> None:
    """Up ends below 0.25 and returns at 0.8; down begins at 0.5 and stays until 0.1."""
    for before, later in pairwise([WELL, *steps(letters, WELL, 201)]):
        now, was, held = later.health.status, before.health.status, belief(later)
        if now is was:
            continue
        fine, dead = well(later.health, held), down(later.health, held)
        if now is Status.UP:
            assert fine >= 0.8
        if was is Status.UP:
            assert fine < 0.25 or dead >= 0.5 or later.health.anomaly_count >= 3
        if now is Status.DOWN:
            assert dead >= 0.5
        if was is Status.DOWN:
            assert dead < 0.1


@unhurried
@given(letters_of)
def test_it_is_never_down_without_a_failure_of_its_own(letters: str) -> None:
    """A row of them: what ends the row may still leave it down, but never brings it down."""
    for before, later in pairwise([NEVER, *steps(letters)]):
        if later.health.status is Status.DOWN is not before.health.status:
            assert later.health.failures > 0


def test_since_is_the_start_of_the_sample_that_changed_the_status() -> None:
    assert (DOWN.health.status, DOWN.health.since) == (Status.DOWN, after(202 * EVERY_S))
    assert advanced(observations("fff", 204), DOWN).health.since == after(202 * EVERY_S)


# Anomalous samples


def test_three_more_anomalous_samples_than_usual_ones_degrade_it() -> None:
    assert statuses("uuu", WELL, 201) == [Status.UP, Status.UP, Status.DEGRADED]
    assert statuses("uououu", WELL, 201)[-1] is Status.UP
    assert statuses("uououuu", WELL, 201)[-1] is Status.DEGRADED


def test_it_stays_degraded_until_the_usual_ones_have_caught_up() -> None:
    anomaly_count = advanced(observations("u" * 30, 201), WELL)
    assert statuses("ooooo", anomaly_count, 231) == [Status.DEGRADED] * 4 + [Status.UP]


def test_anomalous_samples_say_nothing_of_whether_the_next_one_succeeds() -> None:
    usual, anomalous = advanced(observations("ooo", 201), WELL), advanced(observations("uuu", 201), WELL)
    assert score(anomalous) == score(usual)
    assert (
        replace(
            anomalous.health,
            anomaly_count=0,
            since_surprise=SURPRISE_MEMORY + 203,
            status=Status.UP,
            since=usual.health.since,
        )
        == usual.health
    )


# Score


def test_the_score_falls_with_failures_and_recovers() -> None:
    falling = [score(WELL), *map(score, steps("ffff", WELL, 201))]
    assert falling == sorted(falling, reverse=True)
    assert (falling[0] > 0.98, falling[-1] < 0.2) == (True, True)
    recovering = [score(DOWN), *map(score, steps("o" * 30, DOWN, 204))]
    assert recovering == sorted(recovering)
    assert recovering[-1] > 0.95


@unhurried
@given(st.text("osufrx", min_size=1, max_size=60), st.floats(0, 1e7))
def test_the_score_is_a_probability_within_its_interval(letters: str, idle_s: float) -> None:
    found = assessed(advanced(observations(letters)), len(letters) + idle_s / EVERY_S)
    assert found.score is not None
    assert found.confidence is not None
    assert 0 <= found.confidence[0] <= found.score <= found.confidence[1] <= 1


def test_a_failure_of_no_class_is_a_failure_all_the_same() -> None:
    nameless = advanced([make_observation(201, SampleOutcome.FAILED, error=None)], WELL)
    assert (nameless.health.failures, nameless.health.last_error) == (1, None)
    assert score(nameless) < score(WELL) - 0.01


# Surprise and calm


def test_calm_counts_the_samples_since_the_newest_surprise() -> None:
    assert [step.health.since_surprise for step in steps("ofooo", WELL, 201)] == [SURPRISE_MEMORY + 201, 0, 1, 2, 3]


def test_what_became_likely_is_no_surprise_but_a_status_on_its_way_down_is_looked_at_again() -> None:
    found = [(step.health.status, step.health.since_surprise) for step in steps("ffff", WELL, 201)]
    assert found == [(Status.UP, 0), (Status.DOWN, 1), (Status.DOWN, 2), (Status.DOWN, 3)]
    found = [(each.health.status, each.health.since_surprise) for each in steps("ssss", WELL, 201)]
    assert found == [(Status.UP, 0), (Status.UP, 1), (Status.DEGRADED, 0), (Status.DEGRADED, 1)]


def test_a_recovery_is_looked_at_again_at_once() -> None:
    long_down = advanced(observations("f" * 120, 201), WELL)
    turns = [step.health for step in steps("oooooooo", long_down, 321)]
    first = next(place for place, each in enumerate(turns) if each.status is Status.UP)
    assert [each.since_surprise for each in turns[first : first + 3]] == [0, 1, 2]


# A row of failures


@pytest.mark.parametrize(
    ("letters", "failures"),
    [("f", 1), ("ff", 2), ("ffo", 0), ("ffs", 0), ("ffr", 2), ("fx", 2), ("xr", 1), ("ffro", 0)],
)
def test_a_success_ends_the_row_and_being_reached_does_not(letters: str, failures: int) -> None:
    assert advanced(observations(letters, 201), WELL).health.failures == failures


def test_one_that_is_reached_while_all_its_requests_fail_stays_down() -> None:
    assert statuses("rfrfrfrf", DOWN, 204) == [Status.DOWN] * 8


def test_being_reached_again_and_again_clears_nothing() -> None:
    once, often = advanced(observations("r", 204), DOWN), advanced(observations("r" * 30, 204), DOWN)
    assert (often.health.own, often.shared) == (once.health.own, once.shared)
    assert (once.health.own, once.shared) == (DOWN.health.own, DOWN.shared)
    assert often.health.measured_at == after(233 * EVERY_S)


def test_a_reach_success_counts_once_after_a_missing_answer() -> None:
    silent = advanced(observations("x", 201), WELL)
    once, often = advanced(observations("r", 202), silent), advanced(observations("rrr", 202), silent)
    assert score(once, 204) > score(silent, 204) + 0.005
    assert score(often, 204) == score(once, 204)


def test_being_reached_does_not_lift_the_accounts_trouble() -> None:
    """The list of models is there for those, too, who have nothing left to pay with."""
    refused = advanced([make_observation(201, SampleOutcome.ACCOUNT, error=ErrorClass.PAYMENT)], WELL)
    assert advanced(observations("r", 202), refused).health.trouble == refused.health.trouble is not None
    assert advanced(observations("o", 203), refused).health.trouble is None


def test_an_endpoint_without_any_answer_is_down_without_token_probes() -> None:
    assert statuses("xxx", WELL, 201)[-1] is Status.DOWN


# Its provider


def shared_trouble() -> Remembered:
    """What the endpoint knows once all that its provider's others asked for failed."""
    other = WELL
    for _ in range(2):  # two others, so that it is not the one alone
        other = advanced(observations("ffff", 201), Remembered(health=WELL.health, shared=other.shared))
    return Remembered(health=WELL.health, shared=other.shared)


def test_the_providers_trouble_lowers_the_score_and_the_status_and_does_not_make_it_down() -> None:
    known = shared_trouble()
    settled = settle(known.health, known.shared, after(204 * EVERY_S))
    assert (settled.status, settled.since) == (Status.DEGRADED, after(204 * EVERY_S))
    assert score(known, 204) < 0.4 < score(WELL, 204)


def test_then_the_first_failure_of_its_own_makes_it_down() -> None:
    assert statuses("f", shared_trouble(), 205) == [Status.DOWN]


def test_its_own_success_clears_it() -> None:
    assert statuses("oooo", shared_trouble(), 205)[-1] is Status.UP


def test_one_that_was_never_measured_stays_unknown_whatever_its_provider_does() -> None:
    fresh = Health(since=START)
    assert settle(fresh, shared_trouble().shared, after(9)) is fresh


def test_settling_without_a_change_gives_the_health_itself() -> None:
    assert settle(WELL.health, WELL.shared, after(201 * EVERY_S)) is WELL.health


def test_settling_as_of_earlier_makes_no_change_older_than_the_one_before() -> None:
    known = shared_trouble()
    assert known.health.measured_at is not None
    health = replace(known.health, since=after(205 * EVERY_S))
    assert settle(health, known.shared, after(204 * EVERY_S)).since == after(205 * EVERY_S)


# Doubt


@pytest.mark.parametrize(
    ("letters", "doubted"),
    [("o", False), ("f", True), ("fo", False), ("s", True), ("so", False), ("ss", True), ("u", True), ("uo", False)],
)
def test_a_doubt_lasts_until_nothing_of_it_is_left(letters: str, doubted: bool) -> None:
    known = advanced(observations(letters, 201), WELL)
    assert known.health.measured_at is not None
    assert in_doubt(known.health, known.shared, known.health.measured_at) is doubted


# Staleness


def test_a_health_goes_stale_only_after_its_time() -> None:
    known = advanced(observations("ooo"))
    deadline = 3 + STALE_S / EVERY_S
    assert assessed(known, deadline).status is Status.UP
    late = assessed(known, deadline + 0.001)
    assert (late.status, late.since, late.stale_after) == (
        Status.UNKNOWN,
        after(deadline * EVERY_S),
        after(deadline * EVERY_S),
    )


@pytest.mark.parametrize("letters", ["o" * 200 + "ffff", "o" * 200])
def test_a_stale_score_drifts_to_the_long_run_figure_and_stays_a_number(letters: str) -> None:
    known, now = advanced(observations(letters)), len(letters)
    usual = score(known, now + 1e6)
    distances = [abs(score(known, now + idle) - usual) for idle in (0, 30, 120, 600, 10_000)]
    assert distances == sorted(distances, reverse=True)
    assert (usual > 0.9, distances[-1] < 1e-4) == (True, True)


@pytest.mark.parametrize("outcome", UNCOUNTED)
def test_what_does_not_count_does_not_keep_it_fresh(outcome: SampleOutcome) -> None:
    known = advanced([*observations("ooo"), make_observation(6, outcome)])
    assert assessed(known, 7).status is Status.UNKNOWN


# The account


@pytest.mark.parametrize("outcome", UNCOUNTED)
def test_what_does_not_count_neither_breaks_nor_lengthens_a_row(outcome: SampleOutcome) -> None:
    with_it = advanced(
        [
            make_observation(201, SampleOutcome.FAILED),
            make_observation(202, outcome),
            make_observation(203, SampleOutcome.FAILED),
        ],
        WELL,
    )
    without = advanced([make_observation(201, SampleOutcome.FAILED), make_observation(203, SampleOutcome.FAILED)], WELL)
    assert with_it == without


@pytest.mark.parametrize("outcome", [SampleOutcome.ACCOUNT, SampleOutcome.RATE_LIMITED])
def test_account_errors_never_change_status_score_or_freshness(outcome: SampleOutcome) -> None:
    later = advanced([make_observation(200.1 + number / 100, outcome) for number in range(50)], WELL)
    assert later.shared is WELL.shared
    assert replace(later.health, trouble=None, last_error=None) == WELL.health


def test_trouble_lasts_since_the_first_refusal_in_a_row_with_the_newest_class() -> None:
    health = advanced(
        [
            make_observation(1),
            make_observation(2, SampleOutcome.ACCOUNT, error=ErrorClass.AUTH),
            make_observation(3, SampleOutcome.MONITOR),
            make_observation(4, SampleOutcome.NETWORK),
            make_observation(5, SampleOutcome.RATE_LIMITED),
            make_observation(6, SampleOutcome.ACCOUNT, error=ErrorClass.PAYMENT),
        ]
    ).health
    assert health.trouble == Trouble(error=ErrorClass.PAYMENT, since=after(2 * EVERY_S))


@pytest.mark.parametrize("outcome", [SampleOutcome.OK, SampleOutcome.FAILED])
def test_the_next_counted_sample_ends_the_trouble(outcome: SampleOutcome) -> None:
    known = advanced([make_observation(1, SampleOutcome.ACCOUNT), make_observation(2, outcome)])
    assert known.health.trouble is None
    again = advanced([make_observation(3, SampleOutcome.ACCOUNT)], known)
    assert again.health.trouble == Trouble(error=ErrorClass.AUTH, since=after(3 * EVERY_S))


@pytest.mark.parametrize("outcome", [SampleOutcome.MONITOR, SampleOutcome.NETWORK])
def test_the_monitors_own_faults_change_nothing_at_all(outcome: SampleOutcome) -> None:
    known = advanced([*observations("oof"), make_observation(4, SampleOutcome.ACCOUNT)])
    assert advanced([make_observation(5, outcome)], known) == known
    assert advanced([make_observation(5, outcome)]) == NEVER


@pytest.mark.parametrize("outcome", SampleOutcome)
@pytest.mark.parametrize("error", ErrorClass)
def test_a_sample_of_any_class_and_outcome_is_taken(outcome: SampleOutcome, error: ErrorClass) -> None:
    """Which class counts as what is up to the configuration."""
    for reach in (False, True):
        later = advanced([make_observation(201, outcome, error=error, reach=reach)], WELL)
        assert 0 < score(later, 201) < 1
        assert (later == WELL) is (outcome in {SampleOutcome.MONITOR, SampleOutcome.NETWORK})


# Last error


def test_the_last_error_is_the_newest_failure_whoevers_fault() -> None:
    known = advanced([make_observation(1, SampleOutcome.FAILED, status_code=503), make_observation(2)])
    assert known.health.last_error == LastError(error=ErrorClass.SERVER_ERROR, at=after(60), status_code=503)
    refused = advanced([make_observation(3, SampleOutcome.ACCOUNT, status_code=401)], known)
    assert refused.health.last_error == LastError(error=ErrorClass.AUTH, at=after(180), status_code=401)


def test_a_wrong_answer_that_does_not_count_is_remembered_as_the_last_error() -> None:
    health = advanced([make_observation(1, SampleOutcome.OK, error=ErrorClass.WRONG_ANSWER)]).health
    assert health.last_error is not None
    assert (health.status, health.last_error.error) == (Status.UP, ErrorClass.WRONG_ANSWER)


# Order


def test_samples_at_the_same_moment_all_count() -> None:
    known = advanced([make_observation(201, SampleOutcome.FAILED)] * 4, WELL)
    assert (known.health.status, known.health.failures) == (Status.DOWN, 4)


def test_a_late_sample_counts_and_does_not_turn_time_back() -> None:
    late = advanced([make_observation(150, SampleOutcome.FAILED)], WELL)
    assert late.health.measured_at == WELL.health.measured_at
    assert late.health.failures == 1
    assert score(late) < score(WELL) - 0.01


def test_a_change_that_a_late_sample_made_is_not_older_than_the_change_before() -> None:
    late = [make_observation(minute, SampleOutcome.FAILED) for minute in (9, 8, 7)]
    health = advanced(late, advanced(observations("o", 10))).health
    assert (health.status, health.since) == (Status.DEGRADED, after(10 * EVERY_S))


@unhurried
@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.sampled_from(SampleOutcome), st.booleans()), max_size=40))
def test_whatever_the_order_of_samples_time_only_goes_on(
    seen: list[tuple[float, SampleOutcome, bool]],
) -> None:
    known = NEVER
    for minute, outcome, within_slo in seen:
        each: Observation = make_observation(minute, outcome, within_slo=within_slo)
        health, shared = advance(known.health, known.shared, each)
        if known.health.measured_at is not None:
            assert health.measured_at is not None
            assert health.measured_at >= known.health.measured_at
        assert health.since >= known.health.since or known.health.status is Status.UNKNOWN
        known = Remembered(health=health, shared=shared)


def test_what_is_dated_later_than_now_is_dated_now_once_the_clock_has_come_back() -> None:
    """Else it would never get stale."""
    ahead = after(30 * 86_400)
    belief = replace(NEW, at_s=ahead.timestamp())
    health = Health(
        since=ahead,
        measured_at=ahead,
        own=belief,
        interval_from=ahead,
        trouble=Trouble(error=ErrorClass.AUTH, since=ahead),
        last_error=LastError(error=ErrorClass.AUTH, at=ahead),
    )
    found = bounded(health, after(0))
    assert (found.since, found.measured_at, found.interval_from) == (after(0), after(0), after(0))
    assert found.own.at_s == after(0).timestamp()
    assert found.trouble == Trouble(error=ErrorClass.AUTH, since=after(0))
    assert found.last_error == LastError(error=ErrorClass.AUTH, at=after(0))
    assert judged_status(found, after(0) + timedelta(seconds=61), stale_s=60).status is Status.UNKNOWN


@pytest.mark.parametrize("at", [None, after(-60), after(0.5)])
def test_what_is_of_now_stays_as_it_is(at: datetime | None) -> None:
    health = Health(since=after(-60), measured_at=at)
    assert bounded(health, after(0)) is health


def test_what_was_never_measured_is_only_dated_anew() -> None:
    found = bounded(Health(since=after(86_400)), after(0))
    assert found == Health(since=after(0))
