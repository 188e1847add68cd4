"""Published files: the newest snapshot, and a folder that is missing for a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from monitor.routing.file_writer import FileWriter
from monitor.routing.router_format import RouterFormat
from monitor.scoreboard.board import Board
from monitor.scoreboard.snapshot import Snapshot
from probes._model import ErrorClass
from tests.integration.daemon.parts import breathe, end, until
from tests.support.board_values import first_tick, make_board, make_spec, sample_at
from tests.support.router_files import file_of, render
from tests.unit.score.values import START

HOUR = timedelta(hours=1)


@pytest.fixture
def board() -> Board:
    return make_board(make_spec())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "uptime.json"


@pytest.fixture
def writer(path: Path) -> FileWriter:
    return FileWriter([file_of("scores", path)])


@pytest.fixture
async def running(writer: FileWriter, board: Board) -> AsyncIterator[FileWriter]:
    task = asyncio.create_task(writer.run(reader_of(board)))
    yield writer
    await end(task)


def reader_of(board: Board) -> Callable[[], Awaitable[Snapshot]]:
    async def newest() -> Snapshot:
        return board.snapshot

    return newest


def snapshots(board: Board, number: int) -> list[Snapshot]:
    return [board.publish(START + place * HOUR, sweep=True) for place in range(1, number + 1)]


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["action"] for record in caplog.records]


def body(path: Path) -> bytes | None:
    """The content of a file; None: there is no file."""
    return path.read_bytes() if path.exists() else None


async def test_with_news_the_newest_snapshot_is_written(running: FileWriter, board: Board, path: Path) -> None:
    running.wake()
    await until(lambda: body(path) == board.snapshot.body)


async def test_the_newest_of_many_is_there_in_the_end(running: FileWriter, board: Board, path: Path) -> None:
    for _ in snapshots(board, 50):
        running.wake()
        await asyncio.sleep(0)
    await until(lambda: body(path) == board.snapshot.body)


async def test_nothing_is_written_before_there_is_news(running: FileWriter, path: Path) -> None:
    await asyncio.sleep(0.02)
    assert body(path) is None


def test_every_file_is_written(tmp_path: Path, board: Board) -> None:
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    FileWriter([file_of("scores", each) for each in paths]).write(board.snapshot)
    assert [each.read_bytes() for each in paths] == [board.snapshot.body] * 2


def test_a_file_of_endpoints_is_what_its_format_makes_of_each_snapshot(tmp_path: Path, board: Board) -> None:
    path = tmp_path / "models.json"
    writer = FileWriter([file_of("openrouter", path)])
    for snapshot in snapshots(board, 3):
        writer.write(snapshot)
        assert path.read_bytes() == render("openrouter", snapshot)


def test_a_file_that_cannot_be_written_is_logged_once_and_delays_no_other(
    tmp_path: Path, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    missing, there = tmp_path / "later" / "uptime.json", tmp_path / "there.json"
    writer = FileWriter([file_of("scores", each) for each in (missing, there)])
    for snapshot in snapshots(board, 3):
        writer.write(snapshot)
    assert there.read_bytes() == board.snapshot.body
    assert [record.getMessage() for record in caplog.records] == [f"cannot write {missing}: No such file or directory"]
    assert writer.failing == 1
    missing.parent.mkdir()
    writer.write(board.snapshot)
    assert writer.failing == 0
    assert missing.read_bytes() == board.snapshot.body
    missing.unlink()
    missing.parent.rmdir()
    writer.write(board.snapshot)
    assert actions(caplog) == ["file_failed", "file_recovered", "file_failed"]
    assert writer.failing == 1
    writer.apply([file_of("scores", there)])
    assert writer.failing == 0  # a file that left the configuration does not count


class Brittle(RouterFormat):
    """A third party's format that fails while `is_broken`."""

    has_weights = False
    is_broken: ClassVar[bool] = True

    def render(self, snapshot: Snapshot) -> bytes:
        """See `RouterFormat.render`."""
        if self.is_broken:
            raise ZeroDivisionError("ours")
        return snapshot.etag.encode()


