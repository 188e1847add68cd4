"""A provider that abuses HTTP: endless answers are cut, and false headers and redirects have no effect."""

from __future__ import annotations

import gzip
import re

import pytest

from probes._driver import MAX_HEADER_BYTES
from probes._model import Blame, ErrorClass
from probes._socket import MAX_HEAD_BYTES, MAX_READS, MAX_WIRE_BYTES
from tests.integration.probes.asking import KEY, probe
from tests.integration.probes.provider import (
    ANSWER,
    CHUNKED,
    DONE,
    STREAM,
    Act,
    Step,
    again,
    chunk,
    delta,
    head,
    serving,
)

DRIP_S = 0.03
SHORT_S = 0.3
EVENTS = {"Content-Type": "text/event-stream"}


def much(piece: bytes, size: int = 2 * MAX_WIRE_BYTES) -> tuple[Step, ...]:
    """More of the piece than is read of any answer."""
    block = piece * (1 + (1 << 16) // len(piece))
    return again(size // len(block), block)


ENDLESS_HEADS = [
    pytest.param((b"HTTP/1.1 200 OK\r\n", *much(b"X-A: b\r\n")), id="header lines"),
    pytest.param((b"HTTP/1.1 200 OK\r\nX-A: ", *much(b"y")), id="one header"),
    pytest.param((b"HTTP/1.1 200 OK\r\nX-A: b\r\n", *much(b" more\r\n")), id="a header that goes on"),
    pytest.param((b"HTTP/1.1 200 OK\r\n", *much(b"y")), id="a header's name"),
    pytest.param((b"HTTP/1.1 200 ", *much(b"y")), id="a status line"),
    pytest.param(much(b"\r\n"), id="empty lines"),
    pytest.param(much(b"HTTP/1.1 102 Processing\r\n\r\n"), id="interim answers"),
    pytest.param(
        much(b"HTTP/1.1 103 Early Hints\r\nLink: </>; rel=preload\r\n\r\n"), id="interim answers with headers"
    ),
    pytest.param(much(b"\0"), id="zeros"),
]


@pytest.mark.parametrize("script", ENDLESS_HEADS)
async def test_a_head_without_end_is_malformed_long_before_the_deadline(script: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, *script) as provider:
        sample = await probe(provider.base_url)
        assert provider.visit.over.wait(5), "and the connection is closed"
    assert (sample.error, sample.blame, sample.status_code) == (ErrorClass.MALFORMED, Blame.PROVIDER, None)
    assert sample.detail is not None
    assert re.fullmatch(rf"not HTTP: [\w,/:' -]+|more than {MAX_HEAD_BYTES} bytes before .*", sample.detail)


async def test_the_usual_number_of_headers_is_accepted() -> None:
    headers = {f"X-Header-{number}": "y" * (MAX_HEADER_BYTES // 2) for number in range(20)}
    with serving(Act.ASKED, head(headers=headers), STREAM) as provider:
        sample = await probe(provider.base_url)
    assert sample.error is None


ENDLESS_BODIES = [
    pytest.param((b"5;", *much(b"y")), id="a chunk's extension"),
    pytest.param(much(b"1;" + b"y" * 200 + b"\r\n:\r\n"), id="chunks with long extensions"),
    pytest.param((chunk(ANSWER), b"0\r\nX-A: ", *much(b"y")), id="a trailer"),
    pytest.param((chunk(ANSWER), b"0\r\n", *much(b"X-A: b\r\n")), id="trailers"),
    pytest.param((b"0" * (1 << 20), *much(b"0")), id="a chunk's size"),
    pytest.param((b"FFFFFFFFFFFFFFF\r\n", *much(b": keep-alive\n")), id="a chunk of an exabyte"),
    pytest.param((b"1FFFFFFFFFFFFFFFF\r\n", *much(b":\n")), id="a chunk of more bytes than can be counted"),
    pytest.param((b"-5\r\n", *much(b":\n")), id="a chunk of less than nothing"),
]


@pytest.mark.parametrize("script", ENDLESS_BODIES)
async def test_chunks_without_end_are_no_success_and_are_not_read_on(script: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, head(headers=CHUNKED), 0.05, *script) as provider:
        sample = await probe(provider.base_url)
        assert provider.visit.over.wait(5)
    assert sample.error in {ErrorClass.MALFORMED, ErrorClass.TRUNCATED}
    assert sample.blame is Blame.PROVIDER
    assert sample.detail


async def test_what_http_throws_away_counts_too() -> None:
    with serving(Act.ASKED, head(headers=CHUNKED), 0.05, b"5;", *much(b"y")) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.detail) == (ErrorClass.MALFORMED, f"more than {MAX_WIRE_BYTES} bytes for one answer")


async def test_an_answer_in_more_pieces_than_can_be_written_down_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_READS > 100_000, "each token may come in several pieces"
    monkeypatch.setattr("probes._socket.MAX_READS", 20)
    with serving(Act.ASKED, head(), *again(40, delta("1, 2, 3 "), 0.005), DONE) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.detail) == (ErrorClass.MALFORMED, "an answer in more than 20 pieces")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((head(), *again(200, b":", DRIP_S)), id="a byte at a time"),
        pytest.param((head(), *again(200, b": ping\n\n", DRIP_S)), id="comments"),
        pytest.param((head(), *again(200, b"event: ping\ndata: {}\n\n", DRIP_S)), id="pings"),
        pytest.param((head(headers=CHUNKED), *again(200, chunk(b":\n"), DRIP_S)), id="chunks"),
        pytest.param((b"HTTP/1.1 200 OK\r\n", *again(200, b"X", DRIP_S)), id="a header"),
        pytest.param((b"H", *again(200, b"T", DRIP_S)), id="a status line"),
        pytest.param(again(200, b"HTTP/1.1 100 Continue\r\n\r\n", DRIP_S), id="interim answers"),
    ],
)
async def test_a_slow_drip_ends_at_the_deadline(script: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, *script) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
        assert provider.visit.over.wait(5)
    assert sample.error in {ErrorClass.TIMEOUT_TTFT, ErrorClass.MALFORMED}
    assert sample.blame is Blame.PROVIDER
    assert sample.ttft_s is None


