"""Server-sent events against a splitter written from the standard's own words; JSON lines, one text, and the bounds."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probes._framing import (
    MAX_CONTAINERS,
    MAX_CONTAINERS_IN_ALL,
    MAX_EVENT_BYTES,
    MAX_FRAMES,
    frames,
    json_lines,
    sse_frames,
)
from probes._framing import whole as one_text
from probes._model import Frame, Framing, MalformedError
from tests.contract.aws import aws_message

PIECES = (
    *(b"data", b"event", b"id", b"retry", b"dat", b"data:", b"data: ", b"data:1", b"event: x", b": comment"),
    *(b":", b" ", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b"\t", b"\0", b"x", b"[DONE]", b'{"a":1}'),
    *(b"\xef\xbb\xbf", b"\xef", b"\xbb", b"\xc3", b"\xa9", b"\xe2\x82\xac", b"\xf0\x9f", b"\xff"),
)
bodies = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=25).map(b"".join)


def standard_lines(body: bytes) -> list[str]:
    """Every line that was ended: by CR LF, by LF, or by CR."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    lines, line, position = [], "", 0
    while position < len(text):
        character = text[position]
        position += 2 if text[position : position + 2] == "\r\n" else 1
        if character in "\r\n":
            lines.append(line)
            line = ""
        else:
            line += character
    return lines


def standard_events(body: bytes) -> list[tuple[str | None, str]]:
    """(event, data) of every event that a browser would dispatch, step by step as the HTML standard has it (9.2.6)."""
    events: list[tuple[str | None, str]] = []
    data_buffer, event_type = "", ""
    for line in standard_lines(body):
        if line == "":
            if data_buffer:
                events.append((event_type or None, data_buffer.removesuffix("\n")))
            data_buffer, event_type = "", ""
            continue
        field, _, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if field == "event":
            event_type = value
        elif field == "data":
            data_buffer += value + "\n"
    return events


def words(frames: list[Frame]) -> list[tuple[str | None, str]]:
    return [(frame.event, frame.data.decode("utf-8", "replace")) for frame in frames]


def whole(body: bytes) -> list[Frame]:
    return [frame for frame in events_of(body) if frame.complete]


def events_of(body: bytes) -> list[Frame]:
    """Without what stands between them, which the standard passes over."""
    return [frame for frame in sse_frames(body) if not frame.stray]


@given(bodies)
@example(b"\xef\xbb\xbfdata: 1\n\n")
@example(b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\n")
@example(b"data: YHOO\ndata: +2\ndata: 10\n\n")
@example(b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event")
@example(b"data\n\ndata\ndata\n\ndata:")
@example(b"data:test\n\ndata: test\n\n")
@example(b"data: \xff\xfe\n\n")
@example(b"data: a\rdata: b\r\r\ndata: c\n\r")
def test_frames_are_those_of_the_standard(body: bytes) -> None:
    assert words(whole(body)) == standard_events(body)


@given(bodies)
def test_what_the_end_cuts_short_comes_last_and_says_so(body: bytes) -> None:
    frames = events_of(body)
    assert words(frames) == standard_events(body + b"\n\n")
    assert all(frame.complete for frame in frames[:-1])
    assert all(frame.end == len(body) for frame in frames if not frame.complete)


@given(bodies)
def test_every_beginning_holds_the_beginning_of_the_frames(body: bytes) -> None:
    frames = whole(body)
    for length in range(len(body)):
        early = whole(body[:length])
        assert words(early) == words(frames[: len(early)])
        # Between the CR and the LF that end an event, the event is whole one byte earlier.
        assert len(early) >= sum(frame.end <= length for frame in frames)
        assert all(late.end - frame.end in {0, 1} for late, frame in zip(frames, early, strict=False))


@given(bodies)
def test_ends_ascend_and_each_holds_its_frame(body: bytes) -> None:
    # An event may be ended by what is none, instead of a blank line.
    frames = [] if any(frame.stray for frame in sse_frames(body)) else whole(body)
    assert all(early.end < late.end for early, late in pairwise(frames))
    for number, frame in enumerate(frames):
        assert words(whole(body[: frame.end])) == words(frames[: number + 1])


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1), max_size=8))
@example(["数字", "🎉", "\u2028", "\x85"])
def test_only_cr_and_lf_end_a_line(messages: list[str]) -> None:
    body = "".join(f"data: {message}\n\n" for message in messages).encode()
    assert [frame.data.decode() for frame in sse_frames(body)] == messages


def test_comments_ids_and_retries_are_no_frames() -> None:
    assert list(sse_frames(b": OPENROUTER PROCESSING\n\n:\n\nid: 1\n\nretry: 3000\n\nevent: ping\n\n\n\n")) == []


