"""The daemon as a process with a real language model: its published data, and its store after a kill."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.daemon import PATIENCE_S, Daemon, command, quick_probes, running, wait_until
from tests.support.providers import Providers

pytestmark = pytest.mark.alone

STEADY, FLAKY, DEAD = "steady:smol", "flaky:smol", "dead:smol"
KILLS = 6


def config(directory: Path, providers: Providers) -> dict[str, object]:
    """A steady, a flaky and a dead provider of one model."""
    addresses = {
        "steady": f"{providers.model}/v1",
        "flaky": f"{providers.proxy}/flaky/v1",
        "dead": "http://127.0.0.1:9/v1",
    }
    priced = {"pricing": {"prompt": 0.1, "completion": 0.4}}
    return {
        "store": f"sqlite:///{directory / 'samples.db'}",
        "providers": {name: {"api": "openai_chat", "base_url": url} for name, url in addresses.items()},
        "models": {"hf/smol": {"endpoints": [{"provider": name, "model": "smol", **priced} for name in addresses]}},
        "probes": quick_probes(),
        "scoring": {"count_wrong_answers": False},
        "publish": {"files": [{"format": "scores", "path": str(directory / "uptime.json")}]},
    }


def stored(directory: Path) -> list[tuple[str, int | None]]:
    """Endpoint and error code of every stored sample, by a reader of our own."""
    with closing(sqlite3.connect(f"file:{directory / 'samples.db'}?mode=ro", uri=True)) as database:
        query = "SELECT e.id, s.error FROM sample s JOIN endpoint e ON e.key = s.endpoint ORDER BY s.seq"
        rows = database.execute(query).fetchall()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return rows


def published_probes(metrics: str) -> Counter[str]:
    """The number of probes of each endpoint in the metrics."""
    found: Counter[str] = Counter()
    for labels, value in re.findall(r"^providerwatch_probes_total\{(.*)\} (\S+)$", metrics, re.MULTILINE):
        endpoint = re.search(r'endpoint="([^"]*)"', labels)
        assert endpoint is not None
        found[endpoint[1]] += int(float(value))
    return found


def test_a_real_model_is_measured_judged_and_published(tmp_path: Path, providers: Providers) -> None:
    with running(tmp_path, config(tmp_path, providers)) as daemon:
        wait_until(lambda: daemon.scores()[STEADY]["uptime"]["5m"]["ok"] >= 3, "three successes")
        wait_until(lambda: daemon.scores()[DEAD]["status"] == "down", "the dead one to be found out")
        rows = daemon.scores()
        steady, dead = rows[STEADY], rows[DEAD]
        assert steady["status"] == "up"
        assert steady["ttft_s"]["p50"] > 0
        assert steady["output_tps"]["p50"] > 0
        assert steady["score"] > dead["score"]
        assert dead["last_error"]["class"] == "connect"
        assert dead["ttft_s"]["p50"] is None
        assert daemon.json(f"/v1/scores/{STEADY}")["id"] == STEADY
        assert daemon.get("/v1/scores/nobody:nothing")[0] == 404
        assert json.loads((tmp_path / "uptime.json").read_text())["schema"] == "providerwatch/scores/v1"
        metrics = daemon.get("/metrics")[1].decode()
        assert f'providerwatch_up{{endpoint="{DEAD}"}} 0.0' in metrics
        assert re.search(r'providerwatch_ttft_seconds_count\{endpoint="steady:smol",task="chat"\} [1-9]', metrics)
        assert re.search(r'providerwatch_tokens_total\{direction="completion",provider="steady"\} [1-9]', metrics)
        logged = [json.loads(line) for line in daemon.log.read_text().splitlines()]
        assert [each["url"] for each in logged if each.get("action") == "listening"] == [daemon.url]
        told = {(each.get("action"), each.get("endpoint"), each.get("to"), each.get("cause")) for each in logged}
        assert {("status_changed", DEAD, "down", "connect"), ("incident_opened", DEAD, None, "connect")} <= told
    with closing(sqlite3.connect(tmp_path / "samples.db")) as database:
        timings = database.execute("SELECT DISTINCT timing FROM sample WHERE ttft_s IS NOT NULL").fetchall()
    assert len(timings) == 1, "every first token was stamped by the kernel"


@pytest.mark.slow
def test_kill_9_loses_no_sample_whose_effect_was_visible(tmp_path: Path, providers: Providers) -> None:
    """After each of several kills at random moments under load, the store contains all published data."""
    seed = random.Random(20261122)
    before = 0
    for _ in range(KILLS):
        with running(tmp_path, config(tmp_path, providers)) as daemon:
            seen = watch_until_killed(daemon, after_s=seed.uniform(0.5, 3.0))
        rows = stored(tmp_path)
        lived = Counter(endpoint for endpoint, _ in rows[before:])
        assert not seen - lived, f"published but not stored: {seen - lived}"
        before = len(rows)


def watch_until_killed(daemon: Daemon, after_s: float) -> Counter[str]:
    """Read the metrics as fast as they come and kill the daemon meanwhile; what was last seen."""
    wait_until(lambda: published_probes(daemon.get("/metrics")[1].decode()).total() > 0, "a first probe")
    killer = threading.Timer(after_s, daemon.process.kill)
    killer.start()
    seen: Counter[str] = Counter()
    while daemon.process.poll() is None:
        status, body = daemon.get("/metrics")
        if status == 200:
            seen = published_probes(body.decode())
    killer.join()
    return seen


@pytest.mark.slow
def test_statuses_and_counts_survive_kill_9(tmp_path: Path, providers: Providers) -> None:
    with running(tmp_path, config(tmp_path, providers)) as daemon:
        wait_until(lambda: daemon.scores()[STEADY]["status"] == "up", "steady up")
        wait_until(lambda: daemon.scores()[DEAD]["uptime"]["5m"]["failed"] >= 3, "dead down")
        before = daemon.scores()
        daemon.process.kill()
        daemon.process.wait()
    # The second life probes nothing new before it is asked: an hour between probes.
    slow = config(tmp_path, providers)
    slow["probes"] = {"chat": {"task": "chat", "every": "1h"}}
    with running(tmp_path, slow) as daemon:
        after = daemon.scores()
    for name in (STEADY, DEAD):
        assert after[name]["status"] == before[name]["status"]
        assert after[name]["since"] == before[name]["since"]
        for outcome in ("ok", "failed"):
            assert after[name]["uptime"]["5m"][outcome] >= before[name]["uptime"]["5m"][outcome]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_0(tmp_path: Path, providers: Providers, number: signal.Signals) -> None:
    """A probe that is under way is finished, not cut."""
    with running(tmp_path, config(tmp_path, providers)) as daemon:
        wait_until(lambda: daemon.scores()[STEADY]["uptime"]["5m"]["ok"] >= 1, "a first success")
        assert daemon.end(number) == 0
    log = daemon.log.read_text()
    assert '"action": "stopped"' in log
    assert "Traceback" not in log
    assert '"action": "drain_cut"' not in log


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_nothing_else_notices(tmp_path: Path, providers: Providers) -> None:
    with running(tmp_path, config(tmp_path, providers)) as daemon:
        wait_until(lambda: daemon.scores()[STEADY]["status"] == "up", "steady up")
        (worker,) = children(daemon.process.pid)
        os.kill(worker, signal.SIGKILL)
        ok = daemon.scores()[STEADY]["uptime"]["5m"]["ok"]
        wait_until(lambda: daemon.scores()[STEADY]["uptime"]["5m"]["ok"] >= ok + 2, "probes by a new worker")
        assert daemon.ready()
        assert daemon.scores()[STEADY]["status"] == "up"
        assert children(daemon.process.pid) != [worker]
        assert b"providerwatch_worker_restarts_total 1.0" in daemon.get("/metrics")[1]


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.mark.slow
def test_the_command_line_reads_what_the_daemon_publishes(tmp_path: Path, providers: Providers) -> None:
    with running(tmp_path, config(tmp_path, providers)) as daemon:
        wait_until(lambda: daemon.scores()[STEADY]["status"] == "up", "steady up")
        wait_until(lambda: daemon.scores()[DEAD]["status"] == "down", "dead down")
        table = cli("scores", "--url", daemon.url)
        assert "up" in table.stdout
        assert "down" in table.stdout
        rows = json.loads(cli("scores", "-c", str(tmp_path / "providerwatch.yaml"), "--json").stdout)["endpoints"]
        assert {row["id"] for row in rows} == {STEADY, FLAKY, DEAD}
        target = tmp_path / "exported.json"
        assert cli("export", "--url", daemon.url, "--format", "scores", "-o", str(target)).returncode == 0
        assert json.loads(target.read_text())["schema"] == "providerwatch/scores/v1"
    gone = cli("scores", "--url", daemon.url)
    assert gone.returncode == 1
    assert "is the daemon running?" in gone.stderr


def test_probe_shows_a_waterfall_and_json_lines(tmp_path: Path, providers: Providers) -> None:
    file = tmp_path / "providerwatch.yaml"
    file.write_text(json.dumps(config(tmp_path, providers)))
    shown = cli("probe", STEADY, "-c", str(file))
    assert shown.returncode == 0, shown.stderr
    for phase in ("connect", "headers", "first token", "stream"):
        assert phase in shown.stdout
    lines = cli("probe", STEADY, DEAD, "-n", "2", "--json", "-c", str(file))
    samples = [json.loads(line) for line in lines.stdout.splitlines()]
    assert lines.returncode == 1, "one of them failed"
    assert len({sample["id"] for sample in samples}) == 4
    assert {sample["endpoint"]: sample["error"] for sample in samples} == {STEADY: None, DEAD: "connect"}
    assert all(sample["timing"] == "kernel" for sample in samples if sample["endpoint"] == STEADY)
    transcript = cli("probe", STEADY, "--transcript", "-c", str(file))
    assert "[DONE]" in transcript.stdout
    misspelt = cli("probe", "steady:smoll", "-c", str(file))
    assert (misspelt.returncode, misspelt.stderr) == (
        2,
        "no endpoint has the id 'steady:smoll' (did you mean 'steady:smol'?)\n",
    )


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
