"""Google's Gemini API: what is asked, and what its recordings do not show of its answers."""

from __future__ import annotations

import json
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
from probes.gemini_generate import GeminiGenerate
from tests.contract.exchanges import KEY
from tests.support.codec_calls import asked, body_of, events_of

BASE_URL = "https://acme.test/v1"
RPC = "type.googleapis.com/google.rpc."
CALL = {"functionCall": {"name": "look", "args": {"a": 1}}}

read = partial(events_of, GeminiGenerate())


def generation(**options: Any) -> dict[str, Any]:
    config: dict[str, Any] = body_of(GeminiGenerate(**options))["generationConfig"]
    return config


def parts(*given: object) -> list[Event]:
    return read({"candidates": [{"content": {"role": "model", "parts": list(given)}}]})


def refused(status: int, name: str, message: str, *details: object, code: int | None = None) -> Fault:
    error = {"code": code or status, "status": name, "message": message, "details": list(details)}
    return GeminiGenerate().refusal(status, {}, json.dumps({"error": error}).encode())


# Asking


def test_it_asks_at_temperature_zero_with_room_for_thoughts() -> None:
    assert body_of(GeminiGenerate()) == {
        "contents": [{"role": "user", "parts": [{"text": "[nonce] Repeat these numbers: 1, 2, 3"}]}],
        "generationConfig": {"maxOutputTokens": 1064, "temperature": 0.0},
    }


def test_it_posts_json_with_the_key_in_a_header_of_its_own() -> None:
    request = asked(GeminiGenerate())
    assert request.method == "POST"
    assert dict(request.headers) == {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "x-goog-api-key": KEY,
    }


def test_an_access_token_travels_as_bearer() -> None:
    headers = dict(asked(GeminiGenerate(auth="bearer")).headers)
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert "x-goog-api-key" not in headers


@pytest.mark.parametrize("task", [Task.CHAT, Task.REACH])
def test_without_a_key_no_header_has_one(task: Task) -> None:
    assert "x-goog-api-key" not in dict(asked(GeminiGenerate(), task, api_key=None).headers)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("tunedModels/mine", "tunedModels/mine"),
        ("a model/with?signs#:", "models/a%20model%2Fwith%3Fsigns%23%3A"),
        ("models/../x", "models/..%2Fx"),
    ],
)
def test_a_model_is_named_with_or_without_its_collection(model: str, path: str) -> None:
    assert asked(GeminiGenerate(), model=model).url == f"{BASE_URL}/{path}:streamGenerateContent?alt=sse"


def test_the_list_of_models_comes_in_one_page() -> None:
    assert asked(GeminiGenerate(), Task.REACH).url == f"{BASE_URL}/models?pageSize=1000"
    assert GeminiGenerate().lists_models


def test_without_a_list_of_models_the_base_url_is_reached() -> None:
    listless = GeminiGenerate(models_path=None)
    assert asked(listless, Task.REACH).url == f"{BASE_URL}/"
    assert not listless.lists_models


def test_options_say_how_much_is_thought() -> None:
    assert "thinkingConfig" not in generation(reasoning_tokens=0)
    assert generation(reasoning_tokens=0)["maxOutputTokens"] == 64
    assert generation(thinking_budget=0)["thinkingConfig"] == {"thinkingBudget": 0}
    assert generation(thinking_level="low")["thinkingConfig"] == {"thinkingLevel": "low"}
    assert generation(include_thoughts=True)["thinkingConfig"] == {"includeThoughts": True}
    assert "temperature" not in generation(temperature=None)


@pytest.mark.parametrize(
    "options", [{"auth": "x-api-key"}, {"auth": ""}, {"thinking_budget": 0, "thinking_level": "low"}]
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"auth is|exclude each other"):
        GeminiGenerate(**options)


def test_a_tool_has_to_be_called() -> None:
    body = body_of(GeminiGenerate(), Task.TOOL_CALL)
    function = {"name": FORM.name, "description": FORM.description, "parametersJsonSchema": dict(FORM.schema)}
    assert body["tools"] == [{"functionDeclarations": [function]}]
    calling = {"mode": "ANY", "allowedFunctionNames": [FORM.name]}
    assert body["toolConfig"] == {"functionCallingConfig": calling}
    assert "responseMimeType" not in body["generationConfig"]


def test_a_structured_answer_has_the_schema() -> None:
    body = body_of(GeminiGenerate(), Task.STRUCTURED_OUTPUT)
    config = body["generationConfig"]
    assert (config["responseMimeType"], config["responseJsonSchema"]) == ("application/json", dict(FORM.schema))
    assert "tools" not in body


# Reading


