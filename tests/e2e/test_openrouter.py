"""Output of a real daemon with a real model for routers and OpenRouter's clients: documents, an order, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from monitor.routing.decide import RouteAnswer
from monitor.routing.openrouter.types import ModelEndpointsDocument, OpenRouterFileDocument
from tests.e2e.test_daemon import DEAD, STEADY, cli, config
from tests.support.daemon import running, wait_until
from tests.support.openrouter_values import valid
from tests.support.providers import Providers

pytestmark = pytest.mark.alone
ENDPOINTS = "/api/v1/models/hf/smol/endpoints"


@pytest.mark.slow
def test_a_real_model_is_offered_beside_one_that_is_dead(tmp_path: Path, providers: Providers) -> None:
    file = tmp_path / "models.json"
    settings: Any = config(tmp_path, providers)
    settings["publish"]["files"].append({"format": "openrouter", "path": str(file)})
    with running(tmp_path, settings) as daemon:
        wait_until(lambda: daemon.scores()[STEADY]["ttft_s"]["count"] >= 5, "five successes")
        wait_until(lambda: daemon.scores()[DEAD]["status"] == "down", "the dead one to be found out")
        listed = listed_by_id(json.loads(daemon.get(ENDPOINTS)[1]))
        steady, dead = listed[STEADY], listed[DEAD]
        assert (steady["status"], dead["status"]) == (0, -5)
        assert (dead["uptime_last_5m"], dead["latency_last_30m"]) == (0, None)
        assert steady["pricing"] == {"prompt": "0.0000001", "completion": "0.0000004"}
        times, speeds = steady["latency_last_30m"], steady["throughput_last_30m"]
        assert 0 < times["p50"] <= times["p99"]
        assert speeds["p50"] >= speeds["p99"] > 0

        answer = valid(route(daemon.url, {"model": "hf/smol", "provider": {"order": ["dead"]}}), RouteAnswer)
        assert answer["endpoints"][-1]["id"] == DEAD
        assert answer["endpoints"][-1]["reason"].startswith("down since")

        exported = tmp_path / "exported.json"
        assert cli("export", "--url", daemon.url, "--format", "openrouter", "-o", str(exported)).returncode == 0
        for path in (file, exported):
            (model,) = valid(json.loads(path.read_text()), OpenRouterFileDocument)["data"]
            assert [*listed_by_id({"data": model})] == [*listed]
    stored = cli("export", "-c", str(tmp_path / "providerwatch.yaml"), "--format", "openrouter")
    assert stored.returncode == 0, stored.stderr
    (model,) = valid(json.loads(stored.stdout), OpenRouterFileDocument)["data"]
    assert listed_by_id({"data": model})[DEAD]["status"] == -5
    gone = cli("export", "--url", daemon.url, "--format", "openrouter")
    assert gone.returncode == 1
    assert "is the daemon running?" in gone.stderr


def listed_by_id(document: Any) -> dict[str, Any]:
    """The endpoints of a model by our id."""
    model = valid(document, ModelEndpointsDocument, "endpoints")["data"]
    return {each["providerwatch"]["id"]: each for each in model["endpoints"]}


def route(url: str, body: dict[str, Any]) -> Any:
    """The answer of `POST /v1/route`."""
    with urlopen(Request(f"{url}/v1/route", json.dumps(body).encode())) as response:
        return json.load(response)
