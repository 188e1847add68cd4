"""Cohere's Chat API: what is asked, and what its recordings do not show of its answers."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

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
from probes.cohere_chat import CohereChat
from tests.contract.exchanges import KEY
from tests.support import codec_calls
from tests.support.codec_calls import body_of, events_of

HOST = "https://api.acme.test"

asked = partial(codec_calls.asked, base_url=HOST)
read = partial(events_of, CohereChat())


def end(**delta: object) -> list[Event]:
    return read({"type": "message-end", "delta": delta})


# Asking


def test_it_asks_for_a_stream_at_temperature_zero() -> None:
    assert body_of(CohereChat()) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "[nonce] Repeat these numbers: 1, 2, 3"}],
        "max_tokens": 64,
        "stream": True,
        "temperature": 0.0,
    }


def test_it_posts_json_with_the_key_as_bearer() -> None:
    request = asked(CohereChat())
    assert request.method == "POST"
    assert dict(request.headers) == {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Authorization": f"Bearer {KEY}",
    }


@pytest.mark.parametrize("base_url", [HOST, f"{HOST}/", f"{HOST}/v2", f"{HOST}/v2/"])
def test_the_version_may_stand_in_the_base_url_or_not(base_url: str) -> None:
    assert asked(CohereChat(), base_url=base_url).url == f"{HOST}/v2/chat"
    assert asked(CohereChat(), Task.REACH, base_url=base_url).url == f"{HOST}/v1/models?page_size=1000"
    assert CohereChat().lists_models


def test_options_say_how_much_is_thought() -> None:
    assert body_of(CohereChat(thinking="disabled"))["thinking"] == {"type": "disabled"}
    thoughtful = body_of(CohereChat(thinking="enabled", thinking_budget=100, reasoning_tokens=150, temperature=None))
    assert thoughtful["thinking"] == {"type": "enabled", "token_budget": 100}
    assert thoughtful["max_tokens"] == 214
    assert "temperature" not in thoughtful


@pytest.mark.parametrize(
    "options", [{"thinking": "auto"}, {"thinking_budget": 100}, {"thinking": "disabled", "thinking_budget": 100}]
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="thinking"):
        CohereChat(**options)


def test_a_tool_has_to_be_called_as_its_schema_says() -> None:
    body = body_of(CohereChat(), Task.TOOL_CALL)
    function = {"name": FORM.name, "description": FORM.description, "parameters": dict(FORM.schema)}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert (body["tool_choice"], body["strict_tools"]) == ("REQUIRED", True)


def test_older_models_are_asked_for_less() -> None:
    body = body_of(CohereChat(tool_choice=None, strict_tools=False), Task.TOOL_CALL)
    assert "tools" in body
    assert not body.keys() & {"tool_choice", "strict_tools"}


def test_a_structured_answer_has_the_schema() -> None:
    body = body_of(CohereChat(), Task.STRUCTURED_OUTPUT)
    assert body["response_format"] == {"type": "json_object", "json_schema": dict(FORM.schema)}
    assert not body.keys() & {"tools", "tool_choice", "strict_tools"}


# Reading


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": None},
        {"type": ["message-end"]},
        {"type": "an event of tomorrow", "delta": {"message": {"content": {"text": "1"}}}},
        {"type": "content-start"},
        {"type": "content-delta", "delta": None},
        {"type": "content-delta", "delta": {"message": None}},
        {"type": "content-delta", "delta": {"message": {"content": None}}},
        {"type": "content-delta", "delta": {"message": {"content": {"text": "", "thinking": ""}}}},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": ""}}},
        {"type": "content-end", "index": 0},
        {"type": "tool-call-end", "index": 0},
    ],
)
def test_an_event_may_say_nothing(message: dict[str, object]) -> None:
    assert read(message) == []


def test_thinking_comes_before_the_text_of_its_event() -> None:
    content = {"text": "1", "thinking": "hm"}
    assert read({"type": "content-delta", "delta": {"message": {"content": content}}}) == [Reasoning("hm"), Text("1")]


@pytest.mark.parametrize("kind", ["tool-call-start", "tool-call-delta"])
def test_a_piece_of_a_call_may_lack_everything(kind: str) -> None:
    assert read({"type": kind}) == [ToolCall(index=0)]


@pytest.mark.parametrize("reason", ["COMPLETE", "STOP_SEQUENCE", "TOOL_CALL"])
def test_a_reason_that_names_no_error_is_an_end(reason: str) -> None:
    assert end(finish_reason=reason) == [Done(reason)]


@pytest.mark.parametrize("reason", ["ERROR", "ERROR_LIMIT", "TIMEOUT", "USER_CANCEL"])
def test_a_reason_that_names_an_error_is_a_fault(reason: str) -> None:
    assert end(finish_reason=reason) == [Fault(error=ErrorClass.STREAM_ERROR, detail=f"finish reason: {reason}")]


def test_an_error_outweighs_any_reason_and_leaves_the_counts() -> None:
    usage = {"tokens": {"input_tokens": 5.0, "output_tokens": 2}, "cached_tokens": 1}
    assert end(finish_reason="COMPLETE", error="gone", usage=usage) == [
        Usage(prompt=5, output=2, cached=1),
        Fault(error=ErrorClass.STREAM_ERROR, detail="gone"),
    ]


@pytest.mark.parametrize("usage", [{}, {"tokens": None, "billed_units": None}, {"tokens": {}}])
def test_counts_may_be_missing(usage: dict[str, object]) -> None:
    assert end(usage=usage) == [Usage(), Done()]


@pytest.mark.parametrize(
    "message",
    [
        [],
        "text",
        {"type": "content-delta", "delta": {"message": {"content": [{"text": "1"}]}}},
        {"type": "message-end", "delta": {"finish_reason": 1}},
    ],
)
def test_an_event_of_another_shape_is_malformed(message: object) -> None:
    with pytest.raises(MalformedError):
        read(message)


# The list of models


def test_models_have_names() -> None:
    body = b'{"models": [{"name": "command-a-03-2025", "endpoints": ["chat"]}, {"name": "embed-v4.0"}, {}]}'
    assert CohereChat().models(body) == {"command-a-03-2025", "embed-v4.0"}
