"""A provider that answers every chat with 1, 2, 3, or with 503 while it is out of order."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_DELTAS = ({"role": "assistant", "content": ""}, {"content": "1, 2"}, {"content": ", 3"})


class FakeProvider(ThreadingHTTPServer):
    """Serves OpenAI's chat API on a free port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fails = False

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: FakeProvider

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.fails:
            self._answer(503, "application/json", b'{"error": {"message": "overloaded"}}')
        else:
            self._answer(200, "text/event-stream", _stream())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Print nothing."""


def _stream() -> bytes:
    choices: list[dict[str, object]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in _DELTAS]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    lines = (f"data: {json.dumps({'choices': [choice]})}\n\n" for choice in choices)
    return f"{''.join(lines)}data: [DONE]\n\n".encode()


@contextmanager
def provider() -> Iterator[FakeProvider]:
    """Serve until left, in threads of its own."""
    with FakeProvider() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
