"""The daemon and its history on each database: kills, and databases that stop, are locked, fill up or refuse."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.histories import DEAD, STEADY, InFile, OnServer, Trouble, config
from tests.support.daemon import PATIENCE_S, Daemon, command, running, wait_until, write_config
from tests.support.postgres import Postgres
from tests.support.providers import Providers

LOCKED_S = 30.0
"""Many times as long as the store waits for a lock."""


@pytest.fixture(params=["sqlite", "postgresql"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> InFile | OnServer:
    if request.param == "sqlite":
        return InFile(file=tmp_path / "samples.db")
    return on_server(request.getfixturevalue("server"), "kill")


def on_server(server: Postgres, database: str) -> OnServer:
    server.create(database)
    return OnServer(server=server, database=database)


def published(daemon: Daemon) -> Counter[str]:
    """The number of probes of each endpoint in the metrics."""
    found: Counter[str] = Counter()
    text = daemon.get("/metrics")[1].decode()
    for name, value in re.findall(r'^providerwatch_probes_total\{.*endpoint="([^"]*)".*\} (\S+)$', text, re.MULTILINE):
        found[name] += int(float(value))
    return found


def metric(daemon: Daemon, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", daemon.get("/metrics")[1].decode(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def problems(daemon: Daemon) -> list[str]:
    """The daemon's reasons for not being ready; empty when it is ready."""
    status, body = daemon.get("/readyz")
    said = json.loads(body)
    assert (status == 200) is said["ready"] is (not said["problems"])
    return list(said["problems"])


def settle(daemon: Daemon) -> None:
    """Wait for both endpoints' statuses."""
    wait_until(lambda: daemon.scores()[STEADY]["status"] == "up", "steady up")
    wait_until(lambda: daemon.scores()[DEAD]["status"] == "down", "dead down")


def live_through(daemon: Daemon, reason: str, end: Callable[[], object]) -> Trouble:
    """Check that only the failure of the store is logged, then end the failure."""
    begin_s = time.time()
    wait_until(lambda: problems(daemon), "trouble with the store")
    before = published(daemon)
    wait_until(lambda: (published(daemon) - before)[STEADY] >= 4, "probes that go on")
    (told,) = problems(daemon)
    assert told.startswith("the store does not accept samples: ")
    assert reason in told
    rows = daemon.scores()
    assert (rows[STEADY]["status"], rows[DEAD]["status"]) == ("up", "down")
    # Metrics may be a second old.
    wait_until(lambda: metric(daemon, "providerwatch_store_failing") == 1, "a metric of the trouble")
    assert metric(daemon, "providerwatch_ready") == 0
    wait_until(lambda: metric(daemon, "providerwatch_store_queue_length") >= 4, "a queue length in the metrics")
    end()
    trouble = Trouble(begin_s=begin_s, end_s=time.time())
    wait_until(lambda: not problems(daemon), "a store that takes samples again")
    wait_until(lambda: metric(daemon, "providerwatch_store_failing") == 0, "a metric of its end")
    assert metric(daemon, "providerwatch_ready") == 1
    assert metric(daemon, "providerwatch_store_dropped_total") == 0
    return trouble


def check_whole(daemon: Daemon, history: InFile | OnServer, trouble: Trouble) -> None:
    """After the daemon's orderly end: everything that was published is stored, once, and no verdict came of trouble."""
    seen = published(daemon)
    assert daemon.process.poll() is None
    daemon.process.terminate()
    assert daemon.process.wait(PATIENCE_S) == 0
    assert not seen - history.counts()
    assert history.worst_lag_s(trouble) < trouble.length_s, "a probe that waited for the store would be later"
    log = daemon.log.read_text()
    assert log.count('"action": "store_failed"') == log.count('"action": "store_recovered"')
    assert "Traceback" not in log, log


@pytest.mark.slow
def test_statuses_and_counts_survive_kill_9_on_every_database(
    history: InFile | OnServer, tmp_path: Path, providers: Providers
) -> None:
    with running(tmp_path, config(history.url, providers)) as daemon:
        settle(daemon)
        wait_until(lambda: published(daemon)[STEADY] >= 10, "ten probes")
        before, seen = daemon.scores(), published(daemon)
        daemon.process.kill()
        daemon.process.wait()
    assert not seen - history.counts()
    with running(tmp_path, config(history.url, providers, every="1h")) as daemon:
        after = daemon.scores()
    for name in (STEADY, DEAD):
        assert after[name]["status"] == before[name]["status"]
        assert after[name]["since"] == before[name]["since"]
        for window in ("5m", "1d", "7d"):
            for outcome in ("ok", "failed"):
                assert after[name]["uptime"][window][outcome] >= before[name]["uptime"][window][outcome]


