"""OpenAI's Responses API: what is asked, and each kind of event."""

from __future__ import annotations

import json
from functools import partial

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
from probes.openai_responses import OpenAIResponses
from tests.contract.exchanges import KEY, run_to
from tests.support.codec_calls import asked, body_of, events_of

SCHEMA = dict(FORM.schema)

read = partial(events_of, OpenAIResponses())


# Asking


def test_it_asks_for_a_stream_at_temperature_zero_that_is_not_stored() -> None:
    assert body_of(OpenAIResponses()) == {
        "model": "tiny",
        "input": "[nonce] Repeat these numbers: 1, 2, 3",
        "max_output_tokens": 64,
        "stream": True,
        "store": False,
        "temperature": 0.0,
    }


def test_it_posts_json_with_the_key_as_bearer() -> None:
    request = asked(OpenAIResponses())
    assert (request.method, request.url) == ("POST", "https://acme.test/v1/responses")
    assert dict(request.headers) == {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Authorization": f"Bearer {KEY}",
    }


def test_options_change_what_some_models_refuse() -> None:
    assert "temperature" not in body_of(OpenAIResponses(temperature=None))
    assert body_of(OpenAIResponses(temperature=1.0))["temperature"] == 1.0
    assert body_of(OpenAIResponses(reasoning_effort="minimal"))["reasoning"] == {"effort": "minimal"}
    assert body_of(OpenAIResponses(reasoning_tokens=1000))["max_output_tokens"] == 1064


def test_no_fewer_than_sixteen_tokens_are_asked_for() -> None:
    run = run_to("openai_responses")
    few = OpenAIResponses().request(run.endpoint, Task.CHAT, type(run.prompt)(text="1, 2, 3", max_tokens=8))
    assert json.loads(few.body)["max_output_tokens"] == 16


def test_a_tool_is_flat_and_has_to_be_called() -> None:
    body = body_of(OpenAIResponses(), Task.TOOL_CALL)
    tool = {"name": "report_numbers", "description": "Reports three numbers.", "parameters": SCHEMA, "strict": True}
    assert body["tools"] == [{"type": "function", **tool}]
    assert body["tool_choice"] == {"type": "function", "name": "report_numbers"}
    assert body_of(OpenAIResponses(tool_choice="required"), Task.TOOL_CALL)["tool_choice"] == "required"


def test_a_structured_answer_has_a_strict_schema() -> None:
    shape = {"type": "json_schema", "name": "report_numbers", "schema": SCHEMA, "strict": True}
    assert body_of(OpenAIResponses(), Task.STRUCTURED_OUTPUT)["text"] == {"format": shape}


def test_reach_asks_for_the_list_of_models_where_there_is_one() -> None:
    assert asked(OpenAIResponses(), Task.REACH).url == "https://acme.test/v1/models"
    assert OpenAIResponses().lists_models
    without = OpenAIResponses(models_path=None)
    assert asked(without, Task.REACH).url == "https://acme.test/v1/"
    assert not without.lists_models


def test_the_list_of_models_is_openais() -> None:
    assert OpenAIResponses().models(b'{"object": "list", "data": [{"id": "tiny"}]}') == {"tiny"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reasoning_tokens": -1}, "'reasoning_tokens' of openai_responses is 0 or more, not -1"),
        ({"temperature": -0.1}, "'temperature' of openai_responses is 0 to 2 or null, not -0.1"),
        ({"temperature": 2.1}, "0 to 2 or null, not 2.1"),
        ({"temperature": float("nan")}, "0 to 2 or null, not nan"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_words(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        codec("openai_responses", options)


# Reading


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("response.output_text.delta", Text("hm")),
        ("response.refusal.delta", Text("hm")),
        ("response.reasoning_summary_text.delta", Reasoning("hm")),
        ("response.reasoning_text.delta", Reasoning("hm")),
    ],
)
def test_a_delta_is_what_its_type_says_and_its_padding_is_nothing(kind: str, event: Event) -> None:
    assert read({"type": kind, "delta": "hm", "obfuscation": "x7Qp"}) == [event]
    assert read({"type": kind, "delta": "", "obfuscation": "x7Qp"}) == []
    assert read({"type": kind}) == []


def test_a_tool_call_has_its_name_from_the_item_and_its_arguments_in_pieces() -> None:
    item = {"type": "function_call", "name": "look", "arguments": ""}
    assert read({"type": "response.output_item.added", "output_index": 2, "item": item}) == [
        ToolCall(index=2, name="look")
    ]
    delta = {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"a"'}
    assert read(delta) == [ToolCall(index=2, arguments='{"a"')]


def test_a_copy_may_leave_out_where_a_call_stands_and_what_it_is_named() -> None:
    assert read({"type": "response.output_item.added", "item": {"type": "function_call"}}) == [ToolCall(index=0)]
    assert read({"type": "response.function_call_arguments.delta", "delta": "{"}) == [
        ToolCall(index=0, arguments="{"),
    ]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": None},
        {"type": "response.created", "response": {"status": "in_progress", "usage": None}},
        {"type": "response.output_item.added"},
        {"type": "response.output_item.added", "item": {"type": "message", "content": []}},
        {"type": "response.output_text.done", "text": "1, 2, 3"},
        {"type": "response.function_call_arguments.done", "arguments": "{}"},
        {"type": "response.something_of_tomorrow.delta", "delta": "1"},
        b"[DONE]",
        b" [DONE] ",
    ],
)
def test_an_event_may_say_nothing(event: object) -> None:
    assert read(event) == []


