"""Ollama's chat: options in a place of their own, whole tool calls, and models that go by two names."""

from __future__ import annotations

import json
from functools import partial

import pytest

from probes._model import Done, Event, MalformedError, ServerTime, Task, Text, ToolCall, Usage
from probes._prompts import FORM
from probes.ollama_chat import OllamaChat
from tests.contract.exchanges import KEY
from tests.support import codec_calls
from tests.support.codec_calls import body_of, events_of

SERVER = "http://127.0.0.1:11434"

asked = partial(codec_calls.asked, base_url=SERVER)
read = partial(events_of, OllamaChat())


def calls(*functions: object) -> list[Event]:
    return read({"message": {"tool_calls": [{"function": function} for function in functions]}})


# Asking


def test_it_asks_for_a_stream_of_lines_at_temperature_zero() -> None:
    assert body_of(OllamaChat()) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "[nonce] Repeat these numbers: 1, 2, 3"}],
        "stream": True,
        "options": {"num_predict": 64, "temperature": 0.0},
    }
    request = asked(OllamaChat(), api_key=None)
    assert (request.method, request.url) == ("POST", f"{SERVER}/api/chat")
    assert dict(request.headers) == {"Content-Type": "application/json", "Accept": "application/x-ndjson"}


def test_the_cloud_gets_the_key_as_bearer() -> None:
    assert ("Authorization", f"Bearer {KEY}") in asked(OllamaChat()).headers


def test_options_stand_in_a_place_of_their_own() -> None:
    body = body_of(OllamaChat(think="low", reasoning_tokens=500, temperature=None, seed=7))
    assert (body["options"], body["think"]) == ({"num_predict": 564, "seed": 7}, "low")


@pytest.mark.parametrize("think", [True, False])
def test_thinking_may_be_asked_for_or_forbidden(think: bool) -> None:
    assert body_of(OllamaChat(think=think))["think"] is think


def test_a_tool_is_offered_and_a_schema_is_the_format() -> None:
    offered = body_of(OllamaChat(), Task.TOOL_CALL)
    assert offered["tools"][0]["function"]["name"] == FORM.name
    assert not {"tool_choice", "format"} & offered.keys()
    shaped = body_of(OllamaChat(), Task.STRUCTURED_OUTPUT)
    assert shaped["format"] == dict(FORM.schema)
    assert not {"tools", "response_format"} & shaped.keys()


# Models


def test_reach_asks_for_the_list_of_tags() -> None:
    assert OllamaChat().lists_models
    assert asked(OllamaChat(), Task.REACH).url == f"{SERVER}/api/tags"


def test_the_latest_goes_with_and_without_its_tag() -> None:
    tags = {"models": [{"name": "llama3.2:1b", "model": "llama3.2:1b"}, {"name": "qwen3:latest"}, {"model": "a/b:c"}]}
    assert OllamaChat().models(json.dumps(tags).encode()) == {"llama3.2:1b", "qwen3:latest", "qwen3", "a/b:c"}


# Reading


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"done": False},
        {"done": "true"},
        {"message": None},
        {"message": {"role": "assistant", "content": "", "thinking": None, "tool_calls": None}, "done": False},
        {"error": None},
        {"error": ""},
    ],
)
def test_a_line_may_say_nothing(line: dict[str, object]) -> None:
    assert read(line) == []


def test_calls_without_numbers_are_numbered_by_their_place() -> None:
    assert calls({"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}) == [
        ToolCall(index=0, name="f", arguments='{"a": 1}', whole=True),
        ToolCall(index=1, name="g", arguments="{}", whole=True),
    ]


def test_a_call_keeps_the_number_that_it_has() -> None:
    assert calls({"index": 3, "name": "f"}) == [ToolCall(index=3, name="f", arguments="{}", whole=True)]


def test_the_last_line_ends_with_counts_and_times() -> None:
    line = {
        "message": {"content": "3"},
        "done": True,
        "done_reason": "length",
        "total_duration": 1_500_000_000,
        "prompt_eval_count": 43,
        "eval_count": 8,
    }
    assert read(line) == [Text("3"), Usage(prompt=43, output=8), ServerTime(1.5), Done("length", cut=True)]
    assert read({"done": True}) == [Usage(), Done()]


@pytest.mark.parametrize(
    "line",
    [
        [],
        {"message": "1"},
        {"message": {"tool_calls": [1]}},
        {"message": {"tool_calls": [{"function": {"arguments": "{}"}}]}},
        {"done": True, "done_reason": 1},
    ],
)
def test_a_line_of_another_shape_is_malformed(line: object) -> None:
    with pytest.raises(MalformedError):
        read(line)
