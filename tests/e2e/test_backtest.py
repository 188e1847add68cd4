"""`providerwatch backtest` as its users run it, without a daemon and beside one."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.backtest.policies import NAMES
from monitor.config import load
from monitor.store import create_store
from tests.support import outage
from tests.support.daemon import PATIENCE_S, command, running, write_config


def run(file: Path, *arguments: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("backtest", "-c", str(file), *arguments),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={**os.environ, "COLUMNS": str(columns)},
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration whose store holds nothing yet."""
    return write_config(tmp_path / "pw.yaml", outage.config(f"sqlite:///{tmp_path / 'samples.db'}"))


@pytest.fixture
def filled(file: Path) -> Path:
    """A configuration whose store contains a history with an outage."""

    async def fill() -> None:
        config = load(file, {})
        store = create_store(config.store)
        await store.open()
        await store.append(outage.samples(config, datetime.now(UTC)), {})
        await store.close()

    asyncio.run(fill())
    return file


def test_policies_stand_side_by_side(filled: Path) -> None:
    for columns in (80, 130):
        shown = run(filled, columns=columns)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "2 outages of" in shown.stdout
        assert "4 endpoints, monitored for 2.0d in total" in shown.stdout
        assert [sum(line.startswith(name) for line in shown.stdout.splitlines()) for name in NAMES] == [2] * len(NAMES)
        assert max(len(line.rstrip()) for line in shown.stdout.splitlines()) <= 80


def test_programs_get_one_document_of_what_they_ask_for(filled: Path) -> None:
    told = run(filled, "near:large", "--policy", "failures-7", "--policy", "filter", "--since", "1d", "--json")
    assert (told.returncode, told.stderr) == (0, "")
    document = json.loads(told.stdout)
    assert [policy["name"] for policy in document["policies"]] == ["failures-7", "filter"]
    assert (document["endpoints"], document["outages"]["count"]) == (1, 1)


@pytest.mark.slow
def test_what_lies_further_back_is_not_played(filled: Path) -> None:
    whole, hour = (json.loads(run(filled, "--since", span, "--json").stdout) for span in ("7d", "1h"))
    assert whole["outages"]["count"] == 2
    assert hour["outages"]["count"] == 0
    assert 4 * 55 <= hour["cost"]["all"]["samples"] < whole["cost"]["all"]["samples"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["near:lrge"], "no endpoint has the id 'near:lrge' (did you mean 'near:large'?)"),
        (["--policy", "oracle"], "oracle: unknown policy; use filter, failures-N, ratio-N"),
        (["--since", "yesterday"], "--since: 'yesterday' is not a duration"),
        (["--since", "7"], "--since: '7' needs a unit"),
    ],
)
def test_a_mistake_in_the_command_line_is_one_line_and_exit_code_2(
    file: Path, arguments: list[str], words: str
) -> None:
    refused = run(file, *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert words in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_store_without_samples_is_one_line_and_exit_code_1(file: Path, tmp_path: Path) -> None:
    nothing = run(file)
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "store: is empty" in nothing.stderr
    subprocess.run(command("db", "upgrade", "-c", str(file)), check=True, capture_output=True, timeout=PATIENCE_S)
    empty = run(file)
    assert (empty.returncode, empty.stdout) == (1, "")
    assert "contains no samples of the endpoints that are configured since" in empty.stderr
    with closing(sqlite3.connect(tmp_path / "samples.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0002'")
    old = run(file)
    assert (old.returncode, old.stdout) == (1, "")
    assert "is older than this program's" in old.stderr
    for refused in (nothing, empty, old):
        assert len(refused.stderr.splitlines()) == 1


@pytest.mark.slow
def test_it_runs_beside_a_daemon(filled: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'samples.db'}"
    (tmp_path / "daemon").mkdir()
    with running(tmp_path / "daemon", outage.config(store)) as daemon:
        told = run(filled, "--json")
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout)["outages"]["count"] == 2
        assert daemon.ready()