def test_the_type_in_the_json_counts_and_not_the_events_name() -> None:
    assert read({"type": "response.output_text.delta", "delta": "1"}, "message") == [Text("1")]


def test_usage_is_read_with_its_details() -> None:
    usage = {
        "input_tokens": 50,
        "input_tokens_details": {"cached_tokens": 40},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 12},
    }
    assert read({"type": "response.completed", "response": {"usage": usage}}) == [
        Usage(prompt=50, output=20, reasoning=12, cached=40),
        Done("completed"),
    ]


@pytest.mark.parametrize("response", [{}, {"response": None}, {"response": {"usage": None}}, {"response": {}}])
def test_a_copy_may_end_without_usage(response: dict[str, object]) -> None:
    assert read({"type": "response.completed", **response}) == [Done("completed")]


@pytest.mark.parametrize(
    ("details", "end"),
    [
        ({"reason": "max_output_tokens"}, Done("max_output_tokens", cut=True)),
        ({"reason": "a reason of tomorrow"}, Done("a reason of tomorrow", known=False)),
        ({}, Done("incomplete", cut=True)),
        (None, Done("incomplete", cut=True)),
        ({"reason": "content_filter"}, Fault(error=ErrorClass.CONTENT_FILTER, detail="incomplete: content_filter")),
    ],
)
def test_an_incomplete_response_is_an_end_unless_the_filter_made_it(details: object, end: Event) -> None:
    response = {"incomplete_details": details, "usage": {"output_tokens": 16}}
    assert read({"type": "response.incomplete", "response": response}) == [Usage(output=16), end]


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("cancelled", Fault(error=ErrorClass.STREAM_ERROR, detail="status: cancelled")),
        ("a status of tomorrow", Done("a status of tomorrow", known=False)),
    ],
)
def test_a_completed_response_of_another_status_ends_as_its_status_says(status: str, end: Event) -> None:
    response = {"status": status, "usage": {"output_tokens": 16}}
    assert read({"type": "response.completed", "response": response}) == [Usage(output=16), end]


@pytest.mark.parametrize(
    ("error", "kind", "detail"),
    [
        ({"code": "server_error", "message": "gone"}, ErrorClass.STREAM_ERROR, "server_error: gone"),
        ({"code": "rate_limit_exceeded", "message": "slow"}, ErrorClass.RATE_LIMITED, "rate_limit_exceeded: slow"),
        ({"message": "We are overloaded"}, ErrorClass.OVERLOADED, "We are overloaded"),
        ({"code": "bio_policy", "message": "no"}, ErrorClass.CONTENT_FILTER, "bio_policy: no"),
        ({"code": "insufficient_quota"}, ErrorClass.PAYMENT, "insufficient_quota"),
        ({}, ErrorClass.STREAM_ERROR, "error in the stream"),
        (None, ErrorClass.STREAM_ERROR, "error in the stream"),
    ],
)
def test_an_error_is_a_fault_wherever_it_stands(error: dict[str, object] | None, kind: ErrorClass, detail: str) -> None:
    fault = Fault(error=kind, detail=detail)
    assert read({"type": "response.failed", "response": {"error": error}}) == [fault]
    assert read({"type": "error", "error": error}) == [fault]
    assert read({"type": "error", **(error or {})}) == [fault]


def test_an_error_may_be_a_text_or_say_what_it_is_in_the_events_name_alone() -> None:
    gone = Fault(error=ErrorClass.STREAM_ERROR, detail="gone")
    assert read({"type": "error", "error": "gone"}) == [gone]
    assert read({"type": "server_error", "message": "gone"}, "error") == [gone]


def test_usage_of_a_failed_response_counts() -> None:
    response = {"usage": {"output_tokens": 3}, "error": {"message": "gone"}}
    assert read({"type": "response.failed", "response": response})[0] == Usage(output=3)


@pytest.mark.parametrize(
    "event",
    [
        [],
        "text",
        {"type": 1},
        {"type": "response.output_text.delta", "delta": {"text": "1"}},
    ],
)
def test_an_event_of_another_shape_is_malformed(event: object) -> None:
    with pytest.raises(MalformedError):
        read(event)
