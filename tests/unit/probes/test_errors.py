"""Statuses and error bodies to classes: the published table, and the words that are more exact than it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes import _errors
from probes._model import Blame, ErrorClass

BY_STATUS = {
    ErrorClass.BAD_REQUEST: (400, 405, 406, 411, 413, 414, 415, 417, 418, 422, 426, 428, 431),
    ErrorClass.AUTH: (401, 403),
    ErrorClass.PAYMENT: (402,),
    ErrorClass.MALFORMED: (100, 101, 103, 199),
    ErrorClass.NOT_FOUND: (300, 301, 302, 303, 304, 307, 308, 404, 410),
    ErrorClass.SERVER_ERROR: (
        408,
        409,
        424,
        425,
        499,
        500,
        501,
        502,
        504,
        505,
        507,
        511,
        520,
        521,
        522,
        523,
        524,
        530,
        599,
        999,
    ),
    ErrorClass.RATE_LIMITED: (429,),
    ErrorClass.GEO: (451,),
    ErrorClass.OVERLOADED: (498, 503, 529),
}


@pytest.mark.parametrize(
    ("status", "error"), [(status, error) for error, statuses in BY_STATUS.items() for status in statuses]
)
def test_a_status_alone_has_the_class_of_the_table(status: int, error: ErrorClass) -> None:
    assert _errors.status_class(status) is error
    assert _errors.refusal(status, {}, b"").error is error


@pytest.mark.parametrize("status", [status for status in range(100, 600) if status // 100 != 2])
def test_every_status_has_a_class_that_does_not_blame_the_monitor(status: int) -> None:
    assert _errors.status_class(status).blame in {Blame.PROVIDER, Blame.ACCOUNT}


def test_only_statuses_that_blame_the_provider_count_against_it() -> None:
    blamed = {status for status in range(400, 500) if _errors.status_class(status).blame is Blame.PROVIDER}
    assert blamed == {408, 409, 424, 425, 498, 499}


def said(status: int, code: object = None, kind: object = None, message: object = None) -> ErrorClass:
    body = {"error": {"code": code, "type": kind, "message": message}}
    return _errors.refusal(status, {}, json.dumps(body).encode()).error


@pytest.mark.parametrize(
    ("status", "code", "kind", "message", "error"),
    [
        (401, "invalid_api_key", "invalid_request_error", "Incorrect API key provided", ErrorClass.AUTH),
        (400, None, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", ErrorClass.AUTH),
        (400, None, "invalid_request_error", "Your credit balance is too low", ErrorClass.PAYMENT),
        (429, "insufficient_quota", None, "check your plan and billing details", ErrorClass.PAYMENT),
        (429, None, None, "You exceeded your current quota, check your plan and billing", ErrorClass.PAYMENT),
        (429, "rate_limit_exceeded", "tokens", "Upgrade at console.groq.com/settings/billing", ErrorClass.RATE_LIMITED),
        (429, None, None, "Rate limit reached. Add a payment method to raise it", ErrorClass.RATE_LIMITED),
        (429, None, None, "quota, billing: ai.google.dev/gemini-api/docs/rate-limits", ErrorClass.RATE_LIMITED),
        (429, "3505", "service_tier_capacity_exceeded", "Service tier capacity exceeded", ErrorClass.OVERLOADED),
        (429, "rate_limit_exceeded", None, "we are at full capacity", ErrorClass.OVERLOADED),
        (429, 429, None, "No capacity available for model x on the server", ErrorClass.OVERLOADED),
        (429, None, "engine_overloaded_error", "The engine is currently overloaded", ErrorClass.OVERLOADED),
        (400, None, None, "Selected model is at capacity.", ErrorClass.OVERLOADED),
        (429, None, None, "we do not have enough capacity", ErrorClass.OVERLOADED),
        (404, "model_not_found", None, "no such model", ErrorClass.NOT_FOUND),
        (400, None, None, "The model `x` does not exist", ErrorClass.NOT_FOUND),
        (400, None, None, "You have reached your specified API usage limits.", ErrorClass.PAYMENT),
        (400, None, None, "The workspace's spend limit is reached", ErrorClass.PAYMENT),
        (400, "content_filter", None, "filtered", ErrorClass.CONTENT_FILTER),
        (400, None, None, "Output blocked by content filtering policy", ErrorClass.CONTENT_FILTER),
        (400, "invalid_prompt", None, "flagged as potentially violating our usage policy", ErrorClass.CONTENT_FILTER),
        (400, None, None, "not allowed from unsupported countries, regions, or territories", ErrorClass.GEO),
        (403, 403, None, "x requires moderation on y. Your input was flagged", ErrorClass.CONTENT_FILTER),
        (403, "unsupported_country_region_territory", None, None, ErrorClass.GEO),
        (400, None, None, "User location is not supported: not available in your region", ErrorClass.GEO),
        (413, None, None, "too long", ErrorClass.BAD_REQUEST),
        (400, None, None, "the piano capacity of that capacity", ErrorClass.BAD_REQUEST),
        (500, None, None, "billing, moderation and a rate limit", ErrorClass.SERVER_ERROR),
        (500, None, "overloaded_error", "Overloaded", ErrorClass.OVERLOADED),
        (503, None, None, "unauthorized", ErrorClass.OVERLOADED),
        (302, None, None, "unauthorized", ErrorClass.NOT_FOUND),
    ],
)
def test_known_words_are_more_exact_than_a_status(
    status: int, code: object, kind: object, message: object, error: ErrorClass
) -> None:
    assert said(status, code, kind, message) is error


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "HTTP 400"),
        (b"<html>bad</html>", "HTTP 400"),
        (b'{"error": {"message": "no", "type": "t", "code": "c"}}', "HTTP 400: c: t: no"),
        (b'{"error": {"message": "same", "type": "same", "code": 400}}', "HTTP 400: same"),
        (b'{"error": {"message": ["no"], "type": {"a": 1}, "code": 0}}', "HTTP 400"),
        (b'{"error": "words"}', "HTTP 400: words"),
        (b'{"error": ""}', "HTTP 400"),
        (b'{"error": null, "message": "words"}', "HTTP 400: words"),
        (b'{"error": ["x"], "detail": "Not Found"}', "HTTP 400: Not Found"),
        (b'{"detail": [{"msg": "field required"}]}', "HTTP 400"),
        (b'[{"error": {"message": "in an array"}}]', "HTTP 400: in an array"),
        (b'[{"error": {"message": "one"}}, {"error": {"message": "two"}}]', "HTTP 400"),
        (b"[]", "HTTP 400"),
        (b'["x"]', "HTTP 400"),
        (b'"x"', "HTTP 400"),
        (b"\xff\xfe", "HTTP 400"),
        (b'{"error": {"message": "cut sho', "HTTP 400"),
    ],
)
def test_a_bodys_words_stand_behind_the_status_and_nothing_else_of_it(body: bytes, detail: str) -> None:
    assert _errors.refusal(400, {}, body).detail == detail


def test_a_refusal_says_how_long_to_wait() -> None:
    assert _errors.refusal(429, {"retry-after": "7"}, b"").retry_after_s == 7.0
    assert _errors.refusal(429, {}, b"").retry_after_s is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"message": "Overloaded", "type": "overloaded_error"}, ErrorClass.OVERLOADED),
        ({"message": "Rate limit exceeded", "code": 429}, ErrorClass.RATE_LIMITED),
        ({"message": "Provider disconnected", "code": 502}, ErrorClass.STREAM_ERROR),
        ({}, ErrorClass.STREAM_ERROR),
        ("slot was released", ErrorClass.STREAM_ERROR),
    ],
)
def test_an_error_inside_a_stream_has_a_known_words_class_or_its_own(
    error: dict[str, object] | str, expected: ErrorClass
) -> None:
    assert _errors.stream_fault(error).error is expected


def test_an_error_without_words_is_still_called_one() -> None:
    assert _errors.stream_fault({}).detail == "error in the stream"
    assert _errors.stream_fault({"code": 502, "message": "gone"}).detail == "502: gone"


@given(st.text())
def test_a_clean_text_is_one_short_line_without_control_characters(text: str) -> None:
    line = _errors.clean(text)
    assert len(line) <= 200
    assert line == line.strip()
    assert all(character == "…" or (character.isprintable() and character <= "\u024f") for character in line)


@given(st.text(max_size=300))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert _errors.clean(_errors.clean(text)) == _errors.clean(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\n\tb", "a b"),
        ("\x1b[31mred\x07", "[31mred"),
        ("déjà vu", "déjà vu"),
        ("a\u202egnp.exe", "a gnp.exe"),
        ("数字", ""),
        ("soft\u00adhyphen\u00a0space", "soft hyphen space"),
        ("a\ud800b", "a b"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_what_is_dangerous_or_long_is_taken_out(text: str, line: str) -> None:
    assert _errors.clean(text) == line


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("This content is against our usage policies", ErrorClass.CONTENT_FILTER),
        ("Your content policy says no", ErrorClass.CONTENT_FILTER),
        ("policy_violation", ErrorClass.CONTENT_FILTER),
        ("unsupported countries", ErrorClass.GEO),
        ("User location is not supported for the API use.", ErrorClass.GEO),
        ("You have reached your specified API usage limits", ErrorClass.PAYMENT),
        ("requires a subscription", ErrorClass.PAYMENT),
        ("your spend limit is reached", ErrorClass.PAYMENT),
        ("insufficient balance", ErrorClass.PAYMENT),
        ("Request had invalid authentication: UNAUTHENTICATED", ErrorClass.AUTH),
        ("api key expired", ErrorClass.AUTH),
        ("invalid_model", ErrorClass.NOT_FOUND),
        ("invalid_models_of_cars", ErrorClass.BAD_REQUEST),
        ("This model is currently experiencing high demand", ErrorClass.OVERLOADED),
        ("capacity_exhausted", ErrorClass.OVERLOADED),
    ],
)
def test_the_words_that_providers_use_are_known(message: str, error: ErrorClass) -> None:
    assert said(400, message=message) is error
    assert said(500, message=message) in {error, ErrorClass.SERVER_ERROR}


def test_known_words_far_behind_in_a_long_message_are_not_looked_for() -> None:
    assert said(400, message="x " * 1000 + "overloaded") is ErrorClass.OVERLOADED
    assert said(400, message="x " * 3000 + "overloaded, invalid api key") is ErrorClass.BAD_REQUEST


@pytest.mark.parametrize(
    "word", ["model ", "at full ", "rate ", "api ", "invalid ", "not available in your ", "a" * 80]
)
def test_a_message_of_any_length_is_classed_soon(word: str) -> None:
    """Patterns that were tried at each of 64,000 characters took half a second."""
    assert said(400, message=word * (64_000 // len(word))) is ErrorClass.BAD_REQUEST


@pytest.mark.parametrize("behind", ["Overloaded", '{"error": "overloaded"}'])
def test_what_the_provider_behind_a_router_said_tells_more(behind: str) -> None:
    body = {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": behind}}}
    fault = _errors.refusal(502, {}, json.dumps(body).encode())
    assert fault.error is ErrorClass.OVERLOADED
    assert fault.detail == f"HTTP 502: Provider returned error: {behind}"
    for metadata in (None, 1, "raw", ["raw"], {"raw": 5.5}, {"raw": None}):
        body = {"error": {"message": "no", "metadata": metadata}}
        assert _errors.refusal(502, {}, json.dumps(body).encode()).detail == "HTTP 502: no"
