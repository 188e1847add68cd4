"""From the recorded data of a probe to its sample."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes._exchange import Clocks, Connection, Ending, Exchange
from probes._loader import codec
from probes._model import (
    Blame,
    ErrorClass,
    Fault,
    Pricing,
    Sample,
    Task,
    Timing,
    TokensFrom,
)
from probes._sample import sample, transcript, unmeasured
from probes._serialize import sample_from_plain, sample_to_plain
from tests.contract.exchanges import BEGAN_AT, BEGAN_NS, EVENT_STREAM, KEY, T0_NS, exchange_of, run_to
from tests.unit.probes.streams import CODEC, DONE, GOOD, LENGTH, ONE, ROLE, STOP, TWO, USAGE, WRONG, taken


def clocks(*lags_s: float) -> Clocks:
    return Clocks(timing=Timing.KERNEL, clock_step=False, rx_lag_s=max(lags_s, default=0.0), body_lags_s=lags_s)


def test_a_sample_says_what_was_asked_of_whom() -> None:
    seen = taken(GOOD)
    run = run_to()
    assert (seen.id, seen.endpoint, seen.vantage, seen.probe, seen.task) == (
        (run.id, run.endpoint.id, run.vantage, run.probe, run.task)
    )


def test_every_time_runs_from_the_request() -> None:
    seen = taken(GOOD, head_ns=T0_NS + 50_000_000)
    assert (seen.headers_s, seen.ttft_s, seen.ttat_s, seen.e2e_s) == (0.05, 0.2, 0.2, 0.6)


def test_a_probe_started_when_its_request_was_sent() -> None:
    seen = taken(GOOD)
    assert seen.scheduled_at == BEGAN_AT
    assert seen.started_at == BEGAN_AT + timedelta(seconds=0.25)
    assert seen.lag_s == pytest.approx(0.25)


def test_a_probe_whose_request_was_never_sent_started_when_it_began() -> None:
    seen = taken(t0_ns=None, head_ns=None, status=None, fault=Fault(error=ErrorClass.CONNECT))
    assert (seen.started_at, seen.lag_s) == (BEGAN_AT, 0.0)


def test_times_are_of_utc_wherever_the_machine_stands() -> None:
    assert taken(GOOD).started_at.tzinfo is UTC


def test_a_failed_probe_has_no_zero_seconds() -> None:
    seen = taken(t0_ns=None, head_ns=None, status=None, fault=Fault(error=ErrorClass.CONNECT))
    figures = {name: value for name, value in sample_to_plain(seen).items() if name.endswith(("_s", "_tps"))}
    assert {name for name, value in figures.items() if value is not None} == {"lag_s"}
    assert (seen.output_tokens, seen.merged_reads, seen.cost_usd) == (None, None, None)


def test_a_request_that_was_never_answered_has_no_time_of_headers() -> None:
    seen = taken(head_ns=None, status=None, fault=Fault(error=ErrorClass.TIMEOUT_TTFT))
    assert (seen.headers_s, seen.lag_s) == (None, 0.25)
    assert taken(t0_ns=None, fault=Fault(error=ErrorClass.INTERNAL)).headers_s is None


def test_the_connection_and_the_clocks_are_recorded_as_they_were() -> None:
    link = Connection(cold=True, dns_s=0.01, connect_s=0.02, tls_s=0.03, rtt_s=0.04, retransmits=2)
    seen = taken(GOOD, connection=link, clocks=clocks(0.001, 0.002))
    recorded = Connection(**{field.name: getattr(seen, field.name) for field in dataclasses.fields(Connection)})
    assert recorded == link
    assert (seen.timing, seen.clock_step, seen.rx_lag_s, seen.merged_reads) == (Timing.KERNEL, False, 0.002, 0)


def test_what_the_provider_counted_is_recorded_as_such() -> None:
    seen = taken(GOOD)
    assert (seen.prompt_tokens, seen.output_tokens, seen.tokens_from) == (1000, 8, TokensFrom.USAGE)
    assert (seen.reasoning_tokens, seen.cached_tokens) == (None, None)


NO_COUNT = b'data: {"choices":[],"usage":{}}\n\n'


@pytest.mark.parametrize("usage", [b"", NO_COUNT], ids=["no usage", "usage without a count"])
def test_what_the_provider_did_not_count_is_counted_here(usage: bytes) -> None:
    """`1, 2, 3` is seven tokens in o200k_base, and the prompt is 15."""
    seen = taken([(0.1, ONE), (0.2, TWO), (0.3, STOP), (0.4, usage)])
    assert (seen.output_tokens, seen.prompt_tokens, seen.tokens_from) == (7, 15, TokensFrom.COUNTED)
    assert (seen.reasoning_tokens, seen.cached_tokens) == (None, None)
    assert seen.e2e_tps == pytest.approx(7 / (seen.e2e_s or 0))


def test_reasoning_and_arguments_are_counted_too() -> None:
    thought = b'data: {"choices":[{"delta":{"reasoning_content":"Let me see"}}]}\n\n'
    call = b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{\\"a\\": 1}"}}]}}]}\n\n'
    seen = taken([(0.1, thought), (0.2, ONE), (0.3, call), (0.4, STOP)])
    assert seen.reasoning_tokens == 3
    assert seen.output_tokens == 3 + 4 + 6


def test_a_count_of_the_prompt_alone_is_kept_beside_what_is_counted() -> None:
    told = b'data: {"choices":[],"usage":{"prompt_tokens":99,"prompt_tokens_details":{"cached_tokens":9}}}\n\n'
    seen = taken([(0.1, told), (0.2, ONE + TWO + STOP)])
    assert (seen.prompt_tokens, seen.cached_tokens, seen.output_tokens) == (99, 9, 7)
    assert seen.tokens_from is TokensFrom.COUNTED


def test_an_answer_too_long_to_be_counted_is_not() -> None:
    long = ONE.replace(b"1, 2", b"1, 2, 3 " * 13_000)
    seen = taken([(0.1, long), (0.2, STOP)])
    assert (seen.error, seen.output_tokens, seen.prompt_tokens, seen.tokens_from) == (None, None, None, None)


def test_nothing_is_counted_where_nothing_came() -> None:
    seen = taken([(0.1, ROLE), (0.2, STOP)])
    assert (seen.prompt_tokens, seen.output_tokens, seen.tokens_from) == (None, None, None)


def test_a_count_of_the_prompt_is_the_providers_also_where_nothing_came() -> None:
    seen = taken([(0.1, b'data: {"choices":[],"usage":{"prompt_tokens":99}}\n\n'), (0.2, STOP)])
    assert (seen.error, seen.prompt_tokens, seen.output_tokens) == (ErrorClass.EMPTY, 99, None)
    assert seen.tokens_from is TokensFrom.USAGE


def embedded(body: bytes, **endpoint: Any) -> Sample:
    run = run_to("openai_embeddings", task=Task.EMBEDDING, **endpoint)
    return sample(run, codec("openai_embeddings", {}), exchange_of([(0.1, body)], headers=JSON))


JSON = {"content-type": "application/json"}
VECTOR = b'{"data":[{"index":0,"embedding":[0.5,0.5,-0.5,0.5]}],"model":"m"'


def test_an_embedding_has_prompt_tokens_and_no_output() -> None:
    usage = b',"usage":{"prompt_tokens":8,"total_tokens":8}}'
    told = embedded(VECTOR + usage, pricing=Pricing(prompt=0.5, completion=0))
    assert (told.error, told.answer_ok, told.prompt_tokens, told.output_tokens) == (None, True, 8, None)
    assert told.tokens_from is TokensFrom.USAGE
    assert told.cost_usd == pytest.approx(8 * 0.5 / 1e6)
    counted = embedded(VECTOR + b"}")
    assert (counted.prompt_tokens, counted.output_tokens, counted.tokens_from) == (11, None, TokensFrom.COUNTED)


def test_cached_tokens_have_a_price_of_their_own_where_it_is_known() -> None:
    details = b'"prompt_tokens_details":{"cached_tokens":60}'
    usage = b'data: {"usage":{"prompt_tokens":100,"completion_tokens":0,' + details + b"}}\n\n"
    for cached, prompt_usd in ((0.1, 40 * 0.5 + 60 * 0.1), (None, 100 * 0.5)):
        run = run_to(pricing=Pricing(prompt=0.5, completion=1.5, cached=cached))
        assert taken([(0.1, ONE + TWO + STOP + usage)], run=run).cost_usd == pytest.approx(prompt_usd / 1e6)


def test_the_providers_own_time_in_the_stream_outweighs_a_header() -> None:
    done = b'{"message":{"content":"1, 2, 3"},"done":true,"done_reason":"stop","total_duration":250000000}\n'
    exchange = exchange_of([(0.1, done)], headers={"openai-processing-ms": "412"})
    assert sample(run_to("ollama_chat"), codec("ollama_chat", {}), exchange).server_s == 0.25


PRICED = run_to(pricing=Pricing(prompt=0.5, completion=1.5))


def test_cost_is_tokens_by_their_price_per_million() -> None:
    assert taken(GOOD, run=PRICED).cost_usd == pytest.approx((1000 * 0.5 + 8 * 1.5) / 1e6, rel=1e-9)


@pytest.mark.parametrize(
    "usage",
    [b'data: {"usage":{"completion_tokens":5}}\n\n', b'data: {"usage":{"completion_tokens":5}}\n\ndata: [DONE]\n\n'],
)
def test_cost_is_unknown_without_a_price_or_a_count(usage: bytes) -> None:
    assert taken([(0.1, ONE + TWO + STOP + usage)], run=PRICED).cost_usd is None
    assert taken(GOOD).cost_usd is None


def test_tokens_of_a_failed_answer_cost_too() -> None:
    assert taken([(0.1, WRONG + STOP + USAGE)], run=PRICED).cost_usd is not None


def test_a_free_endpoint_costs_nothing_and_that_is_known() -> None:
    assert taken(GOOD, run=run_to(pricing=Pricing(prompt=0.0, completion=0.0))).cost_usd == 0.0


def test_headers_of_a_success_are_read_too() -> None:
    seen = taken(GOOD, headers={**EVENT_STREAM, "openai-processing-ms": "412", "retry-after": "3"})
    assert (seen.server_s, seen.retry_after_s) == (0.412, 3.0)


def test_a_refusal_says_how_long_to_wait() -> None:
    assert taken(status=429, headers={"retry-after": "7"}).retry_after_s == 7.0


# Not made


@pytest.mark.parametrize("error", [error for error in ErrorClass if error.blame in {Blame.MONITOR, Blame.NETWORK}])
def test_a_probe_that_was_not_made_has_the_blame_of_its_class_and_no_figures(error: ErrorClass) -> None:
    at = datetime(2026, 11, 22, 8, tzinfo=UTC)
    seen = unmeasured(run_to(), error, f"key {KEY}\x07" + "x" * 500, at)
    assert (seen.error, seen.blame, seen.started_at) == (error, error.blame, at)
    assert (seen.detail or "").startswith("key *** xxx")
    assert len(seen.detail or "") == 200
    told = {name for name, value in sample_to_plain(seen).items() if value is not None}
    identity = {"id", "endpoint", "vantage", "probe", "task", "scheduled_at", "started_at"}
    assert told == identity | {"error", "blame", "detail"}


# For people


def test_a_transcript_is_every_frame_with_its_time() -> None:
    lines = list(
        transcript(run_to(), CODEC, exchange_of([(0.1, b": hi\n\n"), (0.2, STOP[:9]), (0.3, STOP[9:] + b"data: \xff")]))
    )
    assert lines == [(0.3, STOP[6:-2].decode()), (0.3, "\ufffd")]


def test_a_transcript_shows_bytes_that_no_read_accounts_for_with_the_last() -> None:
    seen = exchange_of([(0.1, DONE)])
    early = dataclasses.replace(seen.arrivals[0], end=3)
    assert list(transcript(run_to(), CODEC, dataclasses.replace(seen, arrivals=(early,)))) == [(0.1, "[DONE]")]


def test_a_transcript_of_a_refusal_is_its_body() -> None:
    assert list(transcript(run_to(), CODEC, exchange_of([(0.1, b"no\xff")], status=500))) == [(None, "no\ufffd")]


def test_a_transcript_of_nothing_is_empty() -> None:
    assert list(transcript(run_to(), CODEC, exchange_of())) == []


# Anything

WORDS = [ROLE, ONE, TWO, WRONG, STOP, LENGTH, USAGE, DONE, b": ping\n\n", b"data: {\n\n", b"\xff", b"\n"]
exchanges = st.builds(
    lambda gaps, **fields: exchange_of(
        [(sum(gap for gap, _ in gaps[: at + 1]), piece) for at, (_, piece) in enumerate(gaps)], **fields
    ),
    st.lists(st.tuples(st.floats(0.001, 20), st.sampled_from(WORDS)), max_size=8),
    status=st.sampled_from([200, 204, 302, 400, 401, 429, 500, 529]),
    ending=st.sampled_from(Ending),
    ended_ns=st.integers(T0_NS, T0_NS + 60 * 10**9),
    fault=st.none() | st.builds(Fault, error=st.sampled_from(ErrorClass), detail=st.none() | st.text()),
)


@settings(deadline=None)
@given(exchanges)
def test_whatever_was_seen_the_sample_is_consistent(exchange: Exchange) -> None:
    seen = sample(PRICED, CODEC, exchange)
    assert seen.blame is (seen.error.blame if seen.error else None)
    assert (seen.detail or "x").isprintable()
    assert sample_from_plain(sample_to_plain(seen)) == seen
    if seen.error is None:
        assert seen.status_code in {200, 204}
        assert seen.ttft_s is not None
        assert seen.e2e_s is not None
        assert seen.ttft_s <= seen.e2e_s
        assert seen.answer_ok is not False
    figures = (seen.headers_s, seen.ttft_s, seen.ttat_s, seen.e2e_s, seen.itl_p50_s, seen.output_tps, seen.e2e_tps)
    assert all(value is None or value > 0 for value in figures)


def test_made_up_exchanges_began_before_their_request() -> None:
    assert BEGAN_NS < T0_NS


def test_a_transcript_shows_no_key_that_a_provider_echoes() -> None:
    refused = list(transcript(run_to(), CODEC, exchange_of([(0.1, f"bad key {KEY}".encode())], status=401)))
    assert refused == [(None, "bad key ***")]
    streamed = list(transcript(run_to(), CODEC, exchange_of([(0.1, f"data: {KEY}\n\n".encode())])))
    assert streamed == [(0.1, "***")]


def test_a_transcript_ends_with_what_could_not_be_framed() -> None:
    seen = exchange_of([(0.1, STOP), (0.2, b"data: " + b"x" * (1 << 20))])
    *_, (at_s, words) = transcript(run_to(), CODEC, seen)
    assert at_s is None
    assert "an event of more than" in words


def test_cost_is_unknown_where_the_answer_was_neither_told_nor_counted() -> None:
    told = b'data: {"choices":[],"usage":{"prompt_tokens":99}}\n\n'
    seen = taken([(0.1, told), (0.2, ONE.replace(b"1, 2", b"1, 2, 3 " * 13_000)), (0.3, STOP)], run=PRICED)
    assert (seen.prompt_tokens, seen.output_tokens, seen.cost_usd) == (99, None, None)
