"""AWS' binary event stream: every kind of header, both checksums, messages cut short, lengths that cannot be."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping
from typing import TypeAlias
from zlib import crc32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probes._framing import MAX_EVENT_BYTES, aws_messages, frames
from probes._model import Frame, Framing, MalformedError
from tests.contract.aws import aws_event, aws_message

Value: TypeAlias = tuple[int, bytes]
"""A header's type, and its value as it stands in the message."""

TRUE, FALSE = (0, b""), (1, b"")
SMALLEST = 16
"""Bytes of a message without headers and payload."""
sized = st.binary(max_size=30).map(lambda value: struct.pack(">H", len(value)) + value)
unread_values: st.SearchStrategy[Value] = st.one_of(
    st.sampled_from([TRUE, FALSE]),
    st.binary(min_size=1, max_size=1).map(lambda value: (2, value)),
    st.binary(min_size=2, max_size=2).map(lambda value: (3, value)),
    st.binary(min_size=4, max_size=4).map(lambda value: (4, value)),
    st.binary(min_size=8, max_size=8).flatmap(lambda value: st.sampled_from([(5, value), (8, value)])),
    sized.map(lambda value: (6, value)),
    st.uuids().map(lambda value: (9, value.bytes)),
)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
headers = st.dictionaries(names, texts.map(lambda text: (7, text_value(text))) | unread_values, max_size=6)


