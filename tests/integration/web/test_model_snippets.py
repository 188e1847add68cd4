"""The sample code of a model's page, run: shell and plain Python against recorded answers and a real server.

Programs with a vendor's library are run by tests/judges and tests/routers, which have these.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.web.pages.model.requests import QUESTION
from monitor.web.pages.model.snippets import OPENAI, Snippet, endpoint_snippets, model_snippets
from probes._loader import codec
from probes._model import Endpoint, Secret
from tests.contract.recordings import Recording, recordings
from tests.integration.web.serving import SPECS, Serve
from tests.judges.replay import Replay, serving
from tests.judges.vendors import VENDORS

KEY, TEAM, TOKEN = "sk-from-the-environment", "team-from-the-environment", "a-token-for-tests"
PATIENCE_S = 120
APIS = sorted({*VENDORS} | {"azure_openai"})


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with serving() as server:
        yield server


def recorded(api: str) -> Recording:
    return next(each for each in recordings(api) if each.name == "ok")


def endpoint_of(api: str, address: str) -> Endpoint:
    return Endpoint(
        id=f"near:{api}",
        provider="near",
        model='it\'s a "model"',
        api=api,
        base_url=f"{address}/v1",
        api_key=Secret("sk-of-the-configuration"),
        headers=(("X-Team", Secret("team-of-the-configuration")),),
    )


def ran(snippet: Snippet, folder: Path, **more: str) -> str:
    """What a snippet prints."""
    path = folder / "sample"
    path.write_text(snippet.code)
    program = {"bash": "bash", "python": sys.executable}[snippet.language]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [program, path],
        env={**kept, "PYTHONUTF8": "1", "NEAR_API_KEY": KEY, "X_TEAM": TEAM, **more},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_language(endpoint: Endpoint, *languages: str, is_public: bool = False) -> list[Snippet]:
    groups = endpoint_snippets(endpoint, codec(endpoint.api, {}), is_public=is_public)
    return [each for group in groups for each in group.snippets if each.language in languages]


@pytest.mark.parametrize("api", APIS)
def test_each_program_asks_what_it_says_with_the_key_of_the_environment(
    api: str, replay: Replay, tmp_path: Path
) -> None:
    answer = recorded(api)
    if answer.headers.get("content-type") != "application/json":
        answer = replace(answer, headers={"content-type": "application/json"}, body=b'{"said": "hello"}')
    languages = ("bash",) if api == OPENAI else ("bash", "python")
    for snippet in of_language(endpoint_of(api, replay.address), *languages):
        replay.now(answer)
        printed = ran(snippet, tmp_path)
        (asked,) = replay.asked
        assert asked.method == "POST"
        assert any(KEY in value for value in asked.headers.values())
        assert asked.headers["x-team"] == TEAM
        assert QUESTION in json.dumps(json.loads(asked.body))
        assert printed.strip()


@pytest.mark.parametrize("api", [api for api in APIS if api not in {"bedrock_converse", "openai_embeddings", OPENAI}])
def test_a_stream_is_printed_as_it_was_recorded(api: str, replay: Replay, tmp_path: Path) -> None:
    answer = recorded(api)
    for snippet in of_language(endpoint_of(api, replay.address), "bash", "python"):
        if snippet.title == "Stream":
            replay.now(answer)
            assert ran(snippet, tmp_path).splitlines() == answer.body.decode().splitlines()


def test_on_public_pages_the_base_url_comes_from_the_environment(replay: Replay, tmp_path: Path) -> None:
    endpoint = endpoint_of("anthropic_messages", "https://hidden.example.org")
    answer = replace(recorded("anthropic_messages"), headers={"content-type": "application/json"}, body=b"{}")
    for snippet in of_language(endpoint, "bash", "python", is_public=True):
        replay.now(answer)
        ran(snippet, tmp_path, NEAR_BASE_URL=f"{replay.address}/v1")
        (asked,) = replay.asked
        assert asked.target == "/v1/messages"


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_the_ranking_names_the_best_endpoint_first(serve: Serve, tmp_path: Path, token: str | None) -> None:
    served = await serve(token=token)
    environment = {"PROVIDERWATCH_URL": f"http://{served.host}:{served.port}"}
    if token is not None:
        environment["PROVIDERWATCH_TOKEN"] = token
    ranking = model_snippets("other/model", SPECS[1:], is_public=False)[-1]
    for snippet in ranking.snippets:
        printed = await asyncio.to_thread(ran, snippet, tmp_path, **environment)
        if snippet.language == "bash":
            assert len(json.loads(printed)["endpoints"]) == 2
        else:
            assert len(printed.splitlines()) == 2
