"""A disk of 3 MB of our own, filled and freed under the running daemon; and one that cannot be written to (root)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.e2e.histories import InFile, config
from tests.e2e.test_history import check_whole, live_through, problems, settle
from tests.support.daemon import PATIENCE_S, command, running, wait_until, write_config
from tests.support.providers import Providers

pytestmark = pytest.mark.system

_PIECE = bytes(4096)


@contextmanager
def mounted(*arguments: str) -> Iterator[None]:
    """A mount that is gone when the block ends; its last argument is the place."""
    subprocess.run(["mount", *arguments], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", arguments[-1]], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)):
        yield folder


def filled(file: Path) -> bool:
    """Write until nothing more goes in. SQLite first uses up what its log holds, and may leave room again."""
    with file.open("ab", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(_PIECE)
    return shutil.disk_usage(file.parent).free < len(_PIECE)


def test_a_full_disk_costs_no_sample_and_no_status_and_damages_nothing(
    disk: Path, tmp_path: Path, providers: Providers
) -> None:
    history, ballast = InFile(file=disk / "samples.db"), disk / "ballast"
    with running(tmp_path, config(history.url, providers)) as daemon:
        settle(daemon)

        wait_until(lambda: filled(ballast) and problems(daemon), "a store without room")
        trouble = live_through(daemon, "free space on its disk", ballast.unlink)
        check_whole(daemon, history, trouble)


def test_a_disk_that_is_full_again_and_again_costs_no_sample(disk: Path, tmp_path: Path, providers: Providers) -> None:
    """A little room comes and goes: what the store takes for proof that it works must not be luck."""
    history, ballast = InFile(file=disk / "samples.db"), disk / "ballast"
    with running(tmp_path, config(history.url, providers)) as daemon:
        settle(daemon)
        for _ in range(6):
            wait_until(lambda: filled(ballast) and problems(daemon), "a store without room")
            with ballast.open("r+b") as shrunk:
                shrunk.truncate(ballast.stat().st_size - 3 * len(_PIECE))
        wait_until(lambda: filled(ballast) and problems(daemon), "a store without room")
        trouble = live_through(daemon, "free space on its disk", ballast.unlink)
        check_whole(daemon, history, trouble)


def test_a_read_only_disk_is_one_line(tmp_path: Path, providers: Providers) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    history = InFile(file=folder / "samples.db")
    file = write_config(tmp_path / "providerwatch.yaml", {"listen": "127.0.0.1:0", **config(history.url, providers)})
    with mounted("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)):
        assert ended("db", "upgrade", "-c", str(file)).returncode == 0
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        for words, code in ((("run",), 2), (("db", "prune"), 1), (("db", "upgrade"), 1)):
            refused = ended(*words, "-c", str(file))
            assert refused.returncode == code, refused
            assert len(refused.stderr.splitlines()) == 1, refused.stderr
            assert "let this user write to the file and its folder" in refused.stderr


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
