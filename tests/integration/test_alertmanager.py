"""A real outage becomes messages: a daemon, Prometheus with our rules, Alertmanager with our example, a web hook.

The rules, the scrapes and the example of Alertmanager are those of `config/`, with every duration divided by
`FASTER`: a minute takes two seconds. Thresholds, labels and texts stay as they are.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import yaml

from tests.support.daemon import Daemon, running, wait_until
from tests.support.fake_provider import FakeProvider, provider
from tests.support.promtool import promtool
from tests.support.server import OPENER, serving

pytestmark = [pytest.mark.slow, pytest.mark.alone]

CONFIG: Final = Path(__file__).parents[2] / "config"
FASTER: Final = 30
SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
FAILED_SHARE: Final = "endpoint_task:providerwatch_failed_probes:ratio_2m"


def faster(duration: str) -> str:
    """A duration of a configuration, divided."""
    return f"{int(duration[:-1]) * SECONDS[duration[-1]] * 1000 // FASTER}ms"


def faster_ranges(expression: str) -> str:
    """An expression with all its ranges divided."""
    ranges = re.compile(r"\[[^\]]+\]")
    return ranges.sub(lambda found: re.sub(r"\d+[smhd]", lambda each: faster(each[0]), found[0]), expression)


def loaded(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))
    return content


def write(path: Path, content: object) -> Path:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def rules(folder: Path) -> Path:
    content = loaded("prometheus-rules.yml")
    for group in content["groups"]:
        group["interval"] = faster(group["interval"])
        for rule in group["rules"]:
            rule["expr"] = faster_ranges(rule["expr"])
            if "for" in rule:
                rule["for"] = faster(rule["for"])
    return write(folder / "prometheus-rules.yml", content)


def prometheus_file(folder: Path, monitor: str, alertmanager: str) -> Path:
    content = loaded("prometheus.yml")
    content["global"]["scrape_interval"] = faster(content["global"]["scrape_interval"])
    content["rule_files"] = [str(rules(folder))]
    content["scrape_configs"][0]["static_configs"] = [{"targets": [monitor]}]
    target = alertmanager.removeprefix("http://")
    content["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [target]}]}]}
    return write(folder / "prometheus.yml", content)


def alertmanager_file(folder: Path, hook: str) -> Path:
    content = loaded("alertmanager.yml")
    for name in ("group_wait", "group_interval", "repeat_interval"):
        content["route"][name] = faster(content["route"][name])
    for receiver in content["receivers"]:
        receiver["webhook_configs"] = [{"url": f"{hook}/{receiver['name']}", "send_resolved": True}]
    return write(folder / "alertmanager.yml", content)


@dataclass(slots=True)
class Messages:
    """What the web hook received: the receiver, and the alert as Alertmanager writes it."""

    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of(self, name: str, status: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (receiver, alert)
            for receiver, alert in [*self.received]
            if alert["labels"]["alertname"] == name and alert["status"] == status
        ]

    @property
    def names(self) -> set[str]:
        return {alert["labels"]["alertname"] for _, alert in self.received}

    def wait_for(self, name: str, status: str) -> tuple[str, dict[str, Any]]:
        wait_until(lambda: self.of(name, status), f"{name}, {status}; received: {self.names}")
        return self.of(name, status)[0]


@contextmanager
def web_hook() -> Iterator[tuple[str, Messages]]:
    messages = Messages()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            messages.received += [(self.path.strip("/"), alert) for alert in body["alerts"]]
            self.send_response(200)
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", messages
        finally:
            server.shutdown()
            thread.join()


def test_amtool_accepts_the_example() -> None:
    amtool = shutil.which("amtool")
    assert amtool is not None, "apt-get install prometheus-alertmanager"
    checked = subprocess.run(
        [amtool, "check-config", str(CONFIG / "alertmanager.yml")], capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def config(folder: Path, near: FakeProvider, far: FakeProvider) -> dict[str, object]:
    """Two models, each at one provider."""
    providers = {"near": near.base_url, "far": far.base_url}
    return {
        "store": f"sqlite:///{folder}/samples.db",
        "vantage": "here",
        "providers": {name: {"api": "openai_chat", "base_url": url} for name, url in providers.items()},
        "models": {f"acme/{name}": {"endpoints": [{"provider": name, "model": "tiny"}]} for name in providers},
        "probes": {"chat": {"task": "chat", "every": "2s", "ttft_timeout": "8s", "timeout": "10s"}},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Everything from the provider to the message."""

    near: FakeProvider
    daemon: Daemon
    prometheus: str
    messages: Messages

    def get(self, path: str) -> Any:
        """The data of an answer of Prometheus."""
        with OPENER.open(f"{self.prometheus}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]

    def ask(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"query?{urlencode({'query': expression})}")["result"]
        return found

    def wait_for(self, expression: str) -> None:
        wait_until(lambda: self.ask(expression), expression)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with (
        provider() as near,
        provider() as far,
        running(tmp_path, config(tmp_path, near, far)) as daemon,
        web_hook() as (hook, messages),
        serving(
            "prometheus-alertmanager",
            "prometheus-alertmanager",
            tmp_path,
            f"--config.file={alertmanager_file(tmp_path, hook)}",
            f"--storage.path={tmp_path / 'alertmanager'}",
            "--cluster.listen-address=",
        ) as alertmanager,
        serving(
            "prometheus",
            "prometheus",
            tmp_path,
            f"--config.file={prometheus_file(tmp_path, daemon.url.removeprefix('http://'), alertmanager)}",
            f"--storage.tsdb.path={tmp_path / 'prometheus'}",
            "--rules.alert.resend-delay=2s",
        ) as prometheus,
    ):
        yield Chain(near=near, daemon=daemon, prometheus=prometheus, messages=messages)


def test_an_outage_and_its_end_and_the_end_of_the_monitor_are_messages(chain: Chain) -> None:
    promtool("check", "metrics", stdin=chain.daemon.get("/metrics")[1])
    chain.wait_for("count(providerwatch_up == 1) == 2")
    for count in (10, 20, 30):  # a minute in all, which is as long as one wait may take
        chain.wait_for(f"count_over_time({FAILED_SHARE}{{endpoint='near:tiny'}}[2m]) >= {count}")
    assert chain.messages.received == []
    rules = [rule for group in chain.get("rules")["groups"] for rule in group["rules"]]
    assert [rule for rule in rules if rule["health"] != "ok"] == []

    chain.near.fails = True
    receiver, alert = chain.messages.wait_for("EndpointDown", "firing")
    instance = chain.daemon.url.removeprefix("http://")
    assert receiver == "night"
    assert alert["labels"] == {
        "alertname": "EndpointDown",
        "job": "providerwatch",
        "instance": instance,
        "endpoint": "near:tiny",
        "provider": "near",
        "model": "acme/near",
        "vantage": "here",
        "severity": "critical",
    }
    assert alert["annotations"]["summary"] == "near:tiny is down"
    assert alert["annotations"]["runbook_url"] == "docs/alerts.md#endpointdown"
    _, alert = chain.messages.wait_for("ModelDown", "firing")
    assert alert["annotations"]["summary"] == "no endpoint of acme/near is up"
    chain.wait_for('ALERTS{alertname="ErrorBudgetBurn", window="1h", alertstate="firing"}')
    assert chain.messages.names == {"EndpointDown", "ModelDown"}  # the outage inhibits its error budget

    chain.near.fails = False
    chain.messages.wait_for("EndpointDown", "resolved")
    chain.messages.wait_for("ModelDown", "resolved")

    assert chain.daemon.end(signal.SIGTERM) == 0
    receiver, alert = chain.messages.wait_for("MonitorUnreachable", "firing")
    assert (receiver, alert["labels"]["instance"]) == ("night", instance)
    assert chain.messages.names - {"ErrorBudgetBurn"} == {"EndpointDown", "ModelDown", "MonitorUnreachable"}
    of_endpoints = [
        alert["labels"]["endpoint"] for _, alert in chain.messages.received if "endpoint" in alert["labels"]
    ]
    assert set(of_endpoints) == {"near:tiny"}
