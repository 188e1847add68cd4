"""The faults of the flaky provider, and their frequency."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.demo.faults import STREAM_ERROR_EVENT, WEIGHTS, Deck, EventCount, InjectedFault, refusal, weight


@given(st.integers())
def test_every_ten_requests_meet_every_fault_once_and_half_of_them_pass(seed: int) -> None:
    deck = Deck(random.Random(seed), WEIGHTS)
    for _ in range(3):
        assert Counter(deck.draw() for _ in range(10)) == {**dict.fromkeys(InjectedFault, 1), InjectedFault.NONE: 5}


@given(st.integers())
def test_the_first_twelve_requests_show_four_failures_of_the_provider_at_least(seed: int) -> None:
    deck = Deck(random.Random(seed), WEIGHTS)
    drawn = [deck.draw() for _ in range(12)]
    assert sum(fault not in {InjectedFault.NONE, InjectedFault.RATE_LIMITED} for fault in drawn) >= 4


@given(st.integers())
def test_the_first_four_requests_of_a_deck_show_a_failure_of_the_provider(seed: int) -> None:
    deck = Deck(random.Random(seed), WEIGHTS)
    drawn = [deck.draw() for _ in range(40)]
    for first in range(0, 40, 10):
        assert any(fault not in {InjectedFault.NONE, InjectedFault.RATE_LIMITED} for fault in drawn[first : first + 4])


def test_the_same_seed_brings_the_same_faults() -> None:
    decks = [Deck(random.Random(3), WEIGHTS) for _ in range(2)]
    runs = [[deck.draw() for _ in range(50)] for deck in decks]
    assert runs[0] == runs[1]


def test_a_fault_without_a_weight_never_strikes() -> None:
    deck = Deck(random.Random(1), {InjectedFault.STALL: 1, InjectedFault.NONE: 0})
    assert {deck.draw() for _ in range(100)} == {InjectedFault.STALL}
    with pytest.raises(ValueError, match="all weights are 0; set at least one weight above 0"):
        Deck(random.Random(1), {InjectedFault.NONE: 0})


def test_weights_that_change_hold_from_the_next_request_on() -> None:
    weights = {InjectedFault.NONE: 9, InjectedFault.STALL: 0}
    deck = Deck(random.Random(1), weights)
    assert deck.draw() is InjectedFault.NONE
    weights |= {InjectedFault.NONE: 0, InjectedFault.STALL: 1}
    assert deck.draw() is InjectedFault.STALL


def test_a_weight_is_read_from_an_argument() -> None:
    assert weight("stall=2") == (InjectedFault.STALL, 2)
    for text in ("stall", "stall=", "stall=2.5", "nonsense=1"):
        with pytest.raises(ValueError, match=r"invalid literal|is not a valid"):
            weight(text)


def test_refusals_are_what_openai_style_providers_send() -> None:
    overloaded, limited = refusal(InjectedFault.OVERLOADED), refusal(InjectedFault.RATE_LIMITED)
    assert overloaded is not None
    assert limited is not None
    assert (overloaded.status, limited.status) == (503, 429)
    assert limited.headers["Retry-After"] == "1"
    assert json.loads(overloaded.body)["error"]["type"] == "overloaded_error"
    assert json.loads(limited.body)["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize(
    "fault", [InjectedFault.NONE, InjectedFault.STALL, InjectedFault.TRUNCATE, InjectedFault.STREAM_ERROR]
)
def test_other_faults_do_not_refuse(fault: InjectedFault) -> None:
    assert refusal(fault) is None


def test_the_error_in_the_stream_is_one_event() -> None:
    assert STREAM_ERROR_EVENT.endswith(b"}\n\n")
    assert "error" in json.loads(STREAM_ERROR_EVENT.removeprefix(b"data: "))


@given(
    events=st.lists(st.sampled_from([b"data: a\n\n", b"event: x\ndata: b\n\n", b": ping\n\n"]), min_size=3),
    size=st.integers(1, 9),
)
def test_the_second_event_ends_at_the_same_byte_however_the_stream_is_cut(events: list[bytes], size: int) -> None:
    stream, count = b"".join(events), EventCount(2)
    for start in range(0, len(stream), size):
        offset = count.cut(stream[start : start + size])
        if offset is not None:
            assert start + offset == len(events[0] + events[1])
            return
    pytest.fail("no end found")


def test_a_stream_of_fewer_events_is_not_cut() -> None:
    assert EventCount(2).cut(b"data: a\n\ndata: b\n") is None
