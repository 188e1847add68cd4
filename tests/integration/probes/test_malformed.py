"""Answers that are no stream of events, or no HTTP."""

from __future__ import annotations

import gzip
import re

import pytest

from probes._driver import MAX_HEADER_BYTES, MAX_STREAM_BYTES
from probes._model import Blame, ErrorClass
from tests.integration.probes.asking import KEY, probe
from tests.integration.probes.provider import (
    ANSWER,
    CHUNKED,
    DONE,
    STOP,
    STREAM,
    Act,
    Step,
    chunk,
    delta,
    event,
    head,
    serving,
)

HTML = b"<html><body>It works!</body></html>"
GZIPPED = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((head(headers={"Content-Type": "text/html"}), HTML), id="a page"),
        pytest.param(
            (head(headers={"Content-Type": "text/html", "Content-Length": "35"}), HTML), id="a page of known length"
        ),
        pytest.param(
            (head(headers={"Content-Type": "application/json"}), b'{"choices": []}'), id="an answer in one piece"
        ),
        pytest.param((head(), b"data: {nonsense\n\n" + STOP + DONE), id="no JSON in an event"),
        pytest.param((head(), ANSWER + b"data: \xff\xfe\n\n" + STOP + DONE), id="no UTF-8 in an event"),
        pytest.param((head(), event([1, 2]) + DONE), id="JSON of another shape"),
        pytest.param((head(), b'data: {"choices":' + b"[" * 100_000 + b"\n\n" + DONE), id="JSON too deep"),
        pytest.param((head(), b"data: " + b"1" * (2 << 20) + b"\n\n" + DONE), id="an event too long"),
        pytest.param((head(headers=GZIPPED), gzip.compress(STREAM)), id="gzip that nobody asked for"),
        pytest.param(
            (head(headers={"Content-Encoding": "br"} | CHUNKED), chunk(b"\x8b\x01\x80"), chunk(b"")), id="brotli"
        ),
    ],
)
async def test_what_is_no_stream_of_events_is_malformed(script: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, *script) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame, sample.status_code) == (ErrorClass.MALFORMED, Blame.PROVIDER, 200)
    assert sample.headers_s is not None
    assert sample.detail


@pytest.mark.parametrize("encoding", ["identity", "none", "utf-8", "UTF-8", "identity, none"])
async def test_an_encoding_that_changes_nothing_is_none(encoding: str) -> None:
    with serving(Act.ASKED, head(headers={"Content-Encoding": encoding}), STREAM) as provider:
        sample = await probe(provider.base_url)
    assert sample.error is None


@pytest.mark.parametrize("length", ["5", "0", "99999"])
@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n"])
async def test_where_a_body_comes_in_chunks_a_length_beside_them_says_nothing(length: str, before: bytes) -> None:
    answer = before + head(headers={"Content-Length": length} | CHUNKED)
    for script in ((answer, chunk(STREAM), chunk(b"")), (answer + chunk(STREAM) + chunk(b""),)):
        with serving(Act.ASKED, *script) as provider:
            sample = await probe(provider.base_url)
        assert (sample.error, sample.answer_ok) == (None, True), sample.detail


async def test_chunks_that_break_off_are_truncated_whatever_length_stands_beside_them() -> None:
    begun = head(headers={"Content-Length": str(len(STREAM))} | CHUNKED) + chunk(STREAM)[: len(STREAM) // 3]
    with serving(Act.ASKED, begun) as provider:
        sample = await probe(provider.base_url)
    assert sample.error is ErrorClass.TRUNCATED


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="SSH"),
        pytest.param(b"220 mail.example ESMTP\r\n", id="SMTP"),
        pytest.param(b"\x00" * 4096, id="zeros"),
        pytest.param(STREAM, id="events without a head"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="a status that is no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", id="a header without a colon"),
        pytest.param(head(headers={"Content-Length": "ten"}), id="a length that is no number"),
        pytest.param(head(headers={"Content-Length": "ten"} | CHUNKED) + chunk(STREAM), id="two lengths, one of words"),
        pytest.param(head(headers={"X-Long": "x" * (MAX_HEADER_BYTES + 1)}), id="a header too long"),
        pytest.param(head(headers={"X-" + "y" * (MAX_HEADER_BYTES + 1): "x"}), id="a header's name too long"),
        pytest.param(head(headers={f"X-{number}": "x" for number in range(1000)}), id="too many headers"),
        pytest.param(b"HTTP/1.1 200 " + b"O" * (MAX_HEADER_BYTES + 1), id="a status line too long"),
    ],
)
async def test_what_is_no_http_is_malformed(answer: bytes) -> None:
    with serving(Act.ASKED, answer, Act.LEFT) as provider:
        sample = await probe(provider.base_url)
        assert provider.visit.over.wait(5), "and the connection is closed"
    assert (sample.error, sample.blame) == (ErrorClass.MALFORMED, Blame.PROVIDER)
    assert (sample.status_code, sample.ttft_s) == (None, None)
    assert sample.detail is not None
    assert re.fullmatch(r"not HTTP: [A-Z][\w,/:' -]+", sample.detail), "the parser's words, and none of the bytes"


async def test_a_server_that_echoes_is_malformed_and_the_key_is_not_told() -> None:
    with serving(Act.ASKED, f"Bearer {KEY}\r\n\r\n".encode(), Act.LEFT) as provider:
        sample = await probe(provider.base_url)
    assert sample.error is ErrorClass.MALFORMED
    assert KEY not in repr(sample)
    with serving(Act.ASKED, b"x" * 40 + f"Bearer {KEY}\r\n\r\n".encode(), Act.LEFT) as provider:
        sample = await probe(provider.base_url)
    assert KEY[:8] not in repr(sample)


async def test_chunks_that_break_http_after_text_are_no_success() -> None:
    with serving(Act.ASKED, head(headers=CHUNKED), chunk(ANSWER), 0.05, b"nonsense\r\n") as provider:
        sample = await probe(provider.base_url)
    assert sample.error in {ErrorClass.MALFORMED, ErrorClass.TRUNCATED}
    assert sample.blame is Blame.PROVIDER


async def test_a_stream_beyond_the_limit_is_malformed_and_not_read_on() -> None:
    block = delta("1, 2, 3 " * 4096)
    number = 2 * MAX_STREAM_BYTES // len(block)
    with serving(Act.ASKED, head(), *[block] * number, Act.LEFT) as provider:
        sample = await probe(provider.base_url)
        assert provider.visit.over.wait(5)
    assert (sample.error, sample.blame) == (ErrorClass.MALFORMED, Blame.PROVIDER)
    assert sample.ttft_s is not None
    assert sample.detail is not None
    assert sample.detail.startswith("more than")


async def test_an_error_in_the_stream_is_one_even_after_text() -> None:
    fault = event({"error": {"message": "the server is overloaded", "code": 529}})
    with serving(Act.ASKED, head(), ANSWER, fault, DONE) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame, sample.status_code) == (ErrorClass.OVERLOADED, Blame.PROVIDER, 200)
    assert sample.ttft_s is not None
    with serving(Act.ASKED, head(), ANSWER, event({"error": {"message": "oops"}})) as provider:
        sample = await probe(provider.base_url)
    assert sample.error is ErrorClass.STREAM_ERROR
