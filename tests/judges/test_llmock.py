"""Rabault's LLMock, an emulator of others, as judge: what it breaks on purpose is judged for what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from probes._model import Blame, ErrorClass, Sample, Task, TokensFrom
from tests.judges.emulators import AMPLE_S, Emulator, probe, serving_llmock

pytestmark = pytest.mark.judges

RIGHT = {"type": "reply", "text": "1, 2, 3, 4, 5"}
REFUSALS = [
    (400, ErrorClass.BAD_REQUEST, Blame.ACCOUNT),
    (401, ErrorClass.AUTH, Blame.ACCOUNT),
    (402, ErrorClass.PAYMENT, Blame.ACCOUNT),
    (403, ErrorClass.AUTH, Blame.ACCOUNT),
    (404, ErrorClass.NOT_FOUND, Blame.ACCOUNT),
    (408, ErrorClass.SERVER_ERROR, Blame.PROVIDER),
    (410, ErrorClass.NOT_FOUND, Blame.ACCOUNT),
    (422, ErrorClass.BAD_REQUEST, Blame.ACCOUNT),
    (429, ErrorClass.RATE_LIMITED, Blame.ACCOUNT),
    (500, ErrorClass.SERVER_ERROR, Blame.PROVIDER),
    (502, ErrorClass.SERVER_ERROR, Blame.PROVIDER),
    (503, ErrorClass.OVERLOADED, Blame.PROVIDER),
    (504, ErrorClass.SERVER_ERROR, Blame.PROVIDER),
    (529, ErrorClass.OVERLOADED, Blame.PROVIDER),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where LLMock has a provider."""

    api: str
    base: str
    options: dict[str, object] = field(default_factory=dict)


PLACES = {
    "openai": Place(api="openai_chat", base="/v1"),
    "responses": Place(api="openai_responses", base="/v1"),
    "anthropic": Place(api="anthropic_messages", base="/anthropic/v1"),
    "gemini": Place(api="gemini_generate", base="/gemini/v1beta"),
    "cohere": Place(api="cohere_chat", base="/cohere"),
    "mistral": Place(api="mistral_chat", base="/mistral/v1"),
    "groq": Place(api="openai_chat", base="/groq/openai/v1"),
    "together": Place(api="openai_chat", base="/together/v1"),
    "perplexity": Place(api="openai_chat", base="/perplexity/v1"),
    "ai21": Place(api="openai_chat", base="/ai21/v1"),
    "xai": Place(api="openai_chat", base="/xai/v1"),
}
every_place = pytest.mark.parametrize("name", PLACES)


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with serving_llmock() as emulator:
        yield emulator


@pytest.fixture
def llmock(server: Emulator) -> Iterator[Emulator]:
    yield server
    server.call("POST", "/_llmock/reset")


async def ask(
    llmock: Emulator, name: str, *behaviors: Mapping[str, object], task: Task = Task.CHAT, **more: Any
) -> Sample:
    """The sample of a probe of one of LLMock's providers, which is to behave so."""
    place = PLACES[name]
    if behaviors:
        llmock.call("POST", "/_llmock/scenario", {"behaviors": behaviors})
    return await probe(place.api, llmock.address + place.base, task, options=place.options, **more)


def stream_fault(kind: str, after_chunks: int = 3) -> dict[str, object]:
    return {"type": "stream_fault", "kind": kind, "after_chunks": after_chunks, "stall_seconds": 60}


@every_place
async def test_llmock_takes_our_request_and_its_answer_is_right(llmock: Emulator, name: str) -> None:
    taken = await ask(llmock, name, RIGHT)
    assert (taken.error, taken.answer_ok) == (None, True), taken.detail
    # LLMock sends Mistral's usage only to those who ask for it, as OpenAI does; Mistral sends it to all.
    assert taken.tokens_from is (TokensFrom.COUNTED if name == "mistral" else TokensFrom.USAGE)
    (request,) = llmock.call("GET", "/_llmock/requests")["requests"]
    assert (request["status"], request["completed"], request["stream"]) == (200, True, True)


@pytest.mark.parametrize("task", [Task.TOOL_CALL, Task.STRUCTURED_OUTPUT])
@every_place
async def test_llmock_understands_the_tool_and_the_schema_that_we_send(llmock: Emulator, name: str, task: Task) -> None:
    taken = await ask(llmock, name, task=task)
    if (name, task) == ("anthropic", Task.STRUCTURED_OUTPUT):
        # It does not know `output_config` yet, and answers in prose.
        assert taken.error is ErrorClass.WRONG_ANSWER
        return
    assert (taken.error, taken.answer_ok) == (None, True), taken.detail