async def test_a_format_that_raises_costs_its_own_file_and_not_the_daemon(
    tmp_path: Path, board: Board, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    brittle = Brittle.model_validate({"format": "brittle", "path": str(tmp_path / "brittle")})
    writer = FileWriter([brittle, file_of("scores", path)])
    task = asyncio.create_task(writer.run(reader_of(board)))
    writer.wake()
    await until(lambda: body(path) == board.snapshot.body)
    writer.write(board.snapshot)
    (record,) = caplog.records
    assert (vars(record)["action"], str(brittle.path) in record.getMessage()) == ("file_failed", True)
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    monkeypatch.setattr(Brittle, "is_broken", False)
    writer.write(board.snapshot)
    assert brittle.path.read_bytes() == board.snapshot.etag.encode()
    assert actions(caplog) == ["file_failed", "file_recovered"]
    assert not task.done()
    await end(task)


def test_what_changed_while_a_file_could_not_be_written_is_written_afterwards(tmp_path: Path) -> None:
    board = make_board(make_spec(router_ids={"traefik": "llama/groq"}))
    folder, away = tmp_path / "routers", tmp_path / "away"
    folder.mkdir()
    writer = FileWriter([file_of("traefik", folder / "traefik.yaml")])
    writer.write(board.snapshot)
    folder.rename(away)
    tick = first_tick()
    board.absorb([sample_at(tick, ErrorClass.AUTH)])
    writer.write(board.publish(tick, sweep=True))
    away.rename(folder)
    writer.write(board.snapshot)
    assert (folder / "traefik.yaml").read_bytes() == render("traefik", board.snapshot)


def test_a_file_of_another_format_is_written_though_no_weight_changed(tmp_path: Path) -> None:
    board, path = (
        make_board(make_spec(router_ids={"traefik": "llama/groq", "haproxy": "llama/groq"})),
        tmp_path / "file",
    )
    writer = FileWriter([file_of("traefik", path)])
    writer.write(board.snapshot)
    writer.apply([file_of("haproxy-map", path)])
    writer.write(board.snapshot)
    assert path.read_bytes() == render("haproxy-map", board.snapshot)


async def test_a_write_that_a_stop_left_behind_never_has_the_last_word(board: Board, path: Path) -> None:
    """The thread that was about to write when `run` was cancelled writes what is newest by then."""
    first, last = snapshots(board, 2)
    writer = FileWriter([file_of("scores", path)])
    board.snapshot = first
    task = asyncio.create_task(writer.run(reader_of(board)))
    writer._writing.acquire()
    writer.wake()
    await breathe()
    await end(task)
    writer._snapshot = last
    writer._writing.release()
    await until(lambda: body(path))
    assert body(path) == last.body


def test_what_did_not_change_is_not_written_again(writer: FileWriter, board: Board, path: Path) -> None:
    """Routers that watch a file read it anew whenever it is replaced."""
    writer.write(board.snapshot)
    first = path.stat().st_ino
    writer.write(board.snapshot)
    assert path.stat().st_ino == first
    path.unlink()
    writer.write(board.snapshot)
    assert path.read_bytes() == board.snapshot.body


def test_a_routers_file_is_written_anew_only_when_something_is_to_be_used_otherwise(tmp_path: Path) -> None:
    board, path = make_board(make_spec(router_ids={"traefik": "llama/groq"})), tmp_path / "traefik.yaml"
    writer = FileWriter([file_of("traefik", path)])
    writer.write(board.snapshot)
    first, body = path.stat().st_ino, path.read_bytes()
    for snapshot in snapshots(board, 3):
        writer.write(snapshot)
    assert path.stat().st_ino == first
    path.unlink()
    writer.write(board.snapshot)
    assert path.read_bytes() == body
    tick = first_tick()
    board.absorb([sample_at(tick, ErrorClass.AUTH)])
    writer.write(board.publish(tick, sweep=True))
    assert path.read_bytes() != body


async def test_other_files_are_written_at_once_and_the_former_stay_as_they_are(
    running: FileWriter, board: Board, path: Path
) -> None:
    second = path.with_name("other.json")
    running.apply([])
    running.wake()
    await breathe()
    assert body(path) is None
    running.apply([file_of("scores", path)])
    await until(lambda: body(path))
    written = body(path)
    running.apply([file_of("scores", second)])
    board.publish(START + 5 * HOUR, sweep=True)
    running.wake()
    await until(lambda: body(second))
    assert body(path) == written
