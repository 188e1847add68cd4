"""Errors with status 200: in every API and every form they become the refusal that they describe."""

from __future__ import annotations

import json

import pytest

from probes._loader import available, codec, codec_class
from probes._model import Blame, ErrorClass, Framing, Sample, Task
from tests.contract.dialects import DIALECTS, EMBEDDING, beginning, framed, judged, messages, stream, with_field
from tests.contract.exchanges import run_to

APIS = available()
STREAMS = sorted(DIALECTS)
SSE = [api for api in STREAMS if codec_class(api).framing is Framing.SSE]
JSON_TYPE = {"content-type": "application/json"}
E = ErrorClass
OBJECTS: dict[str, tuple[object, ErrorClass]] = {
    "openai_rate": (
        {"error": {"message": "Rate limit reached for x", "type": "requests", "code": None}},
        E.RATE_LIMITED,
    ),
    "openai_quota": ({"error": {"message": "You exceeded it", "type": "insufficient_quota"}}, E.PAYMENT),
    "openai_key": ({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, E.AUTH),
    "openai_model": ({"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}, E.NOT_FOUND),
    "openai_request": (
        {"error": {"message": "max_tokens is too large", "type": "invalid_request_error"}},
        E.BAD_REQUEST,
    ),
    "openai_filter": ({"error": {"message": "no", "code": "content_filter"}}, E.CONTENT_FILTER),
    "openai_geo": ({"error": {"code": "unsupported_country_region_territory"}}, E.GEO),
    "openai_server": ({"error": {"message": "The server had an error", "type": "server_error"}}, E.STREAM_ERROR),
    "anthropic_overloaded": ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, E.OVERLOADED),
    "anthropic_permission": ({"type": "error", "error": {"type": "permission_error", "message": "x"}}, E.AUTH),
    "google_exhausted": ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x"}}, E.RATE_LIMITED),
    "google_unavailable": ([{"error": {"code": 503, "status": "UNAVAILABLE", "message": "x"}}], E.OVERLOADED),
    "amazon_throttled": ({"__type": "com.amazon#ThrottlingException", "message": "Rate exceeded"}, E.RATE_LIMITED),
    "amazon_denied": ({"__type": "AccessDeniedException", "message": "x"}, E.AUTH),
    "cohere_key": ({"message": "invalid api token"}, E.AUTH),
    "mistral_capacity": (
        {"object": "error", "message": "Service tier capacity exceeded for this model."},
        E.OVERLOADED,
    ),
    "mistral_model": ({"object": "error", "type": "invalid_model", "message": "Invalid model: x"}, E.NOT_FOUND),
    "ollama_model": ({"error": 'model "x" not found, try pulling it first'}, E.NOT_FOUND),
    "ollama_busy": (
        {"error": "server busy, please try again.  maximum pending requests exceeded"},
        E.OVERLOADED,
    ),
    "cohere_trial": (
        {"message": "You are using a Trial key, which is limited to 10 API calls / minute."},
        E.RATE_LIMITED,
    ),
    "fastapi_detail": ({"detail": "Unauthorized"}, E.AUTH),
    "fastapi_request": ({"detail": [{"loc": ["body"], "msg": "field required"}]}, E.BAD_REQUEST),
    "bare_type": ({"message": "gone", "type": "error"}, E.STREAM_ERROR),
    "bare_named": ({"message": "no", "type": "NotFoundError"}, E.NOT_FOUND),
    "cloudflare": ({"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}, E.AUTH),
    "minimax": ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, E.PAYMENT),
    "true_beside": ({"error": True, "message": "Too many requests"}, E.RATE_LIMITED),
    "text_beside": ({"error": "Payment Required", "status": 402, "path": "/"}, E.PAYMENT),
    "nested": ({"error": {"error": {"message": "x", "code": 402}}}, E.PAYMENT),
    "in_words_alone": ({"error": {"message": "Invalid token"}}, E.AUTH),
    "status_in_words": ({"error": "429 Too Many"}, E.RATE_LIMITED),
    "code_number": ({"error": {"code": 429}}, E.RATE_LIMITED),
    "code_digits": ({"error": {"code": "404", "message": ""}}, E.NOT_FOUND),
    "code_fraction": ({"error": {"code": 451.0}}, E.GEO),
    "code_alone": ({"error": 401}, E.AUTH),
    "code_beside": ({"code": 503, "message": "x"}, E.OVERLOADED),
    "code_server": ({"error": {"code": 500, "message": "payment backend is down"}}, E.STREAM_ERROR),
    "unknown": ({"error": {"message": "it fell over"}}, E.STREAM_ERROR),
}
NO_ERRORS: list[object] = [
    None,
    {},
    "",
    [],
    0,
    False,
    {"code": 0, "message": ""},
    {"code": None},
    {"code": "0", "message": "OK", "type": None},
    {"message": "success", "code": 200},
    "null",
]

every_api = pytest.mark.parametrize("api", APIS)
every_stream = pytest.mark.parametrize("api", STREAMS)
every_sse = pytest.mark.parametrize("api", SSE)
every_object = pytest.mark.parametrize(("told", "error"), OBJECTS.values(), ids=OBJECTS)


def said(sample: Sample) -> tuple[ErrorClass | None, str | None]:
    return sample.error, sample.detail


@every_api
@every_object
def test_an_error_object_in_place_of_an_answer_is_the_refusal_that_it_says(
    api: str, told: object, error: ErrorClass
) -> None:
    compact, pretty = json.dumps(told).encode(), json.dumps(told, indent=2).encode()
    bodies = {
        "compact": compact,
        "pretty": pretty,
        "with a line end": b"\n" + compact + b"\r\n",
        "with a mark": b"\xef\xbb\xbf" + compact,
        "as an event": b"data: " + compact + b"\n\n",
        "as an event that names itself": b"event: error\ndata: " + compact + b"\n\n",
        "as an event not ended": b"event: error\ndata: " + compact,
        "as a field": b"error: " + compact + b"\n\n",
        "behind a comment": b": waiting\n\n" + compact,
    }
    for how, body in bodies.items():
        taken = judged(api, body, headers=JSON_TYPE)
        assert taken.error is error, f"{how}: {said(taken)}"


@every_api
@every_object
def test_an_error_object_in_place_of_a_list_of_models_is_no_reach(api: str, told: object, error: ErrorClass) -> None:
    taken = judged(api, json.dumps(told).encode(), Task.REACH, headers=JSON_TYPE)
    # Where there is no list of models, a refusal shows that the server answers.
    answers = not codec(api, {}).lists_models and error.blame is Blame.ACCOUNT
    assert taken.error is (None if answers else error), taken.detail


@every_api
def test_a_list_of_models_beside_no_error_is_reach(api: str) -> None:
    listed = {"data": [{"id": "tiny"}], "models": [{"name": "tiny"}], "message": "Rate limit: none", "success": True}
    for nothing in NO_ERRORS:
        assert judged(api, json.dumps({**listed, "error": nothing}).encode(), Task.REACH).error is None
    assert judged(api, b"Ollama is running", Task.REACH).error is None


@every_sse
@every_object
def test_an_error_behind_the_beginning_of_an_answer_needs_no_frame(api: str, told: object, error: ErrorClass) -> None:
    compact, pretty = json.dumps(told).encode(), json.dumps(told, indent=2).encode()
    begun = stream(api, beginning(api))
    rests = {
        "as an event": b"data: " + compact + b"\n\n",
        "as an event that names itself": b"event: error\ndata: " + compact + b"\n\n",
        "as a bare line": compact + b"\n\n",
        "as a bare line at the end": compact,
        "pretty": pretty + b"\n",
        "as a field": b"error: " + compact + b"\n\n",
        "as a named field": b"event: error\nerror: " + compact + b"\n",
        "named and bare": b"event: error\n" + compact + b"\n\n",
    }
    for how, rest in rests.items():
        taken = judged(api, begun + rest)
        assert taken.error is error, f"{how}: {said(taken)}"
    assert judged(api, begun + compact + b"\n\ndata: [DONE]\n\n").error is error
    # Directly behind an event whose blank line never came.
    assert judged(api, begun.removesuffix(b"\n") + compact + b"\n").error is error


@every_object
@pytest.mark.parametrize("api", ["bedrock_converse", "ollama_chat"])
def test_an_error_behind_the_beginning_of_other_streams_is_read_too(api: str, told: object, error: ErrorClass) -> None:
    compact, begun = json.dumps(told).encode(), stream(api, beginning(api))
    for rest in (compact, compact + b"\n", json.dumps(told, indent=1).encode(), b"data: " + compact + b"\n\n"):
        assert judged(api, begun + rest).error is error, rest


@every_object
def test_an_event_of_an_unknown_kind_may_be_an_error(told: object, error: ErrorClass) -> None:
    if isinstance(told, dict):
        body = stream("bedrock_converse", [*beginning("bedrock_converse"), ("somethingNew", told)])
        assert judged("bedrock_converse", body).error is error


@every_sse
@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"upstream connect error", ErrorClass.STREAM_ERROR),
        (b"Rate limit reached", ErrorClass.RATE_LIMITED),
        (b'"the engine is overloaded"', ErrorClass.OVERLOADED),
        (b"429", ErrorClass.RATE_LIMITED),
        (b"", ErrorClass.STREAM_ERROR),
        (b"null", ErrorClass.STREAM_ERROR),
        (b"{}", ErrorClass.STREAM_ERROR),
    ],
)
def test_an_event_that_calls_itself_an_error_is_one_whatever_it_holds(api: str, text: bytes, error: ErrorClass) -> None:
    for begun in (b"", stream(api, beginning(api))):
        taken = judged(api, begun + b"event: error\ndata: " + text + b"\n\n")
        assert taken.error is error, taken.detail


