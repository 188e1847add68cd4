"""A persistent store for tests of the daemon's parts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.store import Store, create_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where its file is."""
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    store = create_store(f"sqlite:///{path}")
    await store.open()
    yield store
    await store.close()
    # A recorder that outlives its store would start the store's threads anew.
    deadline = asyncio.get_running_loop().time() + 5
    while (left := threads_of(path)) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.01)
    assert left == []


def threads_of(path: Path) -> list[str]:
    """The names of a store's threads."""
    return [thread.name for thread in threading.enumerate() if str(path) in thread.name]
