"""The daemon is killed while clients report outcomes: outcomes that are sent again count once, on both databases."""

from __future__ import annotations

import itertools
import json
import random
import signal
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon, running
from tests.support.postgres import Postgres

NAME, TOKEN = "far:smol", "reporters-only"
KILLS, BATCHES, SIZE = 3, 6, 20
_numbers = itertools.count()
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'traffic.db'}"
    server: Postgres = request.getfixturevalue("server")
    return server.create(f"traffic{next(_numbers)}")


def config(store: str) -> dict[str, object]:
    """One endpoint that is probed so rarely that only real traffic determines its status."""
    return {
        "store": store,
        "token": "${env:REPORT_TOKEN}",
        "providers": {"far": {"api": "openai_chat", "base_url": "http://127.0.0.1:9/v1"}},
        "models": {
            "hf/smol": {"endpoints": [{"provider": "far", "model": "smol", "router_ids": {"litellm": "dep-1"}}]}
        },
        "probes": {"chat": {"task": "chat", "every": "6h"}},
        "scoring": {"confirm": False},
    }


def ask(daemon: Daemon, path: str, body: object = None) -> Any:
    """The JSON of an answer; None: the daemon was killed meanwhile."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    request = urllib.request.Request(f"{daemon.url}{path}", data=data, headers=headers)
    try:
        with _OPENER.open(request, timeout=30) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError:
        raise
    except (OSError, ValueError):
        return None


def batch(number: int) -> dict[str, object]:
    """Always the same outcomes under the same ids, a third of them failures."""
    begin = datetime.now(UTC) - timedelta(seconds=30)
    return {
        "outcomes": [
            {
                "id": f"{number}-{n}",
                "router_id": {"litellm": "dep-1"},
                "at": (begin + timedelta(milliseconds=50 * n)).isoformat(),
                "outcome": "ok" if n % 3 else "overloaded",
                "prompt_tokens": 10,
                "app": "search",
            }
            for n in range(SIZE)
        ]
    }


def send(daemon: Daemon, batches: list[dict[str, object]]) -> None:
    for each in batches:
        ask(daemon, "/v1/outcomes", each)


def counted(daemon: Daemon) -> tuple[int, int]:
    """Successes and failures of the day's real requests."""
    (row,) = ask(daemon, "/v1/scores")["endpoints"]
    day = row["traffic"]["1d"] if row["traffic"] else {"ok": 0, "failed": 0}
    return day["ok"], day["failed"]


@pytest.mark.slow
def test_batches_that_are_sent_again_after_a_kill_are_counted_once(tmp_path: Path, store: str) -> None:
    env = {"REPORT_TOKEN": TOKEN}
    batches = [batch(number) for number in range(BATCHES)]
    for _ in range(KILLS):
        with running(tmp_path, config(store), env) as daemon:
            sender = threading.Thread(target=send, args=(daemon, batches))
            sender.start()
            sender.join(random.uniform(0.0, 0.3))
            daemon.end(signal.SIGKILL)
            sender.join()
    with running(tmp_path, config(store), env) as daemon:
        receipts = [ask(daemon, "/v1/outcomes", each) for each in batches]
        assert all(receipt["accepted"] + receipt["duplicates"] == SIZE for receipt in receipts)
        before = counted(daemon)
        failed = len(range(0, SIZE, 3))
        assert before == (BATCHES * (SIZE - failed), BATCHES * failed)
        daemon.end(signal.SIGKILL)
    with running(tmp_path, config(store), env) as daemon:
        assert counted(daemon) == before
        assert all(ask(daemon, "/v1/outcomes", each)["duplicates"] == SIZE for each in batches)
        (used,) = ask(daemon, "/v1/activity")["data"]
        assert (used["endpoint"], used["app"], used["requests"]) == (NAME, "search", BATCHES * SIZE)
        assert used["prompt_tokens"] == 10 * BATCHES * SIZE
        (row,) = ask(daemon, "/v1/scores")["endpoints"]
        assert row["source"] in {"traffic", "mixed"}
        assert daemon.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_what_was_answered_for_is_stored_whenever_the_daemon_is_killed(tmp_path: Path, store: str) -> None:
    env = {"REPORT_TOKEN": TOKEN}
    with running(tmp_path, config(store), env) as daemon:
        assert ask(daemon, "/v1/outcomes", batch(1))["accepted"] == SIZE
        daemon.end(signal.SIGKILL)
    with running(tmp_path, config(store), env) as daemon:
        assert sum(counted(daemon)) == SIZE
