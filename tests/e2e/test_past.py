"""A real daemon over real providers: the history over HTTP is the same after a kill."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from tests.e2e.histories import DEAD, STEADY, config
from tests.support.daemon import Daemon, running, wait_until
from tests.support.providers import Providers

pytestmark = pytest.mark.alone

ATOM = "{http://www.w3.org/2005/Atom}"


def path_of(name: str, rest: str) -> str:
    return f"/v1/endpoints/{quote(name, safe='')}/{rest}"


def every_sample(daemon: Daemon, name: str) -> list[Any]:
    """All pages, each of two samples."""
    found, cursor = [], ""
    while True:
        page = daemon.json(path_of(name, f"samples?limit=2{cursor}"))
        found += page["data"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


@pytest.mark.slow
def test_the_history_over_http_is_the_same_after_a_kill(tmp_path: Path, providers: Providers) -> None:
    store = f"sqlite:///{tmp_path / 'samples.db'}"
    with running(tmp_path, config(store, providers)) as daemon:
        wait_until(lambda: daemon.scores()[STEADY]["uptime"]["5m"]["ok"] >= 6, "six successes")
        wait_until(lambda: daemon.json("/v1/incidents")["data"], "an incident")
        assert daemon.end(signal.SIGKILL) != 0
    with running(tmp_path, config(store, providers, every="1h")) as daemon:
        check_samples(daemon)
        check_series(daemon)
        check_incidents(daemon)
        check_badges(daemon)


def check_samples(daemon: Daemon) -> None:
    good, bad = every_sample(daemon, STEADY), every_sample(daemon, DEAD)
    assert len(good) >= 6
    assert len({each["id"] for each in good}) == len(good)
    assert sorted((each["started_at"] for each in good), reverse=True) == [sample["started_at"] for sample in good]
    assert {each["endpoint"] for each in good} == {STEADY}
    assert {each["error"] for each in bad if each["blame"] == "provider"} == {"connect"}
    assert {each["ttft_s"] for each in bad} == {None}
    assert daemon.get(path_of("nobody:none", "samples"))[0] == 404
    assert daemon.get(path_of(STEADY, "samples?limit=0"))[0] == 400


def check_series(daemon: Daemon) -> None:
    for window in ("1d", "7d", "90d"):
        ttft = daemon.json(path_of(STEADY, f"series?metric=ttft_s&window={window}"))["data"]
        assert {point["p50"] is None for point in ttft} == {True, False}
        assert all(point["p50"] > 0 for point in ttft if point["count"])
        uptime = daemon.json(path_of(DEAD, f"series?metric=uptime&window={window}"))["data"]
        assert {point["ratio"] for point in uptime} == {0.0, None}


def check_incidents(daemon: Daemon) -> None:
    (incident,) = daemon.json(f"/v1/incidents?endpoint={DEAD}")["data"]
    assert (incident["cause"], incident["ended_at"]) == ("connect", None)
    assert incident["duration_s"] > 0
    status, body = daemon.get("/v1/incidents.atom")
    assert status == 200
    ids = [entry.findtext(ATOM + "id") or "" for entry in ET.fromstring(body).findall(ATOM + "entry")]
    assert f"tag:providerwatch,2026:local/incidents/{incident['id']}" in ids


def check_badges(daemon: Daemon) -> None:
    for rest, words in (("status.svg", "status: down"), ("uptime.svg", "uptime 30d: 0%")):
        status, body = daemon.get(f"/badges/{quote(DEAD, safe='')}/{rest}")
        assert status == 200
        assert f"<title>{words}</title>" in body.decode()
    for rest in ("ttft.svg?window=1d", "ttft.svg?window=90d", "uptime.svg?window=7d"):
        status, body = daemon.get(f"/badges/{STEADY}/{rest}")
        assert status == 200
        assert b"no data" not in body
