"""An answer that ends without proof of its end is truncated, whatever its content."""

from __future__ import annotations

import pytest

from probes._model import Blame, ErrorClass
from tests.integration.probes.asking import probe
from tests.integration.probes.provider import (
    ANSWER,
    CHUNKED,
    DONE,
    ROLE,
    STOP,
    Act,
    Step,
    chunk,
    delta,
    head,
    serving,
)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((ANSWER,), id="the end of the connection"),
        pytest.param((ANSWER, Act.RESET), id="a reset"),
        pytest.param((ANSWER, 0.05, Act.RESET), id="a late reset"),
        pytest.param((ANSWER, STOP[:-20]), id="half an event"),
        pytest.param((ANSWER, b"data: [DON"), id="half the proof"),
    ],
)
async def test_text_without_proof_of_the_end_is_truncated(script: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, head(), *script) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame) == (ErrorClass.TRUNCATED, Blame.PROVIDER)
    assert sample.ttft_s is not None
    assert (sample.e2e_s, sample.answer_ok) == (None, None)
    assert sample.detail is not None
    assert "after 1 content events" in sample.detail


@pytest.mark.parametrize(
    ("headers", "script"),
    [
        pytest.param(CHUNKED, (chunk(ANSWER),), id="no last chunk"),
        pytest.param(CHUNKED, (chunk(ANSWER)[:-9],), id="half a chunk"),
        pytest.param(CHUNKED, (chunk(ANSWER), chunk(STOP)[:2]), id="half a chunk's size"),
        pytest.param({"Content-Length": "5000"}, (ANSWER,), id="less than the content length"),
        pytest.param({"Content-Length": "5000"}, (ANSWER, Act.RESET), id="a reset before the content length"),
        pytest.param(
            {"Content-Length": str(len(ANSWER))}, (ANSWER, 0.1, STOP + DONE), id="more than the content length"
        ),
    ],
)
async def test_a_body_that_http_says_is_not_whole_is_truncated(
    headers: dict[str, str], script: tuple[Step, ...]
) -> None:
    with serving(Act.ASKED, head(headers=headers), *script) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame) == (ErrorClass.TRUNCATED, Blame.PROVIDER)
    assert sample.status_code == 200


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((), id="closed"),
        pytest.param((Act.RESET,), id="reset"),
        pytest.param((b"HTTP/1.1 20",), id="closed in the status line"),
        pytest.param((head()[:-2],), id="closed in the headers"),
        pytest.param((head()[:-2], 0.05, Act.RESET), id="reset in the headers"),
        pytest.param((head("100 Continue"),), id="closed after an interim answer"),
    ],
)
async def test_a_connection_that_ends_before_the_head_is_truncated(script: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, *script) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame) == (ErrorClass.TRUNCATED, Blame.PROVIDER)
    assert (sample.status_code, sample.headers_s, sample.cold) == (None, None, True)
    assert sample.detail is not None
    assert f"127.0.0.1:{provider.port} " in sample.detail
    assert "before an answer" in sample.detail


async def test_a_provider_that_resets_every_connection_at_once_is_never_a_success() -> None:
    with serving(Act.RESET) as provider:
        sample = await probe(provider.base_url)
    assert sample.error in {ErrorClass.TRUNCATED, ErrorClass.CONNECT}
    assert sample.blame is Blame.PROVIDER


@pytest.mark.parametrize("script", [(), (ROLE,)], ids=["nothing", "a role"])
async def test_an_answer_that_ends_before_any_content_is_truncated(script: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, head(), *script) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.ttft_s) == (ErrorClass.TRUNCATED, None)
    assert sample.headers_s is not None


async def test_the_proof_of_an_end_without_content_is_empty() -> None:
    with serving(Act.ASKED, head(), ROLE + STOP + DONE) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.blame, sample.ttft_s) == (ErrorClass.EMPTY, Blame.PROVIDER, None)


async def test_a_success_without_a_body_is_no_success() -> None:
    with serving(Act.ASKED, head("204 No Content")) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.status_code) == (ErrorClass.TRUNCATED, 204)


async def test_a_wrong_answer_is_distinguished_from_a_right_one() -> None:
    with serving(Act.ASKED, head(), delta("As a language model, 7"), STOP + DONE) as provider:
        sample = await probe(provider.base_url)
    assert (sample.error, sample.answer_ok) == (ErrorClass.WRONG_ANSWER, False)
