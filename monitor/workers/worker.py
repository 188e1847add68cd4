"""The worker process: receives runs from its parent, measures them, returns samples. Nothing else uses its event loop.

The protocol is one JSON document a line over a private socket pair: `{"run": …, "key": n}` and `{"ping": n}` in,
`{"sample": …, "key": n}`, `{"failed": …, "key": n}` (why there is no sample) and `{"pong": n, "loop_lag_s": …}` out.
When a provider sends no usage, the parent counts the tokens: `{"count": […], "key": n}` out, and in
`{"counts": […], "key": n}`. The worker ends when its parent closes the socket or dies. Started as
`python -m monitor.workers.worker FD`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from monitor.workers.loop_lag import LoopLag
from probes._driver import Count, measure
from probes._loader import codec, import_own
from probes._model import Probe, Run, Sample
from probes._serialize import run_from_plain, sample_to_plain
from probes._socket import is_stamping, keep_stamping

_RESOLVER_THREADS = 64
"""As many threads as streams, so that one unreachable name server does not delay the other providers."""
LINE_BYTES = 16 << 20
"""The longest message; a prompt of a million tokens fits."""
_PROBES_A_COLLECTION = 16
_STAMP_TRIES, _STAMP_PAUSE_S = 100, 0.005
"""How long to wait for the kernel's first timestamps. Without them the worker probes, too, but less exactly."""


class LocalProber:
    """Measures in this process; creates each codec once."""

    def __init__(self) -> None:
        self._codecs: dict[str, Probe] = {}

    async def measure(self, run: Run, count: Count | None = None) -> Sample:
        """Make one probe. Raises ValueError when the endpoint's api or its options do not exist."""
        endpoint = run.endpoint
        name = json.dumps([endpoint.api, dict(endpoint.options)], sort_keys=True, default=str)
        if name not in self._codecs:
            self._codecs[name] = codec(endpoint.api, endpoint.options)
        return await measure(run, self._codecs[name], count)


class Worker:
    """The measuring side of the socket."""

    def __init__(self, writer: asyncio.StreamWriter, ready: asyncio.Task[None]) -> None:
        self._writer = writer
        self._ready = ready
        self._prober = LocalProber()
        self._lag = LoopLag()
        self._counts: dict[int, asyncio.Future[Sequence[int]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished = 0

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Handle messages until the parent closes the socket."""
        watch = asyncio.create_task(self._lag.watch(), name="loop-lag")
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        finally:
            for task in (watch, *self._tasks):
                task.cancel()
            await asyncio.gather(watch, *self._tasks, return_exceptions=True)

    def _take(self, message: Mapping[str, Any]) -> None:
        if "ping" in message:
            self._send({"pong": message["ping"], "loop_lag_s": self._lag.take()})
            return
        if "counts" in message:
            self._counts[message["key"]].set_result(message["counts"])
            return
        task = asyncio.create_task(self._probe(message), name=f"probe-{message['key']}")
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        """Collect garbage when no probe runs, or after every few probes: short pauses, so that no token waits long."""
        self._tasks.discard(task)
        self._finished += 1
        if not self._tasks or self._finished % _PROBES_A_COLLECTION == 0:
            gc.collect()

    async def _probe(self, message: Mapping[str, Any]) -> None:
        try:
            await asyncio.shield(self._ready)
            count = partial(self._count, message["key"])
            sample = await self._prober.measure(run_from_plain(message["run"]), count)
            # A third-party codec may have put a value into the sample that JSON does not have.
            self._send({"sample": sample_to_plain(sample), "key": message["key"]})
        except Exception as error:  # noqa: BLE001  # the parent logs it and records the probe as internal
            self._send({"failed": f"{type(error).__name__}: {error}", "key": message["key"]})

    async def _count(self, key: int, texts: Sequence[str]) -> Sequence[int]:
        """Ask the parent to count tokens: counting here would delay streams and take 144 MB in each process."""
        self._counts[key] = asyncio.get_running_loop().create_future()
        try:
            self._send({"count": texts, "key": key})
            return await self._counts[key]
        finally:
            del self._counts[key]

    def _send(self, message: Mapping[str, object]) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")


async def serve(channel: socket.socket) -> None:
    """Serve the parent at the other end of `channel` until the parent closes it."""
    reader, writer = await asyncio.open_connection(sock=channel, limit=LINE_BYTES)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_RESOLVER_THREADS, "resolver"))
    import_own()
    with keep_stamping():
        ready = asyncio.create_task(_get_ready(), name="get-ready")
        try:
            await Worker(writer, ready).serve(reader)
        finally:
            await ready
    writer.close()


async def _get_ready() -> None:
    """Prepare the process before the first measurement."""
    for _ in range(_STAMP_TRIES):
        if is_stamping():
            break
        await asyncio.sleep(_STAMP_PAUSE_S)
    # Objects that exist now live as long as the process, so the collector need not scan them. Automatic collection is
    # off: it stops the loop for up to 20 ms in the middle of a stream.
    gc.collect()
    gc.freeze()
    gc.disable()


def main() -> None:
    """Entry point of the process. The only argument is the number of the inherited socket."""
    # The parent decides when probing ends. A service manager may signal every process of the service.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))
    except ConnectionError:
        sys.exit(0)


if __name__ == "__main__":
    main()
