"""Events and their arrival times to figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes._errors import refusal
from probes._meter import Arrival, Content, Figures, Reading, figures, first_is_merged, read_stream
from probes._model import (
    Done,
    Endpoint,
    ErrorClass,
    Event,
    Fault,
    Frame,
    Headers,
    MalformedError,
    Probe,
    Prompt,
    Reasoning,
    Request,
    Task,
    Text,
    ToolCall,
    Usage,
)

T0_NS = 1_000_000_000
SAID: Mapping[bytes, Sequence[Event]] = {
    b"role": [],
    b"text": [Text("abcd")],
    b"long": [Text("abcdefgh")],
    b"nothing": [Text("")],
    b"think": [Reasoning("hmm.")],
    b"think nothing": [Reasoning("")],
    b"name": [ToolCall(index=0, name="look")],
    b"call": [ToolCall(index=0, arguments='{"a"')],
    b"both": [Reasoning("hm"), Text("ab")],
    b"stop": [Done("stop")],
    b"done": [Done()],
    b"reason": [Done("limit", cut=True, proof=False)],
    b"usage": [Usage(prompt=10, output=12)],
    b"more usage": [Usage(output=20, reasoning=3)],
    b"no usage": [Usage()],
    b"fault": [Text("last"), Fault(error=ErrorClass.OVERLOADED, detail="full")],
    b"two faults": [Fault(error=ErrorClass.OVERLOADED), Fault(error=ErrorClass.STREAM_ERROR)],
}


@dataclasses.dataclass(frozen=True, slots=True)
class Scripted(Probe):
    """A wire API whose messages are words of `SAID`; any other is an exception of that name."""

    tasks = frozenset({Task.CHAT})

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        return Request(method="GET", url=endpoint.base_url, headers=(), body=b"")

    def read(self, frame: Frame) -> Iterable[Event]:
        match frame.data:
            case b"MalformedError":
                raise MalformedError("not what it should be")
            case b"ValueError":
                raise ValueError("sk-secret")
            case b"RecursionError":
                return self.read(frame)
            case b"late":
                return self._late()
            case word:
                return SAID[word]

    def _late(self) -> Iterable[Event]:
        yield Text("lost")
        raise KeyError("gone")

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        return refusal(status, headers, body)


def read(*timed: tuple[int, str], tail: bytes = b"") -> Reading:
    """What is read of words that came so many milliseconds after T0_NS; those of one time came in one read."""
    body, arrivals = b"", list[Arrival]()
    for at_ms, word in timed:
        body += f"data: {word}\n\n".encode()
        at_ns = T0_NS + at_ms * 1_000_000
        if arrivals and arrivals[-1].at_ns == at_ns:
            arrivals.pop()
        arrivals.append(Arrival(at_ns=at_ns, end=len(body)))
    body += tail
    if arrivals:
        arrivals[-1] = dataclasses.replace(arrivals[-1], end=len(body))
    return read_stream(Scripted(), body, tuple(arrivals))


def measured(*timed: tuple[int, str]) -> Figures:
    reading = read(*timed)
    return figures(reading, reading.usage, T0_NS)


# What counts as content, and when


def test_a_reason_without_proof_is_no_end() -> None:
    assert read((50, "text"), (60, "reason")).done_ns is None


def test_a_reason_told_before_the_proof_is_the_reason() -> None:
    reading = read((50, "text"), (60, "reason"), (70, "done"), (80, "reason"))
    assert (reading.done_ns, reading.stop_reason, reading.cut) == (T0_NS + 70_000_000, "limit", True)


def test_a_role_only_delta_is_not_content() -> None:
    assert measured((1, "role"), (50, "text"), (60, "stop")).ttft_s == 0.05


@pytest.mark.parametrize("word", ["nothing", "think nothing", "name", "usage", "stop"])
def test_an_event_without_generated_characters_is_not_content(word: str) -> None:
    seen = measured((1, word), (50, "text"), (60, "stop"))
    assert seen.ttft_s == seen.ttat_s == 0.05


def test_an_empty_text_does_not_begin_the_answer() -> None:
    seen = measured((1, "nothing"), (20, "think"), (50, "text"), (60, "stop"))
    assert (seen.ttft_s, seen.ttat_s) == (0.02, 0.05)


def test_reasoning_is_the_first_token_and_not_the_first_answer() -> None:
    seen = measured((30, "think"), (40, "think"), (90, "text"), (95, "stop"))
    assert (seen.ttft_s, seen.ttat_s, seen.e2e_s) == (0.03, 0.09, 0.095)


def test_tool_arguments_are_content_and_not_an_answer() -> None:
    seen = measured((10, "name"), (30, "call"), (95, "stop"))
    assert (seen.ttft_s, seen.ttat_s) == (0.03, None)


def test_a_stream_without_content_has_no_times_of_it() -> None:
    seen = measured((10, "role"), (20, "stop"))
    assert seen == Figures(
        ttft_s=None,
        ttat_s=None,
        e2e_s=0.02,
        itl_p50_s=None,
        itl_p99_s=None,
        itl_max_s=None,
        output_tps=None,
        tpot_s=None,
        e2e_tps=None,
        merged_reads=0,
    )


def test_the_end_is_the_last_frame_and_not_the_finish_reason() -> None:
    assert measured((10, "text"), (20, "stop"), (25, "usage"), (30, "done")).e2e_s == 0.03


def test_a_stream_that_never_ended_has_no_duration() -> None:
    assert measured((10, "text"), (20, "text")).e2e_s is None


def test_the_answer_is_the_visible_text_alone() -> None:
    assert read((1, "think"), (2, "text"), (3, "call"), (4, "both")).answer == "abcdab"


def test_a_reason_for_stopping_outlives_the_done_behind_it() -> None:
    assert read((1, "text"), (2, "stop"), (3, "done")).stop_reason == "stop"


def test_parts_that_come_in_one_event_are_one() -> None:
    reading = read((10, "both"), (20, "text"), (30, "stop"))
    assert [content.size for content in reading.content] == [4, 4]
    seen = figures(reading, reading.usage, T0_NS)
    assert (seen.ttft_s, seen.itl_p50_s, seen.merged_reads) == (0.01, 0.01, 0)
    assert not first_is_merged(reading)


# Arrivals


def test_a_frame_came_with_the_read_that_completed_it() -> None:
    body = b"data: text\n\ndata: stop\n\n"
    arrivals = (Arrival(at_ns=10, end=5), Arrival(at_ns=20, end=12), Arrival(at_ns=30, end=len(body)))
    reading = read_stream(Scripted(), body, arrivals)
    assert [(content.at_ns, content.read) for content in reading.content] == [(20, 1)]
    assert reading.done_ns == reading.last_ns == 30


def test_bytes_that_no_read_accounts_for_came_with_the_last() -> None:
    reading = read_stream(Scripted(), b"data: text\n\n", (Arrival(at_ns=10, end=3),))
    assert [content.at_ns for content in reading.content] == [10]


def test_a_stream_that_began_at_the_clocks_zero_is_measured() -> None:
    reading = read_stream(Scripted(), b"data: text\n\ndata: stop\n\n", (Arrival(at_ns=0, end=24),))
    assert reading.done_ns == 0
    assert figures(reading, reading.usage, 0).e2e_s == 0.0


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12), st.data())
def test_however_the_bytes_are_cut_each_frame_has_the_first_read_that_reaches_it(gaps: list[int], data: Any) -> None:
    body = b"".join(b"data: text\n\n" for _ in gaps) + b"data: stop\n\n"
    cuts = sorted({*data.draw(st.lists(st.integers(1, len(body)), max_size=30)), len(body)})
    reading = read_stream(Scripted(), body, tuple(Arrival(at_ns=end, end=end) for end in cuts))
    ends = [12 * (number + 1) for number in range(len(gaps))]
    assert [content.at_ns for content in reading.content] == [min(cut for cut in cuts if cut >= end) for end in ends]


def test_nothing_read_is_nothing_measured() -> None:
    assert read_stream(Scripted(), b"", ()) == Reading()


# Faults and malformed frames


def test_nothing_counts_after_a_fault() -> None:
    reading = read((1, "text"), (2, "fault"), (3, "text"), (4, "stop"))
    assert reading.fault == Fault(error=ErrorClass.OVERLOADED, detail="full")
    assert reading.answer == "abcdlast"
    assert reading.done_ns is None


def test_the_first_of_two_faults_counts() -> None:
    assert read((1, "two faults")).fault == Fault(error=ErrorClass.OVERLOADED)


def test_a_fault_after_the_end_is_still_seen() -> None:
    assert read((1, "text"), (2, "stop"), (3, "fault")).fault is not None


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("MalformedError", "not what it should be"),
        ("ValueError", "ValueError"),
        ("RecursionError", "RecursionError"),
        ("late", "KeyError"),
        ("unheard of", "KeyError"),
    ],
)
def test_whatever_a_codec_raises_is_malformed_and_strangers_words_stay_out(word: str, complaint: str) -> None:
    reading = read((1, "text"), (2, word), (3, "text"), (4, "stop"))
    assert reading.malformed == complaint
    assert (reading.answer, reading.frames, reading.done_ns) == ("abcd", 1, None)


def test_a_frame_that_raises_gives_none_of_its_events() -> None:
    assert read((1, "late")).answer == ""


def test_a_frame_cut_short_that_cannot_be_read_is_not_malformed() -> None:
    reading = read((1, "text"), tail=b"data: MalformedErr")
    assert reading.malformed is None
    assert reading.frames == 1


def test_a_frame_cut_short_that_can_be_read_counts() -> None:
    reading = read((1, "text"), tail=b"data: done")
    assert reading.done_ns == T0_NS + 1_000_000


def test_an_endless_event_is_malformed() -> None:
    reading = read((1, "text"), tail=b"x" * (1 << 20) + b"x")
    assert reading.malformed == "more than 262144 bytes without an event"
    assert reading.answer == "abcd"


def test_an_event_of_an_unknown_kind_is_passed_over() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Odd(Scripted):
        def read(self, frame: Frame) -> Iterable[Event]:
            return [None, Text("a")]  # type: ignore[list-item]

    assert read_stream(Odd(), b"data: 1\n\n", (Arrival(at_ns=1, end=9),)).answer == "a"


# Gaps


def test_gaps_are_those_between_content_and_do_not_hold_the_first_token() -> None:
    seen = measured((500, "text"), (510, "text"), (515, "role"), (530, "text"), (570, "text"), (2000, "stop"))
    assert seen.itl_p50_s == pytest.approx(0.02)
    assert seen.itl_p99_s == pytest.approx(0.02 + 0.98 * 0.02)
    assert seen.itl_max_s == pytest.approx(0.04)


def test_one_event_has_no_gaps() -> None:
    seen = measured((500, "text"), (600, "stop"))
    assert (seen.itl_p50_s, seen.itl_p99_s, seen.itl_max_s) == (None, None, None)


def test_a_read_that_held_several_events_is_counted_once() -> None:
    assert measured((1, "text"), (1, "text"), (1, "text"), (2, "text"), (3, "text"), (3, "text")).merged_reads == 2
    assert measured((1, "text"), (1, "role"), (1, "stop")).merged_reads == 0


def test_a_first_token_that_shares_its_read_is_merged() -> None:
    assert first_is_merged(read((1, "text"), (1, "text")))
    assert not first_is_merged(read((1, "text"), (2, "text"), (2, "text")))
    assert not first_is_merged(read((1, "role"), (1, "text")))
    assert not first_is_merged(Reading())


# Speed


def test_speed_leaves_out_the_first_events_tokens() -> None:
    """12 tokens over 16 characters, 4 of them first: 9 tokens in 30 ms."""
    seen = measured((100, "text"), (110, "text"), (120, "text"), (130, "text"), (140, "usage"), (150, "done"))
    assert seen.output_tps == pytest.approx(9 / 0.03)
    assert seen.tpot_s == pytest.approx(0.03 / 9)
    assert seen.e2e_tps == pytest.approx(12 / 0.15)


def test_a_first_event_of_more_characters_held_more_tokens() -> None:
    seen = measured((100, "long"), (130, "text"), (140, "usage"), (150, "done"))
    assert seen.output_tps == pytest.approx(12 * (4 / 12) / 0.03)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([(100, "text"), (130, "text"), (140, "done")], id="no usage"),
        pytest.param([(100, "text"), (130, "text"), (140, "no usage"), (150, "done")], id="usage that says nothing"),
        pytest.param([(100, "text"), (140, "usage"), (150, "done")], id="one event"),
        pytest.param([(100, "text"), (100, "text"), (140, "usage"), (150, "done")], id="all in one read"),
        pytest.param([(140, "usage"), (150, "done")], id="no content"),
    ],
)
def test_a_speed_that_cannot_be_measured_is_none(words: list[tuple[int, str]]) -> None:
    seen = measured(*words)
    assert (seen.output_tps, seen.tpot_s) == (None, None)


def test_chunks_are_not_counted_as_tokens() -> None:
    seen = measured((100, "text"), (110, "text"), (120, "done"))
    assert (seen.output_tps, seen.e2e_tps) == (None, None)


def test_reasoning_that_was_billed_and_not_streamed_passed_before_the_first_event() -> None:
    """20 tokens of which 3 were thought in silence: 17 in two equal events, so 8.5 in 10 ms."""
    seen = measured((100, "text"), (110, "text"), (120, "more usage"), (130, "done"))
    assert seen.output_tps == pytest.approx(8.5 / 0.01)


def test_reasoning_that_was_streamed_counts_for_speed() -> None:
    seen = measured((100, "think"), (110, "text"), (120, "more usage"), (130, "done"))
    assert seen.output_tps == pytest.approx(10 / 0.01)


@pytest.mark.parametrize("reasoning", [3, 5])
def test_usage_that_leaves_nothing_for_what_was_streamed_gives_no_speed(reasoning: int) -> None:
    content = [Content(at_ns=1, read=0, size=4), Content(at_ns=2, read=1, size=4)]
    reading = Reading(content=content, usage=Usage(output=3, reasoning=reasoning))
    assert figures(reading, reading.usage, 0).output_tps is None


def test_no_output_tokens_are_no_speed() -> None:
    reading = Reading(content=[Content(at_ns=1, read=0, size=4)], usage=Usage(output=0), done_ns=5, last_ns=5)
    assert figures(reading, reading.usage, 0).e2e_tps is None


def test_the_newest_count_of_each_kind_counts() -> None:
    reading = read((1, "usage"), (2, "more usage"), (3, "no usage"))
    assert reading.usage == Usage(prompt=10, output=20, reasoning=3)
    assert read((1, "text")).usage is None


@given(
    st.lists(st.tuples(st.integers(1, 500), st.sampled_from(list(SAID))), max_size=15),
    st.integers(0, 10**9),
)
def test_figures_are_never_negative_nor_in_another_order(steps: list[tuple[int, bytes]], t0_ns: int) -> None:
    at_ms, timed = 0, []
    for gap_ms, word in steps:
        at_ms += gap_ms
        timed.append((at_ms, word.decode()))
    reading = read(*timed)
    seen = figures(reading, reading.usage, t0_ns)
    told = [value for value in dataclasses.astuple(seen) if value is not None]
    assert all(value >= 0 for value in told)
    assert (seen.ttft_s or 0) <= (seen.ttat_s or seen.ttft_s or 0)
    assert (seen.itl_p50_s or 0) <= (seen.itl_p99_s or 0) <= (seen.itl_max_s or 0)
    if seen.output_tps is not None:
        assert seen.tpot_s == pytest.approx(1 / seen.output_tps)
