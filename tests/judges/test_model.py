"""A real model as judge: llama.cpp's server takes our requests, and the vendors' SDKs read the same text from it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from monitor.demo.model_server import MODEL_NAME
from probes._driver import exchange
from probes._loader import codec
from probes._meter import Reading
from probes._model import Deadlines, Endpoint, ErrorClass, Run, Secret, Task, TokensFrom
from probes._prompts import nonce, prompt_for
from probes._sample import decode_into, sample_of_reading
from tests.judges.emulators import AMPLE_S, KEY, probe
from tests.judges.installed import ROOT
from tests.judges.vendors import VENDORS, running
from tests.support.providers import Providers

pytestmark = pytest.mark.judges

FORMS = (Task.TOOL_CALL, Task.STRUCTURED_OUTPUT)
CHATS: dict[str, dict[str, object]] = {
    "openai_chat": {},
    "openai_responses": {},
    # The temperature of 0 that later versions refuse, and that makes two readers see the same answer.
    "anthropic_messages": {"auth": "x-api-key", "version": "2023-06-01", "temperature": 0.0},
}
"""With the options of each."""
UNFORCED = [
    ("openai_chat", Task.TOOL_CALL),
    *((api, task) for api in ("openai_responses", "anthropic_messages") for task in FORMS),
]
"""What this server takes without holding the model to it: the model's template knows no tools, and schemas bind only
in Chat Completions."""
DIMENSIONS = 576
"""Of SmolLM2 with 135 million parameters."""


@pytest.mark.parametrize("api", CHATS)
async def test_a_real_model_answers_our_chat_and_tells_usage(providers: Providers, api: str) -> None:
    taken = await probe(api, f"{providers.model}/v1", Task.CHAT, model=MODEL_NAME, options=CHATS[api])
    assert (taken.error, taken.answer_ok) == (None, True), taken.detail
    assert taken.tokens_from is TokensFrom.USAGE
    assert taken.ttft_s is not None
    assert taken.e2e_s is not None
    assert 0 < taken.ttft_s <= taken.e2e_s
    assert (taken.prompt_tokens or 0) > 20
    assert (taken.output_tokens or 0) > 5


@pytest.mark.parametrize("api", CHATS)
async def test_a_real_model_that_is_cut_short_is_a_success(providers: Providers, api: str) -> None:
    base_url = f"{providers.model}/v1"
    taken = await probe(api, base_url, Task.CHAT, model=MODEL_NAME, options=CHATS[api], max_tokens=16)
    assert (taken.error, taken.output_tokens) == (None, 16), taken.detail


async def test_a_real_model_is_held_to_our_schema(providers: Providers) -> None:
    task = Task.STRUCTURED_OUTPUT
    taken = await probe("openai_chat", f"{providers.model}/v1", task, model=MODEL_NAME)
    assert (taken.error, taken.answer_ok) == (None, True), taken.detail


@pytest.mark.parametrize(("api", "task"), UNFORCED)
async def test_a_real_server_takes_our_tools_and_schemas(providers: Providers, api: str, task: Task) -> None:
    taken = await probe(api, f"{providers.model}/v1", task, model=MODEL_NAME, max_tokens=24)
    assert taken.status_code == 200, taken.detail
    assert taken.error in {None, ErrorClass.WRONG_ANSWER}, taken.detail
    assert taken.ttft_s is not None


@pytest.mark.parametrize("api", CHATS)
async def test_a_real_servers_list_of_models_is_reached_and_read(providers: Providers, api: str) -> None:
    taken = await probe(api, f"{providers.model}/v1", Task.REACH, model=MODEL_NAME)
    assert (taken.error, taken.status_code) == (None, 200)


@pytest.mark.parametrize("api", CHATS)
async def test_the_vendors_sdk_reads_the_same_text_from_a_real_model(providers: Providers, api: str) -> None:
    at = datetime.now(UTC)
    endpoint = Endpoint(
        id="llama:tiny",
        provider="llama",
        model=MODEL_NAME,
        api=api,
        base_url=f"{providers.model}/v1",
        api_key=Secret(KEY),
    )
    run = Run(
        id="00000000000000aa",
        endpoint=endpoint,
        vantage="here",
        probe="chat",
        task=Task.CHAT,
        prompt=prompt_for(Task.CHAT, nonce(at.isoformat()), prompt_tokens=60, max_tokens=64),
        deadlines=Deadlines(ttft_s=AMPLE_S, total_s=AMPLE_S),
        scheduled_at=at,
    )
    reader, reading = codec(api, CHATS[api]), Reading()
    seen = await exchange(run, reader)
    for _ in decode_into(reading, run, reader, seen):
        pass
    assert sample_of_reading(run, reader, seen, reading).error is None
    with running(VENDORS[api]) as sdk:
        theirs = sdk.ask(run, providers.model, CHATS[api])
    assert theirs.get("raised") is None
    assert (theirs["text"], theirs["stop"]) == (reading.answer, reading.stop_reason)
    assert reading.usage is not None
    assert (theirs["usage"]["prompt"], theirs["usage"]["output"]) == (reading.usage.prompt, reading.usage.output)


@pytest.fixture(scope="module")
def embedder() -> Iterator[str]:
    """The address of a real model's embeddings."""
    command = [sys.executable, "-m", "tests.judges.embedding_server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the server of embeddings ended: exit code {process.wait()}"
        yield json.loads(line)["address"]


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_a_real_model_embeds(embedder: str, encoding: str) -> None:
    taken, wrong = [
        await probe(
            "openai_embeddings",
            f"{embedder}/v1",
            Task.EMBEDDING,
            model=MODEL_NAME,
            options={"encoding_format": encoding},
            dimensions=dimensions,
        )
        for dimensions in (DIMENSIONS, DIMENSIONS + 1)
    ]
    assert (taken.error, taken.answer_ok, taken.tokens_from) == (None, True, TokensFrom.USAGE), taken.detail
    assert wrong.answer_ok is False