@pytest.mark.parametrize(
    "length",
    ["999999999999999999", "9" * 40, "-1", "+5", "0x10", "5, 6", "5\r\nContent-Length: 6", "1e3", "", "5;", "\u0665"],
)
async def test_a_length_that_is_a_lie_is_never_a_success(length: str) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " + length.encode() + b"\r\n\r\n"
    with serving(Act.ASKED, answer, ANSWER) as provider:
        sample = await probe(provider.base_url)
    assert sample.error in {ErrorClass.MALFORMED, ErrorClass.TRUNCATED}
    assert sample.blame is Blame.PROVIDER


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="the preface of HTTP/2"),
        pytest.param(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18), id="settings of HTTP/2"),
        pytest.param(b"HTTP/2 200 OK\r\n\r\n" + STREAM, id="HTTP/2 in words"),
        pytest.param(b"HTTP/9.9 200 OK\r\n\r\n" + STREAM, id="a version that does not exist"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n" + STREAM, id="a zero in a header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-\xff: \xff\xfe\r\n\r\n" + STREAM, id="a header's name of no letters"),
        pytest.param(b"HTTP/1.1 -200 OK\r\n\r\n" + STREAM, id="a negative status"),
        pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n" + STREAM, id="a status of four digits"),
    ],
)
async def test_another_protocol_is_malformed(answer: bytes) -> None:
    with serving(Act.ASKED, answer, Act.LEFT) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame) == (ErrorClass.MALFORMED, Blame.PROVIDER)


@pytest.mark.parametrize("record", [b"\x15\x03\x03\x00\x02\x02\x46", b"\x16\x03\x01\x00\x05hello"])
async def test_a_tls_port_gets_the_hint_to_use_https(record: bytes) -> None:
    with serving(Act.ASKED, record, Act.LEFT) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame) == (ErrorClass.MALFORMED, Blame.PROVIDER)
    assert sample.detail == f"127.0.0.1:{provider.port} uses TLS: base_url has to begin with https"


