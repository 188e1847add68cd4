"""The compared servers, each a process of its own: ours over a live board, and a handler that does nothing.

    python benchmarks/serving/servers.py ours ENDPOINTS SAMPLES_PER_S
    python benchmarks/serving/servers.py bare ENDPOINTS 0

Prints its port, then answers each line on its standard input with one JSON object: what it used, and how soon samples
were published since the last line.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from aiohttp import web

from monitor.config.model import Config, EndpointSpec, Listen, ProbeSpec
from monitor.pipeline.recorder import Recorder, RecorderCallbacks
from monitor.scheduler.jobs import enabled_jobs
from monitor.scoreboard.board import Board, StatusChange
from monitor.scoreboard.renderer import Renderer
from monitor.store import create_store
from monitor.web.context import Context
from monitor.web.response_cache import ResponseCache
from monitor.web.server import start
from probes._model import Blame, Endpoint, ErrorClass, Sample, Task, Timing, TokensFrom
from probes._quantiles import quantile

_PROVIDERS = 20
_HISTORY = 30
"""Samples of each endpoint before the first request."""


def endpoint_id(number: int) -> str:
    """An id of realistic length."""
    return f"provider{number % _PROVIDERS}:author/model-{number}"


def board_of(endpoints: int) -> Board:
    """A board whose endpoints have samples of half an hour."""
    specs = tuple(
        EndpointSpec(
            endpoint=Endpoint(
                id=endpoint_id(number),
                provider=f"provider{number % _PROVIDERS}",
                model=f"author/model-{number}",
                api="openai_chat",
                base_url="http://127.0.0.1:1/v1",
            ),
            model=f"author/model-{number // 5}",
            probes=("chat",),
            labels={"region": "eu"},
        )
        for number in range(endpoints)
    )
    config = Config(providers={}, endpoints=specs, probes={"chat": ProbeSpec(name="chat", task=Task.CHAT)})
    now = datetime.now(UTC)
    board = Board(config, enabled_jobs(config), now)
    draw = random.Random(1)
    for minute in range(_HISTORY, 0, -1):
        at = datetime.fromtimestamp(now.timestamp() - 60 * minute, UTC)
        board.absorb([sample(number, at, draw) for number in range(endpoints)])
    board.publish(now, sweep=True)
    return board


def sample(number: int, at: datetime, draw: random.Random) -> Sample:
    """A random sample; 2 % are failures."""
    failed = draw.random() < 0.02
    ttft_s = draw.lognormvariate(-1.5, 0.4)
    whole = Sample(
        id=f"{draw.getrandbits(64):016x}",
        endpoint=endpoint_id(number),
        vantage="bench",
        probe="chat",
        task=Task.CHAT,
        scheduled_at=at,
        started_at=at,
        timing=Timing.KERNEL,
        cold=True,
        ttft_s=ttft_s,
        ttat_s=ttft_s,
        e2e_s=ttft_s + 1.0,
        itl_p50_s=0.02,
        output_tps=50.0,
        e2e_tps=45.0,
        prompt_tokens=100,
        output_tokens=50,
        tokens_from=TokensFrom.USAGE,
        status_code=200,
    )
    if not failed:
        return whole
    return replace(whole, error=ErrorClass.CONNECT, blame=Blame.PROVIDER, ttft_s=None, ttat_s=None, e2e_s=None)


class LiveRecorder:
    """Feeds samples to a recorder at a rate, and records how soon each is published."""

    def __init__(self, board: Board, renderer: Renderer, store: Path) -> None:
        self._renderer = renderer
        self._store = create_store(f"sqlite:///{store}")
        callbacks = RecorderCallbacks(
            observe=lambda _: None, published=self._published, due=lambda *_: None, dropped=lambda _: None
        )
        self._recorder = Recorder(board, self._store, callbacks)
        self._waiting: dict[str, datetime] = {}
        self.took_s: list[float] = []

    def _published(self, _: Sequence[StatusChange]) -> None:
        now = datetime.now(UTC)
        for name, at in list(self._waiting.items()):
            row = self._renderer.row(name)
            stamp = at.isoformat(timespec="microseconds").removesuffix("+00:00").encode()
            if row is not None and stamp in row.body:
                self.took_s.append((now - at).total_seconds())
                del self._waiting[name]

    async def run(self, endpoints: int, rate: float) -> None:
        """Feeds samples at fixed times until cancelled."""
        await self._store.open()
        draw, began = random.Random(2), time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recorder.run(), name="recorder")
            for tick, number in enumerate(cycle(range(endpoints))):
                await asyncio.sleep(max(0.0, began + tick / rate - time.monotonic()))
                at = datetime.now(UTC)
                self._waiting[endpoint_id(number)] = at
                self._recorder.put(sample(number, at, draw))


async def ours(endpoints: int, rate: float) -> None:
    """The server as the daemon runs it, with a rate limit too high to reach."""
    board = board_of(endpoints)
    renderer = Renderer(board, lambda: datetime.now(UTC))
    sources = Context(
        snapshot=lambda: board.snapshot,
        problems=tuple,
        render=renderer.snapshot,
        render_row=renderer.row,
    )
    gc.freeze()  # as the daemon does
    runner = await start(Listen(host="127.0.0.1", port=0), None, sources, rate_per_s=1e9)
    with tempfile.TemporaryDirectory() as folder:
        live = LiveRecorder(board, renderer, Path(folder) / "bench.db")
        async with asyncio.TaskGroup() as group:
            if rate > 0:
                group.create_task(live.run(endpoints, rate), name="samples")
            await report_usage(runner.addresses[0][1], live.took_s)
            raise SystemExit


async def bare(endpoints: int) -> None:
    """An aiohttp handler that returns the same bytes and does nothing else."""
    snapshot = board_of(endpoints).snapshot
    packed = ResponseCache().whole(snapshot).gzipped
    body = b"" if packed is None else packed.body
    row = snapshot.rows[endpoint_id(endpoints // 2)].body

    async def whole(_: web.Request) -> web.Response:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return web.Response(body=body, headers=headers)

    async def unchanged(_: web.Request) -> web.Response:
        return web.Response(status=304)

    async def one(_: web.Request) -> web.Response:
        return web.Response(body=row, content_type="application/json")

    app = web.Application()
    app.router.add_get("/v1/scores", whole)
    app.router.add_get("/unchanged", unchanged)
    app.router.add_get("/v1/scores/{id:.+}", one)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gc.freeze()  # as ours does
    await report_usage(runner.addresses[0][1], [])


async def report_usage(port: int, took_s: list[float]) -> None:
    """Prints the port, then the usage for each line of stdin, until stdin ends."""
    print(port, flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        used = resource.getrusage(resource.RUSAGE_SELF)
        took = sorted(took_s)
        took_s.clear()
        figures = {"p50": quantile(took, 0.5), "p99": quantile(took, 0.99), "max": took[-1]} if took else {}
        usage = {
            "cpu_s": used.ru_utime + used.ru_stime,
            "rss_mb": _rss_mb(),
            "published": len(took),
            "published_ms": {name: round(value * 1e3, 1) for name, value in figures.items()},
        }
        print(json.dumps(usage), flush=True)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 1e6, 1)


if __name__ == "__main__":
    kind, number, per_s = sys.argv[1:]
    asyncio.run(ours(int(number), float(per_s)) if kind == "ours" else bare(int(number)))
