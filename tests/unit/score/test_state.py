"""An endpoint's health as text: a round trip, and whatever else may stand in a database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.health import Health, LastError, Trouble, Weights
from monitor.score.state import VERSION, health_from_text, health_to_text
from monitor.status import Status
from probes._model import ErrorClass
from tests.unit.score.values import START, advanced, observations, unhurried

weights = st.floats(0, 1e300)
tallies = st.builds(Weights, good=weights, bad=weights)
moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
errors = st.sampled_from(ErrorClass)
healths = st.builds(
    Health,
    status=st.sampled_from(Status),
    since=moments,
    measured_at=st.none() | moments,
    short=tallies,
    long=tallies,
    failures=st.integers(0, 10**9),
    successes=st.integers(0, 10**9),
    trouble=st.none() | st.builds(Trouble, error=errors, since=moments),
    last_error=st.none()
    | st.builds(LastError, error=errors, at=moments, status_code=st.none() | st.integers(100, 599)),
)
FULL = replace(
    advanced(observations("oof")),
    trouble=Trouble(error=ErrorClass.AUTH, since=START),
    last_error=LastError(error=ErrorClass.AUTH, at=START, status_code=401),
)


def changed(**fields: Any) -> str:
    """A good state with some fields replaced."""
    return json.dumps({**json.loads(health_to_text(FULL)), **fields})


@unhurried
@given(healths)
def test_a_health_comes_back_exactly(health: Health) -> None:
    assert health_from_text(health_to_text(health)) == health


@unhurried
@given(healths)
def test_a_state_is_one_line(health: Health) -> None:
    assert "\n" not in health_to_text(health)


def test_a_sample_after_a_restart_does_what_it_would_have_done() -> None:
    restored = health_from_text(health_to_text(FULL))
    assert restored is not None
    assert advanced(observations("f", 4), restored) == advanced(observations("f", 4), FULL)


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    text = changed(since=START.astimezone(tz=None).isoformat())
    assert health_from_text(text) == replace(FULL, since=START)


@pytest.mark.parametrize("version", [VERSION + 1, VERSION - 1, None, "1", [], {}])
def test_another_versions_state_is_none(version: object) -> None:
    assert health_from_text(changed(version=version)) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", "null", "1", '"text"', "[]", "{}", "{", "\0", "not JSON", '{"version": 1}', "[" * 100_000, "\ud800"],
)
def test_an_unreadable_state_is_none(text: str) -> None:
    assert health_from_text(text) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "sideways"},
        {"status": None},
        {"since": None},
        {"since": "yesterday"},
        {"since": "2026-11-22T07:00:00"},
        {"since": 7},
        {"measured_at": "2026-11-22T07:00:00"},
        {"measured_at": 7},
        {"short": None},
        {"short": []},
        {"short": [1]},
        {"short": [1, 2, 3]},
        {"short": [float("nan"), 0]},
        {"short": [float("inf"), 0]},
        {"short": [-1, 0]},
        {"short": [10**400, 0]},
        {"long": [0, float("nan")]},
        {"long": ["one", 0]},
        {"long": {"good": 1, "bad": 0}},
        {"failures": -1},
        {"failures": 1.5},
        {"successes": None},
        {"successes": "2"},
        {"trouble": ["auth"]},
        {"trouble": ["sideways", START.isoformat()]},
        {"trouble": 7},
        {"last_error": ["auth", START.isoformat()]},
        {"last_error": ["auth", START.isoformat(), "401"]},
        {"last_error": ["auth", None, 401]},
        {"last_error": {"class": "auth"}},
    ],
    ids=str,
)
def test_a_state_with_a_wrong_value_is_none(fields: dict[str, object]) -> None:
    """Nothing half-right is let in: a weight that is no number would make every later score none either."""
    assert health_from_text(changed(**fields)) is None


@pytest.mark.parametrize("field", sorted(json.loads(health_to_text(FULL))))
def test_a_state_without_one_of_its_fields_is_none(field: str) -> None:
    plain = json.loads(health_to_text(FULL))
    del plain[field]
    assert health_from_text(json.dumps(plain)) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@unhurried
@given(st.dictionaries(st.sampled_from(sorted(json.loads(health_to_text(FULL)))), json_values, max_size=4))
def test_whatever_stands_in_a_state_it_is_a_health_that_works_or_none(fields: dict[str, object]) -> None:
    health = health_from_text(changed(**fields))
    if health is not None:
        at = observations("of", 5)
        later = advanced([replace(each, at=health.since + timedelta(minutes=5)) for each in at], health)
        assert health_from_text(health_to_text(later)) == later


@unhurried
@given(st.text())
def test_any_text_is_none(text: str) -> None:
    assert health_from_text(text) is None
