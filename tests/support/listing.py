"""Servers of the tests that have a list of models, or refuse to show one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-the-key-that-nobody-may-see"


@dataclass(slots=True, kw_only=True)
class Listing:
    """A server, what it was asked, and how many asked at once."""

    url: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and key of every request."""


@contextmanager
def listing(body: object, *, key: str | None = None, status: int = 200, meeting: int = 0) -> Iterator[Listing]:
    """Answers every GET with a JSON body, and requests without the key, if there is one, with 401.

    With `meeting` it answers only when so many requests are there at the same time.
    """
    server, found = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler), Listing()
    barrier = threading.Barrier(meeting) if meeting else None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers["Authorization"]
            found.asked.append((self.path, given))
            if barrier is not None:
                barrier.wait(30)
            refused = key is not None and given != f"Bearer {key}"
            content = {"error": {"message": f"Incorrect API key provided: {given}"}} if refused else body
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(401 if refused else status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words: object) -> None:
            pass

    server.RequestHandlerClass = Handler
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def models(*names: str) -> dict[str, Sequence[object]]:
    """The body of OpenAI's list."""
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
