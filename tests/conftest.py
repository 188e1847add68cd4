"""Fixtures of several suites."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.providers import Providers, serving

# No deadline, because a busy machine proves nothing. The same examples each time, because otherwise the checks of a
# change could fail by chance for an older fault; `make fuzz` looks for new ones. `make test` takes four
# times as many as `make check`, and `make test-all` three times as many as that.
settings.register_profile("few_examples", deadline=None, derandomize=True, max_examples=10)
settings.register_profile("same_examples", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("all_examples", deadline=None, derandomize=True, max_examples=120)
settings.register_profile("new_examples", deadline=None, max_examples=150)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same_examples"))


@pytest.fixture(scope="session")
def providers() -> Iterator[Providers]:
    """The real model, served once for all tests that need it."""
    with serving() as addresses:
        yield addresses
