"""`providerwatch db` as its users run it, on each database, beside a daemon and without one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.store import create_store
from tests.e2e.histories import InFile, OnServer
from tests.support.daemon import PATIENCE_S, command, write_config
from tests.support.postgres import Postgres
from tests.unit.store.samples import make_sample


@pytest.fixture(params=["sqlite", "postgresql"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> InFile | OnServer:
    if request.param == "sqlite":
        return InFile(file=tmp_path / "samples.db")
    server: Postgres = request.getfixturevalue("server")
    name = re.sub(r"\W", "_", request.node.name)
    server.create(name)
    return OnServer(server=server, database=name)


def config(store: str) -> dict[str, object]:
    return {
        "store": store,
        "providers": {"near": {"api": "openai_chat", "base_url": "http://127.0.0.1:9/v1"}},
        "models": {"a/b": {"endpoints": [{"provider": "near", "model": "b"}]}},
    }


def db(what: str, folder: Path, store: str) -> subprocess.CompletedProcess[str]:
    file = write_config(folder / "providerwatch.yaml", config(store))
    return subprocess.run(
        command("db", *what.split(), "-c", str(file)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


def keep(url: str, ages: list[timedelta]) -> None:
    """Store a sample of each age."""
    now = datetime.now(UTC)

    async def append() -> None:
        store = create_store(url)
        await store.open()
        moments = [now - age for age in ages]
        await store.append([make_sample(n, started_at=at, scheduled_at=at) for n, at in enumerate(moments)], {})
        await store.close()

    asyncio.run(append())


def test_an_empty_database_is_reported_then_created_then_found(history: InFile | OnServer, tmp_path: Path) -> None:
    nothing = db("info", tmp_path, history.url)
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "is empty" in nothing.stderr
    assert len(nothing.stderr.splitlines()) == 1
    made = db("upgrade", tmp_path, history.url)
    assert (made.returncode, made.stderr) == (0, "")
    assert re.fullmatch(r"upgraded from nothing to \d{4}\n", made.stdout)
    assert re.fullmatch(r"already at schema \d{4}\n", db("upgrade", tmp_path, history.url).stdout)


def test_info_says_what_is_there_to_people_and_to_programs(history: InFile | OnServer, tmp_path: Path) -> None:
    keep(history.url, [timedelta(minutes=n) for n in range(5)])
    shown = db("info", tmp_path, history.url)
    assert (shown.returncode, shown.stderr) == (0, "")
    for words in (
        r"samples +5 \(all raw samples kept\), since \d{4}-",
        r"sample +5 *\n",
        r"size +[\d.]+ [KM]iB",
        r"schema +\d{4}",
    ):
        assert re.search(words, shown.stdout), shown.stdout
    held = json.loads(db("info --json", tmp_path, history.url).stdout)
    assert (held["samples"], held["rows"]["sample"], held["raw_since"], held["sinks"]) == (5, 5, None, {})
    assert held["size_bytes"] > held["free_bytes"] >= 0


def test_prune_compresses_deletes_and_says_what_became_of_it(history: InFile | OnServer, tmp_path: Path) -> None:
    keep(
        history.url, [timedelta(hours=1), timedelta(days=3), timedelta(days=6), timedelta(days=9), timedelta(days=500)]
    )
    pruned = db("prune", tmp_path, history.url)
    assert pruned.returncode == 0, pruned.stderr
    assert re.fullmatch(r"5 samples, \S+ [KM]iB → 3 samples, \S+ [KM]iB\n", pruned.stdout)
    assert "housekeeping done in" in pruned.stderr
    held = json.loads(db("info --json", tmp_path, history.url).stdout)
    assert (held["samples"], held["rows"]["block"], held["rows"]["hourly"]) == (3, 2, 4)
    assert held["rows"]["daily"] >= 4, "today is made when it is over"
    assert held["raw_since"] is not None


def test_a_newer_schema_is_refused_with_the_remedy(tmp_path: Path) -> None:
    history = InFile(file=tmp_path / "samples.db")
    keep(history.url, [timedelta(hours=1)])
    with closing(sqlite3.connect(history.file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    for what in ("upgrade", "info", "prune"):
        refused = db(what, tmp_path, history.url)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert (
            "its schema (9999) is newer than this program: install the providerwatch version that wrote it"
            in refused.stderr
        )
        assert len(refused.stderr.splitlines()) == 1


def test_an_older_schema_is_not_read_before_it_is_upgraded(tmp_path: Path) -> None:
    history = InFile(file=tmp_path / "samples.db")
    keep(history.url, [timedelta(hours=1)])
    with closing(sqlite3.connect(history.file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0002'")
    refused = db("info", tmp_path, history.url)
    assert refused.returncode == 1
    assert re.search(
        r"its schema \(0002\) is older than this program's \(\d{4}\): run `providerwatch db upgrade`", refused.stderr
    )


def test_a_file_that_is_no_store_is_not_changed(tmp_path: Path) -> None:
    history = InFile(file=tmp_path / "samples.db")
    with closing(sqlite3.connect(history.file)) as database, database:
        database.execute("CREATE TABLE theirs (x)")
    before = history.file.read_bytes()
    for what in ("upgrade", "info", "prune"):
        refused = db(what, tmp_path, history.url)
        assert refused.returncode == 1
        assert "is another program's database" in refused.stderr
    assert history.file.read_bytes()[96:] == before[96:]


@pytest.mark.slow
def test_prune_refuses_a_clock_far_ahead_of_the_store_and_deletes_when_it_is_vouched_for(
    history: InFile | OnServer, tmp_path: Path
) -> None:
    keep(history.url, [timedelta(days=30), timedelta(days=30, minutes=1)])
    refused = db("prune", tmp_path, history.url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.search(
        r"clock says .* the newest time in the store is .*[Nn]othing was deleted.* --trust-clock", refused.stderr
    )
    assert json.loads(db("info --json", tmp_path, history.url).stdout)["samples"] == 2
    assert db("prune --trust-clock", tmp_path, history.url).returncode == 0
    assert json.loads(db("info --json", tmp_path, history.url).stdout)["samples"] == 0


@pytest.mark.parametrize("words", ["db info", "db prune", "export", "backtest"])
def test_what_only_reads_makes_no_database_and_names_the_one_that_is_missing(words: str, tmp_path: Path) -> None:
    file = write_config(tmp_path / "providerwatch.yaml", config("sqlite:none.db"))
    found = subprocess.run(
        command(*words.split(), "-c", str(file)), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert (found.returncode, found.stdout) == (1, "")
    assert f"the file {tmp_path}/none.db does not exist" in found.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["providerwatch.yaml"]
