"""Azure OpenAI: two API versions, two forms of the key, and refusals with the reason in `innererror`."""

from __future__ import annotations

import json
from functools import partial

import pytest

from probes._model import ErrorClass, Task
from probes.azure_openai import AzureOpenAI
from tests.contract.exchanges import KEY
from tests.support import codec_calls
from tests.support.codec_calls import body_of

RESOURCE = "https://acme.openai.azure.com"

asked = partial(codec_calls.asked, base_url=RESOURCE)


def inner(code: object) -> bytes:
    return json.dumps({"error": {"code": "BadRequest", "message": "no", "innererror": code}}).encode()


@pytest.mark.parametrize(
    ("version", "url"),
    [
        (None, "/openai/v1/chat/completions"),
        ("2024-10-21", "/openai/deployments/tiny/chat/completions?api-version=2024-10-21"),
        ("a&b=c", "/openai/deployments/tiny/chat/completions?api-version=a%26b%3Dc"),
    ],
)
def test_a_version_decides_the_surface(version: str | None, url: str) -> None:
    assert asked(AzureOpenAI(api_version=version)).url == RESOURCE + url


def test_the_deployment_is_in_the_address_or_in_the_body() -> None:
    assert "model" not in body_of(AzureOpenAI(api_version="2024-10-21"))
    assert body_of(AzureOpenAI())["model"] == "tiny"
    odd = asked(AzureOpenAI(api_version="2024-10-21"), model="a/b?c")
    assert odd.url.startswith(f"{RESOURCE}/openai/deployments/a%2Fb%3Fc/chat/completions?")


@pytest.mark.parametrize(
    ("version", "url"), [(None, "/openai/v1/models"), ("2024-10-21", "/openai/models?api-version=2024-10-21")]
)
def test_reach_asks_for_the_models_of_the_same_surface(version: str | None, url: str) -> None:
    assert asked(AzureOpenAI(api_version=version), Task.REACH).url == RESOURCE + url


def test_a_list_of_models_says_nothing_of_deployments() -> None:
    assert AzureOpenAI().lists_models
    assert AzureOpenAI().models(b'{"data": [{"id": "gpt-4o-2024-08-06"}]}') == frozenset()


@pytest.mark.parametrize(
    ("auth", "header"), [("api-key", ("api-key", KEY)), ("bearer", ("Authorization", f"Bearer {KEY}"))]
)
def test_the_key_goes_as_a_key_or_as_a_token_of_entra(auth: str, header: tuple[str, str]) -> None:
    assert header in asked(AzureOpenAI(auth=auth)).headers
    assert header in asked(AzureOpenAI(auth=auth), Task.REACH).headers


def test_another_way_of_showing_a_key_is_refused_with_the_two_that_there_are() -> None:
    with pytest.raises(ValueError, match="'api-key' or 'bearer', not 'basic'"):
        AzureOpenAI(auth="basic")


def test_options_change_what_some_models_refuse() -> None:
    assert body_of(AzureOpenAI()).keys() == {
        "model",
        "messages",
        "max_tokens",
        "stream",
        "stream_options",
        "temperature",
    }
    picky = AzureOpenAI(
        max_tokens_field="max_completion_tokens",
        reasoning_tokens=500,
        include_usage=False,
        temperature=None,
        reasoning_effort="low",
    )
    body = body_of(picky)
    assert body.keys() == {"model", "messages", "max_completion_tokens", "stream", "reasoning_effort"}
    assert body["max_completion_tokens"] == 564
    assert body_of(AzureOpenAI(tool_choice="required"), Task.TOOL_CALL)["tool_choice"] == "required"
    assert body_of(AzureOpenAI(), Task.TOOL_CALL)["tool_choice"]["function"] == {"name": "report_numbers"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (inner({"code": "ResponsibleAIPolicyViolation"}), ErrorClass.CONTENT_FILTER),
        (inner({"code": "Other"}), ErrorClass.BAD_REQUEST),
        (inner(None), ErrorClass.BAD_REQUEST),
        (inner("text"), ErrorClass.BAD_REQUEST),
        (b'{"error": "text"}', ErrorClass.BAD_REQUEST),
        (b"<html>", ErrorClass.BAD_REQUEST),
    ],
)
def test_the_filter_may_be_named_one_level_deeper(body: bytes, error: ErrorClass) -> None:
    assert AzureOpenAI().refusal(400, {}, body).error is error


def test_a_status_that_says_more_than_the_filter_stands() -> None:
    body = inner({"code": "ResponsibleAIPolicyViolation"})
    assert AzureOpenAI().refusal(500, {}, body).error is ErrorClass.SERVER_ERROR
