"""Missing and slow answers: which of the two deadlines ends a probe, and the error class."""

from __future__ import annotations

import pytest

from probes._model import Blame, ErrorClass, Timing
from tests.integration.probes.asking import probe
from tests.integration.probes.provider import (
    COMMENT,
    DONE,
    ROLE,
    STOP,
    Act,
    Step,
    again,
    black_hole,
    delta,
    head,
    serving,
)

SHORT_S = 0.3
DRIP_S = 0.04


async def test_silence_before_the_head_is_no_first_token_in_time() -> None:
    with serving(Act.ASKED, Act.LEFT) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
        assert provider.visit.over.wait(5), "and the connection is closed"
    assert (sample.error, sample.blame) == (ErrorClass.TIMEOUT_TTFT, Blame.PROVIDER)
    assert (sample.status_code, sample.headers_s, sample.timing, sample.cold) == (None, None, None, True)
    assert sample.detail == f"no answer from 127.0.0.1:{provider.port} to the request (timed out after {SHORT_S} s)"
    assert sample.rtt_s is not None, "the connection stood"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((head(), Act.LEFT), id="nothing"),
        pytest.param((head(), ROLE, Act.LEFT), id="a role and no text"),
        pytest.param((head(), *again(20, COMMENT, DRIP_S), Act.LEFT), id="comments"),
        pytest.param((head(), *again(20, ROLE, COMMENT, delta(""), DRIP_S), Act.LEFT), id="all that is no content"),
        pytest.param((head(), delta("1, 2")[:-6], Act.LEFT), id="an event that does not end"),
    ],
)
async def test_a_head_and_then_no_content_is_no_first_token_in_time(script: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, *script) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
        assert provider.visit.over.wait(5)
    assert (sample.error, sample.blame) == (ErrorClass.TIMEOUT_TTFT, Blame.PROVIDER)
    assert (sample.status_code, sample.ttft_s, sample.e2e_s) == (200, None, None)
    assert sample.headers_s is not None
    assert sample.detail is not None
    assert sample.detail.startswith("headers, but no content")
    assert sample.timing is Timing.KERNEL


async def test_the_first_token_deadline_counts_from_the_request_not_from_the_head() -> None:
    with serving(Act.ASKED, SHORT_S / 2, head(), SHORT_S, delta("1, 2, 3"), DONE) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
    assert sample.error is ErrorClass.TIMEOUT_TTFT
    assert sample.headers_s is not None
    assert sample.headers_s < SHORT_S


async def test_the_earlier_of_both_deadlines_wins() -> None:
    with serving(Act.ASKED, head(), ROLE, Act.LEFT) as provider:
        sample = await probe(provider.base_url, total_s=SHORT_S)
        assert provider.visit.over.wait(5)
    assert sample.error is ErrorClass.TIMEOUT_TTFT
    with serving(Act.ASKED, Act.LEFT) as provider:
        sample = await probe(provider.base_url, total_s=SHORT_S)
        assert provider.visit.over.wait(5)
    assert sample.error is ErrorClass.TIMEOUT_TTFT


async def test_the_earlier_of_both_deadlines_bounds_connecting_too() -> None:
    with black_hole() as base_url:
        sample = await probe(base_url, total_s=SHORT_S)
    assert sample.error is ErrorClass.CONNECT


async def test_a_stream_that_drips_beyond_the_deadline_is_too_slow() -> None:
    with serving(Act.ASKED, head(), *again(100, delta("1, 2, 3 "), DRIP_S), DONE) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S, total_s=2 * SHORT_S)
        assert provider.visit.over.wait(5)
    assert (sample.error, sample.blame) == (ErrorClass.TIMEOUT_TOTAL, Blame.PROVIDER)
    assert sample.ttft_s is not None
    assert sample.itl_max_s is not None
    assert sample.e2e_s is None


async def test_a_stream_that_falls_silent_is_stalled() -> None:
    with serving(Act.ASKED, head(), delta("1, 2"), Act.LEFT) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S, total_s=2 * SHORT_S)
        assert provider.visit.over.wait(5)
    assert (sample.error, sample.blame) == (ErrorClass.STALLED, Blame.PROVIDER)
    assert sample.ttft_s is not None
    assert sample.e2e_s is None


async def test_comments_do_not_keep_a_stalled_stream_alive() -> None:
    with serving(Act.ASKED, head(), delta("1, 2"), *again(40, COMMENT, DRIP_S), STOP + DONE) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S, total_s=2 * SHORT_S)
        assert provider.visit.over.wait(5)
    assert sample.error is ErrorClass.STALLED


async def test_a_head_that_drips_endlessly_ends_at_the_deadline() -> None:
    with serving(Act.ASKED, b"HTTP/1.1 200 OK\r\n", *again(40, b"X-More: yes\r\n", DRIP_S)) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
        assert provider.visit.over.wait(5)
    assert sample.error is ErrorClass.TIMEOUT_TTFT
    assert sample.status_code is None


async def test_interim_answers_without_end_end_at_the_deadline() -> None:
    with serving(Act.ASKED, *again(40, head("102 Processing"), DRIP_S)) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
        assert provider.visit.over.wait(5)
    assert sample.error is ErrorClass.TIMEOUT_TTFT
    assert sample.status_code is None


async def test_a_refusal_whose_body_never_ends_is_still_that_refusal() -> None:
    with serving(Act.ASKED, head("503 Service Unavailable"), b"try", Act.LEFT) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
        assert provider.visit.over.wait(5)
    assert (sample.error, sample.status_code) == (ErrorClass.OVERLOADED, 503)
