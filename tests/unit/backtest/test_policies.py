"""Each policy follows its definition, and our own policy equals the scoreboard."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.backtest.policies import NAMES, CountedSample, FilterPolicy, Policy, UnknownPolicyError, policy_factory
from monitor.domain.status import Status
from monitor.scheduler.jobs import enabled_jobs
from monitor.score.health import Observation
from monitor.score.outcomes import SampleOutcome
from monitor.scoreboard.board import Board
from probes._model import ErrorClass, Task
from tests.support.board_values import make_config, make_spec, sample_at
from tests.unit.score.counted import ENDPOINT, LASTS_S, START_S, make_counted, minutes
from tests.unit.score.values import START, after, unhurried

SIMPLE = tuple(name for name in NAMES if name != "filter")


def made(name: str) -> Policy:
    return policy_factory(name)({ENDPOINT: "groq"})[ENDPOINT]


def fed(name: str, counted: Iterable[CountedSample]) -> Policy:
    policy = made(name)
    for each in counted:
        assert list(policy.see(each)) == []
    return policy


def figure(name: str, letters: str) -> float:
    """Just after the newest of one sample a minute."""
    return fed(name, minutes(letters)).figure(START_S + 60 * (len(letters) - 1) + LASTS_S)


def is_usable(name: str, letters: str, later_s: float = 0.0) -> bool:
    return fed(name, minutes(letters)).usable(START_S + 60 * (len(letters) - 1) + LASTS_S + later_s)


@pytest.mark.parametrize(
    ("name", "letters", "wanted", "usable"),
    [
        ("failures-1", "of", 0.0, False),
        ("failures-2", "of", 1.0, True),
        ("failures-2", "off", 0.0, False),
        ("failures-2", "fof", 1.0, True),
        ("failures-3", "fffs", 1.0, True),
        ("ratio-5", "ofooo", 0.8, True),
        ("ratio-5", "fffffooo", 0.6, True),
        ("ratio-5", "oooofff", 0.4, False),
        ("ratio-5", "sssss", 0.0, True),
        ("average-0.5", "of", 0.5, True),
        ("average-0.5", "off", 0.25, False),
        ("average-0.5", "ss", 0.25, True),
        ("cooldown", "o", 1.0, True),
        ("cooldown", "of", 0.0, False),
        ("thresholds", "o" * 19 + "f", 1.0, True),
        ("thresholds", "o" * 9 + "f", 0.5, True),
        ("thresholds", "oof", 0.0, False),
        ("thresholds", "sss", 1.0, True),
    ],
)
def test_a_simple_rule_says_what_its_name_promises(name: str, letters: str, wanted: float, usable: bool) -> None:
    assert figure(name, letters) == pytest.approx(wanted)
    assert is_usable(name, letters) is usable


@pytest.mark.parametrize("name", NAMES)
def test_nothing_known_is_usable(name: str) -> None:
    policy = made(name)
    assert policy.figure(START_S) > 0.85
    assert policy.usable(START_S)
    assert policy.turns_s(START_S) == math.inf


@pytest.mark.parametrize("name", SIMPLE)
def test_simple_rules_ignore_samples_that_do_not_judge_them(name: str) -> None:
    """Otherwise every `reach` success would end a row of failures."""
    before = fed(name, minutes("off"))
    mixed = fed(name, [*minutes("off"), make_counted(150, "o", reach=True)])
    at_s = START_S + 160
    assert (before.figure(at_s), before.usable(at_s)) == (mixed.figure(at_s), mixed.usable(at_s))


def test_a_cooldown_ends_by_itself_after_a_minute() -> None:
    policy = fed("cooldown", [make_counted(0, "f")])
    known_s = START_S + LASTS_S
    assert policy.turns_s(known_s) == known_s + 60
    assert not policy.usable(known_s + 59.9)
    assert policy.usable(known_s + 60)
    assert policy.turns_s(known_s + 60) == math.inf


def test_a_cooldown_takes_more_than_half_of_a_minute_or_three_failures() -> None:
    often = [make_counted(number, letter) for number, letter in enumerate("oooooooff")]
    assert fed("cooldown", often).usable(START_S + 9)
    third = make_counted(9, "f")
    assert not fed("cooldown", [*often, third]).usable(START_S + 10)
    old = [make_counted(number, letter) for number, letter in enumerate("ff")]
    kept = [make_counted(120 + number, letter) for number, letter in enumerate("oof")]
    assert fed("cooldown", [*old, *kept]).usable(kept[-1].known_s)


def test_thresholds_forget_after_half_an_hour_and_say_when() -> None:
    policy = fed("thresholds", [make_counted(0, "f"), make_counted(600)])
    known_s = START_S + LASTS_S
    assert not policy.usable(known_s + 700)
    assert policy.turns_s(known_s + 700) == known_s + 1800
    assert not policy.usable(known_s + 1799)
    assert policy.usable(known_s + 1800)
    assert policy.turns_s(known_s + 1800) == known_s + 2400
    assert policy.turns_s(known_s + 2400) == math.inf


@unhurried
@given(
    st.sampled_from(NAMES),
    st.lists(st.tuples(st.floats(0.001, 900), st.sampled_from("osf"), st.booleans()), min_size=1, max_size=40),
)
def test_every_figure_is_a_probability_and_every_turn_is_still_to_come(
    name: str, steps: list[tuple[float, str, bool]]
) -> None:
    policy, at_s = made(name), 0.0
    for gap_s, letter, reach in steps:
        at_s += gap_s
        now_s = START_S + at_s + LASTS_S
        assert 0 <= policy.figure(now_s) <= 1
        policy.see(make_counted(at_s, letter, reach=reach))
        assert policy.turns_s(now_s) > now_s
        assert policy.usable(now_s) in {True, False}


# Names


@pytest.mark.parametrize("name", NAMES)
def test_every_name_makes_a_policy_for_every_endpoint(name: str) -> None:
    assert set(policy_factory(name)({"a:x": "a", "a:y": "a", "b:x": "b"})) == {"a:x", "a:y", "b:x"}


@pytest.mark.parametrize("name", ["failures-17", "ratio-1000", "average-0.25"])
def test_other_numbers_may_be_named(name: str) -> None:
    assert made(name).usable(START_S)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ours",
        "filter-",
        "failures",
        "failures-0",
        "failures-x",
        "ratio-10000",
        "average-1",
        "average-0.0",
        "FilterPolicy",
    ],
)
def test_what_is_no_policy_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(UnknownPolicyError, match=r"unknown policy; use filter, failures-N"):
        policy_factory(name)


# Ours

_FLEET = ("groq:llama", "groq:qwen", "groq:gemma", "vllm:llama")
_ERRORS = (None, ErrorClass.SERVER_ERROR, ErrorClass.TIMEOUT_TTFT, ErrorClass.CONNECT)
lives = st.lists(
    st.tuples(
        st.floats(0.01, 240),
        st.sampled_from(_FLEET),
        st.sampled_from(_ERRORS),
        st.sampled_from((0.2, 5.0)),
        st.booleans(),
    ),
    min_size=1,
    max_size=80,
)


@unhurried
@given(lives, st.booleans())
def test_ours_says_the_same_as_the_scoreboard(
    life: list[tuple[float, str, ErrorClass | None, float, bool]], falls: bool
) -> None:
    """Score and status of every endpoint after every sample, whichever endpoint it was of."""
    specs = [make_spec(name) for name in _FLEET]
    config = make_config(*specs)
    board = Board(config, enabled_jobs(config), START)
    policies = policy_factory("filter")({spec.endpoint.id: spec.endpoint.provider for spec in specs})
    seconds = 0.0
    for gap_s, name, drawn, ttft_s, reach in life:
        seconds += gap_s
        error = ErrorClass.SERVER_ERROR if falls and name.startswith("groq") else drawn
        task = Task.REACH if reach else Task.CHAT
        sample = sample_at(after(seconds), error, name, ttft_s=None if error else ttft_s, task=task)
        board.absorb([sample])
        seen = Observation(
            at=sample.started_at,
            outcome=SampleOutcome.FAILED if error else SampleOutcome.OK,
            within_slo=reach or error is not None or ttft_s < 2,
            reach=reach,
            error=error,
        )
        policies[name].see(CountedSample(id=sample.id, endpoint=name, known_s=0.0, seen=seen))
        rows = board.publish(sample.started_at, sweep=True).rows
        for other, policy in policies.items():
            assert isinstance(policy, FilterPolicy)
            if rows[other].status is not Status.UNKNOWN:  # it has no sample yet, or no recent one
                assert policy.status is rows[other].status
                # A row whose published figures did not change stays as it was.
                assert policy.figure(sample.started_at.timestamp()) == pytest.approx(rows[other].score, abs=1e-6)


def test_our_policy_returns_the_siblings_whose_status_changed() -> None:
    """One failure alone does not make an endpoint down; together with failures of its siblings it does."""
    providers = {f"groq:{number}": "groq" for number in range(6)}
    policies = policy_factory("filter")(providers)
    for minute in range(30):
        for name in providers:
            policies[name].see(make_counted(minute * 60, "o", name))
    touched: set[str] = set()
    for number, name in enumerate([*providers, *providers]):
        touched |= {*policies[name].see(make_counted(1800 + number, "f", name))} - {name}
    assert touched
    assert not any(policy.usable(START_S + 1820) for policy in policies.values())


def test_a_counted_sample_knows_whether_it_was_good() -> None:
    good, slow, failed = (make_counted(0, letter) for letter in "osf")
    assert [(each.good, each.failed) for each in (good, slow, failed)] == [(True, False), (False, False), (False, True)]
    assert not replace(good, seen=replace(good.seen, within_slo=False)).good
