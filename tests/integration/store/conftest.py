"""Stores to test, each in a folder of its own, and a watch that none leaves anything behind."""

from __future__ import annotations

import gc
import itertools
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from monitor.store import MemoryStore, Store, create_store
from tests.support.postgres import Postgres, postgres

BACKENDS = ("memory", "sqlite", "postgresql")
"""Every backend passes the same contract."""
LASTING = ("sqlite", "postgresql")
"""Those that outlive their process."""
_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(params=LASTING)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    return _url(request.param, request, tmp_path)


@pytest.fixture(params=BACKENDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = MemoryStore() if request.param == "memory" else create_store(_url(request.param, request, tmp_path))
    await store.open()
    yield store
    await store.close()


def _url(backend: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if backend == "sqlite":
        return f"sqlite:///{folder}/store.db"
    server: Postgres = request.getfixturevalue("server")
    return server.create(f"store{next(_numbers)}")


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
