"""A board that is filled for some endpoints only, also from what the store has under their former ids."""

from __future__ import annotations

from datetime import timedelta

from monitor.pipeline.restore import recall
from monitor.scheduler.jobs import enabled_jobs
from monitor.scoreboard.board import Board
from monitor.store import Store
from tests.integration.daemon.parts import sample_id
from tests.support.board_values import first_tick, make_config, make_spec, sample_at

TICK, MINUTE = first_tick(), timedelta(minutes=1)
NOW = TICK + 10 * MINUTE
SPECS = (make_spec("new:one", aliases=("old:one",)), make_spec("other:one"))
CONFIG = make_config(*SPECS)


async def fill(store: Store, name: str, *minutes: int) -> None:
    board = Board(make_config(make_spec(name)), enabled_jobs(make_config(make_spec(name))), TICK)
    for minute in minutes:
        sample = sample_at(TICK + minute * MINUTE, name=name, id=sample_id(f"{name} {minute}"))
        absorbed = board.absorb([sample])
        await store.append([sample], absorbed.states, absorbed.incidents)


async def recalled(store: Store, *only: str) -> Board:
    board = Board(CONFIG, enabled_jobs(CONFIG), NOW, rendered=False)
    await recall(board, store, NOW, {"old:one": "new:one"}, {*only})
    board.commit(NOW, everything=True)
    return board


def counted(board: Board, name: str) -> int:
    return next(counts.ok for window, counts, _ in board.endpoint(name).counts(NOW) if window.name == "1h")


async def test_the_history_of_a_former_id_is_that_of_the_present_one(store: Store) -> None:
    await fill(store, "old:one", 0, 1, 2)
    await fill(store, "other:one", 3)
    board = await recalled(store, "new:one")
    state = board.endpoint("new:one")
    assert (counted(board, "new:one"), counted(board, "other:one")) == (3, 0)
    assert state.health.measured_at == TICK + 2 * MINUTE + timedelta(milliseconds=3)
    assert state.first_seen == TICK + timedelta(milliseconds=3)
    assert state.latency.summaries(NOW)["ttft_s"].count == 3
    assert board.endpoint("other:one").first_seen is None


async def test_both_histories_of_a_renamed_endpoint_are_added_and_its_state_is_that_of_the_present_id(
    store: Store,
) -> None:
    await fill(store, "old:one", 0, 1, 5)
    await fill(store, "new:one", 3)
    board = await recalled(store, "new:one")
    assert counted(board, "new:one") == 4
    assert board.endpoint("new:one").health.measured_at == TICK + 3 * MINUTE + timedelta(milliseconds=3)
    assert board.endpoint("new:one").first_seen == TICK + timedelta(milliseconds=3)
