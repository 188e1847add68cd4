"""Stores to test, each in its own folder, and a check that none leaves anything behind."""

from __future__ import annotations

import asyncio
import gc
import itertools
import shutil
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from monitor.store import Store, create_store
from tests.support.memory_store import MemoryStore
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


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema and nothing in it: migrations are another test's business, and take a while."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_database(server: Postgres) -> str:
    """The name of such a database."""
    asyncio.run(_migrate(server.create("migrated")))
    return "migrated"


async def _migrate(url: str) -> None:
    store = create_store(url)
    await store.open()
    await store.close()


@pytest.fixture(params=BACKENDS)
def unopened(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store with the newest schema and nothing in it."""
    return _store(request.param, request, tmp_path)


@pytest.fixture
async def store(unopened: Store) -> AsyncIterator[Store]:
    await unopened.open()
    yield unopened
    await unopened.close()


def _store(backend: str, request: pytest.FixtureRequest, folder: Path) -> Store:
    if backend == "memory":
        return MemoryStore()
    if backend == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), folder / "store.db")
        return create_store(_url(backend, request, folder))
    server: Postgres = request.getfixturevalue("server")
    template: str = request.getfixturevalue("migrated_database")
    return create_store(server.create(f"store{next(_numbers)}", template))


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
    """No thread outlives a store."""
    yield
    deadline = time.monotonic() + 5
    while _threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _threads() == []


@pytest.fixture(autouse=True, scope="module")
def _no_connection_left_behind() -> Iterator[None]:
    """No open connection outlives the stores of a file: Python 3.13 warns of what 3.11 leaves open in silence.

    Not after each test: looking at every object there is takes a while.
    """
    yield
    assert [found for found in gc.get_objects() if isinstance(found, sqlite3.Connection) and _is_open(found)] == []


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("store ")]


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        return connection.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False