def test_an_event_name_lasts_for_one_event() -> None:
    body = b"event: error\ndata: 1\n\ndata: 2\n\nevent: lost\n\ndata: 3\n\nevent: a\nevent:\ndata: 4\n\n"
    assert words(list(sse_frames(body))) == [("error", "1"), (None, "2"), (None, "3"), (None, "4")]


def test_bytes_that_are_not_utf8_are_handed_on_as_they_are() -> None:
    assert [frame.data for frame in sse_frames(b"data: \xff\xfe\n\n")] == [b"\xff\xfe"]


def test_an_event_name_that_is_not_utf8_is_replaced() -> None:
    assert [frame.event for frame in sse_frames(b"event: \xff\ndata: 1\n\n")] == ["\ufffd"]


def test_a_long_line_without_an_end_takes_no_more_than_its_length() -> None:
    """A pattern that tried every byte as a line's beginning took 28 s for 40 kB."""
    assert [frame.complete for frame in sse_frames(b"data: " + b"a" * (MAX_EVENT_BYTES - 6))] == [False]
    assert list(sse_frames(b"a" * MAX_EVENT_BYTES)) == []


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n", b"\r\n\r\n"])
def test_an_event_longer_than_the_bound_is_malformed(end: bytes) -> None:
    with pytest.raises(MalformedError, match=f"an event of more than {MAX_EVENT_BYTES} bytes"):
        list(sse_frames(b"data: " + b"a" * (MAX_EVENT_BYTES - 5) + end))


def test_the_longest_event_is_still_read() -> None:
    body = b"data: " + b"a" * (MAX_EVENT_BYTES - 8) + b"\n\n"
    assert [frame.end for frame in sse_frames(body + body)] == [MAX_EVENT_BYTES, 2 * MAX_EVENT_BYTES]


