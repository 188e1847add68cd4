"""Three backends that can be made to fail, as the page of LiteLLM has it and its daemon configured for them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.routers.pages import block
from tests.support.daemon import Daemon
from tests.support.switches import Switch

NAMES = ("near", "far", "third")
"""The page names two."""
TOKEN = "a-token-for-tests"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def litellm_config(backends: Sequence[Switch]) -> dict[str, Any]:
    """The page's configuration of the proxy, whose deployments are also a router's: each like the page's first."""
    page: dict[str, Any] = yaml.safe_load(block("litellm", "yaml", "model_list:"))
    like = page["model_list"][0]
    models = [
        {
            **like,
            "litellm_params": {**like["litellm_params"], "api_base": f"http://{backend.address}/v1"},
            "model_info": {"id": name},
        }
        for name, backend in zip(NAMES, backends, strict=True)
    ]
    return {**page, "model_list": models}


def daemon_config(directory: Path, backends: Sequence[Switch], probes: Mapping[str, object]) -> dict[str, Any]:
    """The page's configuration of the daemon, for the same backends."""
    page: dict[str, Any] = yaml.safe_load(block("litellm", "yaml", "models:"))
    ((model, _),) = page["models"].items()
    return {
        "token": TOKEN,
        "store": f"sqlite:///{directory / 'samples.db'}",
        "providers": {
            name: {**page["providers"]["near"], "base_url": f"http://{backend.address}/v1"}
            for name, backend in zip(NAMES, backends, strict=True)
        },
        "models": {
            model: {
                "endpoints": [
                    {"provider": name, "model": "llama-1b", "router_ids": {"litellm": name}} for name in NAMES
                ]
            }
        },
        "probes": probes,
        # The model is small enough to answer wrongly: that is no fault of a backend.
        "scoring": {"count_wrong_answers": False},
    }


def told(daemon: Daemon, path: str) -> Any:
    """What the daemon answers to one who has its token."""
    request = urllib.request.Request(f"{daemon.url}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    with _OPENER.open(request, timeout=10) as response:
        return json.load(response)


def rows(daemon: Daemon) -> dict[str, Any]:
    """The rows of its scores by what LiteLLM calls the endpoint."""
    return {row["router_ids"]["litellm"]: row for row in told(daemon, "/v1/scores")["endpoints"]}


def requests(daemon: Daemon) -> dict[str, int]:
    """How many requests of its own LiteLLM has reported of each endpoint, as the activity has it."""
    found = dict.fromkeys(NAMES, 0)
    for each in told(daemon, "/v1/activity")["data"]:
        found[each["endpoint"].partition(":")[0]] += each["requests"]
    return found
