"""A fixture for all tests of worker processes: it checks that they leave nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.probes.watching import nothing_left_behind, untraced_threads


@pytest.fixture(autouse=True)
def _threads_without_coverage() -> Iterator[None]:
    with untraced_threads():
        yield


@pytest.fixture(autouse=True)
async def _nothing_left_behind() -> AsyncIterator[None]:
    async with nothing_left_behind():
        yield
