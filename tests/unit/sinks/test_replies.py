"""The meaning of a server's answer to a write."""

from __future__ import annotations

import pytest

from monitor.sinks._protocol import SinkError
from monitor.sinks._replies import Accepted, Refused, TooLarge, reply


def answer(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> object:
    return reply(status, headers or {}, body, "s3cret/token")


def test_204_is_all_that_means_written() -> None:
    assert answer(204) == Accepted()
    assert isinstance(answer(200), SinkError)


@pytest.mark.parametrize("status", [400, 422])
def test_a_refusal_is_about_the_lines(status: int) -> None:
    body = b'{"code":"invalid","message":"unable to parse \'x\': bad timestamp"}'
    assert answer(status, body) == Refused(f"{status}: unable to parse 'x': bad timestamp")


def test_how_many_lines_were_left_out_is_read() -> None:
    body = b'{"code":"unprocessable entity","message":"partial write: points beyond retention policy dropped=12"}'
    assert answer(422, body) == Refused("422: partial write: points beyond retention policy dropped=12", 12)


def test_too_many_lines_are_too_large() -> None:
    assert answer(413) == TooLarge("413 Request Entity Too Large")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "the server rejected the token: 401: go away"),
        (403, "the server rejected the token: 403: go away"),
        (404, "the server has no such URL, org or bucket: 404: go away"),
        (301, "the server answered 301: go away"),
        (405, "the server answered 405: go away"),
        (500, "the server answered 500: go away"),
    ],
)
def test_everything_else_keeps_the_lines(status: int, told: str) -> None:
    error = answer(status, b"go away")
    assert isinstance(error, SinkError)
    assert (str(error), error.retry_after_s) == (told, None)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read(status: int) -> None:
    error = answer(status, headers={"retry-after": "17"})
    assert isinstance(error, SinkError)
    assert error.retry_after_s == 17.0


def test_an_unknown_status_is_shown_as_a_number() -> None:
    assert str(answer(599)) == "the server answered 599"


@pytest.mark.parametrize(
    "body",
    [
        b"no s3cret/token",
        b'{"error": "no s3cret/token"}',
        b'{"half": "no s3cret\\/token',
        b"no s3cret%2Ftoken",
    ],
)
def test_the_token_is_never_repeated(body: bytes) -> None:
    told = str(answer(401, body))
    assert "s3cret" not in told
    assert "***" in told


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe", b"[1]", b'{"message": 3}', b"\x1b[31mred\r\nX: 1"])
def test_any_bytes_become_one_short_line(body: bytes) -> None:
    told = str(answer(500, body))
    assert told.isprintable()
    assert len(told) < 300


def test_without_a_token_words_stand_as_they_are() -> None:
    assert str(reply(500, {}, b"broken", None)) == "the server answered 500: broken"
