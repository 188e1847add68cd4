"""The LiteLLM program of a model's page, run in LiteLLM's environment: its router goes where the scores say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from monitor.web.pages.model.snippets import model_snippets
from probes._model import Endpoint, Secret
from tests.contract.recordings import recordings
from tests.routers import installed
from tests.routers.litellm import Recorder, environment, recording
from tests.support.board_values import make_spec

pytestmark = pytest.mark.routers
MODEL = "meta-llama/llama-3.2-1b-instruct"
ANSWER = next(each.body for each in recordings("openai_chat") if each.name == "not_a_stream")
KEY = "sk-from-the-environment"


@contextmanager
def provider(keys: list[str | None]) -> Iterator[str]:
    """An endpoint that answers as recorded, and remembers the keys that it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


def snapshot(down: str, up: str) -> dict[str, object]:
    """One of two endpoints is down."""
    rows: list[dict[str, object]] = [
        {"id": name, "provider": name.partition(":")[0], "model": MODEL, "status": status, "score": 0.9,
         "account": None, "stale_after": None, "router_ids": {}}
        for name, status in ((down, "down"), (up, "up"))
    ]  # fmt: skip
    now = datetime.now(UTC).isoformat()
    return {"schema": "providerwatch/scores/v1", "generated_at": now, "max_age_s": 120, "endpoints": rows}


def test_the_program_prints_the_answer_of_an_endpoint_with_the_key_of_its_provider(tmp_path: Path) -> None:
    keys: list[str | None] = []
    with (
        provider(keys) as address,
        recording(Recorder(snapshot("near:llama", "far:llama"))) as url,
    ):
        specs = [
            replace(
                make_spec(),
                endpoint=Endpoint(
                    id=f"{name}:llama",
                    provider=name,
                    model="llama",
                    api="openai_chat",
                    base_url=address,
                    api_key=Secret("sk-of-the-configuration"),
                ),
            )
            for name in ("near", "far")
        ]
        (snippet,) = model_snippets(MODEL, specs, is_public=False)[0].snippets
        program = tmp_path / "sample.py"
        program.write_text(snippet.code)
        done = subprocess.run(
            [installed.litellm() / "python", "-P", program],
            env=environment(PROVIDERWATCH_URL=url, NEAR_API_KEY=f"{KEY}-near", FAR_API_KEY=f"{KEY}-far"),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(ANSWER)["choices"][0]["message"]["content"] in done.stdout
    assert keys in ([f"Bearer {KEY}-near"], [f"Bearer {KEY}-far"])
