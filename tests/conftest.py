"""Fixtures of several suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.providers import Providers, serving


@pytest.fixture(scope="session")
def providers() -> Iterator[Providers]:
    """The real model, served once for all tests that need it."""
    with serving() as addresses:
        yield addresses
