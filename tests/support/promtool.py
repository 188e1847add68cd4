"""Prometheus' own checker."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def promtool(*arguments: str) -> str:
    """What promtool prints; it fails the test unless promtool is content."""
    binary = shutil.which("promtool")
    if binary is None:
        pytest.fail("promtool is not installed: apt-get install prometheus")
    result = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