def text_value(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def header(name: str, value: Value) -> bytes:
    return bytes([len(name.encode())]) + name.encode() + bytes([value[0]]) + value[1]


def sealed(told: bytes, payload: bytes = b"{}", *, length: int | None = None, told_length: int | None = None) -> bytes:
    """A message whose checksums are right, whatever its lengths say."""
    prelude = struct.pack(
        ">II",
        SMALLEST + len(told) + len(payload) if length is None else length,
        len(told) if told_length is None else told_length,
    )
    message = prelude + struct.pack(">I", crc32(prelude)) + told + payload
    return message + struct.pack(">I", crc32(message))


def message_of(told: Mapping[str, Value], payload: bytes = b"{}") -> bytes:
    return sealed(b"".join(header(name, value) for name, value in told.items()), payload)


def only(body: bytes) -> Frame:
    (frame,) = aws_messages(body)
    return frame


# Reading


@given(st.lists(st.tuples(headers, st.binary(max_size=50)), max_size=5))
def test_every_message_comes_out_with_its_text_headers_and_its_payload(
    messages: list[tuple[dict[str, Value], bytes]],
) -> None:
    read = list(aws_messages(b"".join(message_of(told, payload) for told, payload in messages)))
    assert [frame.data for frame in read] == [payload for _, payload in messages]
    texts_of = [{name: value[2:].decode() for name, (kind, value) in told.items() if kind == 7} for told, _ in messages]
    assert [dict(frame.headers) for frame in read] == texts_of
    assert all(frame.complete for frame in read)


@given(st.lists(st.tuples(headers, st.binary(max_size=50)), min_size=1, max_size=4), st.data())
def test_a_beginning_holds_the_messages_that_are_whole_in_it(
    messages: list[tuple[dict[str, Value], bytes]], data: st.DataObject
) -> None:
    body = b"".join(message_of(told, payload) for told, payload in messages)
    read = list(aws_messages(body))
    length = data.draw(st.integers(0, len(body)))
    assert list(aws_messages(body[:length])) == [frame for frame in read if frame.end <= length]


@pytest.mark.parametrize(
    "value",
    [
        TRUE,
        FALSE,
        (2, b"\x07"),
        (3, b"\x00\x07"),
        (4, b"\x00\x00\x00\x07"),
        (5, b"\x00" * 7 + b"\x07"),
        (6, b"\x00\x03\xff\xfe\xfd"),
        (8, struct.pack(">q", 1_700_000_000_000)),
        (9, uuid.UUID(int=7).bytes),
    ],
    ids=["true", "false", "byte", "short", "integer", "long", "bytes", "timestamp", "uuid"],
)
def test_a_header_of_another_type_is_passed_over(value: Value) -> None:
    told = {"before": (7, text_value("1")), "odd": value, "after": (7, text_value("2"))}
    assert dict(only(message_of(told)).headers) == {"before": "1", "after": "2"}


def test_an_event_has_the_name_of_its_type() -> None:
    frame = only(aws_event("messageStop", b'{"stopReason":"end_turn"}'))
    assert (frame.event, frame.data) == ("messageStop", b'{"stopReason":"end_turn"}')
    assert dict(frame.headers) == {
        ":event-type": "messageStop",
        ":content-type": "application/json",
        ":message-type": "event",
    }


def test_an_exception_has_the_name_of_its_type_too() -> None:
    frame = only(aws_message(b"{}", exception_type="throttlingException", message_type="exception"))
    assert (frame.event, frame.headers[":message-type"]) == ("throttlingException", "exception")


def test_an_error_has_no_name_but_its_headers() -> None:
    frame = only(aws_message(b"", error_code="InternalFailure", message_type="error"))
    assert (frame.event, frame.data, frame.headers[":error-code"]) == (None, b"", "InternalFailure")


def test_a_message_may_be_empty() -> None:
    assert only(sealed(b"", b"")) == Frame(data=b"", end=SMALLEST)


def test_ends_are_those_of_the_messages() -> None:
    first, second = aws_event("messageStart", b"{}"), aws_event("messageStop", b"{}")
    ends = [frame.end for frame in frames(Framing.AWS_EVENT_STREAM, first + second)]
    assert ends == [len(first), len(first) + len(second)]


def test_an_empty_body_holds_nothing() -> None:
    assert list(aws_messages(b"")) == []


# Checksums


@given(headers, st.binary(max_size=30), st.data())
@example({}, b"", None)
def test_a_changed_byte_is_never_read(told: dict[str, Value], payload: bytes, data: st.DataObject | None) -> None:
    body = bytearray(message_of(told, payload))
    at = data.draw(st.integers(0, len(body) - 1)) if data else 0
    body[at] ^= data.draw(st.integers(1, 255)) if data else 1
    with pytest.raises(MalformedError, match="checksum"):
        list(aws_messages(bytes(body)))


@pytest.mark.parametrize("at", range(12))
def test_a_changed_byte_in_a_head_is_found_before_the_message_is_whole(at: int) -> None:
    body = bytearray(aws_event("messageStop", b"{}")[:20])
    body[at] ^= 1
    with pytest.raises(MalformedError, match="wrong checksum of a message's prelude"):
        list(aws_messages(bytes(body)))


@pytest.mark.parametrize("at", [12, 40, -5, -1])
def test_a_changed_byte_behind_the_head_is_found_by_the_messages_checksum(at: int) -> None:
    body = bytearray(aws_event("messageStop", b"{}"))
    body[at] ^= 1
    with pytest.raises(MalformedError, match="AWS event stream: wrong checksum of a message"):
        list(aws_messages(bytes(body)))


def test_messages_before_a_changed_one_are_still_read() -> None:
    good = aws_event("messageStart", b"{}")
    read = aws_messages(good + good[:-1] + bytes([good[-1] ^ 1]))
    assert next(read).event == "messageStart"
    with pytest.raises(MalformedError):
        next(read)


@pytest.mark.parametrize("body", [b'{"message":"Service is starting"}', b"data: {}\n\ndata: [DONE]\n\n", b"\0" * 12])
def test_what_is_no_event_stream_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(MalformedError, match="not an AWS event stream"):
        list(aws_messages(body))


# Lengths


@pytest.mark.parametrize("length", [0, 1, 11, 15, SMALLEST + 9])
def test_a_message_shorter_than_what_it_holds_is_malformed(length: int) -> None:
    with pytest.raises(MalformedError, match="shorter than its headers"):
        list(aws_messages(sealed(header(":a", (7, text_value("12345"))), length=length)))


@pytest.mark.parametrize("told_length", [3, 1 << 16, (1 << 32) - 1])
def test_headers_longer_than_their_message_are_malformed(told_length: int) -> None:
    with pytest.raises(MalformedError, match="shorter than its headers"):
        list(aws_messages(sealed(b"", told_length=told_length)))


@pytest.mark.parametrize("length", [MAX_EVENT_BYTES + 1, (1 << 32) - 1])
def test_a_message_longer_than_the_bound_is_malformed_before_it_has_come(length: int) -> None:
    with pytest.raises(MalformedError, match=f"an event of more than {MAX_EVENT_BYTES} bytes"):
        list(aws_messages(sealed(b"", length=length)))


def test_the_longest_message_is_still_read() -> None:
    body = sealed(b"", b"a" * (MAX_EVENT_BYTES - SMALLEST))
    assert [frame.end for frame in aws_messages(body + body)] == [MAX_EVENT_BYTES, 2 * MAX_EVENT_BYTES]


@pytest.mark.parametrize(
    "told",
    [
        b"\x09:a",
        b"\x02:a",
        b"\x02:a\x07",
        b"\x02:a\x07\x00",
        b"\x02:a\x07\x00\x05ab",
        b"\x02:a\x06\xff\xffab",
        b"\x02:a\x09abc",
        b"\x02:a\x04\x00",
        b"\x02:a\x07\x00\x01\xff",
        b"\x01\xff\x07\x00\x01a",
        b"\x02:a\x0a\x00\x01a",
        b"\x02:a\xff\x00\x00",
        b"\x02:a\x00\x05",
    ],
)
def test_headers_that_break_off_or_are_of_no_type_are_malformed(told: bytes) -> None:
    with pytest.raises(MalformedError, match="headers of a message"):
        list(aws_messages(sealed(told)))


@given(st.binary(max_size=60))
@example(b"\x00\x07\x00\x00")
def test_headers_of_any_bytes_are_read_or_refused(told: bytes) -> None:
    try:
        frame = only(sealed(told))
    except MalformedError:
        return
    assert frame.data == b"{}"


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(body: bytes) -> None:
    try:
        assert all(frame.end <= len(body) for frame in aws_messages(body))
    except MalformedError:
        return
