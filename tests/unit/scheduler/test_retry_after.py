"""`Retry-After`: how long an endpoint is not probed."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.scheduler.retry_after import LONGEST_S, RetryAfter
from probes._model import ErrorClass, Sample
from tests.unit.score.values import START, after, make_sample

ONE = "groq:llama"


def asking(seconds: float | None, at_s: float = 0, **fields: object) -> Sample:
    return make_sample(after(at_s), ErrorClass.RATE_LIMITED, retry_after_s=seconds, **fields)


def left_s(at_s: float, *samples: Sample) -> float | None:
    retry_after = RetryAfter()
    for sample in samples:
        retry_after.note(sample)
    return retry_after.left_s(ONE, after(at_s))


def test_an_endpoint_is_not_probed_for_as_long_as_its_provider_asked() -> None:
    assert [left_s(at, asking(42.0)) for at in (0, 12, 41.5, 42, 43)] == [42.0, 30.0, 0.5, None, None]


def test_the_wait_begins_with_the_answer_that_asked_for_it() -> None:
    assert left_s(10, asking(42.0, headers_s=3.0)) == 35.0


@pytest.mark.parametrize("error", [None, ErrorClass.OVERLOADED, ErrorClass.PAYMENT])
def test_any_answer_may_ask_also_a_success_that_used_up_its_limit(error: ErrorClass | None) -> None:
    assert left_s(1, make_sample(START, error, retry_after_s=5.0)) == 4.0


@pytest.mark.parametrize("seconds", [None, 0.0, -5.0, math.nan, -math.inf])
def test_a_value_that_is_no_retry_after_pauses_no_endpoint(seconds: float | None) -> None:
    assert left_s(0, asking(seconds)) is None


@pytest.mark.parametrize("seconds", [LONGEST_S, 86_400.0, 1e300, math.inf])
def test_no_endpoint_is_paused_for_more_than_ten_minutes(seconds: float) -> None:
    """Else a provider could hide an outage behind the wish."""
    assert [left_s(at, asking(seconds)) for at in (0, 599, 600)] == [600.0, 1.0, None]


def test_of_two_wishes_the_later_moment_holds_in_either_order() -> None:
    long, short = asking(60.0), asking(5.0, at_s=1)
    assert left_s(2, long, short) == left_s(2, short, long) == 58.0


def test_an_answer_without_a_wish_takes_none_back() -> None:
    assert left_s(2, asking(60.0), asking(None, at_s=1)) == 58.0


def test_others_are_not_left_alone() -> None:
    assert left_s(1, asking(60.0, endpoint="groq:other")) is None


def test_a_clock_that_was_set_back_pauses_no_endpoint_for_hours() -> None:
    assert left_s(-3600, asking(60.0)) is None


def test_after_the_clock_was_set_back_the_next_wish_is_followed() -> None:
    assert left_s(1, asking(60.0, at_s=3600), asking(60.0)) == 59.0


@given(st.floats(allow_nan=True), st.none() | st.floats(0, 60), st.floats(-1e6, 1e6))
def test_whatever_is_asked_for_the_rest_is_within_bounds(asked_s: float, headers_s: float | None, at_s: float) -> None:
    left = left_s(at_s, asking(asked_s, headers_s=headers_s))
    assert left is None or 0 < left <= LONGEST_S
    later = START + timedelta(seconds=LONGEST_S + 60)
    retry_after = RetryAfter()
    retry_after.note(asking(asked_s, headers_s=headers_s))
    assert retry_after.left_s(ONE, later) is None


def test_a_renamed_endpoint_waits_for_the_longer_retry_after_of_both_ids() -> None:
    retry_after = RetryAfter()
    retry_after.note(asking(30.0, endpoint="old:a"))
    retry_after.note(asking(60.0, endpoint="old:b"))
    retry_after.note(asking(45.0, endpoint="new:b"))
    retry_after.rename({"old:a": "new:a", "old:b": "new:b", "old:c": "new:c"})
    names = ("old:a", "new:a", "old:b", "new:b", "new:c")
    assert [retry_after.left_s(name, START) for name in names] == [None, 30.0, None, 60.0, None]
