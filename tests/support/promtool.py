"""Prometheus' own checker."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def promtool(*arguments: str, stdin: bytes | None = None) -> str:
    """What promtool prints. The test fails if promtool finds a mistake."""
    binary = shutil.which("promtool")
    if binary is None:
        pytest.fail("promtool is not installed: apt-get install prometheus")
    result = subprocess.run([binary, *arguments], input=stdin, capture_output=True, timeout=300, check=False)
    assert result.returncode == 0, (result.stdout + result.stderr).decode()
    return result.stdout.decode()
