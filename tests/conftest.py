"""Fixtures of several suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.providers import Providers, serving

settings.register_profile("without_deadline", deadline=None)  # a busy machine proves nothing about a claim
settings.load_profile("without_deadline")


@pytest.fixture(scope="session")
def providers() -> Iterator[Providers]:
    """The real model, served once for all tests that need it."""
    with serving() as addresses:
        yield addresses
