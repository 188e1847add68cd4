"""A fixture for all tests of worker processes: it checks that they leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.probes.watching import untraced_threads


@pytest.fixture(autouse=True)
def _threads_without_coverage() -> Iterator[None]:
    with untraced_threads():
        yield


@pytest.fixture(autouse=True)
async def _nothing_left_behind() -> AsyncIterator[None]:
    """No test leaves a task, an open socket or an unhandled exception."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield
    await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []
    assert asyncio.all_tasks() - {asyncio.current_task()} == set()