@pytest.mark.slow
def test_a_renamed_endpoint_takes_its_history_along(tmp_path: Path, providers: Providers) -> None:
    history = InFile(file=tmp_path / "samples.db")
    with running(tmp_path, config(history.url, providers)) as daemon:
        wait_until(lambda: daemon.scores()[STEADY]["uptime"]["1d"]["ok"] >= 3, "three successes")
    renamed = json.loads(json.dumps(config(history.url, providers, every="1h")))
    renamed["models"]["hf/smol"]["endpoints"][0] |= {"id": "renamed", "aliases": [STEADY, "never:there"]}
    for _ in range(2):
        with running(tmp_path, renamed) as daemon:
            rows = daemon.scores()
            assert STEADY not in rows
            for window in ("1d", "7d", "90d"):
                assert rows["renamed"]["uptime"][window]["ok"] >= 3
            assert rows["renamed"]["status"] == "up"
    assert history.counts()["renamed"] >= 3
    assert history.counts()[STEADY] == 0


@pytest.mark.slow
def test_a_postgresql_that_is_stopped_and_started_costs_no_sample_and_no_status(
    server: Postgres, tmp_path: Path, providers: Providers
) -> None:
    history = on_server(server, "stopped")
    with running(tmp_path, config(history.url, providers)) as daemon:
        settle(daemon)
        server.stop()
        trouble = live_through(daemon, "127.0.0.1", server.start)
        check_whole(daemon, history, trouble)


@pytest.mark.slow
def test_a_postgresql_that_is_killed_and_started_costs_no_sample_and_no_status(
    server: Postgres, tmp_path: Path, providers: Providers
) -> None:
    history = on_server(server, "killed")
    with running(tmp_path, config(history.url, providers)) as daemon:
        settle(daemon)
        server.kill()
        trouble = live_through(daemon, "127.0.0.1", server.start)
        check_whole(daemon, history, trouble)


@pytest.mark.slow
def test_a_lock_of_another_process_costs_no_sample_and_no_status(tmp_path: Path, providers: Providers) -> None:
    history = InFile(file=tmp_path / "samples.db")
    with running(tmp_path, config(history.url, providers)) as daemon:
        settle(daemon)
        with closing(sqlite3.connect(history.file, isolation_level=None, timeout=PATIENCE_S)) as other:
            other.execute("BEGIN EXCLUSIVE")
            began_s = time.monotonic()
            wait_until(lambda: "locked" in "".join(problems(daemon)), "the lock to be told of")
            refused = db("prune", tmp_path)
            assert refused.returncode == 1
            assert "database is locked: stop the other process that locks it" in refused.stderr

            def let_go() -> None:
                time.sleep(max(0.0, began_s + LOCKED_S - time.monotonic()))
                other.execute("ROLLBACK")

            trouble = live_through(daemon, "locked", let_go)
        check_whole(daemon, history, trouble)


@pytest.mark.slow
def test_a_daemon_whose_postgresql_is_not_there_ends_so_that_it_is_started_again(
    server: Postgres, tmp_path: Path, providers: Providers
) -> None:
    """Exit code 2 would tell systemd that trying again is no use."""
    history = on_server(server, "absent")
    url = history.url.replace("pw@", "pw:s3cret-word@")
    file = write_config(tmp_path / "providerwatch.yaml", config(url, providers))
    server.stop()
    try:
        ended = subprocess.run(
            command("run", "-c", str(file)), capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    finally:
        server.start()
    assert ended.returncode == 1
    assert "check that the server runs and accepts this user" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "s3cret-word" not in ended.stderr


@pytest.mark.slow
def test_the_password_of_a_postgresql_is_shown_nowhere(server: Postgres, tmp_path: Path, providers: Providers) -> None:
    history = on_server(server, "secret")
    url = history.url.replace("pw@", "pw:${env:PW}@")
    with running(tmp_path, config(url, providers), {"PW": "s3cret-word"}) as daemon:
        settle(daemon)
        shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        server.stop()
        wait_until(lambda: problems(daemon), "trouble with the store")
        shown += "".join(problems(daemon))
        server.start()
        wait_until(lambda: not problems(daemon), "a store that takes samples again")
        held = db("info", tmp_path, {"PW": "s3cret-word"})
        assert held.returncode == 0
        assert "postgresql://pw:***@127.0.0.1" in held.stdout
        shown += held.stdout + held.stderr + daemon.get("/metrics")[1].decode() + daemon.log.read_text()
        assert "s3cret-word" not in shown


def db(what: str, folder: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`providerwatch db …` on the configuration of the daemon in a folder."""
    return subprocess.run(
        command("db", *what.split(), "-c", str(folder / "providerwatch.yaml")),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={**os.environ, **(env or {})},
    )
