"""Reading a configuration needs no client of a sink and no database; listing what it may name needs no kind at all."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALL_KINDS = """
from monitor.cli.common import extensions
from monitor.config import json_schema
json_schema(extensions())
"""
NAMES = """
import monitor.cli.main
"""


def imported_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        (ALL_KINDS, {"influxdb_client", "sqlalchemy", "aiohttp.web", "apscheduler"}),
        (NAMES, {"influxdb_client", "sqlalchemy", "aiohttp", "apscheduler", "pydantic", "monitor.sinks"}),
    ],
)
def test_what_is_not_used_is_not_imported(code: str, heavy: set[str]) -> None:
    assert heavy & imported_by(code) == set()
