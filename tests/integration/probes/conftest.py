"""Fixtures for all probes of these tests: a kernel with timestamps, and a check that nothing is left behind."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from probes._socket import keep_stamping
from tests.integration.probes.certificates import Certificates, make_certificates
from tests.integration.probes.watching import nothing_left_behind, untraced_threads


@pytest.fixture(autouse=True, scope="session")
def _stamping() -> Iterator[None]:
    with keep_stamping():
        yield


@pytest.fixture(autouse=True)
def _threads_without_coverage() -> Iterator[None]:
    with untraced_threads():
        yield


@pytest.fixture(autouse=True)
async def _nothing_left_behind(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """No probe leaves a word in the log either."""
    async with nothing_left_behind():
        with caplog.at_level(logging.WARNING):
            yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))
