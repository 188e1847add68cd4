"""The state of an endpoint as text: a round trip, and invalid text in a database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.status import Status
from monitor.score.base_rates import DEFAULT_RATES, BaseRates
from monitor.score.health import Health, LastError, Trouble
from monitor.score.hmm import NEW, LevelBelief
from monitor.score.markov import Hidden
from monitor.score.persistent import NEWCOMER, PersistentTrouble
from monitor.score.serialize import VERSION, Remembered, state_from_text, state_to_text
from probes._model import ErrorClass
from tests.unit.score.values import NEVER, START, advanced, observations, unhurried

NEAR = 1e-7
"""What is believed is written to nine digits."""
BELIEF = ("at_s", "troubled", "onsets", "hours", "onset_factor", *(hidden.name.lower() for hidden in Hidden))
"""The numbers that a belief is written as."""

moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
errors = st.sampled_from(ErrorClass)
counts = st.integers(0, 10**9)
probabilities = st.lists(st.floats(1e-6, 1), min_size=len(Hidden), max_size=len(Hidden)).map(
    lambda weights: tuple(weight / sum(weights) for weight in weights)
)
beliefs = st.just(NEW) | st.builds(
    LevelBelief,
    at_s=st.floats(0, 1e12),
    probabilities=probabilities,
    troubled=st.booleans(),
    onsets=st.floats(0, 1e300),
    hours=st.floats(0, 1e300),
    onset_factor=st.floats(0.25, 8),
)
rates = st.builds(
    lambda fails, misses, rest: BaseRates(fails=fails, misses=misses, all=10 * fails + 4 * misses + rest),
    st.floats(1e-3, 1e6),
    st.floats(1e-3, 1e6),
    st.floats(100, 1e6),
)
persistents = st.builds(
    PersistentTrouble,
    share=st.floats(1e-6, 1 - 1e-6),
    good=st.floats(0, 400),
    late=st.floats(0, 400),
    failed=st.floats(0, 400),
    alike=st.floats(0, 400),
    was_good=st.booleans(),
)
healths = st.builds(
    Health,
    status=st.sampled_from(Status),
    since=moments,
    measured_at=st.none() | moments,
    own=beliefs,
    base_rates=rates,
    persistent=persistents,
    succeeded=st.booleans(),
    failures=counts,
    anomaly_count=counts,
    since_surprise=counts,
    trouble=st.none() | st.builds(Trouble, error=errors, since=moments),
    last_error=st.none()
    | st.builds(LastError, error=errors, at=moments, status_code=st.none() | st.integers(100, 599)),
)
MEASURED = advanced(observations("oosf"))
FULL = replace(
    MEASURED,
    health=replace(
        MEASURED.health,
        trouble=Trouble(error=ErrorClass.AUTH, since=START),
        last_error=LastError(error=ErrorClass.AUTH, at=START, status_code=401),
    ),
)


def text_of(known: Remembered) -> str:
    return state_to_text(known.health, known.shared)


def changed(**fields: Any) -> str:
    """A good state with some fields replaced."""
    return json.dumps({**json.loads(text_of(FULL)), **fields})


def changed_within(section: str, fields: dict[str, object]) -> str:
    """The same, within one of its beliefs; "" leaves a number out."""
    was = dict(zip(BELIEF, json.loads(text_of(FULL))[section].split(), strict=True))
    return changed(**{section: " ".join(str(value) for value in (was | fields).values())})


def assert_same_belief(one: LevelBelief, other: LevelBelief) -> None:
    assert one.probabilities == pytest.approx(other.probabilities, abs=NEAR)
    assert sum(one.probabilities) == pytest.approx(1, abs=1e-12)
    for name in ("onsets", "hours", "onset_factor"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=NEAR)
    assert (one.at_s is None, one.troubled) == (other.at_s is None, other.troubled)
    assert one.at_s == pytest.approx(other.at_s, abs=1e-6)


def assert_same(one: Remembered, other: Remembered) -> None:
    """But for digits that are not written."""
    assert_same_belief(one.shared, other.shared)
    assert_same_belief(one.health.own, other.health.own)
    for name in ("fails", "misses", "all"):
        assert getattr(one.health.base_rates, name) == pytest.approx(getattr(other.health.base_rates, name), rel=NEAR)
    ours, theirs = one.health.persistent, other.health.persistent
    for name in ("share", "good", "late", "failed", "alike"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=NEAR)
    assert ours.was_good is theirs.was_good
    health = replace(one.health, own=other.health.own, base_rates=other.health.base_rates, persistent=theirs)
    assert health == other.health


@unhurried
@given(healths, beliefs)
def test_what_is_known_comes_back(health: Health, shared: LevelBelief) -> None:
    known = state_from_text(state_to_text(health, shared))
    assert known is not None
    assert_same(known, Remembered(health=health, shared=shared))


@unhurried
@given(healths, beliefs)
def test_a_state_is_one_line(health: Health, shared: LevelBelief) -> None:
    assert "\n" not in state_to_text(health, shared)


def test_a_state_does_not_wear_off_by_being_restored_again_and_again() -> None:
    known = FULL
    for _ in range(50):
        restored = state_from_text(text_of(known))
        assert restored is not None
        known = restored
    assert_same(known, FULL)


def test_before_the_first_sample_there_is_a_state_too() -> None:
    assert state_from_text(text_of(NEVER)) == NEVER
    assert NEVER.health.base_rates == DEFAULT_RATES


def test_a_sample_after_a_restart_does_what_it_would_have_done() -> None:
    restored = state_from_text(text_of(FULL))
    assert restored is not None
    later, would_be = advanced(observations("ff", 5), restored), advanced(observations("ff", 5), FULL)
    assert later.health.status is would_be.health.status
    assert later.health.own.probabilities == pytest.approx(would_be.health.own.probabilities, abs=1e-5)
    assert later.shared.probabilities == pytest.approx(would_be.shared.probabilities, abs=1e-5)


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    known = state_from_text(changed(since=START.astimezone(tz=None).isoformat()))
    assert known is not None
    assert known.health.since == START


@pytest.mark.parametrize("version", [VERSION + 1, 1, None, str(VERSION), [], {}])
def test_another_versions_state_is_none(version: object) -> None:
    assert state_from_text(changed(version=version)) is None


def before(**fields: Any) -> str:
    """A good state as the version before wrote it."""
    plain = json.loads(changed(version=2, **fields))
    del plain["persistent"], plain["succeeded"]
    return json.dumps(plain)


def test_a_state_that_the_version_before_wrote_goes_on_as_of_a_well_known_endpoint() -> None:
    known = state_from_text(before(status="up", usual="0.3 0.6 1060"))
    assert known is not None
    assert (known.health.status, known.health.succeeded) == (Status.UP, True)
    assert known.health.persistent.share < 0.01
    assert known.health.base_rates == BaseRates(fails=0.3, misses=0.6, all=1_060.0)
    goes_on(known)


def test_what_the_version_before_took_for_usual_though_it_was_bad_is_judged_anew() -> None:
    known = state_from_text(before(status="up", usual="160 1 460"))
    assert known is not None
    assert known.health.persistent == NEWCOMER
    assert known.health.base_rates.fail_share == pytest.approx(0.1)


@pytest.mark.parametrize(("status", "succeeded"), [("degraded", True), ("down", False), ("unknown", False)])
def test_of_the_version_before_only_one_that_was_not_down_surely_succeeded(status: str, succeeded: bool) -> None:
    known = state_from_text(before(status=status))
    assert known is not None
    assert known.health.succeeded is succeeded


def test_a_state_that_the_first_version_wrote_is_none() -> None:
    old = {
        "version": 1,
        "status": "up",
        "since": START.isoformat(),
        "measured_at": START.isoformat(),
        "short": [1.0, 0.0],
        "long": [1.0, 0.0],
        "failures": 0,
        "successes": 1,
        "trouble": None,
        "last_error": None,
    }
    assert state_from_text(json.dumps(old)) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", "null", "1", '"text"', "[]", "{}", "{", "\0", "not JSON", '{"version": 2}', "[" * 100_000, "\ud800"],
)
def test_an_unreadable_state_is_none(text: str) -> None:
    assert state_from_text(text) is None


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
        {"own": ""},
        {"own": []},
        {"own": {}},
        {"shared": 1},
        {"shared": "well"},
        {"usual": None},
        {"usual": []},
        {"usual": ""},
        {"usual": "1 2"},
        {"usual": "1 2 3 4"},
        {"usual": "0 0 150"},
        {"usual": "1 1 2"},
        {"usual": "1 1 0"},
        {"usual": "-1 2 150"},
        {"usual": "1 nan 150"},
        {"usual": "1 1 inf"},
        {"usual": "1 1 1e400"},
        {"persistent": None},
        {"persistent": "0.1 0 0 0 0"},
        {"persistent": "0 0 0 0 0 1"},
        {"persistent": "1 0 0 0 0 1"},
        {"persistent": "0.5 -1 0 0 0 1"},
        {"persistent": "0.5 1e9 0 0 0 1"},
        {"persistent": "0.5 1 nan 0 0 1"},
        {"failures": -1},
        {"failures": 1.5},
        {"odd": None},
        {"odd": -1},
        {"calm": "2"},
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
    assert state_from_text(changed(**fields)) is None


@pytest.mark.parametrize("section", ["own", "shared"])
@pytest.mark.parametrize(
    "fields",
    [
        {"at_s": -1},
        {"at_s": float("nan")},
        {"at_s": "yesterday"},
        {"troubled": "perhaps"},
        {"down": ""},
        {"down": "0 0"},
        dict.fromkeys(BELIEF[5:], 0),
        dict.fromkeys(BELIEF[5:], 0.2),
        {**dict.fromkeys(BELIEF[5:], 0), "up": 1.5, "down": -0.5},
        {"slow": float("nan")},
        {"onsets": -1},
        {"onsets": float("inf")},
        {"hours": None},
        {"hours": float("nan")},
        {"onset_factor": "much"},
        {"onset_factor": -1},
        {"onset_factor": 0},
        {"onset_factor": 9},
        {"onset_factor": 1e300},
    ],
    ids=str,
)
def test_a_belief_with_a_wrong_value_is_none(section: str, fields: dict[str, object]) -> None:
    assert state_from_text(changed_within(section, fields)) is None


@pytest.mark.parametrize("field", sorted(json.loads(text_of(FULL))))
def test_a_state_without_one_of_its_fields_is_none(field: str) -> None:
    plain = json.loads(text_of(FULL))
    del plain[field]
    assert state_from_text(json.dumps(plain)) is None


@pytest.mark.parametrize("section", ["own", "shared"])
@pytest.mark.parametrize("field", BELIEF)
def test_a_belief_without_one_of_its_numbers_is_none(section: str, field: str) -> None:
    assert state_from_text(changed_within(section, {field: ""})) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def goes_on(known: Remembered) -> None:
    """It takes samples, and what it is then can be stored and read again."""
    at = known.health.since + timedelta(minutes=5)
    later = advanced([replace(observation, at=at) for observation in observations("of")], known)
    again = state_from_text(text_of(later))
    assert again is not None
    assert_same(again, later)


@unhurried
@given(st.dictionaries(st.sampled_from(sorted(json.loads(text_of(FULL)))), json_values, max_size=4))
def test_whatever_stands_in_a_state_it_is_one_that_works_or_none(fields: dict[str, object]) -> None:
    known = state_from_text(changed(**fields))
    if known is not None:
        goes_on(known)


@unhurried
@given(
    st.sampled_from(["own", "shared"]),
    st.dictionaries(st.sampled_from(BELIEF), json_values, max_size=3),
)
def test_whatever_stands_in_a_belief_it_is_one_that_works_or_none(section: str, fields: dict[str, object]) -> None:
    known = state_from_text(changed_within(section, fields))
    if known is not None:
        goes_on(known)


@unhurried
@given(st.text())
def test_any_text_is_none(text: str) -> None:
    assert state_from_text(text) is None
