"""`kill -9` of the program or of its database server, at any moment, loses no committed append."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from monitor.domain.incident import Incident
from monitor.store import RollupTier, create_store
from monitor.store._blocks import unpack
from monitor.store._raw import decode_value
from monitor.store._sql import SqlStore
from monitor.store._tables import block, sample
from tests.integration.store.asking import EVER, buckets, settle
from tests.integration.store.endless_writer import ENDPOINTS, RETENTION, incident_of
from tests.support.postgres import Postgres, postgres
from tests.unit.store.samples import START

ROOT = Path(__file__).parents[3]
LONGEST_S = 0.35
ROUNDS = pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=pytest.mark.slow)])


class Writers:
    """See endless_writer.py: a warm parent that forks one writer after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def write_until(self, run: int, kill: Callable[[int], None]) -> list[list[str]]:
        """The ids of every batch that writer `run` knew to be committed when `kill` was called with its process id.

        Most are killed while they write, every tenth while it opens the store.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{run}\n")
        batches: list[list[str]] = []
        writer = killed = 0
        for words in map(str.split, self._process.stdout):
            match words:
                case ["begun", pid]:
                    writer = int(pid)
                    if run % 10 == 9:
                        kill(writer)
                        killed = writer
                case ["ended"]:
                    break
                case ["open"]:
                    if killed != writer:
                        kill(writer)
                case ids:
                    batches.append(ids)
        return batches


def kill_soon(writer: int) -> None:
    time.sleep(random.uniform(0, LONGEST_S))
    with suppress(ProcessLookupError):
        os.kill(writer, signal.SIGKILL)


@contextmanager
def writers(url: str) -> Iterator[Writers]:
    command = [sys.executable, "-m", "tests.integration.store.endless_writer", url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        try:
            yield Writers(process)
        finally:
            process.kill()


@pytest.fixture
def mortal() -> Iterator[Postgres]:
    """A server of this test's own."""
    with postgres() as server:
        yield server


@ROUNDS
async def test_a_killed_writer_leaves_every_committed_batch_once_and_whole_in_a_file(path: Path, rounds: int) -> None:
    promised: set[str] = set()
    url = f"sqlite:///{path}"
    with writers(url) as parent:
        for run in range(rounds):
            batches = parent.write_until(run, kill_soon)
            promised.update(*batches)
            await assert_kept(url, promised, run, batches)
            with closing(sqlite3.connect(path)) as other:
                assert other.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    await assert_counted(url, promised)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert other.execute("PRAGMA foreign_key_check").fetchall() == []


@ROUNDS
@pytest.mark.slow
async def test_a_killed_writer_or_server_leaves_every_committed_batch_once_and_whole_on_a_server(
    mortal: Postgres, rounds: int
) -> None:
    promised: set[str] = set()
    url = mortal.create("killed")

    def kill_the_server_first(writer: int) -> None:
        time.sleep(random.uniform(0, LONGEST_S))
        mortal.kill()
        kill_soon(writer)

    with writers(url) as parent:
        for run in range(rounds):
            with_server = run % 4 == 3
            batches = parent.write_until(run, kill_the_server_first if with_server else kill_soon)
            promised.update(*batches)
            if with_server:
                mortal.start()
            await assert_kept(url, promised, run, batches)
    await assert_counted(url, promised)


async def assert_kept(url: str, promised: set[str], run: int, batches: list[list[str]]) -> None:
    """All that was promised is there, nothing twice; a batch with its state and incident as a whole or not at all."""
    found, states, incidents = await what_is_kept(url)
    kept = Counter(found)
    assert set(kept.values()) <= {1}
    assert promised <= kept.keys()
    sizes = Counter(int(sample_id, 16) >> 8 for sample_id in kept)
    assert all(size == 1 + (batch & 0xFFFFFF) % 20 for batch, size in sizes.items())
    newest = max(((batch >> 24, batch & 0xFFFFFF) for batch in sizes), default=None)
    assert states == ({} if newest is None else {ENDPOINTS[0]: f"{newest[0]} {newest[1]}"})
    assert incidents == ([] if newest is None else [incident_of(*newest)])
    assert not batches or newest == (run, newest[1] if newest else None)


async def what_is_kept(url: str) -> tuple[list[str], dict[str, str], list[Incident]]:
    """What a program that starts after the kill finds. Of the samples only the ids: there are soon many."""
    store = create_store(url)
    assert isinstance(store, SqlStore)
    await store.open()
    found = [row.id for row in await store._select(select(sample.c.id))]
    for row in await store._select(select(block.c.data)):
        found.extend(str(decode_value("id", each["id"])) for each in unpack(row.data, ("id",)))
    states, incidents = await store.states(), await store.open_incidents()
    await store.close()
    return found, states, incidents


async def assert_counted(url: str, promised: set[str]) -> None:
    """Tidied to the end, every sample is in one block or row, and in one rollup of each tier."""
    store = create_store(url)
    await store.open()
    await settle(store, START + timedelta(days=4), RETENTION)
    found = Counter(each.id for each in await store.samples(EVER))
    assert promised
    assert promised <= found.keys()
    assert set(found.values()) == {1}
    for tier in RollupTier:
        counts = [bucket.rollup.count for name in ENDPOINTS for bucket in await buckets(store, name, tier)]
        assert sum(counts) == len(found)
    info = await store.info()
    assert info.rows["block"] > 0
    assert info.samples == len(found)
    await store.close()
