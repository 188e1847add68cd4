"""Of the largest tables only a third is for `make test`: each api and each kind is in it, not each pair of them."""

from __future__ import annotations

from zlib import crc32

import pytest

TABLES = frozenset(["test_errors_with_success", "test_finish_reasons"])
"""Modules of thousands of cases."""
_SHARE = 3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the other cases as slow; always the same ones."""
    for item in items:
        if item.path.stem in TABLES and crc32(item.name.encode()) % _SHARE:
            item.add_marker("slow")