def test_an_event_of_many_lines_is_bounded_as_a_whole() -> None:
    with pytest.raises(MalformedError, match=r"an event of more than"):
        list(sse_frames(b"data: 1\n" * (MAX_EVENT_BYTES // 8 + 1)))


def test_frames_before_an_endless_event_are_still_read() -> None:
    frames = sse_frames(b"data: 1\n\n" + b"a" * (MAX_EVENT_BYTES + 1))
    assert next(frames).data == b"1"
    with pytest.raises(MalformedError, match=f"more than {MAX_EVENT_BYTES} bytes without an event"):
        next(frames)


def test_a_long_stream_of_short_events_is_within_the_bound() -> None:
    assert sum(1 for _ in sse_frames(b"data: 1\n\n" * (MAX_EVENT_BYTES // 9 + 10))) == MAX_EVENT_BYTES // 9 + 10


@pytest.mark.parametrize("silence", [b"\n", b"\r", b"\r\n", b": keep-alive\n\n", b"event: x\n\n", b"id: 1\n", b"x"])
def test_silence_longer_than_the_bound_is_malformed(silence: bytes) -> None:
    body = silence * (MAX_EVENT_BYTES // len(silence) + 1)
    with pytest.raises(MalformedError, match=f"more than {MAX_EVENT_BYTES} bytes without an event"):
        list(sse_frames(body))
    assert list(sse_frames(body[:MAX_EVENT_BYTES])) == []


def test_silence_within_the_bound_may_stand_before_every_event() -> None:
    part = b": keep-alive\n\n" * 100 + b"data: 1\n\n"
    number = 2 * MAX_EVENT_BYTES // len(part)
    assert len(list(sse_frames(part * number))) == number
    assert sse_frames_end(part * number) == len(part) * number


def sse_frames_end(body: bytes) -> int:
    return list(sse_frames(body))[-1].end


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_the_name_of_an_event_is_found_behind_much_that_is_none(end: bytes) -> None:
    noise = (b"event: lost" + end + end) * 1000 + (b": comment" + end) * 1000
    body = noise + b"event: found" + end + b"data: 1" + end + end
    assert words(list(sse_frames(body))) == [("found", "1")]


# JSON lines


lines = st.lists(
    st.sampled_from([b"{}", b'{"a":1}', b" ", b"\t", b"\r", b"\n", b"\n\n", b"x", b"\xff", b"\x0b"]), max_size=20
).map(b"".join)


@given(lines)
def test_json_lines_are_the_lines_that_are_not_blank(body: bytes) -> None:
    found = list(json_lines(body))
    assert [frame.data for frame in found] == [line for line in map(bytes.strip, body.split(b"\n")) if line]
    assert all(frame.complete for frame in found[:-1])
    assert all(frame.complete == (body[frame.end - 1 : frame.end] == b"\n") for frame in found)


@given(lines)
def test_every_beginning_of_json_lines_holds_the_beginning_of_the_frames(body: bytes) -> None:
    complete = [frame for frame in json_lines(body) if frame.complete]
    for length in range(len(body) + 1):
        early = [frame for frame in json_lines(body[:length]) if frame.complete]
        assert early == complete[: len(early)]
        assert len(early) == sum(frame.end <= length for frame in complete)


def test_a_line_that_the_end_cuts_short_says_so() -> None:
    assert list(json_lines(b'{"a":1}\n{"b"')) == [
        Frame(data=b'{"a":1}', end=8),
        Frame(data=b'{"b"', end=12, complete=False),
    ]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_longer_than_the_bound_is_malformed(end: bytes) -> None:
    with pytest.raises(MalformedError, match=f"an event of more than {MAX_EVENT_BYTES} bytes"):
        list(json_lines(b"1" * (MAX_EVENT_BYTES + 1) + end))
    longest = b"1" * (MAX_EVENT_BYTES - 1) + b"\n"
    assert [frame.end for frame in json_lines(longest * 2)] == [MAX_EVENT_BYTES, 2 * MAX_EVENT_BYTES]


def test_blank_lines_without_end_are_malformed() -> None:
    with pytest.raises(MalformedError, match=f"more than {MAX_EVENT_BYTES} bytes without an event"):
        list(json_lines(b"\n" * (MAX_EVENT_BYTES + 1)))


# One JSON text


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t"])
def test_an_empty_body_holds_no_frame(body: bytes) -> None:
    assert list(one_text(body)) == []


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        (b'{"a": [1, 2]}', True),
        (b' {"a": 1}\n', True),
        (b"1", True),
        (b'"a"', True),
        (b'{"a": "}"}', True),
        (b'{"a": "\\""}', True),
        (b"<html>", True),
        (b"]]", True),
        (b'{"a": [1, 2]', False),
        (b'{"a": "}', False),
        (b'"a', False),
        (b'{"a": 1} "', False),
        (b'{"a": "\\"}', False),
        (b'"\\', False),
        (b"[", False),
    ],
)
def test_one_text_is_complete_unless_it_is_cut_short(body: bytes, complete: bool) -> None:
    assert list(one_text(body)) == [Frame(data=body, end=len(body), complete=complete)]


short = st.text(max_size=6)
json_values = st.recursive(
    short | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short, inner, max_size=3),
    max_leaves=6,
)


@given(json_values)
def test_every_beginning_of_an_object_is_seen_to_be_cut(value: object) -> None:
    body = json.dumps({"": value}).encode()
    assert [frame.complete for frame in one_text(body)] == [True]
    for length in range(1, len(body)):
        assert [frame.complete for frame in one_text(body[:length])] == [False]


def test_a_text_longer_than_the_bound_is_malformed() -> None:
    with pytest.raises(MalformedError, match=f"an event of more than {MAX_EVENT_BYTES} bytes"):
        list(one_text(b" " * (MAX_EVENT_BYTES + 1)))
    assert len(list(one_text(b"1" * MAX_EVENT_BYTES))) == 1


# What all framings owe


def test_more_frames_than_can_be_read_soon_are_malformed() -> None:
    found: list[int] = []
    with pytest.raises(MalformedError, match=f"more than {MAX_FRAMES} events"):
        found += (frame.end for frame in frames(Framing.SSE, b"data:1\n\n" * (MAX_FRAMES + 1)))
    assert len(found) == MAX_FRAMES
    assert len(list(frames(Framing.SSE, b"data:1\n\n" * MAX_FRAMES))) == MAX_FRAMES


@pytest.mark.parametrize("bracket", [b"[", b"{"])
def test_more_objects_than_can_be_read_soon_are_malformed(bracket: bytes) -> None:
    most = b"data: " + bracket * MAX_CONTAINERS + b"\n\n"
    assert len(list(frames(Framing.SSE, most))) == 1
    with pytest.raises(MalformedError, match=f"more than {MAX_CONTAINERS} objects in one event"):
        list(frames(Framing.SSE, b"data: " + bracket * (MAX_CONTAINERS + 1) + b"\n\n"))
    number = MAX_CONTAINERS_IN_ALL // MAX_CONTAINERS
    with pytest.raises(MalformedError, match=f"more than {MAX_CONTAINERS_IN_ALL} objects in one answer"):
        list(frames(Framing.SSE, most * (number + 1)))
    assert len(list(frames(Framing.SSE, most * number))) == number


def test_brackets_in_strings_are_no_objects() -> None:
    code = b'data: {"text": "' + b"{[" * MAX_CONTAINERS + b'"}\n\n'
    assert len(list(frames(Framing.SSE, code * 20))) == 20


def test_every_framing_has_its_cutter() -> None:
    assert [frame.data for frame in frames(Framing.SSE, b"data: 1\n\n")] == [b"1"]
    assert [frame.data for frame in frames(Framing.JSON_LINES, b"1\n2")] == [b"1", b"2"]
    assert [frame.data for frame in frames(Framing.WHOLE, b"1\n2")] == [b"1\n2"]
    assert [frame.data for frame in frames(Framing.AWS_EVENT_STREAM, aws_message(b"1"))] == [b"1"]
