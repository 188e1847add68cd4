"""Pools of real worker processes for tests, and the recorded results."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from monitor.workers.pool import PoolSettings, WorkerPool
from tests.integration.probes.watching import is_alive, until


@dataclass(slots=True)
class Watched:
    """A pool under supervision."""

    pool: WorkerPool
    supervision: asyncio.Task[None]
    restarts: list[None] = field(default_factory=list)
    lags_s: list[float] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        """Of the processes that are up."""
        return [worker.pid for worker in self.pool.workers if worker.is_up and worker.pid is not None]

    async def all_up(self) -> list[int]:
        """The processes' ids, once all are up."""
        await until(lambda: len(self.pids) == len(self.pool.workers))
        return self.pids


@asynccontextmanager
async def supervised(max_concurrent: int = 1, settings: PoolSettings | None = None) -> AsyncIterator[Watched]:
    """A pool that is being supervised; when the block ends it ends, and no process of it is left."""
    restarts: list[None] = []
    lags_s: list[float] = []
    pool = WorkerPool(max_concurrent, lambda: restarts.append(None), lags_s.append, settings)
    watched = Watched(pool, asyncio.create_task(pool.supervise()), restarts, lags_s)
    seen: set[int] = set()
    try:
        yield watched
        assert not watched.supervision.done(), "supervision lasts until it is cancelled"
    finally:
        seen.update(watched.pids)
        watched.supervision.cancel()
        with suppress(asyncio.CancelledError):
            await watched.supervision
        assert [pid for pid in seen if is_alive(pid)] == []
