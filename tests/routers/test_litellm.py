"""A real LiteLLM, configured as its page says, skips deployments that are down, and reports outcomes."""

from __future__ import annotations

import ast
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.routers.gates import Gate, gates
from tests.routers.litellm import TOKEN, Recorder, proxy, recording, router
from tests.routers.pages import blocks
from tests.routers.stage import settings, statuses
from tests.support.daemon import running, wait_until
from tests.support.providers import Providers

pytestmark = pytest.mark.routers

BOTH = {"near", "far"}


def watched(directory: Path, servers: Sequence[Gate]) -> Mapping[str, Any]:
    """The daemon's configuration, open to who asks without a token."""
    plain = {key: value for key, value in settings("litellm", directory, servers, {}).items() if key != "token"}
    # The model is kept busy by LiteLLM's requests: probes that cost no tokens do not stand in their way.
    return {**plain, "probes": {"reach": {"task": "reach", "every": "1s"}}}


def snapshot(**status: str) -> dict[str, Any]:
    return {
        "schema": "providerwatch/scores/v1",
        "generated_at": datetime.now(UTC).isoformat(),
        "max_age_s": 120,
        "endpoints": [
            {"id": f"{name}:llama-1b", "provider": name, "model": "m/llama", "status": word, "score": 0.9,
             "account": None, "stale_after": None, "router_ids": {"litellm": name}}
            for name, word in status.items()
        ],
    }  # fmt: skip


def _of(daemon: Recorder, outcome: str) -> list[Mapping[str, Any]]:
    return [each for each in daemon.outcomes if each["outcome"] == outcome]


def test_a_router_passes_by_what_is_down_and_uses_it_again(tmp_path: Path, providers: Providers) -> None:
    with (
        gates(providers.model, 2) as (near, far),
        running(tmp_path, watched(tmp_path, (near, far))) as daemon,
        router(tmp_path, (near, far), daemon.url) as litellm,
    ):
        wait_until(lambda: set(litellm.ask()) == BOTH, "both in use")
        near.shut()
        wait_until(lambda: statuses(daemon)[0] == "down", "one down")
        wait_until(lambda: litellm.ask(5) == ["far"] * 5, "no failure any more")
        assert litellm.ask() == ["far"] * 20
        near.open()
        wait_until(lambda: "near" in litellm.ask(5), "it is back")
        for gate in (near, far):
            gate.shut()
        wait_until(lambda: statuses(daemon) == ["down", "down"], "both down")
        near.open()
        # All down is all: before the daemon sees that one is back, requests reach it.
        wait_until(lambda: "near" in litellm.ask(4), "whoever answers is reached")


def test_a_daemon_that_dies_leaves_litellm_as_it_is_without_a_plug_in(tmp_path: Path, providers: Providers) -> None:
    with (
        gates(providers.model, 2) as servers,
        running(tmp_path, watched(tmp_path, servers)) as daemon,
        router(tmp_path, servers, daemon.url) as litellm,
    ):
        wait_until(lambda: set(litellm.ask()) == BOTH, "both in use")
        servers[0].shut()
        wait_until(lambda: litellm.ask(8) == ["far"] * 8, "one is passed by")
        servers[0].open()
        daemon.end(signal.SIGKILL)
        wait_until(lambda: set(litellm.ask(10)) == BOTH, "both again: what was known is stale")
        assert set(litellm.ask()) == BOTH


def test_without_a_daemon_all_deployments_are_used(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 2) as servers, router(tmp_path, servers, "http://127.0.0.1:9", token="t") as litellm:
        assert set(litellm.ask()) == BOTH


def test_the_proxy_of_the_page_passes_by_what_is_down_and_reports(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 2) as servers:
        daemon = Recorder(snapshot(near="down", far="up"))
        with recording(daemon) as url, proxy(tmp_path, servers, url, TOKEN) as litellm:
            wait_until(lambda: litellm.ask(5) == ["far"] * 5, "the scores")
            assert litellm.ask() == ["far"] * 20
            wait_until(lambda: len(daemon.outcomes) >= 20, "outcomes")
            daemon.snapshot = Recorder(snapshot(near="up", far="up")).snapshot
            wait_until(lambda: "near" in litellm.ask(5), "it is back")
    assert {outcome["endpoint"] for outcome in daemon.outcomes[:20]} == {"far:llama-1b"}


def test_outcomes_tell_successes_failures_and_times_once_each(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 2) as (near, far):
        daemon = Recorder(snapshot(near="up", far="up"))
        with recording(daemon) as url, router(tmp_path, (near, far), url, token=TOKEN) as litellm:
            wait_until(lambda: litellm.ask(1) and daemon.outcomes, "the first outcome")
            litellm.ask(2, stream=True)
            answers = litellm.ask(6, stream=True)
            near.shut()
            answers += litellm.ask(10)
            failed = answers.count("InternalServerError")
            wait_until(lambda: len(_of(daemon, "connect")) >= failed, "the outcomes of all that failed")
            # With those of the three that were asked before.
            wait_until(lambda: len(_of(daemon, "ok")) >= len(answers) - failed + 3, "those of all others")
        told = daemon.outcomes
        assert len({each["id"] for each in told}) == len(told)
        assert set(daemon.tokens) == {f"Bearer {TOKEN}"}
        kinds = Counter((each["endpoint"], each["outcome"]) for each in told)
        assert set(kinds) == {("near:llama-1b", "ok"), ("near:llama-1b", "connect"), ("far:llama-1b", "ok")}
        assert kinds["near:llama-1b", "connect"] == answers.count("InternalServerError")
        times = [each for each in told if "ttft_s" in each]
        assert len(times) >= 6
        assert all(0 < each["ttft_s"] <= each["e2e_s"] for each in times)
        assert any(each.get("output_tokens") for each in told)


def test_a_daemon_that_refuses_outcomes_costs_litellm_nothing(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 2) as servers:
        daemon = Recorder(snapshot(near="up", far="up"))
        daemon.status = 500
        with recording(daemon) as url, router(tmp_path, servers, url, token=TOKEN) as litellm:
            wait_until(lambda: set(litellm.ask(5)) <= BOTH and daemon.tokens, "a refusal")
            assert set(litellm.ask()) == BOTH
            daemon.status = 200
            wait_until(lambda: daemon.outcomes, "the same outcomes, later")


def test_the_pages_python_names_what_the_plug_in_has() -> None:
    (text,) = blocks("litellm", "python")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    assert [ast.unparse(call) for call in calls] == ["Providerwatch('http://127.0.0.1:8780', token=None)"]
