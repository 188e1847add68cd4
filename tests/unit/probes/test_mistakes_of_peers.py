"""Known mistakes of other monitors in reading and measuring an answer: one test for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from probes._exchange import Ending
from probes._model import Blame, Deadlines, ErrorClass, Fault, Sample, Task, TokensFrom
from probes._prompts import nonce, prompt_for
from probes._sample import sample
from probes._serialize import sample_to_plain
from probes.openai_chat import OpenAIChat
from tests.contract.exchanges import KEY, T0_NS, exchange_of, run_to

CODEC = OpenAIChat()


def event(message: Mapping[str, object]) -> bytes:
    return f"data: {json.dumps(message)}\n\n".encode()


def piece(finish: str | None = None, **delta: object) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def usage(output: int, **details: int) -> bytes:
    return event({"choices": [], "usage": {"completion_tokens": output, "completion_tokens_details": details}})


ROLE = piece(role="assistant", content="")
ANSWER = piece(content="1, 2, 3")
STOP = piece("stop")
DONE = b"data: [DONE]\n\n"


def taken(*pieces: tuple[float, bytes], **fields: Any) -> Sample:
    return sample(run_to(), CODEC, exchange_of(pieces, **fields))


# Success and failure


def test_a_truncated_stream_is_not_a_success() -> None:
    assert taken((0.1, ROLE), (0.2, ANSWER)).error is ErrorClass.TRUNCATED
    assert taken((0.1, ROLE), (0.2, ANSWER), ending=Ending.CUT).error is ErrorClass.TRUNCATED


def test_an_error_in_the_stream_is_not_a_success() -> None:
    seen = taken((0.1, ANSWER), (0.2, event({"error": {"message": "gone", "code": 502}})), (0.3, DONE))
    assert (seen.status_code, seen.error, seen.blame) == (200, ErrorClass.STREAM_ERROR, Blame.PROVIDER)


def test_an_error_after_the_finish_reason_is_not_a_success() -> None:
    assert taken((0.1, ANSWER + STOP), (0.2, event({"error": "gone"}))).error is ErrorClass.STREAM_ERROR


def test_an_overloaded_error_after_a_token_is_not_a_success() -> None:
    seen = taken((0.1, ANSWER), (0.2, event({"error": {"type": "overloaded_error", "message": "Overloaded"}})))
    assert (seen.error, seen.blame) == (ErrorClass.OVERLOADED, Blame.PROVIDER)


def test_a_reasoning_only_stream_is_not_a_failure() -> None:
    seen = taken((0.1, ROLE), (0.2, piece(reasoning_content="Let me see")), (0.3, piece("length")), (0.4, DONE))
    assert (seen.error, seen.ttft_s, seen.ttat_s, seen.answer_ok) == (None, 0.2, None, None)


def test_a_stream_without_content_is_not_up() -> None:
    assert taken((0.1, ROLE), (0.2, STOP), (0.3, usage(0)), (0.4, DONE)).error is ErrorClass.EMPTY
    assert taken((0.1, DONE)).error is ErrorClass.EMPTY
    assert taken().error is ErrorClass.TRUNCATED


def test_a_wrong_answer_is_not_a_right_one_for_having_come() -> None:
    assert taken((0.1, piece("stop", content="Bonjour"))).error is ErrorClass.WRONG_ANSWER


def test_a_stop_at_the_token_limit_is_a_success() -> None:
    assert taken((0.1, ANSWER), (0.2, piece("length"))).error is None


def test_401_and_529_are_different_errors() -> None:
    refused, overloaded = taken(status=401), taken(status=529)
    assert (refused.error, refused.blame) == (ErrorClass.AUTH, Blame.ACCOUNT)
    assert (overloaded.error, overloaded.blame) == (ErrorClass.OVERLOADED, Blame.PROVIDER)


@pytest.mark.parametrize("status", [401, 402, 404, 429])
def test_what_the_account_is_refused_for_is_not_the_providers_outage(status: int) -> None:
    assert taken(status=status).blame is Blame.ACCOUNT


def test_a_capacity_message_in_a_429_is_not_our_rate_limit() -> None:
    body = b'{"error":{"message":"No capacity available for this model","code":"rate_limit_exceeded"}}'
    assert taken((0.1, body), status=429).error is ErrorClass.OVERLOADED


def test_keep_alives_do_not_keep_a_silent_provider_up() -> None:
    pings = [(float(second), b": ping\n\n") for second in range(1, 30)]
    seen = exchange_of(pings, ending=Ending.TTFT_DEADLINE, ended_ns=T0_NS + 30 * 10**9)
    assert sample(run_to(), CODEC, seen).error is ErrorClass.TIMEOUT_TTFT


def test_a_stall_and_a_slow_stream_are_different_errors() -> None:
    run = run_to(deadlines=Deadlines(ttft_s=10, total_s=30))
    slow = [(float(second), piece(content="1, ")) for second in range(1, 30)]
    for pieces, error in ((slow, ErrorClass.TIMEOUT_TOTAL), (slow[:9], ErrorClass.STALLED)):
        seen = exchange_of(pieces, ending=Ending.TOTAL_DEADLINE, ended_ns=T0_NS + 30 * 10**9)
        assert sample(run, CODEC, seen).error is error


# Times


def test_the_first_token_is_neither_the_headers_nor_the_role() -> None:
    seen = taken((0.1, b": OPENROUTER PROCESSING\n\n"), (0.2, ROLE), (0.9, ANSWER), (1.0, STOP), head_ns=T0_NS + 10**6)
    assert (seen.headers_s, seen.ttft_s) == (0.001, 0.9)


def test_the_first_token_is_not_the_whole_answer() -> None:
    seen = taken((0.1, piece(content="1, ")), (0.5, piece(content="2, 3")), (0.9, STOP))
    assert (seen.ttft_s, seen.e2e_s) == (0.1, 0.9)


def test_reasoning_counts_as_the_first_token() -> None:
    """A client that misses `reasoning_content` reads 212 ms for 50."""
    for field in ("reasoning_content", "reasoning"):
        seen = taken((0.05, piece(**{field: "Let me"})), (0.212, ANSWER), (0.3, STOP))
        assert (seen.ttft_s, seen.ttat_s) == (0.05, 0.212)


def test_the_gaps_between_tokens_do_not_hold_the_first_ones_wait() -> None:
    seen = taken((5.0, piece(content="1, ")), (5.01, piece(content="2, ")), (5.02, piece(content="3")), (5.03, STOP))
    assert seen.itl_max_s == pytest.approx(0.01)


def test_usage_behind_the_answer_does_not_slow_it() -> None:
    quick = [(0.1, piece(content="1, 2, ")), (0.2, piece(content="3, 4, ")), (0.3, STOP)]
    late, soon = taken(*quick, (9.0, usage(8))), taken(*quick, (0.31, usage(8)))
    assert late.output_tps == soon.output_tps


def test_a_failed_probe_has_no_zero_seconds() -> None:
    failed = (
        taken(status=None, t0_ns=None, head_ns=None, fault=Fault(error=ErrorClass.CONNECT)),
        taken(status=500),
        taken((0.1, ROLE)),
        taken((0.1, b"data: {\n\n")),
    )
    for seen in failed:
        assert seen.error is not None
        figures = {
            name: value for name, value in sample_to_plain(seen).items() if name.endswith(("_s", "_tps", "_usd"))
        }
        assert not [name for name, value in figures.items() if value == 0 and name != "lag_s"]
        assert (seen.ttft_s, seen.e2e_s, seen.output_tps) == (None, None, None)


# Tokens and speed


def test_chunks_are_not_counted_as_tokens() -> None:
    untold = taken((0.1, piece(content="1, 2")), (0.2, piece(content=", 3")), (0.3, STOP))
    assert (untold.output_tokens, untold.tokens_from) == (7, TokensFrom.COUNTED)
    told = taken((0.1, piece(content="1, 2")), (0.2, piece(content=", 3")), (0.3, STOP), (0.4, usage(7)))
    assert told.output_tokens == 7


def test_dividing_by_events_reads_low_when_events_hold_several_tokens() -> None:
    """80 tokens, 4 an event, an event every 20 ms: 200 tokens/s. N - 1 over the same time reads 4 % off."""
    answer = ["1, 2, 3,"] + ["4, 5, 6,"] * 19
    timed = [(1 + 0.02 * number, piece(content=text)) for number, text in enumerate(answer)]
    seen = taken(*timed, (1.4, STOP), (1.41, usage(80)))
    assert seen.output_tps == pytest.approx(200, rel=1e-6)
    span_s = 19 * 0.02
    assert abs(79 / span_s / 200 - 1) > 0.03
    assert abs(19 / span_s / 200 - 1) > 0.7


def test_speed_does_not_hold_the_wait_for_the_first_token() -> None:
    timed = [(5 + 0.01 * number, piece(content="1, 2, 3,")) for number in range(11)]
    seen = taken(*timed, (5.2, STOP), (5.2, usage(44)))
    assert seen.output_tps == pytest.approx(400, rel=1e-6)
    assert seen.e2e_tps == pytest.approx(44 / 5.2)


def test_silent_reasoning_does_not_make_the_visible_answer_fast() -> None:
    timed = [(9.0, piece(content="1, 2, 3,")), (9.1, piece(content="4, 5, 6,")), (9.2, STOP)]
    assert taken(*timed, (9.2, usage(1008, reasoning_tokens=1000))).output_tps == pytest.approx(4 / 0.1)


# Asking


def test_a_reasoning_model_gets_room_to_answer() -> None:
    """A "ping" of max_tokens 1 fails every reasoning model; what is configured arrives as it is."""
    run = run_to()
    request = CODEC.request(run.endpoint, run.task, run.prompt)
    assert json.loads(request.body)["max_tokens"] == run.prompt.max_tokens == 64


def test_no_prompt_cache_can_answer() -> None:
    first = prompt_for(Task.CHAT, nonce("tiny", "2026-11-22T07:00:00Z"), prompt_tokens=1000, max_tokens=64).text
    second = prompt_for(Task.CHAT, nonce("tiny", "2026-11-22T07:01:00Z"), prompt_tokens=1000, max_tokens=64).text
    assert first[:10] != second[:10]
    assert first[10:] == second[10:]


def test_a_wrong_key_is_not_told_to_everyone() -> None:
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}}).encode()
    assert KEY not in json.dumps(sample_to_plain(taken((0.1, body), status=401)))
