"""Timed operations: the queries of the API and of a start, appends, and upkeep while appends continue."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from benchmarks.history.data import EVER, HOUR, MINUTE, Plan, endpoint_id
from benchmarks.history.fill import now_after, samples_of
from monitor.store import PageKey, Retention, RollupTier, Store
from monitor.store.rollup import merged
from probes._model import Sample, Task
from probes._quantiles import quantile

_FIGURE = "ttft_s"
_SHARES = (0.5, 0.9, 0.99)
_DAY = timedelta(days=1)
_STATE = '{"v":1,"estimate":' + ",".join(f"[{place}.123456789,0.987654321]" for place in range(16)) + "}"
"""About as long as a serialized endpoint state."""

Ask: TypeAlias = Callable[[Store, Plan, random.Random], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """Durations of an operation over many runs, in milliseconds."""

    count: int
    p50: float
    p99: float
    max: float
    mean: float
    p99_by_round: list[float]
    """Where these differ, other programs used the machine."""


def durations(rounds: Sequence[Sequence[float]]) -> Durations:
    """The durations from seconds by round."""
    every = sorted(value for item in rounds for value in item)
    return Durations(
        count=len(every),
        p50=_ms(quantile(every, 0.5)),
        p99=_ms(quantile(every, 0.99)),
        max=_ms(every[-1]),
        mean=_ms(sum(every) / len(every)),
        p99_by_round=[_ms(quantile(sorted(item), 0.99)) for item in rounds if item],
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)


async def _newest_page(store: Store, plan: Plan, chance: random.Random) -> object:
    return await store.page(_one(plan, chance), since=EVER, before=None, limit=100)


async def _older_page(store: Store, plan: Plan, chance: random.Random) -> object:
    at = plan.now - timedelta(days=chance.uniform(0.1, plan.raw_days - 0.5))
    return await store.page(_one(plan, chance), since=EVER, before=PageKey(at=at, id="0" * 16), limit=100)


async def _newest_points(store: Store, plan: Plan, chance: random.Random) -> object:
    return await store.points(_one(plan, chance), Task.CHAT, _FIGURE, plan.now - _DAY, plan.now)


async def _older_points(store: Store, plan: Plan, chance: random.Random) -> object:
    until = plan.now - timedelta(days=chance.uniform(1.2, plan.raw_days - 1))
    return await store.points(_one(plan, chance), Task.CHAT, _FIGURE, until - _DAY, until)


def _buckets(tier: RollupTier, days: int, *, merge: bool = False) -> Ask:
    async def ask(store: Store, plan: Plan, chance: random.Random) -> object:
        since = plan.now - days * _DAY
        buckets = await store.rollups(_one(plan, chance), tier, since, plan.now, [_FIGURE])
        if merge:
            whole = merged(bucket.rollup for bucket in buckets)
            return whole.quantiles(_FIGURE, _SHARES)
        return [bucket.rollup.quantiles(_FIGURE, _SHARES) for bucket in buckets]

    return ask


QUERIES: dict[str, Ask] = {
    "page of 100, the newest": _newest_page,
    "page of 100, anywhere in the raw span": _older_page,
    "1 d: every ttft_s, the newest day": _newest_points,
    "1 d: every ttft_s, an older day": _older_points,
    "1 d by hour, p50 p90 p99 of each": _buckets(RollupTier.HOUR, 1),
    "7 d by hour, p50 p90 p99 of each": _buckets(RollupTier.HOUR, 7),
    "30 d by hour, p50 p90 p99 of each": _buckets(RollupTier.HOUR, 30),
    "30 d by day, p50 p90 p99 of each": _buckets(RollupTier.DAY, 30),
    "90 d by day, p50 p90 p99 of each": _buckets(RollupTier.DAY, 90),
    "90 d by day, merged, p50 p90 p99 of all": _buckets(RollupTier.DAY, 90, merge=True),
}
"""The store queries of one API request, for a random endpoint."""


def _tallies(since: timedelta, bucket_s: int) -> Ask:
    async def ask(store: Store, plan: Plan, _: random.Random) -> object:
        return await store.tallies(plan.now - since, bucket_s)

    return ask


async def _recent(store: Store, plan: Plan, _: random.Random) -> object:
    return await store.samples(plan.now - timedelta(minutes=30))


async def _states(store: Store, _plan: Plan, _: random.Random) -> object:
    return await store.states(), await store.first_seen()


async def _info(store: Store, _plan: Plan, _: random.Random) -> object:
    return await store.info()


STARTING: dict[str, Ask] = {
    "states, and when endpoints were first seen": _states,
    "tallies of 1 h by the second": _tallies(timedelta(hours=1, seconds=1), 1),
    "tallies of 1 d by five minutes": _tallies(timedelta(days=1, minutes=5), 300),
    "tallies of 7 d by the hour": _tallies(timedelta(days=7, hours=1), 3_600),
    "tallies of 90 d by the day": _tallies(timedelta(days=91), 86_400),
    "samples of the last 30 min": _recent,
    "info (`db info`)": _info,
}
"""The store queries of a start, for all endpoints, and that of `db info`."""


def _one(plan: Plan, chance: random.Random) -> str:
    return endpoint_id(chance.randrange(plan.endpoints))


async def ask_many(store: Store, plan: Plan, ask: Ask, *, times: int, seed: str) -> list[float]:
    """Seconds of consecutive queries; the garbage collector skips the objects that exist before them."""
    gc.collect()
    gc.freeze()
    chance = random.Random(seed)
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        await ask(store, plan, chance)
        seconds.append(time.perf_counter() - began)
    return seconds


def forget(path: Path) -> None:
    """Makes the kernel drop the file's pages, as after a reboot."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def seconds_of(plan: Plan) -> Iterator[list[Sample]]:
    """Endless samples after the plan's now, by second."""
    step = max(1, round(plan.endpoints / 60))
    hour, skipped = plan.hours(0), int((plan.now - EVER) % HOUR // MINUTE)
    while True:
        for minute, samples in enumerate(samples_of(now_after(plan, 7 * 24 * 60), hour)):
            if minute >= skipped:
                yield from (samples[place : place + step] for place in range(0, len(samples), step))
        hour, skipped = hour + 1, 0


class Writer:
    """Appends samples with the states of their endpoints, as the daemon does."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store = store
        self._coming = seconds_of(plan)
        self._ready: deque[list[Sample]] = deque()
        self._stopped = False
        self.now = plan.now

    def prepare(self, count: int) -> None:
        """Generates at least this many samples in advance, so that generation is not part of later timings."""
        while sum(map(len, self._ready)) < count:
            self._ready.append(next(self._coming))
        gc.collect()
        gc.freeze()

    async def append(self) -> tuple[float, int]:
        """Appends the samples of the next second; returns the seconds taken and the number of samples."""
        samples = self._ready.popleft() if self._ready else next(self._coming)
        states = {sample.endpoint: _STATE for sample in samples}
        began = time.perf_counter()
        await self._store.append(samples, states)
        self.now = max(self.now, samples[-1].scheduled_at)
        return time.perf_counter() - began, len(samples)

    async def go_on(self, every_s: float) -> list[float]:
        """Appends until stopped; returns the seconds of each append."""
        seconds = []
        self._stopped = False
        while not self._stopped:
            seconds.append((await self.append())[0])
            await asyncio.sleep(every_s)
        return seconds

    def stop(self) -> None:
        """Stops `go_on` after the running append."""
        self._stopped = True


async def write(writer: Writer, until: datetime) -> tuple[list[float], int]:
    """Appends without a pause up to a time; returns the seconds of each append and the number of samples."""
    seconds, total = [], 0
    while writer.now < until:
        took_s, count = await writer.append()
        seconds.append(took_s)
        total += count
    return seconds, total


async def upkeep(store: Store, now: datetime, retention: Retention) -> list[float]:
    """Runs upkeep until none is left; returns the seconds of each slice."""
    seconds, more = [], True
    while more:
        began = time.perf_counter()
        more = await store.upkeep(now, retention)
        seconds.append(time.perf_counter() - began)
    return seconds


async def upkeep_while_appending(
    store: Store, writer: Writer, now: datetime, retention: Retention
) -> tuple[list[float], list[float]]:
    """The same while appends continue; returns the seconds of the slices and of the appends."""
    appending = asyncio.create_task(writer.go_on(0.05), name="appending")
    slices = await upkeep(store, now, retention)
    writer.stop()
    return slices, await appending