@pytest.mark.parametrize(
    "chunk",
    [
        {},
        {"candidates": []},
        {"candidates": None, "promptFeedback": None, "usageMetadata": None, "error": None},
        {"candidates": [{}]},
        {"candidates": [{"content": None, "finishReason": None}]},
        {"candidates": [{"content": {"role": "model"}, "finishReason": ""}]},
        {"candidates": [{"content": {"parts": [{}, {"text": ""}, {"text": "", "thought": True}]}}]},
        {"candidates": [{"content": {"parts": [{"executableCode": {"code": "1"}}, {"functionCall": None}]}}]},
        {"candidates": [{"index": 1, "content": {"parts": [{"text": "another"}]}, "finishReason": "STOP"}]},
        {"candidates": [{"finishReason": "FINISH_REASON_UNSPECIFIED"}]},
        {"promptFeedback": {"safetyRatings": []}},
        {"error": {}},
        {"error": ""},
    ],
)
def test_a_chunk_may_say_nothing(chunk: dict[str, object]) -> None:
    assert read(chunk) == []


def test_a_chunk_may_say_everything_at_once() -> None:
    candidate = {"content": {"parts": [{"text": "hm", "thought": True}, {"text": "1"}]}, "finishReason": "STOP"}
    assert read({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 5}}) == [
        Reasoning("hm"),
        Text("1"),
        Done("STOP"),
        Usage(prompt=5),
    ]


def test_no_two_calls_of_a_stream_have_the_same_index() -> None:
    frames = [[CALL, CALL, {"text": "1"}, CALL], [CALL], [CALL] * 50, [CALL]]
    indexes, end = [], 0
    for given in frames:
        chunk = {"candidates": [{"content": {"parts": given}}]}
        end += len(json.dumps(chunk))
        indexes += [event.index for event in read(chunk, end=end) if isinstance(event, ToolCall)]
    assert indexes == sorted(set(indexes))
    assert len(indexes) == 3 + 1 + 50 + 1


def test_a_call_has_its_arguments_as_json() -> None:
    (call,) = parts(CALL)
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(call.arguments)) == ("look", {"a": 1})
    (empty,) = parts({"functionCall": {}})
    assert isinstance(empty, ToolCall)
    assert (empty.name, empty.arguments) == (None, "{}")


def test_a_limit_per_request_cuts_an_answer_too() -> None:
    assert read({"candidates": [{"finishReason": "CONTINUATION"}]}) == [Done("CONTINUATION", cut=True)]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        *(
            (reason, ErrorClass.CONTENT_FILTER)
            for reason in ("BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR", "ESCALATION")
        ),
        *(
            (reason, ErrorClass.STREAM_ERROR)
            for reason in ("OTHER", "LANGUAGE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE")
        ),
        ("PUP_LIMITED_DISABLED", ErrorClass.AUTH),
    ],
)
def test_a_reason_that_is_no_good_end_is_a_fault(reason: str, error: ErrorClass) -> None:
    candidate = {"content": {"parts": [{"text": "1"}]}, "finishReason": reason, "finishMessage": "why"}
    assert read({"candidates": [candidate]}) == [
        Text("1"),
        Fault(error=error, detail=f"finish reason: {reason}: why"),
    ]


def test_a_blocked_prompt_is_a_fault_with_its_message_and_only_without_an_answer() -> None:
    feedback = {"blockReason": "OTHER", "blockReasonMessage": "why"}
    detail = "prompt blocked: OTHER: why"
    assert read({"promptFeedback": feedback}) == [Fault(error=ErrorClass.CONTENT_FILTER, detail=detail)]
    candidate = {"content": {"parts": [{"text": "1"}]}}
    assert read({"promptFeedback": feedback, "candidates": [candidate]}) == [Text("1")]


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({}, Usage()),
        ({"promptTokenCount": 5, "totalTokenCount": 5}, Usage(prompt=5)),
        ({"candidatesTokenCount": 3}, Usage(output=3)),
        ({"thoughtsTokenCount": 4}, Usage(output=4, reasoning=4)),
        ({"candidatesTokenCount": 3, "thoughtsTokenCount": 4}, Usage(output=7, reasoning=4)),
        ({"cachedContentTokenCount": 2}, Usage(cached=2)),
    ],
)
def test_thoughts_are_output_and_what_is_not_told_is_not_counted(usage: object, counted: Usage) -> None:
    assert read({"usageMetadata": usage}) == [counted]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("UNAVAILABLE", ErrorClass.OVERLOADED),
        ("RESOURCE_EXHAUSTED", ErrorClass.RATE_LIMITED),
        ("UNAUTHENTICATED", ErrorClass.AUTH),
        ("PERMISSION_DENIED", ErrorClass.AUTH),
        ("NOT_FOUND", ErrorClass.NOT_FOUND),
        ("INVALID_ARGUMENT", ErrorClass.BAD_REQUEST),
        ("FAILED_PRECONDITION", ErrorClass.BAD_REQUEST),
        ("CANCELLED", ErrorClass.SERVER_ERROR),
        ("INTERNAL", ErrorClass.STREAM_ERROR),
        ("DEADLINE_EXCEEDED", ErrorClass.STREAM_ERROR),
        ("A_STATUS_OF_TOMORROW", ErrorClass.STREAM_ERROR),
    ],
)
def test_an_error_in_the_stream_has_its_status_class(name: str, error: ErrorClass) -> None:
    (fault,) = read({"error": {"status": name, "message": "gone"}, "candidates": [{"finishReason": "STOP"}]})
    assert fault == Fault(error=error, detail=f"{name}: gone")


