"""A running LiteLLM, its router and its proxy, configured as its page says."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from tests.routers import installed
from tests.routers.gates import Gate
from tests.routers.pages import block, put
from tests.routers.stage import addresses
from tests.support.daemon import PATIENCE_S, free_port, wait_until

ROOT = Path(__file__).parents[2]
MASTER_KEY = "sk-" + "0123456789abcdef" * 3
TOKEN = "a token for tests"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Router:
    """LiteLLM's router in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, times: int = 20, *, stream: bool = False) -> list[str]:
        """Who answered each of some requests: the deployment's id, or the name of an exception."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"times": times, "stream": stream}) + "\n")
        self._process.stdin.flush()
        answers: list[str] = self.line()
        return answers

    def line(self) -> Any:
        """The next line that is JSON: LiteLLM prints as it likes."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(("[", '"')):
                return json.loads(line)
        raise AssertionError(f"LiteLLM ended: {self._process.wait(PATIENCE_S)}")


def environment(**more: str) -> dict[str, str]:
    """Nothing from the internet, and the plug-in to be found."""
    return {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": str(ROOT), **more}


def router(
    directory: Path, servers: Sequence[Gate], url: str, *, token: str | None = None
) -> AbstractContextManager[Router]:
    """One with the page's deployments."""
    models = yaml.safe_load(put(block("litellm", "yaml", "model_list:"), addresses(servers)))["model_list"]
    return router_of(directory, models, url, token=token)


@contextmanager
def router_of(
    directory: Path, models: Sequence[Mapping[str, Any]], url: str, *, token: str | None, plugin: bool = True
) -> Iterator[Router]:
    """One with these deployments; without cooldowns and retries of its own, so that only the plug-in chooses."""
    config = json.dumps({"model_list": models, "url": url, "token": token, "plugin": plugin})
    with (directory / "litellm.log").open("ab") as log:
        process = subprocess.Popen(
            [installed.litellm() / "python", "-P", ROOT / "tests/routers/litellm_caller.py", config],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment(),
        )
    try:
        made = Router(process)
        assert made.line() == "ready"
        yield made
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class Proxy:
    """LiteLLM's proxy, asked over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, times: int = 20) -> list[str]:
        """As the router's; the status where the answer is none."""
        return [self._ask() for _ in range(times)]

    def is_ready(self) -> bool:
        try:
            with _OPENER.open(f"{self.url}/health/readiness", timeout=10):
                return True
        except OSError:
            return False

    def _ask(self) -> str:
        body = {"model": "llama", "max_tokens": 4, "messages": [{"role": "user", "content": "Say hello."}]}
        headers = {"Authorization": f"Bearer {MASTER_KEY}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/v1/chat/completions", json.dumps(body).encode(), headers)
        try:
            with _OPENER.open(request, timeout=60) as response:
                response.read()
                return str(response.headers["x-litellm-model-id"])
        except urllib.error.HTTPError as refused:
            with refused:
                return str(refused.code)


def proxy(directory: Path, servers: Sequence[Gate], daemon_url: str, token: str) -> AbstractContextManager[Proxy]:
    """One with the page's configuration."""
    return proxy_of(directory, put(block("litellm", "yaml", "model_list:"), addresses(servers)), daemon_url, token)


@contextmanager
def proxy_of(directory: Path, config: str, daemon_url: str, token: str) -> Iterator[Proxy]:
    """One with some configuration."""
    port, file = free_port(), directory / "config.yaml"
    file.write_text(config)
    env = environment(PROVIDERWATCH_URL=daemon_url, PROVIDERWATCH_TOKEN=token, LITELLM_MASTER_KEY=MASTER_KEY)
    with (directory / "proxy.log").open("ab") as log:
        process = subprocess.Popen(
            [installed.litellm() / "litellm", "--config", file, "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=directory,
        )  # fmt: skip
    try:
        made = Proxy(f"http://127.0.0.1:{port}")
        wait_until(made.is_ready, "LiteLLM's proxy")
        yield made
    finally:
        process.kill()
        process.wait()


class Recorder:
    """A daemon's place: it has one snapshot to tell, and remembers the outcomes it is sent."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.tokens: list[str | None] = []
        self.status = 200
        self.snapshot = json.dumps(snapshot)

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        return [each for batch in self.batches for each in batch]


@contextmanager
def recording(recorder: Recorder) -> Iterator[str]:
    """Its address, while it is served."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"event: snapshot\nid: 1\ndata: {recorder.snapshot}\n\n".encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            recorder.tokens.append(self.headers["Authorization"])
            if recorder.status == 200:
                recorder.batches.append(body["outcomes"])
            self.send_response(recorder.status)
            self.end_headers()
            self.wfile.write(b"{}")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
