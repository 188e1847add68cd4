"""A worker pool without a daemon: prints the id of its worker process once it answers, then waits."""

from __future__ import annotations

import asyncio

from monitor.workers.pool import WorkerPool


async def supervise() -> None:
    answered = asyncio.Event()
    pool = WorkerPool(1, lambda: None, lambda _: answered.set())
    supervision = asyncio.create_task(pool.supervise())
    await answered.wait()
    print(pool.workers[0].pid, flush=True)
    await supervision


if __name__ == "__main__":
    asyncio.run(supervise())
