"""A provider that answers with recorded bytes, in chunks of odd sizes, and remembers what it was asked.

It runs in threads of its own, so that an SDK in another process and a probe on this event loop may ask it alike.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from probes._exchange import Ending
from tests.contract.recordings import Recording

_SIZES = (1, 7, 64, 3, 500)
"""Bytes of one chunk and the next; the row begins anew at its end."""
_OURS = frozenset(["content-length", "transfer-encoding", "connection"])
"""Headers that say how bytes go over the wire, which is for this server to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, as it came."""

    method: str
    target: str
    """Path and query."""
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes


@dataclass(slots=True, kw_only=True)
class Replay:
    """A provider that is being served: what it will answer, and what it was asked so far."""

    address: str
    answer: Recording | None = None
    asked: list[Asked] = field(default_factory=list)

    def now(self, answer: Recording) -> None:
        """Answer so from here on, and forget what was asked."""
        self.answer = answer
        self.asked.clear()


@contextmanager
def serving() -> Iterator[Replay]:
    """A provider on a free port of loopback; it is gone when the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    replay = Replay(address=f"http://127.0.0.1:{server.server_address[1]}")
    server.replay = replay  # type: ignore[attr-defined]  # where a handler finds it
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="replay")
    thread.start()
    try:
        yield replay
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers every request alike."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a chunk's size and its bytes leave together

    def _answer(self) -> None:
        replay: Replay = self.server.replay  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        replay.asked.append(Asked(method=self.command, target=self.path, headers=headers, body=body))
        assert replay.answer is not None
        self.close_connection = True
        with suppress(OSError):
            self._send(replay.answer)

    do_GET = do_POST = _answer  # noqa: N815  # names of the standard library's

    def _send(self, recording: Recording) -> None:
        self.send_response_only(recording.status)
        for name, value in recording.headers.items():
            if name not in _OURS:
                self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        for chunk in _chunks(recording.body):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        if recording.ending is Ending.END_OF_FILE:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard library's name
        """Say nothing."""


def _chunks(body: bytes) -> Iterator[bytes]:
    start = 0
    for size in itertools.cycle(_SIZES):
        if start >= len(body):
            return
        yield body[start : start + size]
        start += size