@pytest.mark.parametrize(
    "chunk",
    [
        [],
        [{}, {}],
        "text",
        {"candidates": [{"content": {"parts": [{"functionCall": []}]}}]},
        {"candidates": [{"finishReason": 1}]},
    ],
)
def test_a_chunk_of_another_shape_is_malformed(chunk: object) -> None:
    with pytest.raises(MalformedError):
        read(chunk)


# Refusals


@pytest.mark.parametrize("kind", ["QuotaFailure", "RetryInfo"])
def test_a_limit_is_never_read_as_payment_whatever_its_message_offers(kind: str) -> None:
    detail = {"@type": RPC + kind}
    fault = refused(429, "RESOURCE_EXHAUSTED", "Prepay to raise your plan and billing limits", detail)
    assert fault.error is ErrorClass.RATE_LIMITED


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("check your plan and billing details", ErrorClass.RATE_LIMITED),
        ("payment", ErrorClass.RATE_LIMITED),
        ("You exceeded a spend-based limit of your tier", ErrorClass.RATE_LIMITED),
        ("Your project has exceeded its monthly spending cap", ErrorClass.PAYMENT),
        ("Your prepayment credits are depleted", ErrorClass.PAYMENT),
        ("the model is at capacity", ErrorClass.OVERLOADED),
    ],
)
def test_only_spent_money_is_payment(message: str, error: ErrorClass) -> None:
    assert refused(429, "RESOURCE_EXHAUSTED", message).error is error


def test_402_is_payment_in_a_stream_too() -> None:
    (fault,) = read({"error": {"code": 402, "status": "RESOURCE_EXHAUSTED", "message": "depleted"}})
    assert isinstance(fault, Fault)
    assert fault.error is ErrorClass.PAYMENT


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("BILLING_DISABLED", ErrorClass.PAYMENT),
        ("CONSUMER_SUSPENDED", ErrorClass.AUTH),
        ("RATE_LIMIT_EXCEEDED", ErrorClass.RATE_LIMITED),
        ("MODEL_CAPACITY_EXHAUSTED", ErrorClass.OVERLOADED),
        ("A_REASON_OF_TOMORROW", ErrorClass.BAD_REQUEST),
    ],
)
def test_the_reason_in_the_details_is_the_most_exact_word(reason: str, error: ErrorClass) -> None:
    other = {"@type": RPC + "LocalizedMessage"}
    assert refused(400, "INVALID_ARGUMENT", "no", other, {"@type": RPC + "ErrorInfo", "reason": reason}).error is error


@pytest.mark.parametrize(
    ("delay", "seconds"), [("34s", 34.0), ("0.5s", 0.5), ("1m30s", 90.0), ("soon", None), (34, None), (None, None)]
)
def test_the_time_to_wait_is_read_from_the_details(delay: object, seconds: float | None) -> None:
    fault = refused(429, "RESOURCE_EXHAUSTED", "wait", {"@type": RPC + "Help"}, {"retryDelay": delay})
    assert fault.retry_after_s == seconds


def test_a_header_says_how_long_to_wait_where_the_details_do_not() -> None:
    body = b'{"error": {"status": "UNAVAILABLE", "details": []}}'
    assert GeminiGenerate().refusal(503, {"retry-after": "7"}, body).retry_after_s == 7.0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"error": "words"}',
        b'{"error": null}',
        b'{"error": {"details": 5}}',
        b'{"error": {"details": [5, {"reason": ["x"], "@type": {}, "retryDelay": []}], "status": [], "code": {}}}',
        b'[{"error": {"message": ["x"], "status": "RESOURCE_EXHAUSTED"}}]',
    ],
)
def test_an_error_body_of_another_shape_is_classed_by_its_status(body: bytes) -> None:
    assert GeminiGenerate().refusal(429, {}, body).error is ErrorClass.RATE_LIMITED


# The list of models


def test_models_are_named_without_their_collection() -> None:
    body = b'{"models": [{"name": "models/a"}, {"name": "b", "version": "1"}, {}], "nextPageToken": "x"}'
    assert GeminiGenerate().models(body) == {"a", "b"}