@pytest.mark.parametrize("kind", ["malformed_arguments", "unknown_tool"])
@every_place
async def test_a_broken_tool_call_is_a_wrong_answer(llmock: Emulator, name: str, kind: str) -> None:
    taken = await ask(llmock, name, {"type": "tool_fault", "kind": kind}, task=Task.TOOL_CALL)
    assert (taken.error, taken.answer_ok) == (ErrorClass.WRONG_ANSWER, False), taken.detail


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("disconnect", ErrorClass.TRUNCATED),
        ("truncate", ErrorClass.TRUNCATED),
        ("malformed", ErrorClass.MALFORMED),
        ("stall", ErrorClass.STALLED),
    ],
)
@every_place
async def test_a_stream_that_llmock_breaks_is_judged_for_how(
    llmock: Emulator, name: str, kind: str, error: ErrorClass
) -> None:
    total_s = 1.5 if kind == "stall" else AMPLE_S
    words = {"type": "reply", "text": ", ".join(map(str, range(1, 40)))}
    taken = await ask(llmock, name, words, stream_fault(kind, after_chunks=6), ttft_s=total_s, total_s=total_s)
    assert (taken.error, taken.blame) == (error, Blame.PROVIDER), taken.detail
    assert taken.ttft_s is not None


@pytest.mark.parametrize("kind", ["disconnect", "truncate"])
@every_place
async def test_a_stream_that_llmock_ends_at_its_beginning_is_truncated(llmock: Emulator, name: str, kind: str) -> None:
    taken = await ask(llmock, name, RIGHT, stream_fault(kind, after_chunks=0))
    assert taken.error in {ErrorClass.TRUNCATED, ErrorClass.EMPTY}, taken.detail
    assert taken.ttft_s is None


@pytest.mark.parametrize("kind", ["slow_first_token", "delay"])
@every_place
async def test_a_first_token_that_llmock_withholds_is_a_timeout(llmock: Emulator, name: str, kind: str) -> None:
    taken = await ask(llmock, name, {"type": kind, "seconds": 60}, ttft_s=0.5)
    assert (taken.error, taken.blame) == (ErrorClass.TIMEOUT_TTFT, Blame.PROVIDER), taken.detail


@pytest.mark.parametrize(("status", "error", "blame"), REFUSALS)
@every_place
async def test_llmocks_refusals_get_their_class(
    llmock: Emulator, name: str, status: int, error: ErrorClass, blame: Blame
) -> None:
    taken = await ask(llmock, name, {"type": "fail", "status": status})
    assert (taken.error, taken.blame, taken.status_code) == (error, blame, status), taken.detail


@every_place
async def test_the_retry_after_of_llmock_is_read(llmock: Emulator, name: str) -> None:
    taken = await ask(llmock, name, {"type": "fail", "status": 429, "retry_after": 7})
    assert (taken.error, taken.retry_after_s) == (ErrorClass.RATE_LIMITED, 7.0)


@every_place
async def test_a_real_quota_is_a_rate_limit_that_says_how_long(name: str, limited: Emulator) -> None:
    key = f"sk-of-{name}-0123456789"
    first = await ask(limited, name, RIGHT, key=key)
    second = await ask(limited, name, key=key)
    assert (first.error, second.error) == (None, ErrorClass.RATE_LIMITED), second.detail
    assert second.retry_after_s is not None
    assert second.retry_after_s > 0


@pytest.fixture(scope="module")
def limited() -> Iterator[Emulator]:
    with serving_llmock("--rpm", "1") as emulator:
        yield emulator


@every_place
async def test_one_probe_is_one_request_whatever_happens(llmock: Emulator, name: str) -> None:
    for status in (408, 429, 500, 503):
        await ask(llmock, name, {"type": "fail", "status": status})
    assert llmock.call("GET", "/_llmock/requests")["count"] == 4


async def test_llmocks_embedding_is_right(llmock: Emulator) -> None:
    taken = await probe("openai_embeddings", f"{llmock.address}/v1", Task.EMBEDDING)
    assert (taken.error, taken.answer_ok, taken.tokens_from) == (None, True, TokensFrom.USAGE), taken.detail
