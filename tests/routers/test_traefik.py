"""A real Traefik, configured as its page says, follows the file that a daemon writes."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from monitor.domain.status import Status
from monitor.routing.atomic_file import replace_file
from monitor.scoreboard.snapshot import Snapshot
from tests.routers.gates import Gate, gates
from tests.routers.stage import ask, settings, statuses, turns
from tests.routers.traefik import traefik
from tests.support.daemon import running, wait_until
from tests.support.providers import Providers
from tests.support.router_files import render
from tests.support.rows import make_row
from tests.unit.score.values import START

pytestmark = pytest.mark.routers


def watched(directory: Path, servers: Sequence[Gate]) -> Mapping[str, object]:
    """The daemon's configuration; the folder of its file is there."""
    (directory / "dynamic").mkdir()
    return settings("traefik", directory, servers, {"/etc/traefik": directory})


def test_traffic_shifts_when_an_endpoint_goes_down_and_back(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 2) as (near, far):
        config = watched(tmp_path, (near, far))
        with running(tmp_path, config) as daemon, traefik(tmp_path, (near, far)) as url:
            wait_until(lambda: statuses(daemon) == ["up", "up"], "both up")
            wait_until(lambda: ask(url) == [200], "a service")
            wait_until(lambda: min(turns(url, (near, far))) > 0, "both in use")
            near.shut()
            wait_until(lambda: statuses(daemon) == ["down", "up"], "one down")
            # Before it was down its weight was small already: one request of a hundred went there.
            wait_until(lambda: ask(url, 120) == [200] * 120, "no failure any more")
            assert turns(url, (near, far)) == [0, 20]
            near.open()
            wait_until(lambda: turns(url, (near, far))[0] > 0, "it is back")
            for gate in (near, far):
                gate.shut()
            wait_until(lambda: statuses(daemon) == ["down", "down"], "both down")
            wait_until(lambda: b'"weight":0' not in (tmp_path / "dynamic" / "providerwatch.yaml").read_bytes(), "all")
            for gate in (near, far):
                gate.open()
            wait_until(lambda: min(turns(url, (near, far))) > 0, "whoever answers is reached")
    assert "error" not in (tmp_path / "traefik.log").read_text().lower()


def test_a_restart_of_the_daemon_drops_no_healthy_service(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 2) as servers:
        config = watched(tmp_path, servers)
        with running(tmp_path, config) as daemon:
            wait_until(lambda: statuses(daemon) == ["up", "up"], "both up")
            daemon.end(signal.SIGKILL)
        with traefik(tmp_path, servers) as url:
            wait_until(lambda: ask(url) == [200], "a service")
            assert min(turns(url, servers)) > 0
            with running(tmp_path, config):
                assert min(turns(url, servers)) > 0


def test_weights_arrive(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 2) as servers:
        (tmp_path / "dynamic").mkdir()
        for statuses_of, expected in (
            ((Status.UP, Status.DEGRADED), [50, 10]),
            ((Status.DEGRADED, Status.DEGRADED), [30, 30]),
            ((Status.DOWN, Status.UP), [0, 60]),
            ((Status.DOWN, Status.DOWN), [30, 30]),
        ):
            rows = [
                make_row(f"p:{name}", status, router_ids={"traefik": f"llama/{name}"})
                for name, status in zip(("near", "far"), statuses_of, strict=True)
            ]
            snapshot = Snapshot(generated_at=START, vantage="", rows={row.id: row for row in rows}, body=b"", etag="")
            replace_file(tmp_path / "dynamic" / "providerwatch.yaml", render("traefik", snapshot))
            with traefik(tmp_path, servers) as url:
                wait_until(lambda url=url: ask(url) == [200], "a service")  # type: ignore[misc]
                assert turns(url, servers, 60) == pytest.approx(expected, abs=1)
