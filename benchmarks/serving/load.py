"""Clients of an HTTP server with as little work as possible: requests in closed loops, and SSE streams."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from datetime import datetime

from probes._quantiles import quantile

_MEASURED_AT = re.compile(rb'"measured_at":"([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Rate and latency of answers."""

    per_s: float
    p50_ms: float
    p99_ms: float


class _Requester(asyncio.Protocol):
    """Sends a request, waits for the whole answer, sends the next."""

    def __init__(self, request: bytes, until_s: float, took_s: list[float]) -> None:
        self._request = request
        self._until_s = until_s
        self._took_s = took_s
        self._head = b""
        self._missing: int | None = None
        self._asked_s = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._head, self._missing = b"", None
        self._asked_s = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._missing is None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._missing = _length(self._head[:end]) - (len(self._head) - end - 4)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            now_s = time.perf_counter()
            self._took_s.append(now_s - self._asked_s)
            if now_s < self._until_s:
                self._ask()
            else:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.done.set_result(None)


def _length(head: bytes) -> int:
    status, lowered = head[9:12], head.lower()
    if status not in {b"200", b"304"}:
        raise RuntimeError(head.decode(errors="replace"))
    place = lowered.find(b"content-length: ")
    return 0 if status == b"304" or place < 0 else int(lowered[place + 16 :].split(b"\r\n", 1)[0])


async def ask(port: int, path: str, headers: str, *, seconds: float, connections: int) -> Rate:
    """Requests a path in a closed loop on each connection."""
    loop = asyncio.get_running_loop()
    took_s: list[float] = []
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()
    began_s = time.perf_counter()
    requesters = [
        (await loop.create_connection(lambda: _Requester(request, began_s + seconds, took_s), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    for requester in requesters:
        await requester.done
    took_s.sort()
    return Rate(
        per_s=round(len(took_s) / seconds, 1),
        p50_ms=round(quantile(took_s, 0.5) * 1e3, 2),
        p99_ms=round(quantile(took_s, 0.99) * 1e3, 2),
    )


async def head_of(port: int, path: str, headers: str) -> dict[str, str]:
    """The headers of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Connection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    lines = [line.partition(": ") for line in head.decode().splitlines()[1:]]
    return {name.lower(): value for name, _, value in lines}


@dataclass(slots=True)
class Streams:
    """What the clients of a stream received; times are wall-clock times, since several processes take part."""

    bytes_read: int = 0
    last_read_s: float = 0.0
    counting: bool = False
    late_s: list[float] = field(default_factory=list)
    """From the start of the newest sample in an event to the time at which the client read the event.

    Only of samples that are new to the client: a row is sent again when siblings or time have changed its score.
    """


class Subscriber(asyncio.Protocol):
    """Reads a stream until its connection is closed."""

    def __init__(self, seen: Streams) -> None:
        self._seen = seen
        self._newest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks for the stream."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"GET /v1/scores/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        """Counts the bytes, and how late a new sample is."""
        self._seen.bytes_read += len(data)
        self._seen.last_read_s = now_s = time.time()
        newest = max(_MEASURED_AT.findall(data), default=b"")
        if newest > self._newest:
            self._newest = newest
            if self._seen.counting:
                self._seen.late_s.append(now_s - datetime.fromisoformat(newest.decode()).timestamp())
