"""Limits that are too low for the configuration are raised if allowed; a limit that stays too low is logged."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from monitor.daemon.resource_limits import Need, needs, shortages

FILES = resource.RLIMIT_NOFILE
LIMITS = resource.getrlimit(FILES)


@pytest.fixture(autouse=True)
def _limits_as_before() -> Iterator[None]:
    yield
    resource.setrlimit(FILES, LIMITS)


def need_of(count: int) -> tuple[Need, ...]:
    return (Need(limit=FILES, count=count, what="open files", remedy="raise it"),)


def test_what_is_needed_grows_with_the_probes_at_once_up_to_a_workers_streams() -> None:
    few, many, more = (needs(count, 64) for count in (8, 64, 640))
    assert few[0].count <= many[0].count <= more[0].count < 640
    assert few[1].count < many[1].count < more[1].count / 4


def test_a_soft_limit_is_raised_to_what_is_needed_without_a_word() -> None:
    resource.setrlimit(FILES, (256, LIMITS[1]))
    assert list(shortages(need_of(300))) == []
    assert resource.getrlimit(FILES) == (300, LIMITS[1])


def test_a_limit_that_is_enough_stays() -> None:
    assert list(shortages(need_of(LIMITS[0]))) == []
    assert resource.getrlimit(FILES) == LIMITS


def test_a_hard_limit_that_is_too_low_is_said_with_both_numbers_and_the_remedy() -> None:
    # In a process of its own: a hard limit never rises again.
    code = (
        "import resource\n"
        "from monitor.daemon.resource_limits import needs, shortages\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 100))\n"
        "print(*shortages(needs(64, 64)), sep='\\n')\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0].startswith("limit of open files too low: 100, and this configuration needs about 258;")
    assert "LimitNOFILE=" in said[0]
    assert said[1] == "(100, 100)"
