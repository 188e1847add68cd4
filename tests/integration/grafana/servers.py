"""A real Prometheus that scrapes a daemon, and the daemon with something to say on every panel."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import PATIENCE_S, Daemon, free_port, running, wait_until
from tests.support.providers import Providers

SCRAPE_S = 1
AMPLE = {"ttft_timeout": "40s", "timeout": "60s"}
"""Deadlines that the real model keeps on a busy machine, too."""
BUCKET_SINK, BROKEN_SINK = "influx", "broken"
CAPPED = "capped"
"""The provider whose budget is spent at once."""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """A running server's API."""

    url: str

    def ask(self, path: str, **parameters: str | float) -> Any:
        """The data of an answer; an answer other than success fails the test."""
        body = urllib.parse.urlencode(parameters)
        at, data = f"{self.url}/api/v1/{path}", body.encode()
        if path.startswith("label/"):
            at, data = f"{at}?{body}", None  # type: ignore[assignment]
        try:
            with _OPENER.open(at, data=data, timeout=20) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as refusal:
            with refusal:
                pytest.fail(f"{refusal.code} for {parameters}: {refusal.read().decode()}")
        assert answer["status"] == "success", answer
        return answer["data"]

    def now(self, expression: str) -> list[dict[str, Any]]:
        """The series at this moment."""
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

    def series(self, expression: str, span_s: int = 60) -> list[dict[str, Any]]:
        """The series of the last minute, or of so many seconds, that hold at least one finite value."""
        end = time.time()
        found = self.ask("query_range", query=expression, start=end - span_s, end=end, step=SCRAPE_S)["result"]
        return [each for each in found if any(math.isfinite(float(value)) for _, value in each["values"])]


@contextmanager
def scraping(target: str, folder: Path) -> Iterator[Prometheus]:
    """Run a Prometheus of its own that scrapes the target every second."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.fail("prometheus is not installed: apt-get install prometheus")
    job = {"job_name": "providerwatch", "static_configs": [{"targets": [target]}]}
    config = {"global": {"scrape_interval": f"{SCRAPE_S}s"}, "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    log = folder / "prometheus.log"
    with log.open("w") as sink, subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT) as process:
        try:
            wait_until(lambda: _ready(address, process, log), "a ready Prometheus")
            yield Prometheus(url=f"http://{address}")
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _ready(address: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, f"prometheus ended: {log.read_text(encoding='utf-8')}"
    try:
        with _OPENER.open(f"http://{address}/-/ready", timeout=5):
            return True
    except OSError:
        return False


@contextmanager
def daemon(providers: Providers, influx_url: str, bucket: str, folder: Path) -> Iterator[Daemon]:
    """One model at four providers, of which two fail, one is slow to stream and one has spent its budget."""
    addresses = {
        # Names and no numbers, so that there is a phase dns.
        "steady": f"{providers.model}/v1".replace("127.0.0.1", "localhost"),
        "flaky": f"{providers.proxy}/flaky/v1".replace("127.0.0.1", "localhost"),
        "dead": "http://localhost:9/v1",
        CAPPED: f"{providers.model}/v1",
    }
    priced = {"pricing": {"prompt": 0.1, "completion": 0.4}}
    described: dict[str, dict[str, Any]] = {
        name: {"api": "openai_chat", "base_url": url} for name, url in addresses.items()
    }
    described[CAPPED]["budget"] = {"tokens_per_day": 200}
    config = {
        "store": f"sqlite:///{folder}/samples.db",
        "providers": described,
        "models": {"hf/smol": {"endpoints": [{"provider": name, "model": "smol", **priced} for name in addresses]}},
        "probes": {
            task: {"task": task, "every": every, "prompt_tokens": 40, "max_tokens": 8, **AMPLE}
            for task, every in (("chat", "3s"), ("tool_call", "8s"), ("structured_output", "8s"))
        },
        "sinks": {
            BUCKET_SINK: {"url": influx_url, "bucket": bucket},
            BROKEN_SINK: {"kind": "influx", "url": f"http://127.0.0.1:{free_port()}", "bucket": "b"},
        },
        "publish": {"metrics": "full"},
    }
    with running(folder, config) as found:
        yield found


def finite(series: Sequence[dict[str, Any]]) -> bool:
    """Whether the series of InfluxDB hold at least one number besides their times."""
    return any(isinstance(cell, (int, float)) for one in series for row in one["values"] for cell in row[1:])
