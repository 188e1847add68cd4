"""Amazon Bedrock's ConverseStream API: what is asked and how it is signed, events one by one, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from yarl import URL

from probes._loader import codec
from probes._model import (
    Done,
    ErrorClass,
    Event,
    Fault,
    Frame,
    MalformedError,
    Reasoning,
    Request,
    Secret,
    ServerTime,
    Task,
    Text,
    ToolCall,
    Usage,
)
from probes._prompts import FORM
from probes._sample import sample
from probes.bedrock_converse import BedrockConverse
from tests.contract.aws import aws_message
from tests.contract.exchanges import BEGAN_AT, KEY, PROMPTS, exchange_of, run_to
from tests.support.codec_calls import asked, body_of

PUBLIC = "https://bedrock-runtime.eu-central-1.amazonaws.com"
ACCESS = Secret("AKIDEXAMPLE:the-secret-of-the-key")
LENT = Secret("ASIDEXAMPLE:the-secret-of-the-key:the-session-token")
CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0"
STREAM = {"content-type": "application/vnd.amazon.eventstream"}


def signed(probe: BedrockConverse, task: Task = Task.CHAT, key: Secret | None = ACCESS, **endpoint: Any) -> Request:
    run = run_to("bedrock_converse", task=task, **{"base_url": PUBLIC, "api_key": key, **endpoint})
    return probe.sign(probe.request(run.endpoint, run.task, run.prompt), run.endpoint, BEGAN_AT)


def read(kind: str | None, message: object, message_type: str = "event") -> list[Event]:
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    frame = Frame(data=data, event=kind, headers={":message-type": message_type}, end=len(data))
    return list(BedrockConverse().read(frame))


def delta(**fields: object) -> list[Event]:
    return read("contentBlockDelta", {"contentBlockIndex": 2, "delta": fields, "p": "abcdef"})


def refused(status: int, code: str | None, message: str, key: str = "message") -> Fault:
    headers = {} if code is None else {"x-amzn-errortype": code}
    return BedrockConverse().refusal(status, headers, json.dumps({key: message}).encode())


# Asking


def test_it_asks_for_a_bounded_answer_at_temperature_zero() -> None:
    assert body_of(BedrockConverse()) == {
        "messages": [{"role": "user", "content": [{"text": PROMPTS[Task.CHAT].text}]}],
        "inferenceConfig": {"maxTokens": 64, "temperature": 0.0},
    }


def test_it_posts_json_to_the_models_own_address() -> None:
    request = asked(BedrockConverse(), model=CLAUDE, api_key=None, base_url=PUBLIC)
    assert (request.method, request.url) == ("POST", f"{PUBLIC}/model/{CLAUDE}/converse-stream")
    assert dict(request.headers) == {
        "Content-Type": "application/json",
        "Accept": "application/vnd.amazon.eventstream",
    }


@pytest.mark.parametrize(
    ("model", "written"),
    [
        (CLAUDE, CLAUDE),
        (PROFILE, PROFILE.replace("/", "%2F")),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("modèle", "mod%C3%A8le"),
    ],
)
def test_a_models_name_is_one_segment_of_the_path(model: str, written: str) -> None:
    assert asked(BedrockConverse(), model=model).url == f"https://acme.test/v1/model/{written}/converse-stream"


@pytest.mark.parametrize("model", [CLAUDE, PROFILE, "us.amazon.nova-lite-v1:0", "abc_DEF-1.2~3"])
def test_the_http_client_sends_the_path_that_was_signed(model: str) -> None:
    """It undoes `%3A`, and a service that is sent another path than was signed refuses the signature."""
    request = asked(BedrockConverse(), model=model, base_url=PUBLIC)
    assert str(URL(request.url)) == request.url


def test_options_make_room_for_reasoning_and_leave_out_what_is_refused() -> None:
    probe = BedrockConverse(reasoning_tokens=1000, temperature=None)
    assert body_of(probe)["inferenceConfig"] == {"maxTokens": 1064}
    assert body_of(BedrockConverse(temperature=1.0))["inferenceConfig"]["temperature"] == 1.0


def test_options_bound_the_reasoning() -> None:
    probe = BedrockConverse(reasoning_effort="low", model_fields='{"thinking": {"type": "disabled"}}')
    assert body_of(probe)["outputConfig"] == {"effort": "low"}
    assert body_of(probe)["additionalModelRequestFields"] == {"thinking": {"type": "disabled"}}


def test_effort_and_schema_share_a_place() -> None:
    output = body_of(BedrockConverse(reasoning_effort="low"), Task.STRUCTURED_OUTPUT)["outputConfig"]
    assert output.keys() == {"effort", "textFormat"}


def test_the_tool_is_offered_and_has_to_be_called() -> None:
    assert body_of(BedrockConverse(), Task.TOOL_CALL)["toolConfig"] == {
        "tools": [
            {
                "toolSpec": {
                    "name": FORM.name,
                    "description": FORM.description,
                    "inputSchema": {"json": dict(FORM.schema)},
                }
            }
        ],
        "toolChoice": {"tool": {"name": FORM.name}},
    }


@pytest.mark.parametrize(("choice", "told"), [("any", {"any": {}}), ("auto", {"auto": {}}), (None, None)])
def test_a_model_without_forced_tools_gets_a_weaker_tool_choice(choice: str | None, told: object) -> None:
    assert body_of(BedrockConverse(tool_choice=choice), Task.TOOL_CALL)["toolConfig"].get("toolChoice") == told


def test_a_structured_answer_is_asked_for_with_the_schema_as_text() -> None:
    output = body_of(BedrockConverse(), Task.STRUCTURED_OUTPUT)["outputConfig"]["textFormat"]
    schema = output["structure"]["jsonSchema"]
    assert (output["type"], schema["name"], schema["description"]) == ("json_schema", FORM.name, FORM.description)
    assert json.loads(schema["schema"]) == dict(FORM.schema)


def test_a_prompt_without_a_form_asks_for_none() -> None:
    run = run_to("bedrock_converse")
    for task in (Task.TOOL_CALL, Task.STRUCTURED_OUTPUT):
        body = BedrockConverse().request(run.endpoint, task, replace(PROMPTS[task], form=None)).body
        assert json.loads(body).keys() == {"messages", "inferenceConfig"}


def test_reaching_asks_the_bare_host_without_a_key() -> None:
    for key in (ACCESS, Secret(KEY)):
        request = signed(BedrockConverse(), Task.REACH, key)
        assert (request.method, request.url, request.body) == ("GET", f"{PUBLIC}/", b"")
        assert "Authorization" not in dict(request.headers)
    assert not BedrockConverse().lists_models


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("tool_choice", "required", "one of tool, any, auto, or null"),
        ("model_fields", "thinking: off", "must be a JSON object: not JSON"),
        ("model_fields", "[]", "must be a JSON object: expected an object, not an array"),
    ],
)
def test_a_wrong_option_is_refused_when_the_configuration_is_read(option: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"{option}.*{message}"):
        codec("bedrock_converse", {option: value})


# Signing


def test_an_api_key_travels_as_bearer_and_nothing_is_signed() -> None:
    request = signed(BedrockConverse(), key=Secret(KEY))
    assert dict(request.headers)["Authorization"] == f"Bearer {KEY}"
    assert "X-Amz-Date" not in dict(request.headers)


def test_an_access_key_signs_and_does_not_travel() -> None:
    request = signed(BedrockConverse())
    told = dict(request.headers)
    assert told["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-central-1/bedrock/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature="
    )
    assert told["X-Amz-Date"] == "20261122T070000Z"
    assert not [value for value in told.values() if "the-secret" in value]
    assert "Authorization" not in dict(asked(BedrockConverse(), base_url=PUBLIC, api_key=ACCESS).headers)


def test_a_lent_key_sends_its_session_token() -> None:
    told = dict(signed(BedrockConverse(), key=LENT).headers)
    assert told["X-Amz-Security-Token"] == "the-session-token"
    assert not [value for value in told.values() if "the-secret" in value]


def test_an_endpoint_without_a_key_signs_nothing() -> None:
    assert signed(BedrockConverse(), key=None) == asked(BedrockConverse(), base_url=PUBLIC, api_key=None)


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("bedrock-runtime.eu-west-3.api.aws", "eu-west-3"),
        ("bedrock-runtime.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        ("vpce-0a1b-2c3d.bedrock-runtime.ap-south-1.vpce.amazonaws.com", "ap-south-1"),
        ("BEDROCK-RUNTIME.US-EAST-1.amazonaws.com:443", "us-east-1"),
    ],
)
def test_the_region_is_the_one_in_the_hosts_name(host: str, region: str) -> None:
    told = dict(signed(BedrockConverse(), base_url=f"https://{host}").headers)
    assert f"/20261122/{region}/bedrock/aws4_request," in told["Authorization"]


def test_an_option_names_the_region_of_any_host() -> None:
    for host in ("https://gateway.acme.test/bedrock", PUBLIC):
        told = dict(signed(BedrockConverse(region="sa-east-1"), base_url=host).headers)
        assert "/20261122/sa-east-1/bedrock/" in told["Authorization"]


@pytest.mark.parametrize(
    "host", ["gateway.acme.test", "bedrock.us-east-1.amazonaws.com", "bedrock-runtime.local", "127.0.0.1:8000"]
)
def test_a_host_without_a_region_cannot_be_signed_for(host: str) -> None:
    with pytest.raises(ValueError, match="no AWS region; set the option 'region'"):
        signed(BedrockConverse(), base_url=f"http://{host}")


def test_half_an_access_key_cannot_sign() -> None:
    with pytest.raises(ValueError, match="ACCESS_KEY_ID:SECRET_ACCESS_KEY"):
        signed(BedrockConverse(), key=Secret("AKIDEXAMPLE:"))


def test_no_part_of_an_access_key_is_shown_where_the_service_repeats_it() -> None:
    words = "The Canonical String should have been x-amz-security-token:the-session-token the-secret-of-the-key"
    seen = exchange_of([(0.1, json.dumps({"message": words}).encode())], status=403)
    told = sample(run_to("bedrock_converse", api_key=LENT), BedrockConverse(), seen).detail or ""
    assert "x-amz-security-token:*** ***" in told


# Reading


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("messageStart", {"role": "assistant", "p": "abc"}),
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {}}),
        ("contentBlockStart", {"start": {"toolUse": {}}}),
        ("contentBlockStart", {"start": {"image": {"format": "png"}}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("contentBlockDelta", {}),
        ("contentBlockDelta", {"delta": None}),
        ("metadata", {}),
        ("metadata", {"usage": None, "metrics": None}),
        ("metadata", {"usage": {}, "metrics": {}}),
        ("somethingNew", {"delta": {"text": "1"}}),
        (None, {"delta": {"text": "1"}}),
    ],
)
def test_an_event_may_say_nothing(kind: str | None, event: object) -> None:
    assert read(kind, event) == []


def test_pieces_of_content_are_read() -> None:
    assert delta(text="1") == [Text("1")]
    assert delta(reasoningContent={"text": "hm"}) == [Reasoning("hm")]
    assert delta(toolUse={"input": '{"a"'}) == [ToolCall(index=2, arguments='{"a"')]


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"reasoningContent": {"text": ""}},
        {"reasoningContent": {"signature": "EqoBCkg="}},
        {"reasoningContent": {"redactedContent": "EuYBCoQ="}},
        {"toolUse": {"input": ""}},
        {"citation": {"title": "x"}},
    ],
)
def test_ignored_fields_are_no_content(fields: dict[str, object]) -> None:
    assert delta(**fields) == []


def test_a_blocks_start_names_the_tool() -> None:
    start = {"toolUse": {"toolUseId": "tooluse_1", "name": "report_numbers"}}
    assert read("contentBlockStart", {"contentBlockIndex": 1, "start": start}) == [
        ToolCall(index=1, name="report_numbers", id="tooluse_1")
    ]


@pytest.mark.parametrize("reason", ["end_turn", "tool_use", "stop_sequence"])
def test_a_stop_is_the_end(reason: str) -> None:
    assert read("messageStop", {"stopReason": reason}) == [Done(reason)]


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
def test_a_limit_cuts_the_answer(reason: str) -> None:
    assert read("messageStop", {"stopReason": reason}) == [Done(reason, cut=True)]


def test_a_stop_without_a_reason_is_an_end() -> None:
    assert read("messageStop", {}) == [Done()]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("guardrail_intervened", ErrorClass.CONTENT_FILTER),
        ("content_filtered", ErrorClass.CONTENT_FILTER),
        ("malformed_model_output", ErrorClass.STREAM_ERROR),
        ("malformed_tool_use", ErrorClass.STREAM_ERROR),
    ],
)
def test_four_stop_reasons_are_faults(reason: str, error: ErrorClass) -> None:
    assert read("messageStop", {"stopReason": reason}) == [Fault(error=error, detail=f"stop reason: {reason}")]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"inputTokens": 43, "outputTokens": 8, "totalTokens": 51}, Usage(prompt=43, output=8)),
        ({"inputTokens": 43, "outputTokens": 8, "cacheReadInputTokens": 0}, Usage(prompt=43, output=8, cached=0)),
        ({"inputTokens": 3, "cacheReadInputTokens": 30, "cacheWriteInputTokens": 10}, Usage(prompt=43, cached=30)),
        ({"cacheReadInputTokens": 30}, Usage(cached=30)),
    ],
)
def test_a_prompts_tokens_are_those_of_the_cache_too(usage: dict[str, int], counts: Usage) -> None:
    assert read("metadata", {"usage": usage}) == [counts]


def test_the_services_own_time_is_in_seconds() -> None:
    assert read("metadata", {"metrics": {"latencyMs": 412}}) == [ServerTime(0.412)]
    assert read("metadata", {"metrics": {"latencyMs": 0}}) == [ServerTime(0.0)]


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("messageStop", []),
        ("messageStop", {"stopReason": 1}),
        ("contentBlockStart", {"start": {"toolUse": "x"}}),
        ("contentBlockDelta", {"delta": "1"}),
        ("metadata", b"{"),
    ],
)
def test_an_event_of_another_shape_is_malformed(kind: str, event: object) -> None:
    with pytest.raises(MalformedError):
        read(kind, event)


# Errors in the stream


@pytest.mark.parametrize(
    ("kind", "message", "error"),
    [
        ("throttlingException", "Too many tokens, please wait.", ErrorClass.RATE_LIMITED),
        ("throttlingException", "We have exceeded capacity.", ErrorClass.OVERLOADED),
        ("serviceUnavailableException", "Bedrock is unable to process your request.", ErrorClass.OVERLOADED),
        ("validationException", "Input is too long for requested model.", ErrorClass.BAD_REQUEST),
        ("validationException", "Output blocked by content filtering policy", ErrorClass.CONTENT_FILTER),
        ("modelStreamErrorException", "Try your request again.", ErrorClass.STREAM_ERROR),
        ("internalServerException", "Internal server error", ErrorClass.STREAM_ERROR),
        ("exceptionOfTomorrow", "Something", ErrorClass.STREAM_ERROR),
    ],
)
def test_an_exception_is_a_fault_of_its_kind(kind: str, message: str, error: ErrorClass) -> None:
    assert read(kind, {"message": message}, "exception") == [Fault(error=error, detail=f"{kind}: {message}")]


def test_an_exception_may_repeat_what_the_model_said() -> None:
    told = {"message": "The model failed", "originalMessage": "Model is at capacity", "originalStatusCode": 503}
    detail = "modelStreamErrorException: The model failed: Model is at capacity"
    assert read("modelStreamErrorException", told, "exception") == [Fault(error=ErrorClass.OVERLOADED, detail=detail)]


def test_an_exception_without_a_word_is_a_fault() -> None:
    assert read(None, {}, "exception") == [Fault(error=ErrorClass.STREAM_ERROR, detail="error in the stream")]


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (
            {":error-code": "InternalFailure", ":error-message": "It broke"},
            Fault(error=ErrorClass.STREAM_ERROR, detail="InternalFailure: It broke"),
        ),
        ({":error-code": "Throttling"}, Fault(error=ErrorClass.RATE_LIMITED, detail="Throttling")),
        ({}, Fault(error=ErrorClass.STREAM_ERROR, detail="error in the stream")),
    ],
)
def test_an_error_without_a_shape_is_read_from_its_headers(told: dict[str, str], fault: Fault) -> None:
    frame = Frame(data=b"", headers={":message-type": "error", **told}, end=0)
    assert list(BedrockConverse().read(frame)) == [fault]


def test_no_part_of_a_key_that_an_exception_repeats_is_shown_wherever_the_detail_is_cut() -> None:
    for padding in range(180, 215):
        words = json.dumps({"message": "x" * padding + " " + KEY}).encode()
        body = aws_message(words, exception_type="validationException", message_type="exception")
        seen = exchange_of([(0.1, body)], headers=STREAM)
        told = sample(run_to("bedrock_converse"), BedrockConverse(), seen)
        assert told.error is ErrorClass.BAD_REQUEST
        assert "sk-rec" not in (told.detail or "")


# Refusals


@pytest.mark.parametrize(
    ("status", "code", "message", "error"),
    [
        (403, "AccessDeniedException", "You don't have access to the model", ErrorClass.AUTH),
        (403, "UnrecognizedClientException", "The security token included in the request is invalid", ErrorClass.AUTH),
        (400, "IncompleteSignature", "The request signature does not conform", ErrorClass.AUTH),
        (400, "NotAuthorized", "You do not have permission", ErrorClass.AUTH),
        (403, "AccessDeniedException", "Denied due to INVALID_PAYMENT_INSTRUMENT", ErrorClass.PAYMENT),
        (429, "ThrottlingException", "Too many tokens", ErrorClass.RATE_LIMITED),
        (400, "ThrottlingException", "Slow down", ErrorClass.RATE_LIMITED),
        (400, "ServiceQuotaExceededException", "Your request exceeds the quota", ErrorClass.RATE_LIMITED),
        (429, "ThrottlingException", "The model is overloaded", ErrorClass.OVERLOADED),
        (429, "ModelNotReadyException", "Not ready", ErrorClass.OVERLOADED),
        (503, "ServiceUnavailableException", "Too many connections", ErrorClass.OVERLOADED),
        (404, "ResourceNotFoundException", "Could not resolve", ErrorClass.NOT_FOUND),
        (400, "ValidationException", "The provided model identifier is invalid.", ErrorClass.NOT_FOUND),
        (400, "ValidationException", "with on-demand throughput isn’t supported", ErrorClass.NOT_FOUND),
        (400, "ValidationException", "Malformed input request", ErrorClass.BAD_REQUEST),
        (400, "ValidationException", "blocked by our content filters", ErrorClass.CONTENT_FILTER),
        (400, "ValidationException", "not allowed from unsupported countries", ErrorClass.GEO),
        (408, "ModelTimeoutException", "Timed out", ErrorClass.SERVER_ERROR),
        (424, "ModelErrorException", "The model failed", ErrorClass.SERVER_ERROR),
        (424, "ModelStreamErrorException", "The model failed", ErrorClass.SERVER_ERROR),
        (500, "InternalServerException", "Oops", ErrorClass.SERVER_ERROR),
    ],
)
def test_a_refusal_has_the_class_of_its_words_its_code_or_its_status(
    status: int, code: str, message: str, error: ErrorClass
) -> None:
    assert refused(status, code, message) == Fault(error=error, detail=f"HTTP {status}: {code}: {message}")


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"]
)
@pytest.mark.parametrize("key", ["message", "Message"])
def test_the_code_and_the_message_are_found_however_they_are_written(code: str, key: str) -> None:
    assert refused(400, code, "Slow down", key).detail == "HTTP 400: ThrottlingException: Slow down"


@pytest.mark.parametrize("key", ["__type", "code"])
def test_the_code_may_stand_in_the_body(key: str) -> None:
    body = json.dumps({key: "com.amazon.coral.service#UnknownOperationException", "message": None}).encode()
    detail = "HTTP 404: UnknownOperationException"
    assert BedrockConverse().refusal(404, {}, body) == Fault(error=ErrorClass.NOT_FOUND, detail=detail)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": 5}', b"\xff"])
def test_a_refusal_without_words_goes_by_its_status(body: bytes) -> None:
    assert BedrockConverse().refusal(502, {}, body) == Fault(error=ErrorClass.SERVER_ERROR, detail="HTTP 502")


def test_a_refusal_contains_the_time_to_wait() -> None:
    assert BedrockConverse().refusal(429, {"retry-after": "5"}, b"{}").retry_after_s == 5.0
