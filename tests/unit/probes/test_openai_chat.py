"""OpenAI's Chat Completions API: what is asked, and the parts of its chunks."""

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
from probes.openai_chat import OpenAIChat
from tests.contract.exchanges import KEY, run_to
from tests.support.codec_calls import asked, body_of, events_of

read = partial(events_of, OpenAIChat())


def delta(**fields: object) -> list[Event]:
    return read({"choices": [{"index": 0, "delta": fields}]})


# Asking


def test_it_asks_for_a_stream_with_usage_at_temperature_zero() -> None:
    assert body_of(OpenAIChat()) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "[nonce] Repeat these numbers: 1, 2, 3"}],
        "max_tokens": 64,
        "stream": True,
        "temperature": 0.0,
        "stream_options": {"include_usage": True},
    }


def test_it_posts_json_with_the_key_as_bearer() -> None:
    request = asked(OpenAIChat())
    assert (request.method, request.url) == ("POST", "https://acme.test/v1/chat/completions")
    assert dict(request.headers) == {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Authorization": f"Bearer {KEY}",
    }


def test_a_local_server_is_asked_without_a_key() -> None:
    assert "Authorization" not in dict(asked(OpenAIChat(), api_key=None).headers)


def test_options_change_what_some_copies_refuse() -> None:
    picky = OpenAIChat(max_tokens_field="max_completion_tokens", include_usage=False, temperature=None)
    assert body_of(picky).keys() == {"model", "messages", "max_completion_tokens", "stream"}
    assert body_of(OpenAIChat(reasoning_effort="minimal"))["reasoning_effort"] == "minimal"
    assert body_of(OpenAIChat(temperature=1.0))["temperature"] == 1.0
    assert body_of(OpenAIChat(reasoning_tokens=500))["max_tokens"] == 564


def test_the_tool_is_named_unless_the_server_cannot_force_it() -> None:
    named = {"type": "function", "function": {"name": "report_numbers"}}
    assert body_of(OpenAIChat(), task=Task.TOOL_CALL)["tool_choice"] == named
    assert body_of(OpenAIChat(tool_choice="required"), task=Task.TOOL_CALL)["tool_choice"] == "required"
    assert "tool_choice" not in body_of(OpenAIChat(tool_choice="required"))


@pytest.mark.parametrize(("path", "url"), [("/models", "/v1/models"), ("/x/list", "/v1/x/list"), (None, "/v1/")])
def test_the_list_of_models_may_be_elsewhere_or_nowhere(path: str | None, url: str) -> None:
    picky = OpenAIChat(models_path=path)
    assert asked(picky, task=Task.REACH).url == f"https://acme.test{url}"
    assert picky.lists_models == (path is not None)


def test_models_are_known_by_their_ids() -> None:
    assert OpenAIChat().models(b'{"data": [{"id": "tiny"}, {"id": "large"}]}') == {"tiny", "large"}


# Reading


@pytest.mark.parametrize("data", [b"[DONE]", b" [DONE] "])
def test_done_is_the_end(data: bytes) -> None:
    assert read(data) == [Done()]


@pytest.mark.parametrize(
    "chunk",
    [
        {},
        {"choices": []},
        {"choices": None},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": ""}]},
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None, "tool_calls": None}}]},
        {"choices": [{"index": 1, "delta": {"content": "another choice"}, "finish_reason": "stop"}]},
        {"error": None, "choices": []},
        {"error": {}, "choices": []},
        {"error": "", "choices": []},
        {"usage": None},
        {"object": "chat.completion.chunk"},
    ],
)
def test_a_chunk_may_say_nothing(chunk: dict[str, object]) -> None:
    assert read(chunk) == []


@pytest.mark.parametrize("index", [0, None, "absent"])
def test_the_first_choice_is_ours_also_when_it_is_not_numbered(index: object) -> None:
    choice = {"delta": {"content": "1"}} | ({} if index == "absent" else {"index": index})
    assert read({"choices": [choice]}) == [Text("1")]


def test_content_and_refusals_are_text() -> None:
    assert delta(content="1") == [Text("1")]
    assert delta(refusal="no") == [Text("no")]
    assert delta(content="", refusal="no") == [Text("no")]


@pytest.mark.parametrize(
    "fields", [{"reasoning_content": "hm"}, {"reasoning": "hm"}, {"reasoning_content": "", "reasoning": "hm"}]
)
def test_reasoning_comes_under_either_name(fields: dict[str, object]) -> None:
    assert delta(**fields) == [Reasoning("hm")]


def test_reasoning_under_both_names_counts_once() -> None:
    assert delta(reasoning_content="hm", reasoning="hm") == [Reasoning("hm")]


