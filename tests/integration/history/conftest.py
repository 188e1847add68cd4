"""A real server over a board and a real store of each persistent kind."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from monitor.config.model import Listen
from monitor.store import Store, create_store
from monitor.web.server import start
from probes._model import Secret
from tests.integration.history.serving import Begin, HistoryContext, Served, context_of
from tests.integration.store.conftest import migrated_database, migrated_file, server
from tests.support.memory_store import MemoryStore
from tests.support.postgres import Postgres

__all__ = ["begin", "empty", "migrated_database", "migrated_file", "server", "store", "url"]

_numbers = itertools.count()


@pytest.fixture
def empty() -> Store:
    """A store for questions that never come as far."""
    return MemoryStore()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store of each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "store.db")
        return f"sqlite:///{tmp_path}/store.db"
    database: Postgres = request.getfixturevalue("server")
    return database.create(f"history{next(_numbers)}", request.getfixturevalue("migrated_database"))


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = create_store(url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    """Begins to serve a past."""
    runners: list[web.AppRunner] = []
    contexts: list[HistoryContext] = []
    async with ClientSession() as session:

        async def serve(history: HistoryContext, token: str | None = None) -> Served:
            served = Served(session, "127.0.0.1", 0)
            secret = None if token is None else Secret(token)
            runners.append(await start(Listen(host="127.0.0.1", port=0), secret, context_of(served, history)))
            contexts.append(history)
            served.host, served.port = runners[-1].addresses[0][:2]
            return served

        yield serve
    for runner in runners:
        await runner.cleanup()
    for history in contexts:
        await history.store_reads.close()
