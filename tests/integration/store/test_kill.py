"""`kill -9` at any moment loses nothing that an append had promised."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.store._sqlite import sqlite_store
from probes._model import Sample

ROUNDS = 10
ROOT = Path(__file__).parents[3]
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def writers(path: Path) -> Iterator[subprocess.Popen[str]]:
    """See endless_writer.py."""
    command = [sys.executable, "-m", "tests.integration.store.endless_writer", f"sqlite:///{path}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        yield process


def write_until_killed(writers: subprocess.Popen[str], run: int, after_s: float) -> list[list[str]]:
    """The ids of every batch that the writer knew to be committed when it was killed."""
    assert writers.stdin is not None
    assert writers.stdout is not None
    writers.stdin.write(f"{run}\n")
    batches = []
    for words in map(str.split, writers.stdout):
        match words:
            case ["begun", pid]:
                time.sleep(after_s)
                os.kill(int(pid), signal.SIGKILL)
            case ["ended"]:
                break
            case ids:
                batches.append(ids)
    return batches


async def test_a_killed_writer_leaves_every_committed_batch_once_and_whole(
    path: Path, writers: subprocess.Popen[str]
) -> None:
    chance = random.Random()
    promised: set[str] = set()
    for run in range(ROUNDS):
        batches = write_until_killed(writers, run, chance.uniform(0, 0.3))
        promised.update(*batches)
        samples, state = await read(path)
        kept = Counter(sample.id for sample in samples)
        assert set(kept.values()) <= {1}
        assert promised <= kept.keys()
        assert_whole(kept)
        assert not batches or int(state.split()[1]) >= len(batches) - 1
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert promised


async def read(path: Path) -> tuple[list[Sample], str]:
    """What a program that starts after the kill finds."""
    store = sqlite_store(path)
    await store.open()
    samples, states = await store.samples(EVER), await store.states()
    await store.close()
    return samples, states.get("steady:smollm2", "")


def assert_whole(ids: Counter[str]) -> None:
    """Every batch is there as a whole or not at all."""
    sizes = Counter(int(sample_id, 16) >> 8 for sample_id in ids)
    assert all(size == 1 + (batch & 0xFFFFFF) % 20 for batch, size in sizes.items())
