"""The file of JSON lines: every sample once and whole, whatever happens to the file or to the daemon."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.sinks import SinkError
from monitor.sinks.ndjson import Ndjson, NdjsonSink
from monitor.store import StoredSample
from probes._model import Sample
from probes._serialize import sample_from_plain
from tests.unit.store.samples import make_sample


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "samples.ndjson"


def sink(path: Path, max_bytes: int = 10**9, keep: int = 5) -> NdjsonSink:
    options = {"kind": "ndjson", "path": str(path), "keep": keep}
    return NdjsonSink("lines", Ndjson.model_validate(options).model_copy(update={"max_bytes": max_bytes}))


def batch(numbers: range, **fields: Any) -> list[StoredSample]:
    return [StoredSample(seq=number + 1, sample=make_sample(number, **fields)) for number in numbers]


def held(*paths: Path) -> list[int]:
    """The numbers of all samples in files, in order. Every line has to be whole."""
    return [int(sample.id, 16) for path in paths for sample in samples(path)]


def samples(path: Path) -> list[Sample]:
    body = path.read_bytes()
    assert body.endswith(b"\n")
    return [sample_from_plain(json.loads(line)) for line in body.splitlines()]


def cuts(whole: bytes, begin: int) -> list[int]:
    """Where a crash may cut: everywhere around the ends of lines, and now and then between."""
    breaks = [place for place, byte in enumerate(whole) if byte == ord("\n")]
    near = {place + offset for place in (begin, *breaks) for offset in range(-3, 10)}
    return [end for end in sorted(near | set(range(begin, len(whole), 61))) if begin <= end <= len(whole)]


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow beyond a size."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


async def test_a_line_is_the_sample_as_the_api_shows_it(path: Path) -> None:
    wanted = batch(range(3), detail='"quoted"\nline', ttft_s=0.25)
    assert (await sink(path).deliver(wanted)).seq == 3
    assert samples(path) == [stored.sample for stored in wanted]


async def test_later_batches_are_appended(path: Path) -> None:
    lines = sink(path)
    for begin in (0, 5, 10):
        await lines.deliver(batch(range(begin, begin + 5)))
    await lines.close()
    assert held(path) == list(range(15))


async def test_a_batch_that_comes_again_is_not_written_again(path: Path) -> None:
    lines = sink(path)
    await lines.deliver(batch(range(5)))
    assert (await lines.deliver(batch(range(8)))).seq == 8
    assert held(path) == list(range(8))


async def test_after_a_restart_what_is_there_is_not_written_again(path: Path) -> None:
    await sink(path).deliver(batch(range(5)))
    await sink(path).deliver(batch(range(2, 9)))
    assert held(path) == list(range(9))


async def test_a_kill_in_the_middle_leaves_every_sample_once_and_whole(path: Path) -> None:
    await sink(path).deliver(batch(range(3)))
    before = path.stat().st_size
    await sink(path).deliver(batch(range(3, 6)))
    whole = path.read_bytes()
    for end in cuts(whole, before):
        path.write_bytes(whole[:end])
        await sink(path).deliver(batch(range(3, 6)))
        assert path.read_bytes() == whole, end


async def test_a_first_line_cut_anywhere_is_written_anew(path: Path) -> None:
    await sink(path).deliver(batch(range(1)))
    whole = path.read_bytes()
    for end in cuts(whole, 0):
        path.write_bytes(whole[:end])
        await sink(path).deliver(batch(range(1)))
        assert path.read_bytes() == whole, end


@pytest.mark.parametrize("body", [b"root:x:0:0\n", b"half a note", b"[1]\n", b'{"name": 1}\n{"id"', b"\0\0\0", b"1\n"])
async def test_a_file_of_another_program_is_not_changed(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    with pytest.raises(SinkError, match="holds data other than samples: use another path"):
        await sink(path).deliver(batch(range(3)))
    assert path.read_bytes() == body


async def test_it_is_rotated_before_it_grows_beyond_its_size_and_the_oldest_goes(path: Path) -> None:
    lines = sink(path, max_bytes=12_000, keep=2)
    for begin in range(0, 80, 5):
        await lines.deliver(batch(range(begin, begin + 5)))
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["samples.ndjson", "samples.ndjson.1", "samples.ndjson.2"]
    assert all(file.stat().st_size <= 12_000 for file in files)
    found = held(files[2], files[1], files[0])
    assert found == list(range(found[0], 80))
    assert found[0] > 0


async def test_after_a_rotation_what_is_in_the_file_before_is_not_written_again(path: Path) -> None:
    await sink(path).deliver(batch(range(5)))
    path.rename(path.with_name("samples.ndjson.1"))
    await sink(path).deliver(batch(range(8)))
    assert held(path) == [5, 6, 7]


async def test_a_rotation_that_a_crash_cut_short_loses_nothing(path: Path) -> None:
    names = [path, *(path.with_name(f"samples.ndjson.{number}") for number in (1, 2, 3))]
    lines = sink(path, max_bytes=1, keep=3)
    for number in range(4):
        await lines.deliver(batch(range(number, number + 1)))
    assert [held(name) for name in names] == [[3], [2], [1], [0]]
    names[2].replace(names[3])  # and then the power went
    await sink(path, max_bytes=1, keep=3).deliver(batch(range(4, 5)))
    assert [held(name) for name in names] == [[4], [3], [2], [1]]


async def test_a_full_disk_leaves_no_half_line_and_writing_goes_on_when_there_is_room(path: Path) -> None:
    lines = sink(path)
    await lines.deliver(batch(range(3)))
    before = path.read_bytes()
    with full_disk(len(before) + 500), pytest.raises(SinkError, match=r"write failed"):
        await lines.deliver(batch(range(3, 9)))
    assert path.read_bytes() == before
    with full_disk(len(before)), pytest.raises(SinkError, match="write failed: File too large"):
        await lines.deliver(batch(range(3, 9)))
    await lines.deliver(batch(range(3, 9)))
    assert held(path) == list(range(9))


async def test_a_missing_folder_is_reported(path: Path) -> None:
    lines = sink(path.parent / "missing" / "a.ndjson")
    with pytest.raises(SinkError, match="write failed: No such file or directory"):
        await lines.deliver(batch(range(3)))
    (path.parent / "missing").mkdir()
    assert (await lines.deliver(batch(range(3)))).seq == 3


async def test_a_file_that_was_moved_away_is_created_again(path: Path) -> None:
    lines = sink(path)
    await lines.deliver(batch(range(3)))
    path.rename(path.with_name("archived"))
    await lines.deliver(batch(range(3, 5)))
    assert held(path) == [3, 4]


async def test_only_the_end_of_a_large_file_is_read(path: Path) -> None:
    lines = sink(path)
    for begin in range(0, 2500, 500):
        await lines.deliver(batch(range(begin, begin + 500), detail="x" * 150))
    assert path.stat().st_size > 20 * 64 * 1024
    await sink(path).deliver(batch(range(2000, 2600)))
    assert held(path) == list(range(2600))


async def test_closing_waits_for_a_write_that_was_cancelled(path: Path) -> None:
    lines = sink(path)
    writing = asyncio.create_task(lines.deliver(batch(range(400))))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing])
    await lines.close()
    await sink(path).deliver(batch(range(500)))
    assert held(path) == list(range(500))
