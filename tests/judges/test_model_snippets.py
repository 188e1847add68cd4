"""The sample code of a model's page that needs a vendor's library or TypeScript, run against recorded answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.web.pages.model.requests import QUESTION
from monitor.web.pages.model.snippets import OPENAI, Snippet, endpoint_snippets
from probes._loader import codec
from probes._model import Endpoint, Secret
from tests.contract.recordings import recordings
from tests.judges.installed import environment, node, npm_packages, python
from tests.judges.replay import Replay, serving
from tests.judges.vendors import VENDORS

pytestmark = pytest.mark.judges
KEY, TEAM = "sk-from-the-environment", "team-from-the-environment"
PATIENCE_S = 120
APIS = sorted({*VENDORS} | {"azure_openai"})
WHOLE = next(each for each in recordings(OPENAI) if each.name == "not_a_stream")


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with serving() as server:
        yield server


def endpoint_of(api: str, address: str, *, has_key: bool = True) -> Endpoint:
    return Endpoint(
        id=f"near:{api}",
        provider="near",
        model='it\'s a "model" \N{GRINNING FACE}',
        api=api,
        base_url=f"{address}/v1",
        api_key=Secret("sk-of-the-configuration") if has_key else None,
        headers=(("X-Team", Secret("team-of-the-configuration")),),
    )


def ran(snippet: Snippet, folder: Path) -> str:
    """What a snippet prints."""
    ending, program = {"python": ("py", python()), "typescript": ("mts", node())}[snippet.language]
    path = folder / f"sample.{ending}"
    path.write_text(snippet.code)
    packages = folder / "node_modules"
    if not packages.exists():
        packages.symlink_to(npm_packages(), target_is_directory=True)
    done = subprocess.run(
        [program, path],
        env={**environment(), "PYTHONUTF8": "1", "NEAR_API_KEY": KEY, "X_TEAM": TEAM},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def snippets(endpoint: Endpoint, language: str) -> list[Snippet]:
    groups = endpoint_snippets(endpoint, codec(endpoint.api, {}), is_public=False)
    return [each for group in groups for each in group.snippets if each.language == language]


@pytest.mark.parametrize("language", ["python", "typescript"])
@pytest.mark.parametrize("has_key", [True, False])
def test_openais_library_prints_the_recorded_answer(
    language: str, has_key: bool, replay: Replay, tmp_path: Path
) -> None:
    whole, stream = snippets(endpoint_of(OPENAI, replay.address, has_key=has_key), language)
    recorded = next(each for each in recordings(OPENAI) if each.name == "ok")
    for snippet, answer, said in ((whole, WHOLE, "1, 2, 3"), (stream, recorded, recorded.expect["answer"])):
        replay.now(answer)
        assert ran(snippet, tmp_path).strip() == said.strip()
        (asked,) = replay.asked
        assert asked.target == "/v1/chat/completions"
        assert asked.headers["authorization"] == f"Bearer {KEY if has_key else 'none'}"
        assert asked.headers["x-team"] == TEAM
        body = json.loads(asked.body)
        assert body["model"] == 'it\'s a "model" \N{GRINNING FACE}'
        assert body["messages"] == [{"role": "user", "content": QUESTION}]
        assert body.get("stream", False) is (snippet is stream)


@pytest.mark.parametrize("api", [api for api in APIS if api != OPENAI])
def test_typescript_without_a_library_prints_what_was_answered(api: str, replay: Replay, tmp_path: Path) -> None:
    recorded = next(each for each in recordings(api) if each.name == "ok")
    whole = replace(recorded, headers={"content-type": "application/json"}, body=b'{"said": "hello"}')
    for snippet in snippets(endpoint_of(api, replay.address), "typescript"):
        is_stream = snippet.title == "Stream"
        replay.now(recorded if is_stream else whole)
        printed = ran(snippet, tmp_path)
        (asked,) = replay.asked
        assert any(KEY in value for value in asked.headers.values())
        assert QUESTION in json.dumps(json.loads(asked.body))
        if is_stream:
            assert printed.splitlines() == recorded.body.decode().splitlines()
        else:
            assert json.loads(printed) == {"said": "hello"}
