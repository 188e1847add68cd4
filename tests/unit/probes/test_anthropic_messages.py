"""Anthropic's Messages API: what is asked, each kind of event, each stop reason, each type of error."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from probes._loader import codec
from probes._model import (
    Done,
    ErrorClass,
    Event,
    Fault,
    MalformedError,
    Reasoning,
    Task,
    Text,
    ToolCall,
    Usage,
)
from probes._prompts import FORM
from probes.anthropic_messages import AnthropicMessages
from tests.contract.exchanges import KEY, run_to
from tests.support.codec_calls import asked, body_of, events_of

SCHEMA = dict(FORM.schema)
FORCED = {"type": "tool", "name": "report_numbers"}

read = partial(events_of, AnthropicMessages())


# Asking


def test_it_asks_for_a_stream_at_temperature_0() -> None:
    assert body_of(AnthropicMessages()) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "[nonce] Repeat these numbers: 1, 2, 3"}],
        "max_tokens": 64,
        "stream": True,
        "temperature": 0.0,
    }


@pytest.mark.parametrize(
    ("endpoint", "sent"),
    [
        ({"model": "smollm2:latest", "base_url": "http://127.0.0.1:11434/v1"}, True),
        ({"model": "qwen/qwen3-8b", "base_url": "https://openrouter.ai/api/v1"}, True),
        ({"model": "anthropic/claude-haiku-4.5", "base_url": "https://openrouter.ai/api/v1"}, False),
        ({"model": "fable-5", "base_url": "https://api.anthropic.com/v1"}, False),
        ({"model": "tiny", "base_url": "https://notanthropic.com/v1"}, True),
        ({"model": "MiniMax-M2.5", "base_url": "https://api.minimax.io/anthropic/v1"}, False),
    ],
)
def test_a_temperature_is_left_out_for_models_that_refuse_it(endpoint: dict[str, Any], *, sent: bool) -> None:
    asked_of = run_to("anthropic_messages", **endpoint)
    request = AnthropicMessages().request(asked_of.endpoint, Task.CHAT, asked_of.prompt)
    assert ("temperature" in json.loads(request.body)) is sent


def test_a_temperature_may_be_left_out_for_copies_that_refuse_it() -> None:
    assert "temperature" not in body_of(AnthropicMessages(temperature=None))


def test_it_posts_json_as_anthropics_clients_do_today() -> None:
    request = asked(AnthropicMessages())
    assert (request.method, request.url) == ("POST", "https://acme.test/v1/messages")
    assert dict(request.headers) == {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "anthropic-version": "2026-10-21",
        "Authorization": f"Bearer {KEY}",
    }


def test_it_can_ask_as_anthropics_clients_did_before() -> None:
    old = AnthropicMessages(auth="x-api-key", version="2023-06-01", temperature=0.0)
    headers = dict(asked(old).headers)
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "Authorization" not in headers
    assert body_of(old)["temperature"] == 0.0


def test_a_budget_for_thinking_is_room_on_top_of_the_answer() -> None:
    body = body_of(AnthropicMessages(reasoning_tokens=2000))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert body["max_tokens"] == 2064


@pytest.mark.parametrize("thinking", ["adaptive", "disabled", "between_tools"])
def test_thinking_without_a_budget_is_asked_for_by_its_type(thinking: str) -> None:
    body = body_of(AnthropicMessages(thinking=thinking, reasoning_tokens=500))
    assert (body["thinking"], body["max_tokens"]) == ({"type": thinking}, 564)


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, True),
        ({"thinking": "disabled"}, True),
        ({"thinking": "adaptive"}, False),
        ({"reasoning_tokens": 1024}, False),
    ],
)
def test_a_temperature_goes_without_thinking_only(options: dict[str, Any], *, sent: bool) -> None:
    cool = AnthropicMessages(version="2023-06-01", temperature=0.0, **options)
    assert ("temperature" in body_of(cool)) is sent


def test_a_tool_has_to_be_called() -> None:
    body = body_of(AnthropicMessages(), Task.TOOL_CALL)
    assert body["tools"] == [
        {"name": "report_numbers", "description": "Reports three numbers.", "input_schema": SCHEMA}
    ]
    assert body["tool_choice"] == FORCED


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        ({"thinking": "disabled"}, FORCED),
        ({"thinking": "between_tools"}, FORCED),
        ({"thinking": "adaptive"}, {"type": "auto"}),
        ({"reasoning_tokens": 1024}, {"type": "auto"}),
    ],
)
def test_a_model_that_thinks_is_only_offered_the_tool(options: dict[str, Any], choice: dict[str, str]) -> None:
    assert body_of(AnthropicMessages(**options), Task.TOOL_CALL)["tool_choice"] == choice


def test_a_structured_answer_and_the_effort_share_a_field() -> None:
    shape = {"type": "json_schema", "schema": SCHEMA}
    assert body_of(AnthropicMessages(), Task.STRUCTURED_OUTPUT)["output_config"] == {"format": shape}
    low = AnthropicMessages(effort="low")
    assert body_of(low)["output_config"] == {"effort": "low"}
    assert body_of(low, Task.STRUCTURED_OUTPUT)["output_config"] == {"effort": "low", "format": shape}
    assert "tools" not in body_of(low, Task.STRUCTURED_OUTPUT)


def test_reach_asks_for_the_whole_list_of_models_where_there_is_one() -> None:
    request = asked(AnthropicMessages(), Task.REACH)
    assert request.url == "https://acme.test/v1/models?limit=1000"
    assert dict(request.headers)["anthropic-version"] == "2026-10-21"
    assert AnthropicMessages().lists_models
    without = AnthropicMessages(models_path=None)
    assert asked(without, Task.REACH).url == "https://acme.test/v1/"
    assert not without.lists_models


def test_retired_models_are_listed_and_are_none() -> None:
    listed = [{"id": "new", "lifecycle": "active"}, {"id": "old", "lifecycle": "deprecated"}, {"id": "a copy's"}, {}]
    body = json.dumps({"data": [*listed, {"id": "gone", "lifecycle": "retired"}], "has_more": False})
    assert AnthropicMessages().models(body.encode()) == {"new", "old", "a copy's"}


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"data": {"id": 1}}', b'{"data": [1]}', b'{"data": [{"id": 1}]}'])
def test_a_list_of_models_of_another_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        AnthropicMessages().models(body)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auth": "basic"}, "'auth' of anthropic_messages is bearer or x-api-key, not 'basic'"),
        ({"version": "latest"}, "'version' of anthropic_messages is a date like 2023-06-01, not 'latest'"),
        ({"version": "2023-06-01\r\nx: y"}, "is a date"),
        ({"thinking": "hard"}, "'thinking' .* is one of enabled, adaptive, disabled, between_tools, not 'hard'"),
        ({"reasoning_tokens": 1023}, "'reasoning_tokens' .* is 1024 or more, not 1023"),
        ({"reasoning_tokens": -1}, "is 1024 or more, not -1"),
        ({"thinking": "enabled"}, "is 1024 or more, not 0"),
        ({"thinking": "adaptive", "reasoning_tokens": -1}, "is 0 or more, not -1"),
        ({"temperature": 1.1, "version": "2023-06-01"}, "'temperature' .* is auto, 0 to 1 or null, not 1.1"),
        ({"temperature": float("nan"), "version": "2023-06-01"}, "is auto, 0 to 1 or null, not nan"),
        ({"temperature": "cold"}, "is auto, 0 to 1 or null, not cold"),
        ({"temperature": 0}, "'temperature' .* is refused by version 2026-10-21: only 2023-06-01 takes one"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_words(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        codec("anthropic_messages", options)


# Reading


@pytest.mark.parametrize(
    ("delta", "event"),
    [
        ({"type": "text_delta", "text": "hm"}, Text("hm")),
        ({"type": "thinking_delta", "thinking": "hm"}, Reasoning("hm")),
        ({"type": "input_json_delta", "partial_json": '{"a"'}, ToolCall(index=2, arguments='{"a"')),
        ({"type": "input_json_delta", "partial_json": ""}, ToolCall(index=2)),
    ],
)
def test_a_delta_is_what_its_type_says(delta: dict[str, object], event: Event) -> None:
    assert read({"type": "content_block_delta", "index": 2, "delta": delta}) == [event]


@pytest.mark.parametrize(
    ("block", "events"),
    [
        ({"type": "tool_use", "name": "look", "input": {}}, [ToolCall(index=1, name="look")]),
        ({"type": "tool_use"}, [ToolCall(index=1)]),
        ({"type": "text", "text": ""}, []),
        ({"type": "text", "text": "1"}, [Text("1")]),
        ({"type": "thinking", "thinking": "", "signature": "c2ln"}, []),
        ({"type": "thinking", "thinking": "hm"}, [Reasoning("hm")]),
        ({"type": "redacted_thinking", "data": "c2VjcmV0"}, []),
    ],
)
def test_a_block_begins_with_its_name_or_with_what_there_is_of_it(
    block: dict[str, object], events: list[Event]
) -> None:
    assert read({"type": "content_block_start", "index": 1, "content_block": block}) == events


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "ping"},
        {"type": "message_start"},
        {"type": "message_start", "message": {"usage": None}},
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "thinking_delta"}},
        {"type": "content_block_delta", "delta": {"type": "signature_delta", "signature": "c2ln"}},
        {"type": "content_block_delta", "delta": {"type": "citations_delta", "citation": {}}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta"},
        {"type": "message_delta", "delta": {"stop_reason": None}},
        {"type": "an_event_of_tomorrow", "delta": {"text": "1"}},
        b"[DONE]",
        b" [DONE] ",
    ],
)
def test_an_event_may_say_nothing(event: object) -> None:
    assert read(event) == []


def test_all_of_a_prompt_is_counted_and_the_output_of_a_beginning_is_not() -> None:
    usage = {
        "input_tokens": 5,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 1000,
        "output_tokens": 2,
        "output_tokens_details": {"thinking_tokens": 1},
    }
    assert read({"type": "message_start", "message": {"usage": usage}}) == [Usage(prompt=1035, cached=1000)]


def test_the_output_so_far_comes_with_the_stop_reason() -> None:
    usage = {"output_tokens": 40, "output_tokens_details": {"thinking_tokens": 27}}
    event = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
    assert read(event) == [Usage(output=40, reasoning=27), Done("end_turn", proof=False)]


@pytest.mark.parametrize(
    ("reason", "cut"),
    [
        ("end_turn", False),
        ("stop_sequence", False),
        ("tool_use", False),
        ("pause_turn", False),
        ("max_tokens", True),
        ("model_context_window_exceeded", True),
    ],
)
def test_a_stop_reason_is_reported_and_proves_nothing(reason: str, *, cut: bool) -> None:
    assert read({"type": "message_delta", "delta": {"stop_reason": reason}}) == [Done(reason, cut=cut, proof=False)]


def test_the_end_of_the_message_is_the_proof() -> None:
    assert read({"type": "message_stop"}) == [Done()]


@pytest.mark.parametrize(
    ("details", "detail"),
    [
        ({"explanation": "a safeguard"}, "stop reason: refusal: a safeguard"),
        ({"explanation": None}, "stop reason: refusal"),
        (None, "stop reason: refusal"),
    ],
)
def test_a_refusal_is_the_filters(details: object, detail: str) -> None:
    delta = {"stop_reason": "refusal", "stop_details": details}
    assert read({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}) == [
        Usage(output=5),
        Fault(error=ErrorClass.CONTENT_FILTER, detail=detail),
    ]


@pytest.mark.parametrize(
    ("kind", "message", "error"),
    [
        ("overloaded_error", "Overloaded", ErrorClass.OVERLOADED),
        ("api_error", "Internal server error", ErrorClass.STREAM_ERROR),
        ("timeout_error", "Request timeout", ErrorClass.STREAM_ERROR),
        ("rate_limit_error", "slow down", ErrorClass.RATE_LIMITED),
        ("authentication_error", "no", ErrorClass.AUTH),
        ("permission_error", "no", ErrorClass.AUTH),
        ("billing_error", "no", ErrorClass.PAYMENT),
        ("invalid_request_error", "Your credit balance is too low", ErrorClass.PAYMENT),
        ("invalid_request_error", "Output blocked by content filtering policy", ErrorClass.CONTENT_FILTER),
        ("invalid_request_error", "no", ErrorClass.BAD_REQUEST),
        ("not_found_error", "model: x", ErrorClass.NOT_FOUND),
        ("error_of_tomorrow", "no", ErrorClass.STREAM_ERROR),
    ],
)
def test_an_error_in_the_stream_has_the_class_of_its_type(kind: str, message: str, error: ErrorClass) -> None:
    told = {"type": kind, "message": message}
    fault = Fault(error=error, detail=f"{kind}: {message}")
    assert read({"type": "error", "error": told}) == [fault]
    assert read(told, "error") == [fault]


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        ({"type": "error", "error": "gone"}, "gone"),
        ({"type": "error", "error": {"type": None, "message": "gone"}}, "gone"),
        ({"type": "error", "error": {"type": ["x"]}}, "error in the stream"),
        ({"type": "error", "error": {}}, "error"),
        ({"type": "error"}, "error"),
    ],
)
def test_an_error_of_another_shape_is_still_one(event: object, detail: str) -> None:
    assert read(event) == [Fault(error=ErrorClass.STREAM_ERROR, detail=detail)]


@pytest.mark.parametrize(
    "event",
    [
        [],
        "text",
        {"type": 1},
        {"type": "content_block_start", "content_block": "text"},
        {"type": "content_block_delta", "delta": "1"},
        {"type": "message_delta", "delta": {"stop_reason": 1}},
    ],
)
def test_an_event_of_another_shape_is_malformed(event: object) -> None:
    with pytest.raises(MalformedError):
        read(event)


def test_only_the_bare_refusal_of_a_caller_from_afar_is_taken_for_one() -> None:
    def refused(status: int, kind: str, message: str) -> ErrorClass:
        body = json.dumps({"error": {"type": kind, "message": message}}).encode()
        return AnthropicMessages().refusal(status, {}, body).error

    assert refused(403, "forbidden", "Request not allowed") is ErrorClass.GEO
    assert refused(403, "forbidden", "Request not allowed for this key") is ErrorClass.AUTH
    assert refused(400, "forbidden", "Request not allowed") is ErrorClass.BAD_REQUEST
