"""A refusal names where it came from, and for a wrong path what is likely wrong with the base URL; never a secret."""

from __future__ import annotations

import pytest

from probes._loader import codec
from probes._model import Endpoint, ErrorClass, Prompt, Request, Sample, Task
from probes._sample import sample
from probes.openai_chat import OpenAIChat
from tests.contract.exchanges import exchange_of, run_to

HOST = "https://api.example.com"


def refused(
    base_url: str,
    *,
    api: str = "openai_chat",
    status: int = 404,
    body: bytes = b"",
    task: Task = Task.CHAT,
    model: str = "llama",
    content_type: str = "application/json",
    **headers: str,
) -> Sample:
    """The sample of a probe that was answered with a status."""
    run = run_to(api, task=task, base_url=base_url, model=model)
    seen = exchange_of([(0.1, body)], status=status, headers={"content-type": content_type, **headers})
    return sample(run, codec(api, {}), seen)


def tail(taken: Sample) -> str:
    assert taken.detail is not None
    assert taken.detail.endswith(")")
    return taken.detail[taken.detail.index("(") + 1 : -1]


@pytest.mark.parametrize(
    ("api", "base_url", "path", "remedy"),
    [
        ("openai_chat", HOST, "/chat/completions", "does base_url lack /v1?"),
        ("openai_chat", f"{HOST}/v1/messages", "/chat/completions", "base_url ends in /messages: remove it"),
        ("openai_chat", f"{HOST}/v1/v1", "/chat/completions", "base_url repeats /v1"),
        ("openai_chat", f"{HOST}/v1", "/chat/completions", "is base_url right?"),
        ("openai_responses", HOST, "/responses", "does base_url lack /v1?"),
        ("openai_responses", f"{HOST}/v1/responses", "/responses", "base_url ends in /responses: remove it"),
        ("anthropic_messages", HOST, "/messages", "does base_url lack /v1?"),
        ("anthropic_messages", f"{HOST}/v1/messages", "/messages", "base_url ends in /messages: remove it"),
        ("mistral_chat", HOST, "/chat/completions", "does base_url lack /v1?"),
        ("gemini_generate", HOST, "/models/llama:streamGenerateContent", "does base_url lack /v1beta?"),
        ("ollama_chat", f"{HOST}/v1", "/api/chat", "does base_url end in /v1 by mistake?"),
        ("ollama_chat", f"{HOST}/api/chat", "/api/chat", "base_url ends in /api/chat: remove it"),
        ("cohere_chat", f"{HOST}/v2/chat", "/v2/chat", "base_url ends in /v2/chat: remove it"),
    ],
)  # fmt: skip
def test_a_path_that_is_not_there_names_its_address_and_the_likeliest_remedy(
    api: str, base_url: str, path: str, remedy: str
) -> None:
    taken = refused(base_url, api=api)
    assert (taken.error, tail(taken)) == (ErrorClass.NOT_FOUND, f"{base_url}{path}; {remedy}")


def test_a_model_that_is_not_there_is_no_fault_of_the_address() -> None:
    body = b'{"error": {"message": "The model `llama` does not exist", "code": "model_not_found"}}'
    assert tail(refused(HOST, body=body)) == f"{HOST}/chat/completions"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 429, 500, 503])
def test_every_other_refusal_names_its_address_alone(status: int) -> None:
    assert tail(refused(HOST, status=status)) == f"{HOST}/chat/completions"


def test_the_address_of_the_list_of_models_is_named_where_that_was_asked() -> None:
    assert tail(refused(HOST, task=Task.REACH)) == f"{HOST}/models; does base_url lack /v1?"


def test_a_page_for_people_is_a_wrong_address() -> None:
    taken = refused(HOST, status=200, body=b"<html>", content_type="text/html; charset=utf-8")
    assert taken.error is ErrorClass.MALFORMED
    assert tail(taken) == f"{HOST}/chat/completions; does base_url lack /v1?"


def test_a_redirect_names_where_to_without_its_query() -> None:
    taken = refused(HOST, status=308, location="https://www.example.com/v1/chat/completions?key=s3cret")
    assert tail(taken) == (
        f"{HOST}/chat/completions; it redirects to https://www.example.com/v1/chat/completions: "
        "redirects are not followed"
    )
    assert tail(refused(HOST, status=301)) == f"{HOST}/chat/completions; it redirects"


@pytest.mark.parametrize("part", ["0123456789abcdef0123456789abcdef", "sk-live-abc", "AKIA" + "Z9" * 10])
def test_a_part_of_the_path_that_may_be_a_key_is_not_shown(part: str) -> None:
    taken = refused(f"https://gateway.example.com/{part}/v1")
    assert part not in (taken.detail or "")
    assert "https://gateway.example.com/***/v1/chat/completions" in (taken.detail or "")


def test_a_long_address_and_long_words_leave_room_for_the_remedy() -> None:
    taken = refused(f"{HOST}/{'long-path/' * 20}", body=b'{"message": "%s"}' % (b"very sorry " * 50))
    assert len(taken.detail or "") <= 200
    assert tail(taken).endswith("/long-path/chat/completions; does base_url lack /v1?")
    assert (taken.detail or "").startswith("HTTP 404: very sorry")


def test_a_codec_that_cannot_say_where_it_asks_leaves_the_words_alone() -> None:
    class Lost(OpenAIChat):
        def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
            raise KeyError(endpoint.id)

    taken = sample(run_to(), Lost(), exchange_of([(0.1, b"")], status=404))
    assert taken.detail == "HTTP 404"


def test_what_was_right_and_what_never_was_answered_names_no_address() -> None:
    stream = b'data: {"choices": [{"delta": {"content": "hi"}}]}\n\n'
    taken = refused(HOST, status=200, body=stream, content_type="text/event-stream")
    assert taken.error is ErrorClass.TRUNCATED
    assert "example.com" not in (taken.detail or "")
