"""What the flaky provider does wrong, and how often."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.demo.faults import STREAM_ERROR_EVENT, WEIGHTS, EventCount, Fault, choose, refusal, weight


def test_faults_come_as_often_as_their_weights_say() -> None:
    chance = random.Random(7)
    seen = Counter(choose(chance, WEIGHTS) for _ in range(20_000))
    for fault in Fault:
        assert seen[fault] / 20_000 == pytest.approx(WEIGHTS[fault] / sum(WEIGHTS.values()), abs=0.01)


def test_between_half_and_two_thirds_of_the_requests_pass() -> None:
    assert 0.5 <= WEIGHTS[Fault.NONE] / sum(WEIGHTS.values()) <= 0.6


def test_the_same_seed_brings_the_same_faults() -> None:
    runs = [[choose(chance, WEIGHTS) for _ in range(50)] for chance in (random.Random(3), random.Random(3))]
    assert runs[0] == runs[1]


def test_a_fault_without_a_weight_never_strikes() -> None:
    chance = random.Random(1)
    assert {choose(chance, {Fault.STALL: 1}) for _ in range(100)} == {Fault.STALL}


def test_a_weight_is_read_from_an_argument() -> None:
    assert weight("stall=2.5") == (Fault.STALL, 2.5)
    for text in ("stall", "stall=", "nonsense=1"):
        with pytest.raises(ValueError, match=r"could not convert|is not a valid"):
            weight(text)


def test_refusals_are_what_openai_style_providers_send() -> None:
    overloaded, limited = refusal(Fault.OVERLOADED), refusal(Fault.RATE_LIMITED)
    assert overloaded is not None
    assert limited is not None
    assert (overloaded.status, limited.status) == (503, 429)
    assert limited.headers["Retry-After"] == "1"
    assert json.loads(overloaded.body)["error"]["type"] == "overloaded_error"
    assert json.loads(limited.body)["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.STALL, Fault.TRUNCATE, Fault.STREAM_ERROR])
def test_other_faults_do_not_refuse(fault: Fault) -> None:
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
