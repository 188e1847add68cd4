"""`providerwatch demo` as a newcomer runs it: real model, real daemon, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import PATIENCE_S, command, wait_until

pytestmark = pytest.mark.alone

MARK = "PROVIDERWATCH_TEST_RUN"


def start(folder: Path, mark: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("demo", "--dir", str(folder), *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, MARK: mark},
    )


def left_over(mark: str) -> list[str]:
    """The command lines of processes that carry the mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((folder / "uptime.json").read_text())
    return {row["provider"]: row for row in document["endpoints"]}


@pytest.mark.slow
def test_the_demo_tells_its_three_providers_apart_and_ends_by_itself(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    with start(tmp_path, mark, "--for", "30s") as demo:
        shown, _ = demo.communicate(timeout=2 * PATIENCE_S)
    assert demo.returncode == 0, shown
    assert "/v1/scores" in shown
    seen = rows(tmp_path)
    assert seen["steady"]["status"] == "up"
    assert seen["flaky"]["score"] < seen["steady"]["score"]
    assert seen["slow"]["ttft_s"]["p50"] > seen["steady"]["ttft_s"]["p50"]
    with closing(sqlite3.connect(tmp_path / "demo.db")) as database:
        times = database.execute("SELECT ttft_s, timing FROM sample WHERE ttft_s IS NOT NULL").fetchall()
    assert times
    assert all(ttft > 0 for ttft, _ in times)
    assert len({timing for _, timing in times}) == 1, "all by the kernel's clock"
    assert left_over(mark) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_demo_and_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    mark = uuid.uuid4().hex
    with start(tmp_path, mark) as demo:
        wait_until((tmp_path / "uptime.json").exists, "the demo's first scores")
        demo.send_signal(number)
        shown, _ = demo.communicate(timeout=PATIENCE_S)
    assert demo.returncode == 0, shown
    assert left_over(mark) == []
