"""A real HAProxy, configured as its page says: only the daemon's scores change servers and weights."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.config.model import Listen
from monitor.domain.status import Status
from monitor.routing.haproxy_agent import HaproxyAgent, serving
from monitor.scoreboard.snapshot import Snapshot
from tests.routers import installed
from tests.routers.gates import Gate, gates
from tests.routers.haproxy import haproxy
from tests.routers.pages import block, blocks, put
from tests.routers.stage import addresses, process, settings, statuses, turns
from tests.support.daemon import free_port, running, wait_until
from tests.support.providers import Providers
from tests.support.rows import make_row
from tests.unit.score.values import START

pytestmark = pytest.mark.routers

UP, DOWN = ("no check", "100"), ("DOWN (agent)", "1")


@pytest.mark.parametrize("text", blocks("haproxy", "haproxy"))
def test_haproxy_accepts_the_configurations_of_the_page(tmp_path: Path, text: str) -> None:
    (tmp_path / "providerwatch.map").write_text("near:llama-1b 100\n")
    text = put(text, {"/run/haproxy": tmp_path}).replace("/etc/haproxy", str(tmp_path))
    (tmp_path / "haproxy.cfg").write_text(text)
    told = subprocess.run(
        [installed.haproxy(), "-c", "-f", tmp_path / "haproxy.cfg"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "WARNING" not in told.stderr


def test_a_server_leaves_while_its_endpoint_is_down_and_comes_back(tmp_path: Path, providers: Providers) -> None:
    port = free_port()
    with gates(providers.model, 2) as (near, far):
        config = settings("haproxy", tmp_path, (near, far), {"8781": port})
        with running(tmp_path, config) as daemon, haproxy(tmp_path, (near, far), port) as router:
            wait_until(lambda: statuses(daemon) == ["up", "up"], "both up")
            wait_until(lambda: router.states() == [UP, UP], "both in use")
            assert min(turns(router.url, (near, far))) > 0
            near.shut()
            wait_until(lambda: router.states() == [DOWN, UP], "one taken out")
            assert turns(router.url, (near, far)) == [0, 20]
            near.open()
            wait_until(lambda: router.servers()["near"]["status"] == "no check", "it is back")
            wait_until(lambda: min(turns(router.url, (near, far))) > 0, "it is used")
            for gate in (near, far):
                gate.shut()
            wait_until(lambda: statuses(daemon) == ["down", "down"], "both down")
            wait_until(lambda: {state for state, _ in router.states()} == {"no check"}, "all down is all up")


def test_a_restart_of_the_daemon_drops_no_healthy_server(tmp_path: Path, providers: Providers) -> None:
    port = free_port()
    with gates(providers.model, 2) as (near, far):
        config = settings("haproxy", tmp_path, (near, far), {"8781": port})
        with haproxy(tmp_path, (near, far), port) as router:
            for how in (signal.SIGKILL, signal.SIGTERM):
                with running(tmp_path, config) as daemon:
                    wait_until(lambda: router.agents() == ["L7OK", "L7OK"], "answers")
                    daemon.end(how)
                wait_until(lambda: router.agents() == ["L4CON", "L4CON"], "nobody answers")
                assert router.states() == [UP, UP]
                assert min(turns(router.url, (near, far))) > 0
            with running(tmp_path, config):
                wait_until(lambda: router.agents() == ["L7OK", "L7OK"], "answers again")
                assert router.states() == [UP, UP]
    assert "is DOWN" not in (tmp_path / "haproxy.log").read_text()


async def test_weights_arrive_and_a_maintenance_by_hand_needs_the_agent_disabled(tmp_path: Path) -> None:
    rows = [make_row("near:m", Status.UP, 0.93, router_ids={"haproxy": "llama/near"}),
            make_row("far:m", Status.DEGRADED, 0.7, router_ids={"haproxy": "llama/far"})]  # fmt: skip
    snapshot = Snapshot(generated_at=START, vantage="", rows={row.id: row for row in rows}, body=b"", etag="")
    servers = [Gate("http://127.0.0.1:9"), Gate("http://127.0.0.1:9")]
    async with serving(HaproxyAgent(lambda: snapshot, lambda: None), Listen(port=0)) as (_, port):
        await asyncio.to_thread(_weights, tmp_path, servers, port)


async def test_a_server_in_maintenance_is_out_until_nothing_else_is_left(tmp_path: Path) -> None:
    near = make_row("near:m", Status.UP, 1.0, router_ids={"haproxy": "llama/near"})
    far = make_row("far:m", Status.MAINTENANCE, 0.7, router_ids={"haproxy": "llama/far"})
    rows = {near.id: near, far.id: far}
    servers = [Gate("http://127.0.0.1:9"), Gate("http://127.0.0.1:9")]
    snapshot = Snapshot(generated_at=START, vantage="", rows=rows, body=b"", etag="")
    async with serving(HaproxyAgent(lambda: snapshot, lambda: None, rows.get), Listen(port=0)) as (_, port):

        def follow() -> None:
            with haproxy(tmp_path, servers, port) as router:
                wait_until(lambda: router.states() == [UP, ("DOWN (agent)", "100")], "taken out")
                rows[near.id] = replace(near, status=Status.DOWN, score=0.0)
                wait_until(lambda: router.states() == [("no check", "1"), ("no check", "100")], "nothing else is left")

        await asyncio.to_thread(follow)


def _weights(directory: Path, servers: Sequence[Gate], port: int) -> None:
    with haproxy(directory, servers, port) as router:
        wait_until(lambda: router.states() == [("no check", "90"), ("no check", "14")], "weights of the scores")
        router.tell("set server llama/near state maint")
        wait_until(lambda: router.states()[0][0] == "no check", "an answer that ends it")
        router.tell("disable agent llama/near")
        router.tell("set server llama/near state maint")
        router.tell("set server llama/far weight 50%")
        wait_until(lambda: router.states()[1][1] == "14", "a later answer")
        assert router.states()[0][0] == "MAINT"


def test_a_map_chooses_a_backend(tmp_path: Path, providers: Providers) -> None:
    with gates(providers.model, 2) as servers:
        for weight, expected in (("100", [20, 0]), ("0", [0, 20])):
            port, directory = free_port(), tmp_path / weight
            directory.mkdir()
            (directory / "providerwatch.map").write_text(f"near:llama-1b {weight}\nfar:llama-1b 100\n")
            places = {"/run/haproxy": directory, "127.0.0.1:8080": f"127.0.0.1:{port}", "/etc/haproxy": directory}
            text = put(block("haproxy", "haproxy", "map_str_int"), {**addresses(servers), **places})
            (directory / "haproxy.cfg").write_text(text)
            with process(directory / "log", installed.haproxy(), "-db", "-f", directory / "haproxy.cfg"):
                wait_until((directory / "admin.sock").exists, "HAProxy's socket")
                assert turns(f"http://127.0.0.1:{port}", servers) == expected
