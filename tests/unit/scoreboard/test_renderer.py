"""Rows are rendered on request, and only then."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from monitor.domain.status import Status
from monitor.scoreboard.board import Board
from monitor.scoreboard.renderer import Renderer
from tests.support.board_values import first_tick, make_board, make_spec, sample_at

TICK, SECOND = first_tick(), timedelta(seconds=1)
NAMES = [f"p{number % 5}:m{number}" for number in range(100)]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def begun(names: list[str] = NAMES) -> tuple[Board, Clock, Renderer]:
    board, clock = make_board(*map(make_spec, names)), Clock(TICK)
    return board, clock, Renderer(board, clock)


def absorb(board: Board, at: datetime, *names: str) -> None:
    board.absorb([sample_at(at, name=name) for name in names])
    board.commit(at)


async def test_a_reader_sees_every_sample_that_was_committed_before_it_asked() -> None:
    board, clock, renderer = begun()
    for second in range(20):
        clock.at = TICK + second * SECOND
        absorb(board, clock.at, NAMES[second])
        snapshot = await renderer.snapshot()
        assert [row.status for row in snapshot.rows.values()].count(Status.UP) == second + 1
        assert snapshot is board.snapshot


async def test_who_asks_while_rows_are_rendered_sees_also_what_was_committed_since_that_began() -> None:
    board, clock, renderer = begun()
    absorb(board, TICK, *NAMES)
    first = asyncio.create_task(renderer.snapshot())
    while NAMES[0] in board.overdue(TICK):
        await asyncio.sleep(0)
    absorb(board, TICK + SECOND, NAMES[0])
    clock.at = TICK + SECOND
    row = (await renderer.snapshot()).rows[NAMES[0]]
    assert json.loads(row.body)["uptime"]["5m"]["ok"] == 2
    await first


async def test_one_who_asks_for_the_first_time_after_long_gets_no_row_that_is_older_than_the_question() -> None:
    board, clock, renderer = begun()
    absorb(board, TICK, *NAMES)
    clock.at = TICK + timedelta(minutes=2)
    snapshot = await renderer.snapshot()
    assert {json.loads(row.body)["uptime"]["5m"]["expected"] for row in snapshot.rows.values()} == {3}
    assert snapshot.generated_at == clock.at


async def test_others_have_their_turn_while_all_rows_are_rendered() -> None:
    board, _, renderer = begun()
    absorb(board, TICK, *NAMES)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await renderer.snapshot()
    task.cancel()
    assert turns >= len(NAMES) / 25


async def test_all_who_ask_at_the_same_time_get_the_same_snapshot_and_it_is_made_once() -> None:
    board, clock, renderer = begun()
    clock.at = TICK + 60 * SECOND
    absorb(board, clock.at, *NAMES)
    asked = [asyncio.create_task(renderer.snapshot()) for _ in range(50)]
    asked[0].cancel()  # its reader went away
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert {id(each) for each in found[1:]} == {id(board.snapshot)}
    assert {row.status for row in board.snapshot.rows.values()} == {Status.UP}


async def test_what_is_being_rendered_at_the_end_is_broken_off() -> None:
    board, _, renderer = begun()
    await renderer.close()  # nothing is
    absorb(board, TICK, *NAMES)
    asking = asyncio.create_task(renderer.snapshot())
    while NAMES[0] in board.overdue(TICK):
        await asyncio.sleep(0)
    await renderer.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert {task.get_name() for task in asyncio.all_tasks()} & {"render-scores"} == set()


async def test_nothing_is_rendered_without_a_request_however_long_and_whatever_comes() -> None:
    board, _, renderer = begun()
    absorb(board, TICK, *NAMES)
    before = await renderer.snapshot()
    rows = dict(before.rows)
    for minute in range(1, 10):
        absorb(board, TICK + minute * 60 * SECOND, *NAMES)
    assert (board.snapshot, dict(board.snapshot.rows)) == (before, rows)
    assert board.summary == "100 up"


async def test_who_asks_again_at_once_gets_the_same_bytes() -> None:
    board, clock, renderer = begun()
    absorb(board, TICK, *NAMES)
    first = await renderer.snapshot()
    clock.at += timedelta(milliseconds=10)
    assert await renderer.snapshot() is first


async def test_a_row_that_is_asked_for_alone_renders_no_other() -> None:
    board, clock, renderer = begun()
    clock.at = TICK + 60 * SECOND
    absorb(board, clock.at, *NAMES)
    row = renderer.row(NAMES[7])
    assert row is not None
    assert row.status is Status.UP
    assert [name for name, other in board.renew(clock.at).rows.items() if other.status is Status.UP] == [NAMES[7]]
    assert renderer.row("gone:model") is None


async def test_rows_of_another_configuration_that_comes_while_all_are_rendered_are_rendered_too() -> None:
    board, clock, renderer = begun()
    absorb(board, TICK, *NAMES)
    asked = asyncio.create_task(renderer.snapshot())
    while NAMES[0] in board.overdue(TICK):
        await asyncio.sleep(0)
    names = [*(f"new:m{number}" for number in range(20)), *NAMES[:50]]
    board.apply(make_board(*map(make_spec, names)), clock())
    assert [*(await asked).rows] == names
    assert [*(await renderer.snapshot()).rows] == names
