"""The compared clients. Each sends the same request and measures the answer with its own clock."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeAlias, cast

import aiohttp
import uvloop

from monitor.workers.pool import STREAMS_PER_WORKER, WorkerPool
from probes._driver import measure
from probes._loader import codec
from probes._model import Deadlines, Endpoint, Run, Sample, Task
from probes._prompts import nonce, prompt_for
from probes._quantiles import quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a client measured in one probe, in seconds after its own t0."""

    id: str
    error: str | None = None
    ttft_s: float | None = None
    itl_p50_s: float | None = None
    itl_max_s: float | None = None
    e2e_s: float | None = None
    timing: str | None = None
    rx_lag_s: float | None = None
    merged_reads: int | None = None


Ask: TypeAlias = Callable[[str, str], Awaitable[Reading]]
"""Probes a base URL, under an id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A compared client: its event loop and its set-up."""

    option: str
    """Its name for `--clients`."""
    name: str
    loop: Callable[[], asyncio.AbstractEventLoop]
    open: Callable[[], AbstractAsyncContextManager[Ask]]
    in_process: bool = True
    """Whether it runs in this process, so that its CPU time is known."""


PROMPT = prompt_for(Task.CHAT, nonce("benchmark"), prompt_tokens=100, max_tokens=64)
_PAYLOAD = {
    "model": "stamped",
    "messages": [{"role": "user", "content": PROMPT.text}],
    "max_tokens": PROMPT.max_tokens,
    "stream": True,
    "temperature": 0,
    "stream_options": {"include_usage": True},
}


def reading(probe_id: str, started: float, lines: list[tuple[float, bytes]]) -> Reading:
    """The reading from a client's own clock: its start and the arrival of every `data:` line."""
    content = [now for now, line in lines if _has_content(line)]
    if len(content) < 2 or not lines[-1][1].startswith(b"data: [DONE]"):
        return Reading(id=probe_id, error="truncated")
    gaps = sorted(later - earlier for earlier, later in pairwise(content))
    return Reading(
        id=probe_id,
        ttft_s=content[0] - started,
        itl_p50_s=quantile(gaps, 0.5),
        itl_max_s=gaps[-1],
        e2e_s=lines[-1][0] - started,
    )


def reading_of(sample: Sample, probe_id: str) -> Reading:
    """The reading from one of our samples."""
    return Reading(
        id=probe_id,
        error=sample.error.value if sample.error else None,
        ttft_s=sample.ttft_s,
        itl_p50_s=sample.itl_p50_s,
        itl_max_s=sample.itl_max_s,
        e2e_s=sample.e2e_s,
        timing=sample.timing.value if sample.timing else None,
        rx_lag_s=sample.rx_lag_s,
        merged_reads=sample.merged_reads,
    )


def _has_content(line: bytes) -> bool:
    if line.startswith(b"data: [DONE]"):
        return False
    choices = json.loads(line.removeprefix(b"data: "))["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


@asynccontextmanager
async def _bare_aiohttp() -> AsyncIterator[Ask]:
    """As most people write it: a shared session, a clock around the call, lines as the loop hands them out.

    Kinder than most in one point: JSON is decoded after the stream, so that it delays no other line.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(base_url: str, probe_id: str) -> Reading:
            lines: list[tuple[float, bytes]] = []
            started = time.perf_counter()
            async with session.post(f"{base_url}/chat/completions", json=_PAYLOAD) as response:
                async for line in response.content:
                    now = time.perf_counter()
                    if line.startswith(b"data: "):
                        lines.append((now, line))
            return reading(probe_id, started, lines)

        yield ask


class _Stream(asyncio.Protocol):
    """The least work possible in Python: raw lines with the time at which the loop delivered them."""

    def __init__(self, request: bytes, ended: asyncio.Future[None]) -> None:
        self.started = 0.0
        self.lines: list[tuple[float, bytes]] = []
        self._request = request
        self._ended = ended
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.started = time.perf_counter()
        cast("asyncio.Transport", transport).write(self._request)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        *lines, self._rest = (self._rest + data).split(b"\n")  # the server never splits a line between chunks
        self.lines += [(now, line) for line in lines if line.startswith(b"data: ")]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


@asynccontextmanager
async def _uvloop_protocol() -> AsyncIterator[Ask]:
    """An `asyncio.Protocol` on uvloop: a quarter of aiohttp's work per event, with the loop's clock."""
    loop = asyncio.get_running_loop()
    body = json.dumps(_PAYLOAD).encode()

    async def ask(base_url: str, probe_id: str) -> Reading:
        authority, _, path = base_url.removeprefix("http://").partition("/")
        host, _, port = authority.partition(":")
        head = (
            f"POST /{path}/chat/completions HTTP/1.1\r\nHost: {authority}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        ended: asyncio.Future[None] = loop.create_future()
        transport, stream = await loop.create_connection(lambda: _Stream(head.encode() + body, ended), host, int(port))
        try:
            await ended
        finally:
            transport.close()
        return reading(probe_id, stream.started, stream.lines)

    yield ask


@asynccontextmanager
async def _ours() -> AsyncIterator[Ask]:
    """The worker's code in this process."""
    openai_chat = codec("openai_chat", {})

    async def ask(base_url: str, probe_id: str) -> Reading:
        return reading_of(await measure(_run(base_url, probe_id), openai_chat), probe_id)

    yield ask


@asynccontextmanager
async def _worker() -> AsyncIterator[Ask]:
    """As in the daemon: a worker process receives runs and returns samples."""
    pool = WorkerPool(STREAMS_PER_WORKER, lambda: None, lambda _: None)
    supervision = asyncio.create_task(pool.supervise(), name="workers")

    async def ask(base_url: str, probe_id: str) -> Reading:
        return reading_of(await pool.measure(_run(base_url, probe_id)), probe_id)

    try:
        yield ask
    finally:
        supervision.cancel()
        await asyncio.wait([supervision])


def _run(base_url: str, probe_id: str) -> Run:
    return Run(
        id=probe_id,
        endpoint=Endpoint(id=probe_id, provider="stamping", model="stamped", api="openai_chat", base_url=base_url),
        vantage="benchmark",
        probe="chat",
        task=Task.CHAT,
        prompt=PROMPT,
        deadlines=Deadlines(ttft_s=10.0, total_s=30.0),
        scheduled_at=datetime.now(UTC),
    )


OURS = Client(option="ours", name="providerwatch, in process", loop=asyncio.new_event_loop, open=_ours)
WORKER = Client(
    option="worker", name="providerwatch, worker", loop=asyncio.new_event_loop, open=_worker, in_process=False
)
BARE = Client(option="aiohttp", name="aiohttp, bare", loop=asyncio.new_event_loop, open=_bare_aiohttp)
UVLOOP = Client(option="uvloop", name="Protocol on uvloop", loop=uvloop.new_event_loop, open=_uvloop_protocol)


def all_clients() -> tuple[Client, ...]:
    """Every client, in the order of the table."""
    return (OURS, WORKER, BARE, UVLOOP)