def test_reasoning_comes_before_the_text_of_its_chunk() -> None:
    assert delta(content="1", reasoning="hm") == [Reasoning("hm"), Text("1")]


def test_a_tool_call_comes_in_pieces() -> None:
    assert delta(tool_calls=[{"index": 1, "function": {"name": "look", "arguments": ""}}]) == [
        ToolCall(index=1, name="look")
    ]
    assert delta(tool_calls=[{"function": {"arguments": '{"a"'}}]) == [ToolCall(index=0, arguments='{"a"')]
    assert delta(tool_calls=[{}]) == [ToolCall(index=0)]


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "function_call", "eos"])
def test_a_known_finish_reason_is_an_end(reason: str) -> None:
    assert read({"choices": [{"finish_reason": reason}]}) == [Done(reason)]


def test_the_token_limit_is_an_end_that_cuts_the_answer() -> None:
    assert read({"choices": [{"finish_reason": "length"}]}) == [Done("length", cut=True)]


@pytest.mark.parametrize(
    ("reason", "error"), [("error", ErrorClass.STREAM_ERROR), ("content_filter", ErrorClass.CONTENT_FILTER)]
)
def test_two_finish_reasons_are_faults(reason: str, error: ErrorClass) -> None:
    assert read({"choices": [{"finish_reason": reason}]}) == [Fault(error=error, detail=f"finish reason: {reason}")]


def test_usage_is_read_with_its_details() -> None:
    usage = {
        "prompt_tokens": 50,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 12},
    }
    assert read({"choices": [], "usage": usage}) == [Usage(prompt=50, output=20, reasoning=12, cached=40)]


@pytest.mark.parametrize("details", [{}, {"prompt_tokens_details": None, "completion_tokens_details": None}])
def test_usage_without_details_leaves_them_out(details: dict[str, object]) -> None:
    usage = {"prompt_tokens": 50, "completion_tokens": 20, **details}
    assert read({"usage": usage}) == [Usage(prompt=50, output=20)]


def test_usage_may_ride_on_a_chunk_with_content() -> None:
    chunk = {"choices": [{"delta": {"content": "1"}, "finish_reason": "stop"}], "usage": {"completion_tokens": 1}}
    assert read(chunk) == [Text("1"), Done("stop"), Usage(output=1)]


@pytest.mark.parametrize(
    ("chunk", "error", "detail"),
    [
        ({"error": {"message": "gone", "code": 502}}, ErrorClass.STREAM_ERROR, "502: gone"),
        ({"error": "gone"}, ErrorClass.STREAM_ERROR, "gone"),
        ({"object": "error", "message": "gone", "code": 500}, ErrorClass.STREAM_ERROR, "500: gone"),
        ({"object": "error"}, ErrorClass.STREAM_ERROR, "error in the stream"),
        ({"error": {"type": "overloaded_error"}}, ErrorClass.OVERLOADED, "overloaded_error"),
    ],
)
def test_an_error_in_a_chunk_is_a_fault_and_nothing_else_of_it_counts(
    chunk: dict[str, object], error: ErrorClass, detail: str
) -> None:
    choices = [{"delta": {"content": "1"}, "finish_reason": "error"}]
    assert read({**chunk, "choices": choices}) == [Fault(error=error, detail=detail)]


@pytest.mark.parametrize(
    "chunk",
    [
        [],
        "text",
        {"choices": [{"finish_reason": 1}]},
    ],
)
def test_a_chunk_of_another_shape_is_malformed(chunk: object) -> None:
    with pytest.raises(MalformedError):
        read(chunk)


def test_refusals_are_read_as_openai_writes_them() -> None:
    body = b'{"error":{"message":"no such model","type":"invalid_request_error","code":"model_not_found"}}'
    fault = OpenAIChat().refusal(404, {"retry-after": "1"}, body)
    detail = "HTTP 404: model_not_found: invalid_request_error: no such model"
    assert fault == Fault(error=ErrorClass.NOT_FOUND, detail=detail, retry_after_s=1.0)


def test_what_only_one_copy_knows_can_be_sent() -> None:
    run = run_to()
    asker = codec("openai_chat", {"extra_body": '{"enable_thinking": false, "temperature": 0.6}'})
    body = json.loads(asker.request(run.endpoint, run.task, run.prompt).body)
    assert (body["enable_thinking"], body["temperature"]) == (False, 0.6)


@pytest.mark.parametrize("text", ["", "[]", "{", "true"])
def test_further_fields_that_are_no_object_are_refused_when_the_configuration_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="option 'extra_body' must be a JSON object"):
        codec("openai_chat", {"extra_body": text})