@every_sse
def test_an_error_that_is_cut_short_is_a_stream_that_is_cut_short(api: str) -> None:
    begun = stream(api, beginning(api))
    for rest in (b'data: {"error": {"mess', b'{"error": {"mess', b'event: error\ndata: {"error": "mess', b"error: {"):
        assert judged(api, begun + rest).error is ErrorClass.TRUNCATED, rest


@every_stream
@pytest.mark.parametrize("nothing", NO_ERRORS, ids=str)
def test_a_field_that_says_there_is_no_error_is_none(api: str, nothing: object) -> None:
    taken = judged(api, stream(api, with_field(messages(api), "error", nothing)))
    assert (taken.error, taken.answer_ok, taken.output_tokens) == (None, True, 7), taken.detail


@pytest.mark.parametrize("nothing", NO_ERRORS, ids=str)
def test_an_embedding_beside_no_error_is_right(nothing: object) -> None:
    body = json.dumps({**EMBEDDING, "error": nothing}).encode()
    assert said(judged("openai_embeddings", body)) == (None, None)


@every_api
@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html>\n<html><script>\n{error: 1}\n</script><p>Rate limit</p></html>",
        b"upstream connect error",
        b'{"message": "Welcome to this API"}',
        b'{"status": "ok", "version": "1.2"}',
        b'["Rate limit", "reached"]',
        b"429",
        b'{"error": {"message": "it f',
    ],
)
def test_what_is_no_error_object_stays_malformed_or_cut(api: str, body: bytes) -> None:
    taken = judged(api, body, headers={"content-type": "text/html"})
    assert taken.error in {ErrorClass.MALFORMED, ErrorClass.TRUNCATED}


