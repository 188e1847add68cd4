"""A right answer is a success, measured in all its phases, however the bytes come."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from probes._driver import measure
from probes._model import Blame, Sample, Timing, TokensFrom
from tests.integration.probes.asking import CODEC, KEY, probe, run_to
from tests.integration.probes.provider import (
    ANSWER,
    CHUNKED,
    COMMENT,
    DONE,
    ROLE,
    STOP,
    STREAM,
    USAGE,
    Act,
    Step,
    chunk,
    delta,
    event,
    head,
    serving,
)

GAP_S = 0.03
SIZED = head(headers={"Content-Length": str(len(STREAM))})


def measured(*times_s: float | None) -> list[float]:
    """The times, all of which must have been measured."""
    found = [time_s for time_s in times_s if time_s is not None]
    assert len(found) == len(times_s)
    return found


def in_order(*times_s: float | None) -> bool:
    found = measured(*times_s)
    return found == sorted(found) and found[0] > 0


def succeeded(sample: Sample) -> bool:
    assert (sample.error, sample.detail) == (None, None)
    return sample.answer_ok is True and sample.status_code == 200


async def test_every_phase_of_a_success_is_measured_and_in_order() -> None:
    with serving(
        Act.ASKED, GAP_S, head(), GAP_S, ROLE, GAP_S, delta("1, 2"), GAP_S, delta(", 3"), GAP_S, STOP + USAGE + DONE
    ) as provider:
        sample = await probe(provider.base_url)
    assert succeeded(sample)
    assert in_order(sample.headers_s, sample.ttft_s, sample.e2e_s)
    headers_s, ttft_s, ttat_s, e2e_s, connect_s = measured(
        sample.headers_s, sample.ttft_s, sample.ttat_s, sample.e2e_s, sample.connect_s
    )
    assert headers_s >= GAP_S
    assert ttft_s - headers_s > GAP_S
    assert ttat_s == ttft_s
    assert e2e_s - ttft_s > GAP_S
    assert connect_s > 0
    assert sample.itl_max_s is not None
    assert sample.itl_p50_s == sample.itl_p99_s == sample.itl_max_s
    assert (sample.cold, sample.dns_s, sample.tls_s) == (True, None, None)
    assert sample.blame is None


async def test_a_success_says_how_it_was_measured() -> None:
    with serving(Act.ASKED, head(), GAP_S, ANSWER, GAP_S, STOP + USAGE + DONE) as provider:
        sample = await probe(provider.base_url)
    assert succeeded(sample)
    assert (sample.timing, sample.clock_step) == (Timing.KERNEL, False)
    assert sample.rx_lag_s is not None
    assert sample.rx_lag_s >= 0
    assert sample.merged_reads == 0
    assert sample.rtt_s is not None
    assert sample.rtt_s > 0
    assert sample.retransmits == 0


async def test_tokens_speeds_and_cost_come_from_the_usage() -> None:
    with serving(Act.ASKED, head(), delta("1, 2"), GAP_S, delta(", 3"), STOP + USAGE + DONE) as provider:
        sample = await probe(provider.base_url)
    assert (sample.prompt_tokens, sample.output_tokens, sample.tokens_from) == (43, 6, TokensFrom.USAGE)
    output_tps, tpot_s, e2e_tps, e2e_s = measured(sample.output_tps, sample.tpot_s, sample.e2e_tps, sample.e2e_s)
    assert math.isclose(output_tps * tpot_s, 1)
    assert math.isclose(e2e_tps * e2e_s, 6)


async def test_reasoning_is_a_first_token_but_not_an_answer() -> None:
    thought = event({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]})
    with serving(Act.ASKED, head(), thought, GAP_S, ANSWER, STOP + DONE) as provider:
        sample = await probe(provider.base_url)
    assert succeeded(sample)
    ttft_s, ttat_s = measured(sample.ttft_s, sample.ttat_s)
    assert ttat_s - ttft_s > GAP_S / 2


async def test_the_lag_counts_from_the_schedule_and_belongs_to_no_phase() -> None:
    late_s = 100.0
    with serving(Act.ASKED, head(), STREAM) as provider:
        wanted = datetime.now(UTC) - timedelta(seconds=late_s)
        sample = await measure(replace(run_to(provider.base_url), scheduled_at=wanted), CODEC)
    assert succeeded(sample)
    assert sample.lag_s is not None
    assert sample.lag_s == (sample.started_at - wanted).total_seconds() >= late_s
    assert in_order(sample.headers_s, sample.ttft_s, sample.e2e_s)
    assert measured(sample.e2e_s)[0] < late_s


async def test_the_start_is_the_moment_the_request_went_out() -> None:
    before = datetime.now(UTC)
    with serving(Act.ASKED, 0.2, head(), STREAM) as provider:
        sample = await probe(provider.base_url)
    assert before <= sample.started_at
    assert sample.started_at + timedelta(seconds=measured(sample.e2e_s)[0]) <= datetime.now(UTC)


async def test_a_name_is_resolved_and_its_phase_measured() -> None:
    with serving(Act.ASKED, head(), STREAM, host="localhost") as provider:
        sample = await probe(provider.base_url)
    assert succeeded(sample)
    assert measured(sample.dns_s)[0] > 0
    assert measured(sample.connect_s)[0] > 0


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((head() + STREAM,), id="all in one segment"),
        pytest.param((head(), STREAM), id="ended by the connection"),
        pytest.param((head(version="1.0"), STREAM), id="HTTP 1.0"),
        pytest.param((SIZED, STREAM), id="a content length"),
        pytest.param((SIZED + STREAM, Act.LEFT), id="a content length and a connection left open"),
        pytest.param((head(headers=CHUNKED), chunk(STREAM), chunk(b"")), id="one chunk"),
        pytest.param(
            (head(headers=CHUNKED), *(chunk(bytes([octet])) for octet in STREAM), chunk(b"")), id="chunks of one byte"
        ),
        pytest.param(tuple(bytes([octet]) for octet in head() + STREAM), id="segments of one byte"),
        pytest.param((head(), COMMENT + ROLE + ANSWER + STOP + DONE), id="several events a segment"),
        pytest.param((head(), STREAM.replace(b"\n", b"\r\n")), id="lines ended by CR LF"),
        pytest.param((head(headers={"Content-Type": "text/plain"}), STREAM), id="a content type that is wrong"),
        pytest.param(
            (head("206 Partial Content").replace(b"206 Partial Content", b"200"), STREAM), id="no reason phrase"
        ),
        pytest.param((head(), ROLE + ANSWER + STOP), id="a finish reason and no [DONE]"),
        pytest.param((head(), ROLE + ANSWER + DONE), id="[DONE] and no finish reason"),
        pytest.param((head(), ROLE + ANSWER + STOP + DONE, Act.RESET), id="broken off after [DONE]"),
        pytest.param((head(headers=CHUNKED), chunk(STREAM)), id="chunks without a last one after [DONE]"),
        pytest.param((head(), ANSWER + STOP + DONE + b"\x00\xff nonsense"), id="nonsense after [DONE]"),
    ],
)
async def test_a_whole_answer_is_a_success_however_it_comes(script: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, *script) as provider:
        sample = await probe(provider.base_url)
    assert succeeded(sample)
    assert in_order(sample.headers_s, sample.ttft_s, sample.e2e_s)
    assert sample.timing is Timing.KERNEL


async def test_an_event_may_be_cut_in_the_middle_of_a_character() -> None:
    whole = delta("1, 2, 3 ½ 🦙")
    cuts = [at for at, octet in enumerate(whole) if octet >= 0x80]
    pieces: list[Step] = []
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        pieces += [whole[begin:end], 0.005]
    with serving(Act.ASKED, head(), *pieces, STOP + DONE) as provider:
        sample = await probe(provider.base_url)
        sent_ns = provider.visit.sent_ns
    assert succeeded(sample)
    first_s, last_s = measured(sample.ttft_s, sample.e2e_s)
    assert first_s - measured(sample.headers_s)[0] > (sent_ns[-2] - sent_ns[1]) / 2e9, "it arrived with its last byte"
    assert first_s <= last_s


async def test_an_answer_that_stays_open_after_its_end_is_a_success_at_the_deadline() -> None:
    with serving(Act.ASKED, head(), STREAM, Act.LEFT) as provider:
        sample = await probe(provider.base_url, ttft_s=0.2, total_s=0.5)
        assert succeeded(sample)
        assert measured(sample.e2e_s)[0] < 0.5
        assert provider.visit.over.wait(5)


async def test_a_first_token_deadline_that_passes_after_content_ends_nothing() -> None:
    with serving(Act.ASKED, head(), delta("1, 2"), 0.6, delta(", 3") + STOP + DONE) as provider:
        sample = await probe(provider.base_url, ttft_s=0.3)
    assert succeeded(sample)
    assert measured(sample.e2e_s)[0] >= 0.6


@pytest.mark.parametrize(
    "early",
    [
        pytest.param((head("100 Continue", {"Content-Type": "x"}), 0.05), id="100"),
        pytest.param((head("103 Early Hints", {"Link": "</x>"}), 0.05, head("102 Processing"), 0.05), id="103 and 102"),
        pytest.param((head("103 Early Hints"),), id="103 in the same breath"),
    ],
)
async def test_an_interim_answer_is_not_the_answer(early: tuple[Step, ...]) -> None:
    with serving(Act.ASKED, *early, head(), 0.05, STREAM) as provider:
        sample = await probe(provider.base_url)
        final_ns, asked_ns = provider.visit.sent_ns[-2], provider.visit.asked_ns
    assert succeeded(sample)
    assert in_order(sample.headers_s, sample.ttft_s, sample.e2e_s)
    assert asked_ns is not None
    assert measured(sample.headers_s)[0] >= (final_ns - asked_ns) / 1e9, "the status line is the final one's"


async def test_an_answer_that_begins_before_the_request_has_ended_is_read() -> None:
    with serving(Act.HEAD_ASKED, head(), ROLE, Act.ASKED, ANSWER + STOP + DONE) as provider:
        sample = await probe(provider.base_url)
    assert succeeded(sample)
    assert sample.blame is not Blame.PROVIDER
    assert in_order(sample.ttft_s, sample.e2e_s)


async def test_a_huge_prompt_is_timed_from_its_last_byte() -> None:
    """The provider takes its time to read, so that the request's first and last byte are far apart."""
    slowly: list[Step] = [0.1, Act.MORE_ASKED] * 8
    with serving(Act.HEAD_ASKED, *slowly, Act.ASKED, head(), STREAM) as provider:
        run = run_to(provider.base_url, ttft_s=0.5)
        began_ns = time.monotonic_ns()
        sample = await measure(replace(run, prompt=replace(run.prompt, text="x" * 12_000_000)), CODEC)
        visit = provider.visit
    assert succeeded(sample)
    assert len(visit.body) > 12_000_000
    assert visit.asked_ns is not None
    assert (visit.asked_ns - began_ns) / 1e9 > 0.8
    assert measured(sample.ttft_s)[0] < 0.5, "neither figure nor deadline counts the time of sending"


async def test_a_large_prompt_arrives_whole() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        run = run_to(provider.base_url)
        text = "".join(str(number) for number in range(90_000))
        sample = await measure(replace(run, prompt=replace(run.prompt, text=text)), CODEC)
        body = json.loads(provider.visit.body)
    assert succeeded(sample)
    assert body["messages"] == [{"role": "user", "content": text}]


async def test_a_probe_says_no_secret() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        run = run_to(provider.base_url)
        sample = await measure(run, CODEC)
    assert KEY not in repr(run)
    assert KEY not in repr(sample)
