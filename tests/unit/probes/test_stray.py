"""Errors outside of an API's framing; what every API makes of them is in tests/contract/test_errors_with_success.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from probes import _error_object, _errors
from probes._framing import MAX_EVENT_BYTES, sse_frames
from probes._http import without_length_beside_chunks
from probes._model import Endpoint, ErrorClass, Event, Fault, Frame, Headers, Probe, Prompt, Request, Task
from probes._stray import event_fault, stray_fault
from probes.openai_chat import OpenAIChat


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable(Probe):
    """A third-party codec that cannot read any refusal."""

    tasks = frozenset({Task.CHAT})

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        raise NotImplementedError

    def read(self, frame: Frame) -> Iterable[Event]:
        raise NotImplementedError

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        raise KeyError(status)


def test_words_stand_where_a_codec_of_others_cannot_read_its_refusals() -> None:
    told = stray_fault(Unreadable(), b'{"error": "Rate limit"}')
    assert told == Fault(error=ErrorClass.RATE_LIMITED, detail="Rate limit")


@pytest.mark.parametrize("data", [b"", b" \n", b"1", b"data: 1\n\n", b"{}", b"[]", b'[{"error": "x"}, 1]', b'{"a": 1}'])
def test_what_tells_no_error_is_none(data: bytes) -> None:
    assert stray_fault(OpenAIChat(), data) is None


def test_an_event_too_long_to_be_read_is_no_error() -> None:
    assert stray_fault(OpenAIChat(), b": " + b"x" * MAX_EVENT_BYTES + b"\n") is None


def test_an_event_named_error_that_was_cut_says_nothing_yet() -> None:
    assert event_fault(Frame(event="error", data=b'{"mess', end=6, complete=False)) is None
    told = event_fault(Frame(event="error", data=b"gone", end=4, complete=False))
    assert told == Fault(error=ErrorClass.STREAM_ERROR, detail="gone")


@pytest.mark.parametrize(
    ("body", "frames"),
    [
        (b'{"a": 1}\n\ndata: 1\n\n', [(b'{"a": 1}', True), (b"1", False)]),
        (b"data: 1\n{\n", [(b"1", False), (b"{\n", True)]),
        (b"{\ndata: 1\n\n", [(b"{", True), (b"1", False)]),
        (b"error: gone\n\n", [(b"gone", True)]),
        (b"error:\n\nerror\n\n", []),
        (b"data: {\n\n", [(b"{", False)]),
    ],
)
def test_what_stands_between_events_comes_as_stray(body: bytes, frames: list[tuple[bytes, bool]]) -> None:
    assert [(frame.data, frame.stray) for frame in sse_frames(body)] == frames


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ({"error": ["gone", "for good"]}, "gone"),
        ({"error": [1]}, {"error": [1]}),
        ({"error": {"error": "gone"}}, "gone"),
        ({"errors": []}, None),
        ({"errors": [{}]}, None),
        ({"errors": ["gone"]}, "gone"),
        ({"base_resp": {"status_code": 0, "status_msg": "success"}}, None),
        ({"success": True}, None),
        ({"detail": ""}, None),
        ({"message": "gone", "code": "0"}, None),
        ({"message": "gone", "usage": {}, "code": 500}, None),
    ],
)
def test_an_error_is_known_by_its_form(source: dict[str, object], error: object) -> None:
    assert _error_object.error_in(source) == error


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (429, 429),
        ("429", 429),
        (429.0, 429),
        ("429 Too Many", 429),
        ("4290", None),
        (200, None),
        (True, None),
        (4.5, None),
    ],
)
def test_a_status_is_a_number_or_begins_with_its_digits(code: object, status: int | None) -> None:
    assert _error_object.status_in({"code": code}) == status


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("HTTP 404: no", ErrorClass.NOT_FOUND),
        ("Error code: 402 - {}", ErrorClass.PAYMENT),
        ("500 tokens were asked for", ErrorClass.STREAM_ERROR),
        ({"message": "status code 503"}, ErrorClass.OVERLOADED),
        ({"type": "internal_error", "message": "invalid argument in our own code"}, ErrorClass.STREAM_ERROR),
        ({"__type": "com.amazonaws#ThrottlingException"}, ErrorClass.RATE_LIMITED),
        ({"code": 503, "message": "insufficient_quota"}, ErrorClass.OVERLOADED),
        ({"message": "You are out of credits"}, ErrorClass.PAYMENT),
        ({"message": "The model is busy"}, ErrorClass.OVERLOADED),
    ],
)
def test_an_error_without_a_status_of_its_own_has_a_class(error: dict[str, object] | str, kind: ErrorClass) -> None:
    assert _errors.stream_fault(error).error is kind


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


def test_a_length_beside_chunks_is_taken_out_of_the_head_alone() -> None:
    assert without_length_beside_chunks(HEAD) == HEAD.replace(b"Content-Length: 5\r\n", b"")
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    assert without_length_beside_chunks(early + HEAD) == early + HEAD.replace(b"Content-Length: 5\r\n", b"")


@pytest.mark.parametrize(
    "data",
    [
        HEAD.replace(b"Transfer-Encoding: chunked\r\n", b""),
        HEAD.replace(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked"),
        HEAD.replace(b"Content-Length: 5", b"Content-Length: five"),
        HEAD[:40],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
)
def test_any_other_beginning_is_left_as_it_is(data: bytes) -> None:
    assert without_length_beside_chunks(data) == data