@every_api
def test_a_refusal_with_success_is_asked_to_wait_as_any_other(api: str) -> None:
    headers = {**JSON_TYPE, "retry-after": "7"}
    taken = judged(api, b'{"error": {"code": 429, "message": "slow down"}}', headers=headers)
    assert (taken.error, taken.retry_after_s) == (ErrorClass.RATE_LIMITED, 7.0)


@every_api
def test_the_key_in_an_unframed_error_is_not_shown(api: str) -> None:
    key = run_to(api).endpoint.api_key
    assert key is not None
    told = json.dumps({"error": {"message": f"bad key {key.reveal()}"}}).encode()
    for body in (told, b"error: " + told, b"event: error\ndata: bad key " + key.reveal().encode() + b"\n\n"):
        assert key.reveal() not in str(judged(api, body).detail)


def test_azures_filter_is_known_from_its_inner_code_in_a_success_too() -> None:
    told = {"error": {"message": "no", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}
    assert judged("azure_openai", json.dumps(told).encode()).error is ErrorClass.CONTENT_FILTER


def test_a_message_is_read_up_to_the_event_that_follows_it() -> None:
    begun = stream("openai_chat", beginning("openai_chat"))
    event = framed("openai_chat", (None, {"choices": []}))
    body = begun + b'{"error": "Rate limit"}\n' + event
    assert said(judged("openai_chat", body)) == (ErrorClass.RATE_LIMITED, "Rate limit")
    # A line that is no error is passed over, as clients do.
    good = begun + b'{"note": 1}\n' + stream("openai_chat", messages("openai_chat", pieces=[]))
    assert said(judged("openai_chat", good)) == (None, None)
