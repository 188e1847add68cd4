"""CopilotKit's aimock, an emulator of others, as judge: each codec passes against it and tells its faults apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from probes._loader import codec_class
from probes._model import Blame, ErrorClass, Sample, Task, TokensFrom
from tests.judges.emulators import Emulator, probe, serving_aimock
from tests.judges.vendors import own_apis

pytestmark = pytest.mark.judges

DIMENSIONS = 8
ANSWERS: dict[str, dict[str, object]] = {
    "Repeat these numbers": {"content": "1, 2, 3, 4, 5"},
    "Call the tool": {"toolCalls": [{"name": "report_numbers", "arguments": {"first": 1, "second": 2, "third": 3}}]},
    "Answer in JSON": {"content": {"first": 1, "second": 2, "third": 3}},
}
LONG = {"content": ", ".join(map(str, range(1, 200)))}
FAULTS: dict[str, dict[str, object]] = {
    "truncated": {"response": LONG, "truncateAfterChunks": 3, "latency": 5},
    "disconnected": {"response": LONG, "disconnectAfterMs": 100, "latency": 30},
    "slow-start": {"response": LONG, "streamingProfile": {"ttft": 60_000}},
    "slow": {"response": LONG, "streamingProfile": {"ttft": 1, "tps": 5}},
    "silent": {"response": LONG, "streamingProfile": {"ttft": 1, "tps": 0.02}},
    "malformed": {"response": LONG, "chaos": {"malformedRate": 1.0}},
    "dropped": {"response": LONG, "chaos": {"dropRate": 1.0}},
    "cut-off": {"response": LONG, "chaos": {"disconnectRate": 1.0}},
    "limited": {"response": {"error": {"message": "Rate limited", "type": "rate_limit_error"}, "status": 429}},
    "overloaded": {"response": {"error": {"message": "Overloaded", "type": "overloaded_error"}, "status": 529}},
    "broken": {"response": {"error": {"message": "Internal error", "type": "server_error"}, "status": 500}},
    "unpaid": {"response": {"error": {"message": "Insufficient credits", "type": "billing_error"}, "status": 402}},
    "missing": {"response": {"error": {"message": "No such model", "type": "not_found_error"}, "status": 404}},
    "wrong": {"response": {"content": "I would rather not."}},
}
FIXTURES = [
    *({"match": {"model": model}, **fault} for model, fault in FAULTS.items()),
    {
        "match": {"model": "openrouter/tiny"},
        "response": {"content": "1, 2, 3", "usage": {"cost": 0.0021}},
        "openRouterProcessing": True,
    },
    *({"match": {"userMessage": question}, "response": answer} for question, answer in ANSWERS.items()),
    {"match": {"inputText": "Numbers:"}, "response": {"embedding": [0.125] * DIMENSIONS}},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where aimock has an API, and what of it."""

    base: str
    options: dict[str, object] = field(default_factory=dict)
    usage: bool = True
    """Whether it tells usage when it streams."""


PLACES = {
    "openai_chat": Place(base="/v1"),
    "openai_responses": Place(base="/v1"),
    "openai_embeddings": Place(base="/v1"),
    "azure_openai": Place(base="", options={"api_version": "2024-10-21"}),
    "anthropic_messages": Place(base="/v1"),
    "gemini_generate": Place(base="/v1beta"),
    "mistral_chat": Place(base="/v1", usage=False),
    "cohere_chat": Place(base=""),
    "ollama_chat": Place(base=""),
    "bedrock_converse": Place(base="", options={"region": "us-east-1"}),
}
CONTENT_FIRST = {"gemini_generate", "ollama_chat"}
LISTED = {"openai_chat", "openai_responses", "openai_embeddings", "mistral_chat", "anthropic_messages", "ollama_chat"}
"""Those whose list of models aimock has: OpenAI's and Ollama's."""
ASKED = [(api, task) for api in PLACES for task in sorted(codec_class(api).tasks) if task is not Task.REACH]
CHATS = [api for api in PLACES if Task.CHAT in codec_class(api).tasks]


