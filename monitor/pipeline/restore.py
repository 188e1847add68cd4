"""Restores the daemon's state from the store at start: states, open incidents, window counts, traffic, budgets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from monitor.config.model import Config
from monitor.domain.budget_unit import BudgetUnit
from monitor.domain.incident import Incident
from monitor.domain.ongoing_failure import OngoingFailure
from monitor.pipeline.recorder import Recorder
from monitor.pipeline.store_call import store_call
from monitor.scheduler.budget import Amounts, Budgets
from monitor.score.health import AHEAD
from monitor.score.latency import RECENT
from monitor.score.windows import WINDOWS
from monitor.scoreboard.board import Board
from monitor.store import SampleTally, Store, StoreError
from monitor.traffic.counted import FINEST_S, TrafficTally
from probes._model import Sample

log = logging.getLogger(__name__)

_Named = TypeVar("_Named", Incident, SampleTally, TrafficTally, Sample)

_RECOUNT_S = 10.0
"""The longest time that a recount may block the recorder."""


async def restore(board: Board, store: Store, now: datetime) -> tuple[Incident, ...]:
    """Fill a board from the store. Ends and returns the incidents of endpoints that are no longer probed."""
    ended = await recall(board, store, now)
    if ended:
        await store.append([], {}, ended)
    return ended


async def recall(
    board: Board, store: Store, now: datetime, aliases: Mapping[str, str] | None = None, only: Set[str] | None = None
) -> tuple[Incident, ...]:
    """Fill a board from the store: states, open incidents, window counts, latencies of the last half hour.

    Samples that are dated later than `now`, by a clock that was ahead, are ignored: they would stay in every window.
    The store is not changed. Incidents of endpoints that are no longer probed are returned with an end.

    `aliases`: former ids, under which the store has a part of the history. `only`: fill these endpoints only. The board
    is filled in threads, since that takes long with many endpoints.
    """
    names = RestoredNames(aliases=aliases or {}, only=only)
    states, first_seen = await store.states(), await store.first_seen()
    board.restore_states(names.newest(states), names.earliest(first_seen))
    ended = board.restore_incidents(names.of(await store.open_incidents()))
    for bucket_s, since in _window_starts(now):
        await asyncio.to_thread(_fill_counts, board, bucket_s, names.of(await store.tallies(since, bucket_s)), now)
        tallies = await store.traffic(since, max(bucket_s, FINEST_S))
        await asyncio.to_thread(_fill_traffic, board, bucket_s, names.of(tallies), now)
    await asyncio.to_thread(board.restore_latency, names.of(await store.samples(now - RECENT, now + AHEAD)))
    return ended


def _fill_counts(board: Board, bucket_s: int, tallies: Iterable[SampleTally], now: datetime) -> None:
    for tally in tallies:
        if tally.bucket <= now:
            board.restore_counts(
                bucket_s, tally.endpoint, tally.bucket, task=tally.task, error=tally.error, count=tally.count
            )


def _fill_traffic(board: Board, bucket_s: int, tallies: Iterable[TrafficTally], now: datetime) -> None:
    """For windows that count by the second these counts are coarser."""
    for tally in tallies:
        if tally.start <= now:
            board.restore_traffic(bucket_s, tally.endpoint, tally.start, error=tally.error, count=tally.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredNames:
    """Whose history to restore, and under which id."""

    aliases: Mapping[str, str]
    """Former ids to present ones."""
    only: Set[str] | None
    """None: every endpoint's."""

    def of(self, items: Iterable[_Named]) -> Iterator[_Named]:
        """The items of these endpoints, under their present ids."""
        for item in items:
            name = self.aliases.get(item.endpoint, item.endpoint)
            if self.only is None or name in self.only:
                yield item if name == item.endpoint else replace(item, endpoint=name)

    def newest(self, states: Mapping[str, str]) -> dict[str, str]:
        """States by present id. That of a present id comes before those of former ones, as the store merges them."""
        former = {self.aliases[name]: state for name, state in states.items() if name in self.aliases}
        return {name: state for name, state in (former | {**states}).items() if self._wants(name)}

    def earliest(self, times: Mapping[str, datetime]) -> dict[str, datetime]:
        """The earliest time of each present id."""
        found: dict[str, datetime] = {}
        for former, at in times.items():
            name = self.aliases.get(former, former)
            if self._wants(name):
                found[name] = min(at, found.get(name, at))
        return found

    def _wants(self, name: str) -> bool:
        return name not in self.aliases and (self.only is None or name in self.only)


def _window_starts(now: datetime) -> Iterator[tuple[int, datetime]]:
    """By the length of a window's buckets, the start of the oldest one that the longest window still counts."""
    for bucket_s in sorted({window.bucket_s for window in WINDOWS}):
        longest_s = max(window.length_s for window in WINDOWS if window.bucket_s == bucket_s)
        # A window keeps its oldest bucket until all of it is outside.
        yield bucket_s, now - timedelta(seconds=longest_s + bucket_s)


async def restore_budgets(budgets: Budgets, store: Store, now: datetime) -> None:
    """Fill the budgets with the cost of the day's stored samples."""
    spent = await read_spent(store, now)
    for endpoint, amounts in spent.items():
        budgets.restore(endpoint, amounts, now)


async def read_spent(store: Store, now: datetime) -> Mapping[str, Amounts]:
    """The cost of the day's stored samples, by endpoint."""
    found = await store.spent(datetime.combine(now.date(), datetime.min.time(), UTC))
    return {
        endpoint: {BudgetUnit.USD: spent.cost_usd, BudgetUnit.TOKENS: spent.tokens} for endpoint, spent in found.items()
    }


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
        self._failure = OngoingFailure()

    def wake(self) -> None:
        """Request a recount; does not block."""
        self._wanted.set()

    async def run(self) -> None:
        """Recount at each wake-up, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            now = datetime.now(UTC)
            if not await recount(self._board, self._make, self._recorder, self._store, now, failure=self._failure):
                await asyncio.sleep(self._retry_s)
                self._wanted.set()


async def recount(
    board: Board,
    make: Callable[[datetime], Board],
    recorder: Recorder,
    store: Store,
    now: datetime,
    *,
    failure: OngoingFailure,
) -> bool:
    """Recount the windows of a board through a fresh board; False: try again later.

    Everything that was judged has to be stored, and nothing is judged meanwhile. Otherwise samples would be counted
    twice or not at all.
    """
    async with recorder.judging_lock:
        if recorder.anything_waits:
            return False
        try:
            async with asyncio.timeout(_RECOUNT_S):
                fresh = await asyncio.to_thread(make, now)
                with store_call(failure, log, "uptime windows not recounted: unexpected error", "recount_failed"):
                    await recall(fresh, store, now)
        except (StoreError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            failure.begins(reason)
            log.warning(
                "uptime windows not recounted after a clock step; trying again: %s",
                reason,
                extra={"action": "recount_failed"},
            )
            return False
        failure.ends()
        board.take_counts(fresh)
    return True


def aliases_of(config: Config) -> dict[str, str]:
    """Former endpoint ids to present ones."""
    return {alias: spec.endpoint.id for spec in config.endpoints for alias in spec.aliases}
