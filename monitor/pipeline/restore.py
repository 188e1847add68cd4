"""What a start takes over from the store: states, open incidents, counts of every window, traffic, budgets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from monitor.config.model import Config
from monitor.domain.incident import Incident
from monitor.pipeline.recorder import Recorder
from monitor.scheduler.budget import Budgets, Unit
from monitor.score.health import AHEAD
from monitor.score.latency import RECENT
from monitor.score.windows import WINDOWS
from monitor.scoreboard.board import Board
from monitor.store import Store, StoreError
from monitor.traffic.counted import FINEST_S

log = logging.getLogger(__name__)

_RECOUNT_S = 10.0
"""How long counting anew may keep everything else waiting."""


async def restore(board: Board, store: Store, now: datetime) -> tuple[Incident, ...]:
    """Fill a board from the store; end and return the incidents of endpoints that are no longer probed."""
    ended = await recall(board, store, now)
    if ended:
        await store.append([], {}, ended)
    return ended


async def recall(board: Board, store: Store, now: datetime) -> tuple[Incident, ...]:
    """Fill a board from the store: states, open incidents, counts for every window, figures of the last half hour.

    What is dated later than `now`, as by a clock that was ahead, is passed over: it would stay in every window.
    Changes nothing in the store; the incidents that are to be ended are returned with an end.
    """
    board.restore_states(await store.states(), await store.first_seen())
    ended = board.restore_incidents(await store.open_incidents())
    for bucket_s in sorted({window.bucket_s for window in WINDOWS}):
        longest_s = max(window.length_s for window in WINDOWS if window.bucket_s == bucket_s)
        # A window holds on to its oldest bucket until all of that is outside.
        for tally in await store.tallies(now - timedelta(seconds=longest_s + bucket_s), bucket_s):
            if tally.bucket <= now:
                board.restore_counts(
                    bucket_s, tally.endpoint, tally.bucket, task=tally.task, error=tally.error, count=tally.count
                )
    await restore_traffic(board, store, now)
    board.restore_latency(await store.samples(now - RECENT, now + AHEAD))
    return ended


async def restore_traffic(board: Board, store: Store, now: datetime) -> None:
    """Fill a board with the counts of real traffic; where windows count by the second, these are less fine."""
    for bucket_s in sorted({window.bucket_s for window in WINDOWS}):
        longest_s = max(window.length_s for window in WINDOWS if window.bucket_s == bucket_s)
        span_s = max(bucket_s, FINEST_S)
        for tally in await store.traffic(now - timedelta(seconds=longest_s + bucket_s), span_s):
            if tally.start <= now:
                board.restore_traffic(bucket_s, tally.endpoint, tally.start, error=tally.error, count=tally.count)


async def restore_budgets(budgets: Budgets, store: Store, now: datetime) -> None:
    """Fill budgets with what the day's stored samples cost."""
    for endpoint, spent in (await store.spent(datetime.combine(now.date(), datetime.min.time(), UTC))).items():
        budgets.restore(endpoint, {Unit.USD: spent.cost_usd, Unit.TOKENS: spent.tokens}, now)


class Recounter:
    """Counts the windows of a board anew when it is woken, as after each step of the wall clock."""

    def __init__(
        self, board: Board, make: Callable[[datetime], Board], recorder: Recorder, store: Store, retry_s: float = 5.0
    ) -> None:
        """`make`: an empty board of the configuration of the moment."""
        self._board = board
        self._make = make
        self._recorder = recorder
        self._store = store
        self._retry_s = retry_s
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Count anew, by the time that it is then."""
        self._wanted.set()

    async def run(self) -> None:
        """Count whenever it is wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if not await recount(self._board, self._make, self._recorder, self._store, datetime.now(UTC)):
                await asyncio.sleep(self._retry_s)
                self._wanted.set()


async def recount(
    board: Board, make: Callable[[datetime], Board], recorder: Recorder, store: Store, now: datetime
) -> bool:
    """Count the windows of a board anew, by way of a fresh one; False: it has to be tried again later.

    All that was judged has to be stored, and nothing is judged meanwhile: what comes between would be counted twice,
    or not at all.
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
    """The ids that endpoints had before, to those that they have now."""
    return {alias: spec.endpoint.id for spec in config.endpoints for alias in spec.aliases}