@pytest.fixture(scope="module")
def aimock() -> Iterator[Emulator]:
    with serving_aimock(FIXTURES) as emulator:
        yield emulator


async def ask(aimock: Emulator, api: str, task: Task = Task.CHAT, **more: Any) -> Sample:
    place = PLACES[api]
    return await probe(api, aimock.address + place.base, task, options=place.options, **more)


def test_aimock_is_asked_by_every_codec() -> None:
    assert set(PLACES) == own_apis()


@pytest.mark.parametrize(("api", "task"), ASKED)
async def test_aimock_takes_our_request_and_its_answer_is_right(aimock: Emulator, api: str, task: Task) -> None:
    taken = await ask(aimock, api, task, dimensions=DIMENSIONS)
    assert (taken.error, taken.detail) == (None, None)
    assert taken.answer_ok is True
    assert taken.tokens_from is (TokensFrom.USAGE if PLACES[api].usage else TokensFrom.COUNTED)
    last = aimock.call("GET", "/__aimock/journal")[-1]
    assert last["response"]["status"] == 200
    assert last["response"]["fixture"] is not None


@pytest.mark.parametrize("api", CHATS)
async def test_aimock_refuses_a_wrong_key_and_that_is_the_accounts(aimock: Emulator, api: str) -> None:
    taken = await ask(aimock, api, key="sk-of-somebody-else")
    assert (taken.error, taken.blame, taken.status_code) == (ErrorClass.AUTH, Blame.ACCOUNT, 401)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("truncated", ErrorClass.TRUNCATED),
        ("disconnected", ErrorClass.TRUNCATED),
        ("malformed", ErrorClass.MALFORMED),
        ("dropped", ErrorClass.SERVER_ERROR),
        ("cut-off", ErrorClass.TRUNCATED),
        ("limited", ErrorClass.RATE_LIMITED),
        ("overloaded", ErrorClass.OVERLOADED),
        ("broken", ErrorClass.SERVER_ERROR),
        ("unpaid", ErrorClass.PAYMENT),
        ("missing", ErrorClass.NOT_FOUND),
        ("wrong", ErrorClass.WRONG_ANSWER),
    ],
)
@pytest.mark.parametrize("api", CHATS)
async def test_a_fault_of_aimock_gets_its_error_class(
    aimock: Emulator, api: str, model: str, error: ErrorClass
) -> None:
    taken = await ask(aimock, api, model=model)
    assert taken.error is error, taken.detail


@pytest.mark.parametrize("model", ["slow-start", "silent"])
@pytest.mark.parametrize("api", CHATS)
async def test_a_first_token_that_aimock_never_sends_is_a_timeout(aimock: Emulator, api: str, model: str) -> None:
    taken = await ask(aimock, api, model=model, ttft_s=0.5, total_s=1.0)
    # What aimock sends first is no content, but for Gemini and Ollama, which send nothing else.
    expected = ErrorClass.STALLED if model == "silent" and api in CONTENT_FIRST else ErrorClass.TIMEOUT_TTFT
    assert taken.error is expected, taken.detail


@pytest.mark.parametrize("api", CHATS)
async def test_an_answer_of_aimocks_that_takes_too_long_is_late(aimock: Emulator, api: str) -> None:
    taken = await ask(aimock, api, model="slow", ttft_s=2.0, total_s=2.0)
    assert taken.error is ErrorClass.TIMEOUT_TOTAL, taken.detail


async def test_openrouters_comments_and_native_reasons_are_no_hindrance(aimock: Emulator) -> None:
    taken = await probe("openai_chat", f"{aimock.address}/api/v1", Task.CHAT, model="openrouter/tiny")
    assert (taken.error, taken.answer_ok, taken.tokens_from) == (None, True, TokensFrom.USAGE), taken.detail


@pytest.mark.parametrize("api", [api for api in PLACES if api in LISTED])
async def test_aimocks_list_of_models_is_reached(aimock: Emulator, api: str) -> None:
    taken = await ask(aimock, api, Task.REACH)
    assert (taken.error, taken.status_code) == (None, 200), taken.detail
