"""A real Envoy, configured as its page says, follows the file that a daemon writes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from monitor.domain.status import Status
from monitor.routing.atomic_file import replace_file
from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import Snapshot
from tests.routers import installed
from tests.routers.envoy import checking, configuration, envoy
from tests.routers.gates import Gate, gates
from tests.routers.stage import ask, settings, statuses, turns
from tests.support.daemon import free_port, running, wait_until
from tests.support.providers import Providers
from tests.support.router_files import render
from tests.support.rows import make_row
from tests.unit.score.values import START

pytestmark = pytest.mark.routers


def file_of(*rows: Row) -> bytes:
    snapshot = Snapshot(generated_at=START, vantage="", rows={row.id: row for row in rows}, body=b"", etag="")
    return render("envoy-eds", snapshot, cluster="llama")


def row(gate: Gate, status: Status, score: float = 1.0) -> Row:
    return make_row(f"p:{gate.port}", status, score, router_ids={"envoy": f"llama/{gate.address}"})


@pytest.mark.parametrize("configure", [configuration, partial(checking, daemon_port=8780, servers=())])
def test_envoy_accepts_the_configurations_of_the_page(tmp_path: Path, configure: Callable[..., Path]) -> None:
    file = configure(tmp_path, 8080, 9901)
    (tmp_path / "llama.json").write_bytes(file_of(row(Gate("http://127.0.0.1:9"), Status.UP)))
    told = subprocess.run(
        [installed.envoy(), "--mode", "validate", "-c", file], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "OK" in told.stdout + told.stderr


def test_traffic_shifts_when_endpoints_go_down_and_back(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 3) as servers:
        near, far, spare = servers
        config = settings("envoy", tmp_path, servers, {"/run/providerwatch": tmp_path})
        with running(tmp_path, config) as daemon, envoy(tmp_path) as router:
            wait_until(lambda: statuses(daemon) == ["up"] * 3, "all up")
            wait_until(lambda: router.hosts() == [("HEALTHY", 100)] * 3, "all in use")
            assert min(turns(router.url, servers)) > 0
            near.shut()
            far.shut()
            wait_until(lambda: router.health() == ["UNHEALTHY", "UNHEALTHY", "HEALTHY"], "two taken out")
            assert turns(router.url, servers) == [0, 0, 20]
            near.open()
            wait_until(lambda: router.health() == ["HEALTHY", "UNHEALTHY", "HEALTHY"], "one is back")
            wait_until(lambda: turns(router.url, servers)[0] > 0, "it is used")
            for gate in (near, spare):
                gate.shut()
            wait_until(lambda: statuses(daemon) == ["down"] * 3, "all down")
            wait_until(lambda: router.health() == ["HEALTHY"] * 3, "all down is all healthy")
            far.open()
            wait_until(lambda: 200 in ask(router.url, 6), "whoever answers is reached")


def test_a_restart_of_the_daemon_drops_no_healthy_host(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 3) as servers:
        config = settings("envoy", tmp_path, servers, {"/run/providerwatch": tmp_path})
        with running(tmp_path, config) as daemon:
            wait_until(lambda: statuses(daemon) == ["up"] * 3, "all up")
            daemon.end(signal.SIGKILL)
        with envoy(tmp_path) as router:
            for how in (signal.SIGTERM, signal.SIGKILL):
                assert router.health() == ["HEALTHY"] * 3
                with running(tmp_path, config) as again:
                    assert router.health() == ["HEALTHY"] * 3
                    again.end(how)
            assert min(turns(router.url, servers)) > 0
            assert b"cluster.llama.update_rejected: 0" in router.get("/stats?filter=update_rejected")


def test_weights_and_fallbacks_arrive(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 3) as servers:
        near, far, spare = servers
        file = tmp_path / "llama.json"
        file.write_bytes(file_of(row(near, Status.UP, 0.9), row(far, Status.UP, 0.1), row(spare, Status.DOWN, 0.0)))
        with envoy(tmp_path) as router:
            wait_until(lambda: router.hosts() == [("HEALTHY", 90), ("HEALTHY", 10), ("UNHEALTHY", 1)], "weights")
            mine, others, none = turns(router.url, servers, 50)
            assert mine > 3 * others
            assert none == 0
            states = (Status.DEGRADED, Status.DEGRADED, Status.DOWN)
            replace_file(file, file_of(*map(row, servers, states)))
            wait_until(lambda: router.health() == ["DEGRADED", "DEGRADED", "UNHEALTHY"], "no healthy one")
            mine, others, none = turns(router.url, servers)
            assert mine > 0 < others
            assert none == 0
            replace_file(file, file_of(*map(row, servers, (Status.UP, Status.UP, Status.DEGRADED))))
            wait_until(lambda: router.health() == ["HEALTHY", "HEALTHY", "DEGRADED"], "a fallback")
            assert sum(turns(router.url, servers, 30)[:2]) > 20


def test_health_checks_that_ask_the_daemon_move_traffic(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 2) as servers:
        near = servers[0]
        config = settings("haproxy", tmp_path, servers, {"8781": free_port()})
        with running(tmp_path, config) as daemon:
            port = int(daemon.url.rpartition(":")[2])
            with envoy(tmp_path, partial(checking, daemon_port=port, servers=servers)) as router:
                wait_until(lambda: statuses(daemon) == ["up", "up"], "both up")
                wait_until(lambda: ask(router.url) == [200], "a host")
                wait_until(lambda: turns(router.url, servers) == [20, 0], "the first gets everything")
                near.shut()
                wait_until(lambda: statuses(daemon) == ["down", "up"], "one down")
                wait_until(lambda: ask(router.url, 5) == [200] * 5, "the other takes over")
                assert turns(router.url, servers) == [0, 20]
                near.open()
                wait_until(lambda: turns(router.url, servers) == [20, 0], "the first is back")
                daemon.end(signal.SIGKILL)
                wait_until(
                    lambda: b"cluster.near.membership_healthy: 0" in router.get("/stats?filter=near.member"),
                    "no checks",
                )
                assert ask(router.url, 20) == [200] * 20
