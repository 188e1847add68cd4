"""The fuzzers run for a while and find nothing; `make fuzz FOR=300` runs them for longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNS = {"framings": 60_000, "codecs": 20_000}
BROKEN = """
from tests.fuzz.fuzzing import fuzz

def target(data):
    assert not data.startswith(b"b"), "a promise"

fuzz(target, [b"aa", b"bb"])
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Not measured by coverage: two that follow every branch would be in each other's way."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return subprocess.run(
        (sys.executable, *command), cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_no_bytes_break_a_promise(name: str, tmp_path: Path) -> None:
    ended = run("-m", f"tests.fuzz.fuzz_{name}", str(tmp_path), f"-runs={RUNS[name]}")
    assert ended.returncode == 0, ended.stderr[-5000:]


def test_a_broken_promise_is_found(tmp_path: Path) -> None:
    ended = run("-c", BROKEN, str(tmp_path), "-runs=100")
    assert ended.returncode != 0
    assert "a promise" in ended.stdout + ended.stderr


@pytest.mark.parametrize("name", RUNS)
def test_every_recording_keeps_the_promises(name: str, tmp_path: Path) -> None:
    """The seeds alone, which are tried before anything new."""
    ended = run("-m", f"tests.fuzz.fuzz_{name}", str(tmp_path), "-runs=1")
    assert ended.returncode == 0, ended.stderr[-5000:]
    assert len(list(tmp_path.glob("seed-*"))) > 100
