"""The limit of open files is raised as far as it may be, and never lowered."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from monitor.web.server import raise_open_files_limit

LIMITS = resource.getrlimit(resource.RLIMIT_NOFILE)
MOST = 65_536 if LIMITS[1] == resource.RLIM_INFINITY else min(LIMITS[1], 65_536)


@pytest.fixture(autouse=True)
def _limits_as_before() -> Iterator[None]:
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, LIMITS)


@pytest.mark.parametrize("soft", [256, 1024, MOST])
def test_the_soft_limit_is_raised_to_what_is_allowed(soft: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, LIMITS[1]))
    raise_open_files_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (MOST, LIMITS[1])
