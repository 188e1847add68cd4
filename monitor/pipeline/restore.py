"""Restores the daemon's state from the store at start: states, open incidents, window counts, traffic, budgets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from monitor.config.model import Config
from monitor.domain.budget_unit import BudgetUnit
from monitor.domain.incident import Incident
from monitor.pipeline.recorder import Recorder
from monitor.scheduler.budget import Budgets
from monitor.score.health import AHEAD
from monitor.score.latency import RECENT
from monitor.score.windows import WINDOWS
from monitor.scoreboard.board import Board
from monitor.store import Store, StoreError
from monitor.traffic.counted import FINEST_S

log = logging.getLogger(__name__)

_RECOUNT_S = 10.0
"""The longest time that a recount may block the recorder."""


async def restore(board: Board, store: Store, now: datetime) -> tuple[Incident, ...]:
    """Fill a board from the store. Ends and returns the incidents of endpoints that are no longer probed."""
    ended = await recall(board, store, now)
    if ended:
        await store.append([], {}, ended)
    return ended


async def recall(board: Board, store: Store, now: datetime) -> tuple[Incident, ...]:
    """Fill a board from the store: states, open incidents, window counts, latencies of the last half hour.

    Samples that are dated later than `now`, by a clock that was ahead, are ignored: they would stay in every window.
    The store is not changed. Incidents of endpoints that are no longer probed are returned with an end.
    """
    board.restore_states(await store.states(), await store.first_seen())
    ended = board.restore_incidents(await store.open_incidents())
    for bucket_s, since in _window_starts(now):
        for tally in await store.tallies(since, bucket_s):
            if tally.bucket <= now:
                board.restore_counts(
                    bucket_s, tally.endpoint, tally.bucket, task=tally.task, error=tally.error, count=tally.count
                )
    await restore_traffic(board, store, now)
    board.restore_latency(await store.samples(now - RECENT, now + AHEAD))
    return ended


async def restore_traffic(board: Board, store: Store, now: datetime) -> None:
    """Fill a board with the counts of real traffic. For windows that count by the second these are coarser."""
    for bucket_s, since in _window_starts(now):
        for tally in await store.traffic(since, max(bucket_s, FINEST_S)):
            if tally.start <= now:
                board.restore_traffic(bucket_s, tally.endpoint, tally.start, error=tally.error, count=tally.count)


def _window_starts(now: datetime) -> Iterator[tuple[int, datetime]]:
    """By the length of a window's buckets, the start of the oldest one that the longest window still counts."""
    for bucket_s in sorted({window.bucket_s for window in WINDOWS}):
        longest_s = max(window.length_s for window in WINDOWS if window.bucket_s == bucket_s)
        # A window keeps its oldest bucket until all of it is outside.
        yield bucket_s, now - timedelta(seconds=longest_s + bucket_s)


async def restore_budgets(budgets: Budgets, store: Store, now: datetime) -> None:
    """Fill the budgets with the cost of the day's stored samples."""
    for endpoint, spent in (await store.spent(datetime.combine(now.date(), datetime.min.time(), UTC))).items():
        budgets.restore(endpoint, {BudgetUnit.USD: spent.cost_usd, BudgetUnit.TOKENS: spent.tokens}, now)


class Recounter:
    """Recounts the windows of a board after a wake-up, such as after a step of the wall clock."""

    def __init__(
        self, board: Board, make: Callable[[datetime], Board], recorder: Recorder, store: Store, retry_s: float = 5.0
    ) -> None:
        """`make`: creates an empty board from the current configuration."""
        self._board = board
        self._make = make
        self._recorder = recorder
        self._store = store
        self._retry_s = retry_s
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Request a recount; does not block."""
        self._wanted.set()

    async def run(self) -> None:
        """Recount at each wake-up, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if not await recount(self._board, self._make, self._recorder, self._store, datetime.now(UTC)):
                await asyncio.sleep(self._retry_s)
                self._wanted.set()


async def recount(
    board: Board, make: Callable[[datetime], Board], recorder: Recorder, store: Store, now: datetime
) -> bool:
    """Recount the windows of a board through a fresh board; False: try again later.

    Everything that was judged has to be stored, and nothing is judged meanwhile. Otherwise samples would be counted
    twice or not at all.
    """
    async with recorder.still:
        if recorder.anything_waits:
            return False
        fresh = make(now)
        try:
            async with asyncio.timeout(_RECOUNT_S):
                await recall(fresh, store, now)
        except (StoreError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            log.warning(
                "uptime windows not recounted after a clock step; trying again: %s",
                reason,
                extra={"action": "recount_failed"},
            )
            return False
        board.take_counts(fresh)
    return True


def aliases_of(config: Config) -> dict[str, str]:
    """Former endpoint ids to present ones."""
    return {alias: spec.endpoint.id for spec in config.endpoints for alias in spec.aliases}
