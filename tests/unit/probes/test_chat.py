"""What OpenAI's chat and its copies share; what their chunks say is in test_openai_chat.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from probes import _chat
from probes._model import Done, Event, Frame, MalformedError, Reasoning, Secret, Task, Text, ToolCall, Usage
from probes._prompts import FORM
from tests.contract.exchanges import PROMPTS


def read(message: object, **how: Any) -> list[Event]:
    data = json.dumps(message).encode()
    return list(_chat.read_chunk(Frame(data=data, end=len(data)), **how))


def delta(content: object) -> list[Event]:
    return read({"choices": [{"delta": {"content": content}}]})


# Asking


def test_a_request_says_what_it_holds_and_what_it_wants() -> None:
    asked = _chat.post("https://acme.test/x", {"a": 1}, ("X-Key", "k"), accept="application/x-ndjson")
    assert dict(asked.headers) == {"Content-Type": "application/json", "Accept": "application/x-ndjson", "X-Key": "k"}
    assert (asked.method, asked.url, asked.body) == ("POST", "https://acme.test/x", b'{"a": 1}')
    got = _chat.get("https://acme.test/x", ("X-Key", "k"))
    assert dict(got.headers) == {"Accept": "application/json", "X-Key": "k"}
    assert (got.method, got.url, got.body) == ("GET", "https://acme.test/x", b"")


def test_a_key_is_a_bearers_and_none_is_no_header() -> None:
    assert _chat.bearer(Secret("k")) == [("Authorization", "Bearer k")]
    assert _chat.bearer(None) == []


def test_fields_that_are_none_stay_out_of_a_body_and_others_win_over_the_tasks() -> None:
    fields = {"model": "tiny", "seed": None, "temperature": 0.0, "tool_choice": "any"}
    body = _chat.stream_body(Task.TOOL_CALL, PROMPTS[Task.TOOL_CALL], fields)
    assert body.keys() == {"messages", "stream", "tools", "tool_choice", "model", "temperature"}
    assert body["tool_choice"] == "any"


def test_each_task_asks_for_its_form() -> None:
    assert _chat.task_fields(Task.CHAT, None) == {}
    assert _chat.task_fields(Task.TOOL_CALL, FORM) == {
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "report_numbers",
                    "description": FORM.description,
                    "parameters": dict(FORM.schema),
                },
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "report_numbers"}},
    }
    assert _chat.task_fields(Task.STRUCTURED_OUTPUT, FORM) == {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "report_numbers", "schema": dict(FORM.schema), "strict": True},
        }
    }


# Reading


@pytest.mark.parametrize(
    ("parts", "events"),
    [
        ([], []),
        ([{"type": "text", "text": "1"}, {"type": "text", "text": ""}], [Text("1")]),
        ([{"type": "reference", "reference_ids": [1]}], []),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, {"text": ""}, {}]}], [Reasoning("hm")]),
        ([{"type": "thinking"}, {"type": "text", "text": "1"}], [Text("1")]),
    ],
)
def test_content_may_be_a_list_of_parts(parts: list[object], events: list[Event]) -> None:
    assert delta(parts) == events


@pytest.mark.parametrize(
    "content", [True, {"text": "1"}, ["1"], [{"type": 1}], [{"type": "thinking", "thinking": "hm"}]]
)
def test_content_of_any_other_shape_is_malformed(content: object) -> None:
    with pytest.raises(MalformedError):
        delta(content)


def test_arguments_are_an_object_only_where_the_codec_says_so() -> None:
    calls = [{"function": {"name": "f", "arguments": {"a": 1}}}, {"function": {"arguments": '{"b"'}}]
    chunk = {"choices": [{"delta": {"tool_calls": calls}}]}
    told = [ToolCall(index=0, name="f", arguments='{"a": 1}', whole=True), ToolCall(index=1, arguments='{"b"')]
    assert read(chunk, arguments_as_objects=True) == told
    with pytest.raises(MalformedError, match="'arguments' must be a string"):
        read(chunk)


def test_the_models_own_limit_cuts_an_answer_too() -> None:
    assert read({"choices": [{"finish_reason": "model_length"}]}) == [Done("model_length", cut=True)]


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_cache_hit_tokens": 3}, 3),
        ({"prompt_cache_hit_tokens": 3, "prompt_tokens_details": {"cached_tokens": 0}}, 0),
        ({"prompt_tokens_details": {}}, None),
    ],
)
def test_cached_tokens_come_under_two_names(usage: dict[str, object], cached: int | None) -> None:
    assert read({"usage": usage}) == [Usage(cached=cached)]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"data": [{"id": "a"}, {"id": "b", "object": "model"}]}, {"a", "b"}),
        ([{"id": "a"}], {"a"}),
        ({"data": [{"id": ""}, {}]}, set()),
        ({}, set()),
    ],
)
def test_models_are_listed_with_or_without_an_envelope(body: object, names: set[str]) -> None:
    assert _chat.model_ids(json.dumps(body).encode()) == names


@pytest.mark.parametrize("body", [b"<html>", b"1", b'{"data": {"id": 1}}', b'{"data": ["a"]}', b'[{"id": 1}]'])
def test_a_list_of_models_of_another_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        _chat.model_ids(body)
