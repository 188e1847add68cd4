"""One daemon per store, and a store that hangs: every start and every stop ends, with the reason in the log."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.histories import InFile, OnServer
from tests.support.daemon import command, free_port, running, wait_until, write_config
from tests.support.postgres import Postgres

SHORTER_THAN_THE_DRIVERS_S = 30.0
"""A safety net: one answer of the server alone is waited for a little longer."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> InFile | OnServer:
    if request.param == "sqlite":
        return InFile(file=tmp_path / "samples.db")
    return on_server(request.getfixturevalue("server"), request.node.name)


def on_server(server: Postgres, name: str) -> OnServer:
    database = re.sub(r"\W", "_", name)
    server.create(database)
    return OnServer(server=server, database=database)


def config(store: str) -> dict[str, object]:
    """An endpoint that refuses at once, so that there is something to be stored all the time."""
    return {
        "store": store,
        "providers": {"near": {"api": "openai_chat", "base_url": f"http://127.0.0.1:{free_port()}/v1"}},
        "models": {"a/b": {"endpoints": [{"provider": "near", "model": "b"}]}},
        "probes": {"chat": {"task": "chat", "every": "1s"}},
    }


def ended(folder: Path, config: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
    """A daemon that ends by itself."""
    folder.mkdir()
    file = write_config(folder / "providerwatch.yaml", {"listen": f"127.0.0.1:{free_port()}", **config})
    return subprocess.run(
        command("run", "-c", str(file)),
        capture_output=True,
        text=True,
        timeout=SHORTER_THAN_THE_DRIVERS_S,
        check=False,
        env={**os.environ},
    )


def test_a_second_daemon_on_a_store_ends_with_2_and_names_the_remedy(
    history: InFile | OnServer, tmp_path: Path
) -> None:
    with running(tmp_path, config(history.url)) as daemon:
        second = ended(tmp_path / "second", config(history.url))
        assert second.returncode == 2
        assert "another daemon uses it" in second.stderr
        assert "stop that daemon, or name another `store`" in second.stderr
        assert "Traceback" not in second.stderr
        assert daemon.ready()


@pytest.mark.slow
def test_a_daemon_ends_though_its_database_hangs(server: Postgres, tmp_path: Path) -> None:
    with running(tmp_path, config(on_server(server, "ends").url)) as daemon:
        wait_until(lambda: b'"down"' in daemon.get("/v1/scores")[1], "a sample of every endpoint")
        with server.hanging():
            wait_until(lambda: daemon.get("/readyz")[0] == 503, "a store that does not answer")
            daemon.process.send_signal(signal.SIGTERM)
            assert daemon.process.wait(SHORTER_THAN_THE_DRIVERS_S) == 0
        log = daemon.log.read_text()
    assert re.search(r"\d+ samples not stored before shutdown: no answer", log)
    assert "never retrieved" not in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_a_daemon_does_not_wait_long_for_a_database_that_hangs_when_it_starts(server: Postgres, tmp_path: Path) -> None:
    history = on_server(server, "starts")
    with server.hanging():
        refused = ended(tmp_path / "refused", config(history.url))
    assert refused.returncode == 1
    assert "the server does not answer: check that the server runs and accepts this user" in refused.stderr
    assert "Traceback" not in refused.stderr
