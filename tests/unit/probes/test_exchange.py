"""What one probe saw, to the sample that follows from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes._exchange import Clocks, Connection, Ending, Exchange
from probes._model import (
    Blame,
    Deadlines,
    ErrorClass,
    Event,
    Fault,
    Frame,
    Headers,
    Pricing,
    Run,
    Sample,
    Secret,
    Timing,
    TokensFrom,
)
from probes._plain import sample_from_plain, sample_to_plain
from probes._record import sample, transcript, unmeasured
from probes.openai_chat import OpenAIChat
from tests.contract.exchanges import BEGAN_AT, BEGAN_NS, EVENT_STREAM, KEY, T0_NS, exchange_of, run_to

CODEC = OpenAIChat()
ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
ONE = b'data: {"choices":[{"index":0,"delta":{"content":"1, 2"}}]}\n\n'
TWO = b'data: {"choices":[{"index":0,"delta":{"content":", 3"}}]}\n\n'
WRONG = b'data: {"choices":[{"index":0,"delta":{"content":"Paris, of course. Shall I tell you more about it?"}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
LENGTH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":8}}\n\n'
DONE = b"data: [DONE]\n\n"
GOOD = [(0.1, ROLE), (0.2, ONE), (0.3, TWO), (0.4, STOP), (0.5, USAGE), (0.6, DONE)]


@dataclasses.dataclass(frozen=True, slots=True)
class Clumsy(OpenAIChat):
    """A codec of a third party that cannot read refusals."""

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        raise KeyError(body.decode())

    def read(self, frame: Frame) -> Iterable[Event]:
        raise LookupError(frame.data.decode())


def taken(pieces: Iterable[tuple[float, bytes]] = (), *, run: Run | None = None, **fields: Any) -> Sample:
    return sample(run or run_to(), CODEC, exchange_of(pieces, **fields))


def ended_after(pieces: list[tuple[float, bytes]], seconds: float, ending: Ending) -> Sample:
    return taken(pieces, ending=ending, ended_ns=T0_NS + round(seconds * 1e9))


# Verdicts


def test_a_proven_end_with_content_is_a_success() -> None:
    seen = taken(GOOD)
    assert (seen.error, seen.blame, seen.detail, seen.answer_ok) == (None, None, None, True)


def test_a_fault_before_the_answer_is_the_verdict() -> None:
    seen = taken(fault=Fault(error=ErrorClass.DNS, detail="no such host"), status=None, t0_ns=None, head_ns=None)
    assert (seen.error, seen.blame, seen.detail) == (ErrorClass.DNS, Blame.PROVIDER, "no such host")


def test_a_fault_of_the_connection_outweighs_what_was_read() -> None:
    assert taken(GOOD, fault=Fault(error=ErrorClass.MALFORMED)).error is ErrorClass.MALFORMED


@pytest.mark.parametrize("status", [200, 201, 206, 299])
def test_every_status_of_2xx_is_read(status: int) -> None:
    assert taken(GOOD, status=status).error is None


@pytest.mark.parametrize("status", [100, 199, 300, 400, 599])
def test_a_good_stream_under_another_status_is_a_refusal(status: int) -> None:
    seen = taken(GOOD, status=status)
    assert seen.error is not None
    assert seen.status_code == status
    assert (seen.ttft_s, seen.answer_ok, seen.output_tokens) == (None, None, None)


def test_a_refusal_that_the_codec_cannot_read_is_malformed_and_keeps_strangers_words_out() -> None:
    seen = sample(run_to(), Clumsy(), exchange_of([(0.1, b"sk-secret")], status=500))
    assert (seen.error, seen.detail) == (ErrorClass.MALFORMED, "HTTP 500 with an unreadable body: KeyError")


def test_whatever_read_raises_is_malformed() -> None:
    seen = sample(run_to(), Clumsy(), exchange_of(GOOD))
    assert (seen.error, seen.blame, seen.detail) == (ErrorClass.MALFORMED, Blame.PROVIDER, "LookupError")


def test_text_before_the_end_of_file_is_truncated() -> None:
    seen = taken(GOOD[:3])
    assert seen.error is ErrorClass.TRUNCATED
    assert seen.detail == "the stream ended after 2 content events and without proof of its end"


def test_a_broken_connection_is_truncated() -> None:
    assert taken(ending=Ending.CUT).detail == "the connection broke before any content and without proof of its end"


@pytest.mark.parametrize("ending", Ending)
def test_once_the_end_was_proved_it_does_not_matter_how_reading_ended(ending: Ending) -> None:
    assert taken(GOOD, ending=ending).error is None


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ({"content-type": "text/html; charset=utf-8"}, ErrorClass.MALFORMED),
        ({"content-type": "application/json"}, ErrorClass.MALFORMED),
        ({}, ErrorClass.MALFORMED),
        ({"content-type": "text/event-stream"}, ErrorClass.TRUNCATED),
        ({"content-type": "Text/Event-Stream ; charset=utf-8"}, ErrorClass.TRUNCATED),
    ],
)
def test_an_answer_that_is_no_stream_is_malformed(kind: dict[str, str], error: ErrorClass) -> None:
    assert taken([(0.1, b"<html>")], headers=kind).error is error


def test_a_stream_under_another_content_type_is_read_all_the_same() -> None:
    assert taken(GOOD, headers={"content-type": "text/plain"}).error is None
    assert taken(GOOD[:3], headers={"content-type": "text/plain"}).error is ErrorClass.TRUNCATED


def test_no_content_at_the_first_deadline_is_a_timeout_of_the_first_token() -> None:
    seen = ended_after([(0.1, ROLE), (9.0, b": ping\n\n")], 10.0, Ending.TTFT_DEADLINE)
    assert (seen.error, seen.ttft_s) == (ErrorClass.TIMEOUT_TTFT, None)
    assert seen.detail == "headers, but no content within 10 s"


def test_no_content_at_the_second_deadline_is_one_too() -> None:
    seen = ended_after([(0.1, ROLE)], 30.0, Ending.TOTAL_DEADLINE)
    assert (seen.error, seen.detail) == (ErrorClass.TIMEOUT_TTFT, "headers, but no content within 30 s")


def test_a_stream_still_going_at_the_deadline_is_a_timeout() -> None:
    seen = ended_after([(1.0, ONE), (25.1, TWO)], 30.0, Ending.TOTAL_DEADLINE)
    assert (seen.error, seen.detail) == (ErrorClass.TIMEOUT_TOTAL, "still streaming after 30 s")
    assert (seen.ttft_s, seen.e2e_s) == (1.0, None)


@pytest.mark.parametrize("alive", [[], [(29.9, b": ping\n\n")], [(29.9, ROLE)]])
def test_silence_at_the_deadline_is_a_stall_and_keep_alives_do_not_break_it(alive: list[tuple[float, bytes]]) -> None:
    seen = ended_after([(1.0, ONE), (25.0, TWO), *alive], 30.0, Ending.TOTAL_DEADLINE)
    assert (seen.error, seen.detail) == (ErrorClass.STALLED, "silent for the last 5.0 s of 30 s")


def test_half_of_a_short_deadline_is_a_stall() -> None:
    run = run_to(deadlines=Deadlines(ttft_s=2.0, total_s=2.0))
    for at_s, error in ((1.0, ErrorClass.STALLED), (1.1, ErrorClass.TIMEOUT_TOTAL)):
        seen = exchange_of([(at_s, ONE)], ending=Ending.TOTAL_DEADLINE, ended_ns=T0_NS + 2 * 10**9)
        assert sample(run, CODEC, seen).error is error


def test_too_large_a_stream_is_malformed() -> None:
    seen = taken([(0.1, ONE)], ending=Ending.TOO_LARGE)
    assert (seen.error, seen.detail) == (ErrorClass.MALFORMED, f"more than {len(ONE)} bytes of stream")


def test_an_end_without_content_is_empty() -> None:
    seen = taken([(0.1, ROLE), (0.2, STOP)])
    assert (seen.error, seen.detail) == (ErrorClass.EMPTY, "the stream ended (stop) without content")


def test_another_answer_than_the_prompt_forces_is_wrong() -> None:
    seen = taken([(0.1, WRONG), (0.2, STOP)])
    assert (seen.error, seen.answer_ok) == (ErrorClass.WRONG_ANSWER, False)
    assert seen.detail == "answered 'Paris, of course. Shall I tell you more about it?'"


def test_an_answer_that_the_token_limit_cut_is_a_success() -> None:
    seen = taken([(0.1, ONE), (0.2, LENGTH)])
    assert (seen.error, seen.answer_ok) == (None, None)


def test_an_answer_is_not_judged_before_its_end() -> None:
    assert taken([(0.1, WRONG)]).answer_ok is None


def test_an_answer_that_ended_at_the_clocks_zero_is_judged() -> None:
    seen = dataclasses.replace(exchange_of(GOOD), t0_ns=-1, began_ns=-1, ended_ns=0)
    seen = dataclasses.replace(seen, arrivals=(dataclasses.replace(seen.arrivals[-1], at_ns=0),))
    assert sample(run_to(), CODEC, seen).answer_ok is True


# Our own lateness


def clocks(*lags_s: float) -> Clocks:
    return Clocks(timing=Timing.KERNEL, clock_step=False, rx_lag_s=max(lags_s, default=0.0), body_lags_s=lags_s)


def test_a_first_token_read_late_and_merged_is_tainted() -> None:
    for lag_s, told in ((0.02, "20 ms"), (1.2346, "1235 ms")):
        seen = taken([(0.1, ROLE), (0.2, ONE + TWO), (0.3, STOP)], clocks=clocks(0.0, lag_s, 0.0))
        assert (seen.error, seen.blame) == (ErrorClass.TAINTED, Blame.MONITOR)
        assert seen.detail == f"this machine read the first token {told} late"


@pytest.mark.parametrize(
    ("pieces", "seen"),
    [
        pytest.param([ONE + TWO, STOP], clocks(0.019, 0.5), id="merged, and read in time"),
        pytest.param([ONE, TWO + STOP], clocks(0.5, 0.5), id="late, and not merged"),
        pytest.param([ONE, TWO + TWO, STOP], clocks(0.5, 0.5, 0.5), id="merged later"),
        pytest.param([ROLE + ONE, TWO + STOP], clocks(0.5, 0.5), id="merged with no content"),
        pytest.param([ONE + TWO, STOP], Clocks(timing=Timing.LOOP, clock_step=True, rx_lag_s=None), id="no stamps"),
        pytest.param([ONE + TWO, STOP], None, id="no clocks"),
    ],
)
def test_other_lateness_taints_nothing(pieces: list[bytes], seen: Clocks | None) -> None:
    timed = [(0.1 * (number + 1), piece) for number, piece in enumerate(pieces)]
    assert taken(timed, clocks=seen).error is None


def test_a_failure_of_the_provider_is_not_excused_by_our_lateness() -> None:
    assert taken([(0.1, ONE + TWO)], clocks=clocks(0.5)).error is ErrorClass.TRUNCATED


# The record


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


def test_usage_that_counts_nothing_is_none() -> None:
    seen = taken([(0.1, ONE), (0.2, TWO), (0.3, STOP), (0.4, b'data: {"choices":[],"usage":{}}\n\n')])
    assert (seen.error, seen.output_tokens, seen.tokens_from) == (None, None, None)


PRICED = run_to(pricing=Pricing(prompt=0.5, completion=1.5))


def test_cost_is_tokens_by_their_price_per_million() -> None:
    assert taken(GOOD, run=PRICED).cost_usd == pytest.approx((1000 * 0.5 + 8 * 1.5) / 1e6, rel=1e-9)


@pytest.mark.parametrize(
    "usage",
    [b"", b'data: {"choices":[],"usage":{"prompt_tokens":5}}\n\n', b'data: {"usage":{"completion_tokens":5}}\n\n'],
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


# Details


def echoed(message: str, **endpoint: Any) -> str:
    body = b'{"error":{"message":' + f'"{message}"'.encode() + b"}}"
    return taken([(0.1, body)], status=400, run=run_to(**endpoint)).detail or ""


def test_an_echoed_key_is_starred() -> None:
    assert echoed(f"bad key {KEY}, sorry") == "HTTP 400: bad key ***, sorry"


def test_no_half_of_a_key_is_left_by_the_cut() -> None:
    for padding in range(200):
        assert "sk-" not in echoed("x" * padding + KEY)


def test_values_of_configured_headers_are_starred() -> None:
    headers = (("X-Api-Key", Secret("other-secret")), ("X-Empty", Secret("")))
    assert echoed(f"{KEY} other-secret", headers=headers) == "HTTP 400: *** ***"


def test_the_credential_inside_a_header_is_starred_alone() -> None:
    headers = (("Authorization", Secret("Bearer sk-in-a-header")),)
    assert echoed("bad key sk-in-a-header", api_key=None, headers=headers) == "HTTP 400: bad key ***"
    assert echoed("Bearer of bad news", api_key=None, headers=headers) == "HTTP 400: Bearer of bad news"


def test_a_short_word_of_a_header_is_no_credential() -> None:
    headers = (("X-Note", Secret("of seven77 or eight888")),)
    assert echoed("eight888, not seven77", api_key=None, headers=headers) == "HTTP 400: ***, not seven77"


def test_a_secret_that_begins_with_another_is_starred_whole() -> None:
    headers = (("X-Prefix", Secret("sk-")), ("X-Longer", Secret(KEY + "-and-more")))
    assert echoed(f"{KEY}-and-more {KEY} sk-", headers=headers) == "HTTP 400: *** *** ***"


def test_a_key_in_an_answer_is_starred_before_the_answer_is_cut() -> None:
    for padding in range(0, 70, 3):
        text = f'data: {{"choices":[{{"delta":{{"content":"{"x" * padding}{KEY}"}}}}]}}\n\n'.encode()
        seen = taken([(0.1, text + STOP)])
        assert seen.error is ErrorClass.WRONG_ANSWER
        assert "sk-" not in (seen.detail or "")


def test_a_key_in_a_content_type_is_starred() -> None:
    seen = taken([(0.1, b"x")], headers={"content-type": f"text/{KEY}"})
    assert seen.detail == "not a stream of events: content type text/***"


def test_a_long_detail_says_that_it_was_cut() -> None:
    detail = echoed("x" * 500)
    assert (len(detail), detail[-1]) == (200, "…")


def test_a_fault_without_words_has_no_detail() -> None:
    for words in (None, "", "\a", "数字"):
        assert taken(fault=Fault(error=ErrorClass.TLS, detail=words)).detail is None


def test_a_detail_is_harmless_wherever_it_comes_from() -> None:
    seen = taken(fault=Fault(error=ErrorClass.TLS, detail="\x1b]0;title\x07red\r\nline"))
    assert seen.detail == "]0;title red line"


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