BOMB = gzip.compress(bytes(64 << 20))


@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip", "x-made-up"])
async def test_what_is_compressed_unasked_is_never_unpacked(encoding: str, status: str) -> None:
    with serving(Act.ASKED, head(status, {"Content-Encoding": encoding}), BOMB) as provider:
        sample = await probe(provider.base_url)
    if status.startswith("200"):
        named = "unknown" if encoding == "x-made-up" else encoding.rpartition(" ")[2]
        assert sample.error is ErrorClass.MALFORMED
        assert sample.detail == f"content encoding {named}, although identity was requested"
    else:
        assert sample.error is ErrorClass.SERVER_ERROR
        assert (sample.detail or "").startswith("HTTP 500 (http://127.0.0.1:")


async def test_a_bomb_that_does_not_say_what_it_is_is_read_as_the_bytes_that_it_is() -> None:
    with serving(Act.ASKED, head(), BOMB) as provider:
        sample = await probe(provider.base_url)
    assert sample.error in {ErrorClass.MALFORMED, ErrorClass.TRUNCATED}


@pytest.mark.parametrize("encoding", ["gzip", "gzip, chunked"])
async def test_what_is_compressed_on_its_way_is_malformed(encoding: str) -> None:
    packed = gzip.compress(STREAM)
    body = chunk(packed) + chunk(b"") if "chunked" in encoding else packed
    with serving(Act.ASKED, head(headers={"Transfer-Encoding": encoding}), body) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame) == (ErrorClass.MALFORMED, Blame.PROVIDER)
    assert sample.detail == "transfer encoding gzip, although identity was requested"


async def test_a_cookie_is_not_kept() -> None:
    cookies = "".join(f'Set-Cookie: a{number}="{"x" * 4000}"; Path=/\r\n' for number in range(20))
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{cookies}\r\n".encode()
    with serving(Act.ASKED, answer, STREAM) as provider:
        samples = [await probe(provider.base_url) for _ in range(2)]
        assert [name for visit in provider.visits for name, _ in visit.headers if "cookie" in name] == []
    assert [sample.error for sample in samples] == [None, None]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "127.0.0.1"])
async def test_no_redirect_takes_the_key_anywhere(status: str, host: str) -> None:
    with serving(Act.ASKED, head(), STREAM) as elsewhere:
        location = f"http://{host}:{elsewhere.port}/v1/chat/completions?key=stolen"
        with serving(Act.ASKED, head(status, {"Location": location}), STREAM) as provider:
            sample = await probe(provider.base_url)
            assert len(provider.visits) == 1
        assert elsewhere.visits == []
    assert (sample.error, sample.status_code) == (ErrorClass.NOT_FOUND, int(status[:3]))
    assert KEY not in repr(sample)


@pytest.mark.parametrize(
    "headers",
    [
        {"Location": "http://[::1/", "Refresh": "0; url=http://127.0.0.2/"},
        {"Alt-Svc": 'h3=":1"', "Upgrade": "h2c", "Connection": "Upgrade"},
        {"WWW-Authenticate": 'Digest realm="x", nonce="y"', "Link": "</>; rel=preload"},
        {"Content-Type": "text/" + "x;" * 5000},
        {"Content-Type": "text/event-stream; charset=utf-16"},
        {"Keep-Alive": "timeout=99999999, max=99999999", "Connection": "keep-alive"},
        {"Retry-After": "9" * 5000, "Date": "9" * 5000, "Openai-Processing-Ms": "9" * 5000},
    ],
)
async def test_other_headers_lead_to_nothing(headers: dict[str, str]) -> None:
    with serving(Act.ASKED, head(headers=EVENTS | headers), STREAM) as provider:
        sample = await probe(provider.base_url)
        assert len(provider.visits) == 1
    assert sample.error is None
