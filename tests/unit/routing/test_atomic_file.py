"""Files replaced by rename: a reader sees the old one or the new one, never half of one."""

from __future__ import annotations

import os
import resource
import signal
import stat
import threading
from pathlib import Path

import pytest

from monitor.routing.atomic_file import replace_file


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_made_where_there_was_none(tmp_path: Path) -> None:
    replace_file(tmp_path / "uptime.json", b"{}")
    assert (tmp_path / "uptime.json").read_bytes() == b"{}"
    assert left(tmp_path) == ["uptime.json"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_all_may_read_it_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        replace_file(tmp_path / "uptime.json", b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "uptime.json").stat().st_mode) == 0o644


def test_an_open_reader_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "uptime.json"
    replace_file(path, b"old")
    with path.open("rb") as reader:
        replace_file(path, b"new and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new and longer"


def test_a_reader_that_loops_never_sees_half_of_one(tmp_path: Path) -> None:
    path = tmp_path / "uptime.json"
    bodies = [bytes([number]) * (1 << (8 + number)) for number in range(12)]
    replace_file(path, bodies[0])
    seen: list[bytes] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for turn in range(600):
            replace_file(path, bodies[turn % len(bodies)])
    finally:
        done.set()
        reader.join()
    assert seen
    assert {*seen} <= {*bodies}
    assert left(tmp_path) == ["uptime.json"]


def test_when_it_cannot_be_replaced_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "uptime.json"
    path.mkdir()
    (path / "inside").write_text("kept")
    with pytest.raises(OSError):  # noqa: PT011  # whichever the kernel says of a folder in the way
        replace_file(path, b"{}")
    assert left(tmp_path) == ["uptime.json"]
    assert (path / "inside").read_text() == "kept"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """The limit of this process on the size of a file stands for the disk."""
    path = tmp_path / "uptime.json"
    replace_file(path, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            replace_file(path, bytes(1 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == b"old"
    assert left(tmp_path) == ["uptime.json"]


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "nowhere" / "uptime.json", b"{}")


def test_what_is_no_bytes_at_all_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "uptime.json"
    replace_file(path, b"old")
    with pytest.raises(TypeError):
        replace_file(path, "text")  # type: ignore[arg-type]
    assert (path.read_bytes(), left(tmp_path)) == (b"old", ["uptime.json"])
