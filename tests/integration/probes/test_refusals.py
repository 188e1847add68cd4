"""Answers outside 2xx: the error class, the detail and `Retry-After`."""

from __future__ import annotations

import json

import pytest

from probes._model import Blame, ErrorClass
from tests.integration.probes.asking import KEY, probe
from tests.integration.probes.provider import STREAM, Act, head, refusing_port, serving


def refused(status: str, message: str, **headers: str) -> bytes:
    body = json.dumps({"error": {"message": message}}).encode()
    told = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return head(status, told | {name.replace("_", "-"): value for name, value in headers.items()}) + body


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        ("400 Bad Request", "no", ErrorClass.BAD_REQUEST),
        ("401 Unauthorized", "no", ErrorClass.AUTH),
        ("402 Payment Required", "no", ErrorClass.PAYMENT),
        ("403 Forbidden", "no", ErrorClass.AUTH),
        ("404 Not Found", "no", ErrorClass.NOT_FOUND),
        ("429 Too Many Requests", "slower", ErrorClass.RATE_LIMITED),
        ("429 Too Many Requests", "we are out of capacity", ErrorClass.OVERLOADED),
        ("500 Internal Server Error", "oops", ErrorClass.SERVER_ERROR),
        ("502 Bad Gateway", "oops", ErrorClass.SERVER_ERROR),
        ("503 Service Unavailable", "oops", ErrorClass.OVERLOADED),
        ("529 Site Overloaded", "oops", ErrorClass.OVERLOADED),
    ],
)
async def test_a_refusal_is_classed_and_measured_to_its_head(status: str, message: str, error: ErrorClass) -> None:
    with serving(Act.ASKED, refused(status, message)) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame) == (error, error.blame)
    assert sample.status_code == int(status[:3])
    assert (sample.detail or "").startswith(f"HTTP {status[:3]}: {message} (http://127.0.0.1:")
    assert sample.headers_s is not None
    assert (sample.ttft_s, sample.e2e_s, sample.answer_ok) == (None, None, None)


async def test_how_long_to_wait_is_kept() -> None:
    with serving(Act.ASKED, refused("429 Too Many Requests", "slower", Retry_After="7")) as provider:
        sample = await probe(provider.base_url)
    assert sample.retry_after_s == 7


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(head("500 Oops"), id="no body"),
        pytest.param(head("500 Oops") + b"\xff\xfe<html>", id="no JSON"),
        pytest.param(head("500 Oops") + b'{"error": [1, 2]}', id="JSON of another shape"),
        pytest.param(head("500 Oops") + b"x" * (1 << 20), id="a body too long"),
        pytest.param(head("500 Oops", {"Content-Length": "100"}) + b"{", id="a body cut short"),
        pytest.param(head("500 Oops", {"Content-Encoding": "gzip"}) + b"\x1f\x8b\x08", id="gzip"),
        pytest.param(head("500 Oops") + STREAM, id="a good stream"),
    ],
)
async def test_a_refusal_with_an_empty_body_is_classified_by_its_status(answer: bytes) -> None:
    with serving(Act.ASKED, answer) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.status_code) == (ErrorClass.SERVER_ERROR, 500)
    assert (sample.detail or "").startswith("HTTP 500 (http://127.0.0.1:")
    assert (sample.ttft_s, sample.e2e_s) == (None, None)


async def test_a_refusal_does_not_tell_the_key_that_it_repeats() -> None:
    with serving(Act.ASKED, refused("401 Unauthorized", f"Incorrect API key provided: {KEY}")) as provider:
        sample = await probe(provider.base_url)
    assert sample.error is ErrorClass.AUTH
    assert KEY not in repr(sample)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed_and_the_key_stays_here(status: str) -> None:
    with serving(Act.ASKED, head(), STREAM) as elsewhere:
        with serving(Act.ASKED, head(status, {"Location": f"{elsewhere.base_url}/chat/completions"})) as provider:
            sample = await probe(provider.base_url)
            assert len(provider.visits) == 1
        assert elsewhere.visits == []
    assert (sample.error, sample.status_code) == (ErrorClass.NOT_FOUND, int(status[:3]))


async def test_a_redirect_to_nowhere_is_the_redirect() -> None:
    location = f"http://127.0.0.1:{refusing_port()}/"
    with serving(Act.ASKED, head("307 Temporary", {"Location": location})) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.status_code) == (ErrorClass.NOT_FOUND, 307)


async def test_switching_protocols_is_no_success() -> None:
    answer = head("101 Switching Protocols", {"Upgrade": "websocket", "Connection": "Upgrade"})
    with serving(Act.ASKED, answer + STREAM) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame, sample.status_code) == (ErrorClass.MALFORMED, Blame.PROVIDER, 101)


async def test_a_refusal_that_does_not_wait_for_the_whole_request_is_that_refusal() -> None:
    """Sent after the head, with the body unread: closing then resets the connection."""
    with serving(Act.HEAD_ASKED, refused("413 Too Large", "too large"), 0.05) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.status_code) == (ErrorClass.BAD_REQUEST, 413)
