"""A scripted provider: sends exactly these bytes at these times, and records the received bytes and its send times.

It runs in threads of its own, so that nothing the tests do to the event loop touches it. A script is a row of steps;
every connection gets the whole script. At its end the provider closes in an orderly way and waits for the other side.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

_RECEIVE_BUFFER_BYTES = 1 << 16
"""Small, so that who sends much soon notices that the provider does not read."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Act(Enum):
    """A step that is neither bytes to send nor seconds to wait."""

    ASKED = auto()
    """Wait for the whole request."""
    HEAD_ASKED = auto()
    """Wait for the request's head, and leave its body where it is."""
    MORE_ASKED = auto()
    """Read on for another mebibyte, or to the end of the request."""
    HANDSHAKE = auto()
    """Use TLS from here on."""
    RESET = auto()
    """Break the connection off (RST)."""
    LEFT = auto()
    """Wait until the other side closes."""


Step: TypeAlias = bytes | float | Act | Callable[[], object]
"""Bytes to send, seconds to wait, an act, or anything else to be done."""


def again(count: int, *steps: Step) -> tuple[Step, ...]:
    """The steps one after another, so many times."""
    return steps * count


@dataclass(slots=True, kw_only=True)
class Visit:
    """One connection, as the provider saw it."""

    received: bytearray = field(default_factory=bytearray)
    asked_ns: int | None = None
    """When the whole request was there."""
    sent_ns: list[int] = field(default_factory=list)
    """When each step of bytes was about to be sent; monotonic clock, which all processes share."""
    over: threading.Event = field(default_factory=threading.Event)
    left_ns: int | None = None
    """When the other side closed, if it did so before the end of the script."""

    @property
    def head(self) -> str:
        return bytes(self.received).partition(b"\r\n\r\n")[0].decode()

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names in lower case, in the order in which they came."""
        pairs = [line.partition(": ") for line in self.head.split("\r\n")[1:]]
        return [(name.lower(), value) for name, _, value in pairs]

    @property
    def body(self) -> bytes:
        return bytes(self.received).partition(b"\r\n\r\n")[2]


@dataclass(slots=True)
class Provider:
    """A scripted provider that is being served."""

    port: int
    scheme: str = "http"
    host: str = "127.0.0.1"
    visits: list[Visit] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/v1"

    @property
    def visit(self) -> Visit:
        """The only connection there was."""
        assert len(self.visits) == 1, f"{len(self.visits)} connections"
        return self.visits[0]


@contextmanager
def serving(
    *script: Step, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", address: str = "127.0.0.1"
) -> Iterator[Provider]:
    """A provider on a free port of loopback, or of another address here; it is gone when the block ends."""
    with socket.create_server((address, 0), backlog=256) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        steps = script if tls is None else (Act.HANDSHAKE, *script)
        provider = Provider(listener.getsockname()[1], scheme="http" if tls is None else "https", host=host)
        server = threading.Thread(target=_accept, args=(listener, provider, steps, tls), name="provider")
        server.start()
        try:
            yield provider
        finally:
            provider.stopping.set()
            listener.shutdown(socket.SHUT_RDWR)
            server.join()


def _accept(listener: socket.socket, provider: Provider, script: tuple[Step, ...], tls: ssl.SSLContext | None) -> None:
    threads = []
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            break
        visit = Visit()
        provider.visits.append(visit)
        talk = _Talk(connection, visit, provider.stopping, tls)
        threads.append(threading.Thread(target=talk.play, args=(script,), name="provider-talk"))
        threads[-1].start()
    for thread in threads:
        thread.join()


class _Talk:
    """One connection under way."""

    def __init__(
        self, connection: socket.socket, visit: Visit, stopping: threading.Event, tls: ssl.SSLContext | None
    ) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(0.05)
        self._connection = connection
        self._visit = visit
        self._stopping = stopping
        self._tls = tls

    def play(self, script: tuple[Step, ...]) -> None:
        with suppress(OSError):
            for step in script:
                if not self._do(step):
                    break
            else:
                self._end()
        self._connection.close()
        self._visit.over.set()

    def _do(self, step: Step) -> bool:
        """False when there is nothing more to be done."""
        match step:
            case bytes():
                return self._send(step)
            case int() | float():
                return not self._stopping.wait(step)
            case Act():
                return self._act(step)
            case _:
                step()
                return True

    def _act(self, act: Act) -> bool:
        match act:
            case Act.ASKED:
                return self._read_until(_is_whole)
            case Act.HEAD_ASKED:
                return self._read_until(lambda seen: b"\r\n\r\n" in seen)
            case Act.MORE_ASKED:
                enough = len(self._visit.received) + (1 << 20)
                return self._read_until(lambda seen: len(seen) >= enough or _is_whole(seen))
            case Act.LEFT:
                return self._read_until(lambda _: False)
            case Act.RESET:
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                return False
            case Act.HANDSHAKE:
                assert self._tls is not None
                self._connection.settimeout(5)
                self._connection = self._tls.wrap_socket(self._connection, server_side=True)
                self._connection.settimeout(0.05)
                return True

    def _send(self, data: bytes) -> bool:
        self._visit.sent_ns.append(time.monotonic_ns())
        view = memoryview(data)
        while view:
            try:
                view = view[self._connection.send(view) :]
            except TimeoutError:
                if self._stopping.is_set():
                    return False
        return True

    def _read_until(self, enough: Callable[[bytearray], bool]) -> bool:
        while not enough(self._visit.received):
            try:
                data = self._connection.recv(1 << 16)
            except TimeoutError:
                if self._stopping.is_set():
                    return False
                continue
            except OSError:
                data = b""
            if not data:
                self._visit.left_ns = time.monotonic_ns()
                return False
            self._visit.received += data
        self._visit.asked_ns = time.monotonic_ns()
        return True

    def _end(self) -> None:
        """Say that nothing more comes, and wait for the other side to have read it all."""
        if isinstance(self._connection, ssl.SSLSocket):
            self._connection.setblocking(True)
            with suppress(OSError):
                self._connection = self._connection.unwrap()
            self._connection.settimeout(0.05)
        self._connection.shutdown(socket.SHUT_WR)
        self._read_until(lambda _: False)


def _is_whole(request: bytearray) -> bool:
    end = request.find(b"\r\n\r\n")
    lines = bytes(request[: max(end, 0)]).lower().split(b"\r\n")
    sizes = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")]
    return end >= 0 and len(request) - end - 4 >= (sizes[0] if sizes else 0)


@contextmanager
def black_hole() -> Iterator[str]:
    """The base URL of an address that never answers: a listener whose queue is full, so that the kernel drops."""
    with socket.socket() as listener, socket.socket() as filler:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filler.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def refusing_port() -> int:
    """A port of loopback without a listener."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def head(status: str = "200 OK", headers: Mapping[str, str] | None = None, *, version: str = "1.1") -> bytes:
    """An answer's head; of a stream of events that the end of the connection ends, unless the headers say otherwise."""
    told = {"Content-Type": "text/event-stream"} | dict(headers or {})
    lines = [f"HTTP/{version} {status}", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def event(data: object) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def delta(text: str) -> bytes:
    """An event with a piece of the answer."""
    return event({"choices": [{"index": 0, "delta": {"content": text}}]})


ROLE = event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
COMMENT = b": PROCESSING\n\n"
STOP = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
USAGE = event({"choices": [], "usage": {"prompt_tokens": 43, "completion_tokens": 6}})
DONE = b"data: [DONE]\n\n"
ANSWER = delta("1, 2, 3")
STREAM = ROLE + ANSWER + STOP + USAGE + DONE
"""A whole right answer."""


def chunk(data: bytes) -> bytes:
    """One chunk of HTTP's chunked encoding; of nothing, the last."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


CHUNKED = {"Transfer-Encoding": "chunked"}
