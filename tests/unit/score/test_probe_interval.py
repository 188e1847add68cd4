"""The time of the next probe: after a surprise, while an endpoint is up, while it is down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.status import Status
from monitor.score.health import Health
from monitor.score.outcomes import SampleOutcome
from monitor.score.probe_interval import IntervalLimits, next_probe
from tests.unit.score.values import START, advanced, after, make_observation, observations, unhurried

LIMITS = IntervalLimits(least_s=15.0, most_s=300.0)


def health_at(status: Status, since_surprise: int, since_s: float = 0.0, measured_s: float = 1_000.0) -> Health:
    at = after(measured_s)
    return Health(status=status, since=after(since_s), measured_at=at, interval_from=at, since_surprise=since_surprise)


def gap_s(health: Health, limits: IntervalLimits = LIMITS) -> float:
    """How long after its newest sample an endpoint wants to be probed."""
    at = next_probe(health, limits)
    assert at is not None
    assert health.measured_at is not None
    return (at - health.measured_at).total_seconds()


def test_what_was_never_measured_asks_for_nothing() -> None:
    assert next_probe(Health(since=START), LIMITS) is None
    uncounted = advanced([make_observation(1, SampleOutcome.ACCOUNT)] * 3).health
    assert next_probe(uncounted, LIMITS) is None


@pytest.mark.parametrize("status", Status)
def test_a_surprise_is_settled_at_once_whatever_the_limits(status: Status) -> None:
    assert gap_s(health_at(status, since_surprise=0)) == 0


def test_after_a_surprise_the_gaps_double_up_to_the_longest() -> None:
    found = [gap_s(health_at(Status.UP, since_surprise)) for since_surprise in range(9)]
    assert found == [0, 15, 30, 60, 120, 240, 300, 300, 300]


def test_however_long_it_has_been_calm_the_longest_holds() -> None:
    assert gap_s(health_at(Status.UP, since_surprise=10**9)) == 300


def test_one_that_is_degraded_is_probed_twice_as_often_as_one_that_is_up() -> None:
    assert gap_s(health_at(Status.DEGRADED, since_surprise=50)) == 150


@pytest.mark.parametrize(
    ("down_s", "wanted_s"), [(0, 15), (60, 15), (120, 15), (240, 30), (800, 100), (2_400, 300), (1e6, 300)]
)
def test_one_that_is_down_is_probed_after_an_eighth_of_the_time_that_it_has_been(
    down_s: float, wanted_s: float
) -> None:
    assert gap_s(health_at(Status.DOWN, since_surprise=50, since_s=0, measured_s=down_s)) == wanted_s


def test_a_fall_that_was_no_surprise_any_more_still_backs_off_from_the_shortest() -> None:
    assert gap_s(health_at(Status.DOWN, since_surprise=1, measured_s=8 * 120)) == 15


def test_where_both_limits_are_one_nothing_but_a_surprise_changes_it() -> None:
    fixed = IntervalLimits(least_s=60.0, most_s=60.0)
    for status in Status:
        assert [gap_s(health_at(status, since_surprise), fixed) for since_surprise in (0, 1, 2, 20)] == [0, 60, 60, 60]


@unhurried
@given(
    st.sampled_from(Status),
    st.integers(1, 10**6),
    st.floats(-1e6, 1e6),
    st.floats(1, 1e4),
    st.floats(1, 100),
)
def test_but_after_a_surprise_the_limits_are_kept(
    status: Status, since_surprise: int, since_s: float, least_s: float, times: float
) -> None:
    limits = IntervalLimits(least_s=least_s, most_s=least_s * times)
    found = gap_s(health_at(status, since_surprise, since_s), limits)
    assert limits.least_s - 1e-5 <= found <= limits.most_s + 1e-5


def test_a_failure_out_of_the_blue_is_a_surprise_and_the_same_again_is_none() -> None:
    known = advanced(observations("o" * 100))
    assert known.health.since_surprise > 90
    once = advanced(observations("f", 101), known)
    assert (once.health.since_surprise, next_probe(once.health, LIMITS)) == (0, once.health.measured_at)
    often = advanced(observations("ffff", 102), once)
    assert gap_s(often.health) > 0


def test_the_next_probe_counts_from_the_newest_sample_even_where_an_older_one_came_late() -> None:
    health = replace(health_at(Status.UP, since_surprise=2), interval_from=after(500))
    assert next_probe(health, LIMITS) == after(530)
