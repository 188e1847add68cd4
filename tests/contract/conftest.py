"""Selects a part of the largest tables for `make check` and `make test`; the other cases are marked slow.

The part contains each api and each kind, but not each pair. Each recording is read in one size only, since another test
shows that its sample is the same in all sizes.
"""

from __future__ import annotations

from zlib import crc32

import pytest

TABLES = frozenset(["test_errors_with_success", "test_finish_reasons"])
"""Modules of thousands of cases."""
LONG = frozenset(["test_a_beginning_without_proof_of_the_end_is_truncated"])
"""Tests of which each case takes a while."""
SIZED = frozenset(["test_a_recording_gets_the_verdict_it_is_recorded_with", "test_a_recording_is_read_as_it_says"])
_SHARE = 3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the other cases as slow."""
    for item in items:
        name, _, case = item.name.partition("[")
        if (item.path.stem in TABLES or name in LONG) and crc32(item.name.encode()) % _SHARE:
            item.add_marker("slow")
        if name in SIZED and not _has_its_turn(case.removesuffix("]")):
            item.add_marker("slow")


def _has_its_turn(case: str) -> bool:
    recording, _, size = case.rpartition("-")
    return ("1", "7", "10000")[crc32(recording.encode()) % _SHARE] == size
