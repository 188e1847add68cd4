"""Stores to test, each in a folder of its own, and a watch that none leaves anything behind."""

from __future__ import annotations

import gc
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from monitor.store import Store, create_store

BACKENDS: Mapping[str, Callable[[Path], str]] = {"sqlite": lambda folder: f"sqlite:///{folder}/store.db"}
"""By name: a folder to the URL of an empty store. Every backend passes the same contract."""


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = create_store(url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """No thread and no open connection outlives a store: Python 3.13 warns of what 3.11 leaves open in silence."""
    yield
    deadline = time.monotonic() + 5
    while _threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _threads() == []
    assert [found for found in gc.get_objects() if isinstance(found, sqlite3.Connection) and _is_open(found)] == []


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "connection_worker" in thread.name]


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        return connection.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False
