"""A daemon as its users run it: the real command in a process of its own, asked over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PATIENCE_S = 60.0
"""Upper bound of every wait: reached only when something is broken."""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def quick_probes(every: str = "1s", max_tokens: int = 8) -> dict[str, Any]:
    """The `probes` of a configuration: a small chat, often, with time for a busy machine to answer."""
    chat = {
        "task": "chat",
        "every": every,
        "prompt_tokens": 40,
        "max_tokens": max_tokens,
        "ttft_timeout": "8s",
        "timeout": "10s",
    }
    return {"chat": chat}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(claim: Callable[[], object], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline_s, f"never came: {what}"
        time.sleep(0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A running daemon."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; status 0: no answer."""
        try:
            with _OPENER.open(f"{self.url}{path}", timeout=10) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()
        except OSError:
            return 0, b""

    def json(self, path: str) -> Any:
        status, body = self.get(path)
        assert status == 200, (status, body)
        return json.loads(body)

    def scores(self) -> dict[str, dict[str, Any]]:
        """The rows of the scores document by endpoint id."""
        return {row["id"]: row for row in self.json("/v1/scores")["endpoints"]}

    def ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return self.get("/readyz")[0] == 200

    def end(self, number: signal.Signals) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def write_config(path: Path, config: Mapping[str, object]) -> Path:
    path.write_text(yaml.safe_dump(dict(config), sort_keys=False))
    return path


def command(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "monitor.cli.main", *arguments)


@contextmanager
def running(directory: Path, config: Mapping[str, object], env: Mapping[str, str] | None = None) -> Iterator[Daemon]:
    """A daemon on a free port, ready; ended when the block ends."""
    port = free_port()
    file = write_config(directory / "providerwatch.yaml", {"listen": f"127.0.0.1:{port}", **config})
    log = directory / "daemon.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command("run", "-c", str(file)), stdin=subprocess.DEVNULL, stderr=sink, env={**os.environ, **(env or {})}
        )
    daemon = Daemon(process=process, url=f"http://127.0.0.1:{port}", log=log)
    try:
        wait_until(daemon.ready, "a ready daemon")
        yield daemon
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
