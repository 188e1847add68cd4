"""The error class of one probe, and its blame."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import pytest

from probes._exchange import Clocks, Ending
from probes._loader import codec
from probes._model import (
    Blame,
    Deadlines,
    ErrorClass,
    Event,
    Fault,
    Frame,
    Headers,
    Sample,
    Task,
    Timing,
)
from probes._sample import sample
from probes.openai_chat import OpenAIChat
from tests.contract.exchanges import T0_NS, exchange_of, run_to
from tests.unit.probes.streams import CODEC, GOOD, LENGTH, ONE, ROLE, STOP, TWO, WRONG, taken


@dataclasses.dataclass(frozen=True, slots=True)
class Clumsy(OpenAIChat):
    """A codec of a third party that cannot read refusals."""

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        raise KeyError(body.decode())

    def read(self, frame: Frame) -> Iterable[Event]:
        raise LookupError(frame.data.decode())


def ended_after(pieces: list[tuple[float, bytes]], seconds: float, ending: Ending) -> Sample:
    return taken(pieces, ending=ending, ended_ns=T0_NS + round(seconds * 1e9))


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
    said = "HTTP 500 with an unreadable body: KeyError (https://acme.test/v1/chat/completions)"
    assert (seen.error, seen.detail) == (ErrorClass.MALFORMED, said)


def test_whatever_read_raises_is_malformed() -> None:
    seen = sample(run_to(), Clumsy(), exchange_of(GOOD))
    assert (seen.error, seen.blame, seen.detail) == (ErrorClass.MALFORMED, Blame.PROVIDER, "LookupError")


def test_text_before_the_end_of_file_is_truncated() -> None:
    seen = taken(GOOD[:3])
    assert seen.error is ErrorClass.TRUNCATED
    assert seen.detail == "the stream ended after 2 content events and without an end marker"


def test_a_broken_connection_is_truncated() -> None:
    assert taken(ending=Ending.CUT).detail == "the connection broke before any content and without an end marker"


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


# Other tasks than chat


def reached(status: int = 200, *, api_options: dict[str, object] | None = None, **fields: Any) -> Sample:
    asker = OpenAIChat(**(api_options or {}))  # type: ignore[arg-type]
    return sample(run_to(task=Task.REACH), asker, exchange_of([(0.1, b'{"data":[]}')], status=status, **fields))


def test_a_list_of_models_shows_that_a_provider_can_be_reached() -> None:
    seen = reached()
    assert (seen.error, seen.status_code, seen.answer_ok) == (None, 200, None)
    assert (seen.ttft_s, seen.output_tokens, seen.cost_usd) == (None, None, None)
    assert seen.e2e_s == 0.1
    assert reached(ending=Ending.CUT).e2e_s is None


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, ErrorClass.AUTH), (404, ErrorClass.NOT_FOUND), (429, ErrorClass.RATE_LIMITED), (503, ErrorClass.OVERLOADED)],
)
def test_a_list_of_models_that_is_refused_has_the_refusals_class(status: int, error: ErrorClass) -> None:
    assert reached(status).error is error


@pytest.mark.parametrize(("status", "error"), [(401, None), (404, None), (301, None), (502, ErrorClass.SERVER_ERROR)])
def test_without_a_list_of_models_any_answer_but_a_server_error_will_do(status: int, error: ErrorClass | None) -> None:
    assert reached(status, api_options={"models_path": None}).error is error


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        (Ending.TOO_LARGE, None),
        (Ending.CUT, ErrorClass.TRUNCATED),
        (Ending.TOTAL_DEADLINE, ErrorClass.TIMEOUT_TOTAL),
        (Ending.TTFT_DEADLINE, ErrorClass.TIMEOUT_TOTAL),
    ],
)
def test_reaching_a_provider_ends_with_the_end_of_its_answer(ending: Ending, error: ErrorClass | None) -> None:
    assert reached(ending=ending).error is error


def test_a_provider_that_could_not_be_reached_was_not() -> None:
    assert reached(fault=Fault(error=ErrorClass.CONNECT)).error is ErrorClass.CONNECT


def called(name: str, arguments: str, finish: bytes = STOP) -> Sample:
    function = json.dumps({"name": name, "arguments": arguments})
    call = f'data: {{"choices":[{{"delta":{{"tool_calls":[{{"index":0,"function":{function}}}]}}}}]}}\n\n'.encode()
    return sample(run_to(task=Task.TOOL_CALL), CODEC, exchange_of([(0.1, call), (0.2, finish)]))


ARGUMENTS = '{"first": 1, "second": 2, "third": 3}'


def test_a_valid_call_of_the_offered_tool_is_a_success() -> None:
    seen = called("report_numbers", ARGUMENTS)
    assert (seen.error, seen.answer_ok, seen.ttft_s, seen.ttat_s) == (None, True, 0.1, None)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("another_tool", ARGUMENTS),
        ("report_numbers", '{"first": 1, "second": 2}'),
        ("report_numbers", '{"first": "1", "second": 2, "third": 3}'),
        ("report_numbers", '{"first": 1, "second": 2, "third": 3, "fourth": 4}'),
        ("report_numbers", '{"first": 1, "seco'),
        ("report_numbers", "[1, 2, 3]"),
    ],
)
def test_a_call_that_is_not_what_was_offered_is_a_wrong_answer(name: str, arguments: str) -> None:
    seen = called(name, arguments)
    assert (seen.error, seen.answer_ok) == (ErrorClass.WRONG_ANSWER, False)
    assert (seen.detail or "").startswith(f"called '{name}(")


def test_a_call_that_the_token_limit_cut_is_a_success() -> None:
    seen = called("report_numbers", '{"first": 1, "seco', LENGTH)
    assert (seen.error, seen.answer_ok) == (None, None)


def test_words_in_place_of_a_call_are_a_wrong_answer() -> None:
    seen = sample(run_to(task=Task.TOOL_CALL), CODEC, exchange_of([(0.1, WRONG), (0.2, STOP)]))
    assert (seen.error, seen.answer_ok) == (ErrorClass.WRONG_ANSWER, False)


def test_a_token_limit_spent_on_hidden_reasoning_is_our_own_fault() -> None:
    """The provider did what it was asked, and did not answer: neither its outage nor a success."""
    usage = b'data: {"usage":{"completion_tokens":64,"completion_tokens_details":{"reasoning_tokens":64}}}\n\n'
    seen = taken([(0.1, ROLE), (0.2, LENGTH), (0.3, usage)])
    assert (seen.error, seen.blame) == (ErrorClass.BAD_REQUEST, Blame.ACCOUNT)
    assert seen.detail == ("hidden reasoning used all 64 tokens; raise max_tokens or lower the reasoning effort")


def test_a_token_limit_spent_on_nothing_is_empty() -> None:
    usage = b'data: {"usage":{"completion_tokens":64}}\n\n'
    assert taken([(0.1, ROLE), (0.2, LENGTH), (0.3, usage)]).error is ErrorClass.EMPTY


def embedded(vector: str) -> Sample:
    body = f'{{"data":[{{"embedding":{vector}}}],"usage":{{"prompt_tokens":8}}}}'.encode()
    run = run_to("openai_embeddings", task=Task.EMBEDDING)
    return sample(run, codec(run.endpoint.api, {}), exchange_of([(0.1, body)], headers={}))


def test_a_vector_of_the_promised_size_is_right_and_any_other_wrong() -> None:
    assert embedded("[0.5, 0.5, 0.5, 0.5]").answer_ok is True
    short = embedded("[0.5, 0.5]")
    assert (short.error, short.detail) == (ErrorClass.WRONG_ANSWER, "a vector of 2 numbers; 4 were expected")


def test_what_is_no_vector_at_all_is_no_success() -> None:
    assert embedded("[]").error is ErrorClass.EMPTY
    assert embedded("null").error is not None
