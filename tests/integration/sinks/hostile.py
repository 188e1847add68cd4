"""A server that accepts line protocol as InfluxDB does, with faults that the test sets."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request gets."""

    raw: bytes = b""
    """The bytes of the answer; then the connection is closed."""
    keep: bool = False
    """Whether the lines are stored all the same."""
    hang: bool = False
    """Say nothing more until the client goes."""
    endless: bool = False
    """Go on with the body for ever."""


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def refusal(status: int, message: str, **headers: str) -> Answer:
    return Answer(raw=http(status, json.dumps({"code": "invalid", "message": message}).encode(), **headers))


TAKEN = Answer(raw=http(204), keep=True)
LOST_ANSWER = Answer(keep=True)
"""The lines are stored, and the connection closed in silence."""
HALF_HEAD = Answer(raw=b"HTTP/1.1 20")
HALF_BODY = Answer(raw=b'HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\n{"message": "ha')
CLOSED = Answer()
SILENT = Answer(hang=True)
NO_HTTP = Answer(raw=b"\x00\x01garbage\r\n\r\n")
ENDLESS = Answer(raw=b"HTTP/1.1 500 Broken\r\n\r\n", endless=True)


class Hostile:
    """Answers by `script` first, then by `habit`."""

    def __init__(self) -> None:
        self.script: deque[Answer] = deque()
        self.habit: Callable[[Sequence[str]], Answer] = lambda _: TAKEN
        self.requests: list[tuple[str, tuple[str, ...]]] = []
        """Heads and lines, in order."""
        self.points: dict[str, str] = {}
        """As InfluxDB keeps them: fields by measurement, tags and time."""
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:-2])
        lines = gzip.decompress(await reader.readexactly(int(fields["content-length"]))).decode().split("\n")
        self.requests.append((head, tuple(lines)))
        answer = self.script.popleft() if self.script else self.habit(lines)
        if answer.keep:
            for line in lines:
                series, values, *at = line.split(" ")
                self.points[" ".join([series, *at])] = values
        writer.write(answer.raw)
        await writer.drain()
        while answer.endless:
            writer.write(b"words " * 10_000)
            await writer.drain()
        if answer.hang:
            await reader.read()


@asynccontextmanager
async def hostile() -> AsyncIterator[Hostile]:
    """A server on a free port of this machine."""
    behaviour = Hostile()
    server = await asyncio.start_server(behaviour.serve, "127.0.0.1", 0)
    behaviour.url = "http://{}:{}".format(*server.sockets[0].getsockname())
    try:
        yield behaviour
    finally:
        server.close()
