"""A deployment's own requests make the score sharper: sooner than probes alone, and by no more than a few would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from monitor.domain.status import Status
from monitor.score.endpoint import EndpointState, ScoringParams
from monitor.score.health import advance
from monitor.score.outcomes import Counts
from monitor.score.probe_interval import IntervalLimits
from monitor.score.provider import ProviderState
from monitor.traffic.calls import Call
from probes._model import Blame, ErrorClass, Task
from tests.unit.score.values import EVERY_S, STALE_S, START, after, make_sample
from tests.unit.traffic.values import burst, make_call, steady

DOWN_AT_S = 1_805
"""The outage begins 5 s after a probe that still succeeded."""


def make_state(**fields: object) -> EndpointState:
    params = ScoringParams(
        limits=IntervalLimits(least_s=2.0, most_s=EVERY_S),
        stale_s=STALE_S,
        task=Task.CHAT,
        count_wrong_answers=True,
        blame_overrides={ErrorClass.AUTH: Blame.PROVIDER},
        only_reach=False,
        ttft_slo_s=2.0,
    )
    state = EndpointState("groq:llama", params, ProviderState(), START)
    for minute in range(30):
        state.absorb(make_sample(after(minute * EVERY_S)), within_slo=True)
    state.show()
    return state


def take(state: EndpointState, calls: Sequence[Call]) -> int:
    """Take traffic as the board does; how many observations it was."""
    shown = state.count(calls)
    for seen in shown:
        state.see(seen)
    state.show()
    return len(shown)


def counts(state: EndpointState, window: str, at_s: float) -> tuple[Counts, Counts]:
    return next((every, real) for each, every, real in state.counts(after(at_s)) if each.name == window)


def noticed_s(rate: int) -> float:
    """How long after an outage began the endpoint is down, probed once a minute, with so many requests a second."""
    state = make_state()
    state.absorb(make_sample(after(DOWN_AT_S - 5)), within_slo=True)
    for second in range(DOWN_AT_S - 5, DOWN_AT_S + 200):
        error = ErrorClass.SERVER_ERROR if second >= DOWN_AT_S else None
        if rate:
            take(state, steady(rate, second, second + 1, [error]))
        if second % 60 == 0 and second > DOWN_AT_S:
            state.absorb(make_sample(after(second), error), within_slo=True)
        if state.health.status is Status.DOWN:
            return second + 1 - DOWN_AT_S
    raise AssertionError("never noticed")


def test_an_outage_between_two_probes_is_noticed_by_traffic_before_the_next_probe() -> None:
    alone, with_traffic = noticed_s(0), noticed_s(20)
    assert alone > 55
    assert with_traffic <= 8


def test_a_little_traffic_is_enough_and_a_thousand_a_second_are_not_quicker_by_more_than_a_slot() -> None:
    assert noticed_s(1) <= 8
    assert noticed_s(1) - 2 <= noticed_s(1000) <= noticed_s(1)


@pytest.mark.parametrize("error", [ErrorClass.OVERLOADED, None])
def test_a_hundred_at_once_move_the_score_as_one_does(error: ErrorClass | None) -> None:
    one, many, duplicated = make_state(), make_state(), make_state()
    assert take(one, [make_call(1_790, error)]) == 1
    assert take(many, burst(100, 1_790, error)) == 1
    for _ in range(100):
        take(duplicated, [make_call(1_790, error)])
    scores = {state.assess(after(1_791)).score for state in (one, many, duplicated)}
    assert len(scores) == 1
    assert counts(many, "5m", 1_791)[1].counted == 100


def test_a_burst_of_failures_alone_takes_no_endpoint_down() -> None:
    state = make_state()
    take(state, burst(1000, 1_790, ErrorClass.OVERLOADED))
    assert state.health.status is not Status.DOWN
    assert state.health.since_surprise == 0
    score = state.assess(after(1_791)).score
    assert score is not None
    assert score > 0.5


def test_a_recovery_is_noticed_by_traffic_too() -> None:
    state = make_state()
    take(state, steady(5, 1_790, 1_800, [ErrorClass.CONNECT]))
    fallen, incident = state.health.status, state.tracker.incident
    take(state, steady(5, 1_800, 1_810))
    assert (fallen, state.health.status) == (Status.DOWN, Status.UP)
    assert incident is not None
    assert set(incident.causes) == {"connect"}


def test_every_request_is_in_the_windows_beside_the_probes() -> None:
    state = make_state()
    errors = (None, None, ErrorClass.SERVER_ERROR, ErrorClass.RATE_LIMITED, ErrorClass.PAYMENT, ErrorClass.AUTH)
    take(state, steady(6, 1_700, 1_710, errors))
    every, real = counts(state, "5m", 1_740)
    assert real == Counts(ok=20, failed=20, rate_limited=10, account=10)
    assert every == real + Counts(ok=6)
    assert every.ratio == 26 / 46


def test_a_late_first_token_misses_the_slo_of_the_endpoint() -> None:
    def seen(ttft_s: float | None) -> bool:
        (shown,) = make_state().count([make_call(1_790, ttft_s=ttft_s)])
        return shown.within_slo

    assert [seen(ttft_s) for ttft_s in (None, 2.0, 2.1)] == [True, True, False]


def test_what_began_long_before_the_newest_evidence_counts_but_says_nothing_about_now() -> None:
    state = make_state()
    newest = state.health
    assert take(state, steady(2, 1_000, 1_619, [ErrorClass.CONNECT])) == 0
    assert state.health == newest
    assert counts(state, "1h", 1_740)[1].failed == 1_238
    assert take(state, [make_call(1_620, ErrorClass.CONNECT)]) == 1


def test_of_an_endpoint_that_was_never_measured_any_traffic_is_evidence() -> None:
    state = EndpointState("groq:llama", make_state().params, ProviderState(), START)
    take(state, [make_call(0)])
    assert (state.health.status, state.health.measured_at, state.first_seen) == (Status.UP, START, None)


def test_what_traffic_shows_is_taken_as_a_probe_that_showed_the_same() -> None:
    probed, reported = make_state(), make_state()
    probed.absorb(make_sample(after(1_790), ErrorClass.OVERLOADED, status_code=529), within_slo=True)
    take(reported, [make_call(1_790, ErrorClass.OVERLOADED, status_code=529)])
    assert reported.health == probed.health
    assert reported.next_probe() == probed.next_probe() == after(1_790)
    (seen,) = make_state().count([make_call(1_790)])
    assert advance(make_state().health, make_state().provider.belief, seen)[0].since_surprise > 0


def test_stored_counts_are_taken_up_by_the_windows_that_count_as_finely() -> None:
    state = make_state()
    for bucket_s in (1, 300, 3_600, 86_400):
        state.restore_traffic(bucket_s, after(1_700), ErrorClass.AUTH, 3)
    assert {real.failed for _, _, real in state.counts(after(1_740))} == {3}
    assert {
        real.failed for window, _, real in state.counts(after(1_740) + timedelta(days=2)) if window.length_s < 1e5
    } == {0}
