"""Every panel's query, asked of a real Prometheus that scrapes a running daemon.

The daemon under ``metrics_target`` must have something to say on every panel: one model at several
providers of which one fails and one is priced, probed every second or two.
"""

import json
import math
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grafana.queries import PanelQuery, chosen, filled, panel_queries, variable_queries
from tests.support.daemon import running
from tests.support.providers import Providers

pytestmark = pytest.mark.slow

SCRAPE_S, WARM_UP_S, PATIENCE_S = 1, 10, 90
WINDOWS = {"window": "5m", "__rate_interval": "1m", "__range": "5m"}
ANY = ".+"


@pytest.fixture(scope="module")
def metrics_target(providers: Providers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address (host:port) of a running daemon's /metrics: one model at three providers, of which two fail at times."""
    addresses = {
        "steady": f"{providers.model}/v1",
        "flaky": f"{providers.proxy}/flaky/v1",
        "dead": "http://localhost:9/v1",
    }
    priced = {"pricing": {"prompt": 0.1, "completion": 0.4}}
    endpoints = [{"provider": name, "model": "smol", **priced} for name in addresses]
    folder = tmp_path_factory.mktemp("daemon")
    config = {
        "store": f"sqlite:///{folder}/samples.db",
        "providers": {name: {"api": "openai_chat", "base_url": url} for name, url in addresses.items()},
        "models": {"hf/smol": {"endpoints": endpoints}},
        "probes": {
            task: {"task": task, "every": every, "prompt_tokens": 40, "max_tokens": 8}
            for task, every in (("chat", "2s"), ("tool_call", "4s"), ("structured_output", "4s"))
        },
        "scoring": {"count_wrong_answers": False},
        "publish": {"metrics": "full"},
    }
    with running(folder, config) as daemon:
        yield daemon.url.removeprefix("http://")


@pytest.fixture(scope="module")
def prometheus(metrics_target: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Prometheus"]:
    with scraping(metrics_target, tmp_path_factory.mktemp("prometheus")) as server:
        server.wait_for(f'count_over_time(up{{instance="{metrics_target}"}}[1m]) >= {WARM_UP_S // SCRAPE_S}')
        yield server


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """A running server's API."""

    url: str

    def ask(self, path: str, **parameters: str | float) -> Any:
        """Return the data of an answer; an answer other than success fails the test."""
        query = urllib.parse.urlencode(parameters)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/api/v1/{path}?{query}", timeout=10) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as refusal:
            with refusal:
                pytest.fail(f"{refusal.code} for {parameters}: {refusal.read().decode()}")
        assert answer["status"] == "success", answer
        return answer["data"]

    def series(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of the last minute that hold at least one finite value."""
        end = time.time()
        found = self.ask("query_range", query=expression, start=end - 60, end=end, step=SCRAPE_S)["result"]
        return [each for each in found if any(math.isfinite(float(value)) for _, value in each["values"])]

    def wait_for(self, expression: str) -> None:
        """Return once the expression yields something."""
        patience = time.monotonic() + PATIENCE_S
        while not self.series(expression):
            assert time.monotonic() < patience, f"never true: {expression}"
            time.sleep(SCRAPE_S)


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
    with (
        (folder / "log").open("w", encoding="utf-8") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            wait_until_ready(address, process, folder / "log")
            yield Prometheus(url=f"http://{address}")
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    patience = time.monotonic() + PATIENCE_S
    while time.monotonic() < patience:
        assert process.poll() is None, f"prometheus ended: {log.read_text(encoding='utf-8')}"
        try:
            with opener.open(f"http://{address}/-/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"prometheus is not ready: {log.read_text(encoding='utf-8')}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def choices(server: Prometheus, values: dict[str, str]) -> dict[str, list[str]]:
    """Ask for the choices of every variable, given the values of those it depends on."""
    return {
        variable.name: server.ask(f"label/{variable.label}/values", **{"match[]": filled(variable.series, values)})
        for variable in variable_queries()
    }


def unanswered(server: Prometheus, values: dict[str, str]) -> list[str]:
    """Name every query that yields no series, or series without what its legend shows."""
    return [
        f"{query.panel} / {query.ref}: {filled(query.expression, values)}"
        for query in panel_queries()
        if not answered(query, server.series(filled(query.expression, values)))
    ]


def answered(query: PanelQuery, series: list[dict[str, Any]]) -> bool:
    shown = set(re.findall(r"{{(\w+)}}", query.legend))
    return bool(series) and all(shown <= each["metric"].keys() for each in series)


def wait_until_answered(server: Prometheus, values: dict[str, str]) -> None:
    patience = time.monotonic() + PATIENCE_S
    while missing := unanswered(server, values):
        assert time.monotonic() < patience, "no data for\n" + "\n".join(missing)
        time.sleep(SCRAPE_S)


def test_every_menu_offers_choices(prometheus: Prometheus, metrics_target: str) -> None:
    offered = choices(prometheus, {"instance": metrics_target, "model": ANY})
    assert offered["instance"] == [metrics_target]
    assert len(offered["endpoint"]) > 1
    assert offered["model"]
    assert set(offered["task"]) == {"chat", "tool_call", "structured_output"}


def test_every_panel_query_returns_data_for_all_models(prometheus: Prometheus, metrics_target: str) -> None:
    everything = {"instance": metrics_target, "model": ANY, "endpoint": ANY, "task": "chat", **WINDOWS}
    wait_until_answered(prometheus, everything)


def test_every_panel_query_returns_data_for_one_model_and_task(prometheus: Prometheus, metrics_target: str) -> None:
    values = {"instance": metrics_target, "model": ANY, "task": "chat", **WINDOWS}
    values["model"] = chosen(choices(prometheus, values)["model"][0])
    values["endpoint"] = f"({'|'.join(map(chosen, choices(prometheus, values)['endpoint']))})"
    wait_until_answered(prometheus, values)


def test_status_of_each_endpoint_is_one_known_code(prometheus: Prometheus, metrics_target: str) -> None:
    (query,) = (query for query in panel_queries() if query.panel == "Status")
    lanes = prometheus.series(filled(query.expression, {"instance": metrics_target}))
    everything = {"instance": metrics_target, "model": ANY}
    assert {lane["metric"]["endpoint"] for lane in lanes} == set(choices(prometheus, everything)["endpoint"])
    assert {float(value) for lane in lanes for _, value in lane["values"]} <= {1, 2, 3, 4, 5, 6}
