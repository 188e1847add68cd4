"""Mistral: what its requests leave out and call otherwise, and what its refusals list."""

from __future__ import annotations

import json

import pytest

from probes._model import ErrorClass, MalformedError, Task
from probes.mistral_chat import MistralChat
from tests.contract.exchanges import KEY, run_to
from tests.support.codec_calls import body_of


def test_it_asks_for_no_more_than_mistral_takes() -> None:
    assert body_of(MistralChat()) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "[nonce] Repeat these numbers: 1, 2, 3"}],
        "max_tokens": 64,
        "stream": True,
        "temperature": 0.0,
    }


def test_it_posts_to_chat_completions_with_the_key_as_bearer() -> None:
    run = run_to("mistral_chat")
    request = MistralChat().request(run.endpoint, run.task, run.prompt)
    assert (request.method, request.url) == ("POST", "https://acme.test/v1/chat/completions")
    assert ("Authorization", f"Bearer {KEY}") in request.headers


def test_options_are_sent_under_mistrals_names() -> None:
    body = body_of(MistralChat(reasoning_tokens=500, temperature=None, random_seed=7, reasoning_effort="high"))
    assert body.keys() == {"model", "messages", "max_tokens", "stream", "random_seed", "reasoning_effort"}
    assert (body["max_tokens"], body["random_seed"]) == (564, 7)


def test_any_tool_has_to_be_called_unless_it_is_to_be_named() -> None:
    assert body_of(MistralChat(), Task.TOOL_CALL)["tool_choice"] == "any"
    named = {"type": "function", "function": {"name": "report_numbers"}}
    assert body_of(MistralChat(tool_choice=None), Task.TOOL_CALL)["tool_choice"] == named
    assert "tool_choice" not in body_of(MistralChat(), Task.STRUCTURED_OUTPUT)


def test_models_are_known_by_their_ids_and_aliases() -> None:
    cards = {"data": [{"id": "mistral-small-2603", "aliases": ["mistral-small-latest", 5]}, {"id": "codestral"}]}
    assert MistralChat().lists_models
    assert MistralChat().models(json.dumps(cards).encode()) == {
        "mistral-small-2603",
        "mistral-small-latest",
        "codestral",
    }


@pytest.mark.parametrize("body", [b"[]", b'{"data": [1]}', b'{"data": [{"id": "a", "aliases": "b"}]}'])
def test_a_list_of_models_of_another_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        MistralChat().models(body)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"detail": [{"loc": ["body", "messages", 0], "msg": "Field required"}]}, "body.messages.0: Field required"),
        ({"message": {"detail": [{"loc": None, "msg": "bad"}]}, "type": "wrong"}, "wrong: : bad"),
        ({"detail": "Not like this"}, "Not like this"),
        ({"detail": [{"loc": "body", "msg": "bad"}]}, None),
        ({"detail": [{"loc": [], "msg": 1}]}, None),
        ({"detail": ["bad"]}, None),
        ("text", None),
    ],
)
def test_the_problems_of_a_request_are_in_the_detail_if_they_are_readable(body: object, detail: str | None) -> None:
    fault = MistralChat().refusal(422, {}, json.dumps(body).encode())
    assert fault.error is ErrorClass.BAD_REQUEST
    assert fault.detail == ("HTTP 422" if detail is None else f"HTTP 422: {detail}")
