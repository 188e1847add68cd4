"""`providerwatch top` where the stream of scores does not work, and where the program itself fails."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from monitor.console.remote import session_for
from monitor.console.top.feed import FeedIntervals, TopFeed
from monitor.console.top.rows import MonitorReport
from tests.support.daemon import PATIENCE_S, command
from tests.support.pty_program import PtyProgram, on_terminal

QUICK = FeedIntervals(retry_s=0.01, stream_again_s=0.05, silence_s=5.0, begin_s=0.2, incidents_s=0.02, health_s=0.02)
SCORES = {"generated_at": "2026-12-01T07:00:00Z", "vantage": "here", "endpoints": [{"id": "a:b", "status": "up"}]}
STREAM = "/v1/scores/stream"
NO_STREAM = (404, "application/json", b"{}")


class Server:
    """Answers as a daemon behind a proxy: each path has a status, a type and a body."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str, bytes]] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.held: set[str] = set()
        """Paths that are not answered before the end of the test."""
        self.end = threading.Event()
        self.port = 0

    def say(self, path: str, document: object, status: int = 200) -> None:
        self.answers[path] = (status, "application/json", json.dumps(document).encode())

    def count(self, path: str) -> int:
        return [asked for asked, _ in self.asked].count(path)


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            found.asked.append((path, dict(self.headers)))
            if path in found.held:
                found.end.wait()
            status, kind, body = found.answers.get(path, NO_STREAM)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        found.port = serving.server_port
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        found.say("/v1/scores", SCORES)
        yield found
        found.end.set()
        serving.shutdown()


@asynccontextmanager
async def followed(server: Server, intervals: FeedIntervals = QUICK) -> AsyncIterator[TopFeed]:
    """A feed that follows the server while the block runs."""
    async with session_for("t0ken") as session:
        feed = TopFeed(session, f"http://127.0.0.1:{server.port}", lambda: None, intervals)
        following = asyncio.create_task(feed.follow())
        try:
            yield feed
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def until(claim: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not claim():
            await asyncio.sleep(0.01)


def scores(status: str) -> dict[str, object]:
    return {"generated_at": "2026-12-01T07:00:00Z", "vantage": "here", "endpoints": [{"id": "a:b", "status": status}]}


def statuses(feed: TopFeed) -> list[str]:
    return [row.status for row in feed.data.rows.values()]


async def test_without_a_stream_the_scores_are_polled_and_the_stream_is_asked_for_again(server: Server) -> None:
    async with followed(server) as feed:
        await until(lambda: statuses(feed) == ["up"])
        server.say("/v1/scores", scores("down"))
        await until(lambda: statuses(feed) == ["down"])
        await until(lambda: server.count(STREAM) >= 2)
        assert server.count("/v1/scores") > server.count(STREAM)
        assert {headers["Authorization"] for _, headers in server.asked} == {"Bearer t0ken"}


async def test_a_stream_that_a_proxy_holds_back_is_given_up(server: Server) -> None:
    server.held.add(STREAM)
    async with followed(server) as feed:
        await until(lambda: statuses(feed) == ["up"])
        server.say("/v1/scores", scores("down"))
        await until(lambda: statuses(feed) == ["down"])


@pytest.mark.parametrize("body", [b"event: snapshot\ndata: {]\n\n", b": hello\n\n", b"event: other\ndata: 1\n\n"])
async def test_a_stream_that_ends_or_makes_no_sense_is_replaced_by_a_poll(server: Server, body: bytes) -> None:
    server.answers[STREAM] = (200, "text/event-stream", body)
    async with followed(server) as feed:
        await until(lambda: server.count(STREAM) >= 3)
        assert statuses(feed) == ["up"]


async def test_a_stream_that_ended_is_resumed_at_its_last_event(server: Server) -> None:
    event = f"event: snapshot\nid: x-7\ndata: {json.dumps(scores('degraded'))}\n\n"
    server.answers[STREAM] = (200, "text/event-stream", event.encode())
    async with followed(server) as feed:
        await until(lambda: server.count(STREAM) >= 2)
        assert statuses(feed)
    asked = [headers.get("Last-Event-ID") for path, headers in server.asked if path == STREAM]
    assert asked[:2] == [None, "x-7"]


async def test_a_refusal_keeps_the_rows_and_gives_the_reason(server: Server) -> None:
    async with followed(server) as feed:
        await until(lambda: statuses(feed) == ["up"])
        server.say("/v1/scores", {}, status=401)
        await until(lambda: feed.data.problem)
        assert "token missing or wrong" in str(feed.data.problem)
        assert statuses(feed) == ["up"]
        server.say("/v1/scores", SCORES)
        await until(lambda: feed.data.problem is None)


async def test_incidents_stay_while_the_store_is_busy_and_the_monitor_says_that_it_is_not_ready(server: Server) -> None:
    began = {"endpoint": "a:b", "worst": "down", "cause": "connect", "began_at": None, "ended_at": None}
    server.say("/v1/incidents", {"data": [began]})
    server.say("/readyz", {"ready": True, "problems": []})
    async with followed(server) as feed:
        await until(lambda: feed.data.incidents)
        assert feed.data.report == MonitorReport()
        server.say("/v1/incidents", {}, status=503)
        server.say("/readyz", {"ready": False, "problems": ["the store fails"]}, status=503)
        await until(lambda: feed.data.report == MonitorReport(problems=("the store fails",)))
        seen = server.count("/v1/incidents")
        await until(lambda: server.count("/v1/incidents") > seen)
        assert [*(feed.data.incidents or {})] == ["a:b"]
        server.answers["/readyz"] = (200, "text/html", b"<p>a proxy</p>")
        await until(lambda: feed.data.report is None)


FAILS = """
from rich.console import Console
from monitor.console.top.terminal import TopTerminal
with TopTerminal(Console()) as terminal:
    terminal.show([(("a line", "bold"),), (("", ""),)])
    terminal.show([(("another line", "no style at all"),)])
"""


def test_an_error_of_the_program_restores_the_terminal_and_is_shown() -> None:
    with on_terminal((sys.executable, "-c", FAILS), width=120) as program:
        before = program.line_modes()
        assert program.wait() == 1
        assert program.line_modes() == before
        assert "a line" in program.text()
        assert "Error" in program.output.decode().rpartition("\x1b[?1049l")[2]


@contextmanager
def view(server: Server, more: str = "") -> Iterator[PtyProgram]:
    """The command on a terminal, started by a shell that it replaces."""
    line = f"exec {shlex.join(command('top', '--url', f'127.0.0.1:{server.port}'))} {more}"
    with on_terminal(("/bin/sh", "-c", line)) as program:
        program.wait_for("a:b")
        yield program


def test_without_a_keyboard_it_shows_the_scores_until_a_signal(server: Server) -> None:
    with view(server, "</dev/null") as program:
        program.process.send_signal(signal.SIGINT)
        assert program.wait() == 0


def test_a_terminal_that_is_gone_ends_it(server: Server) -> None:
    with view(server) as program:
        program.hang_up()
        assert program.process.wait(PATIENCE_S) == 129


def test_ctrl_s_does_not_stop_the_view(server: Server) -> None:
    with view(server) as program:
        program.type("\x13")
        server.say("/v1/scores", scores("down"))
        program.wait_for("✗ down")
        program.type("q")
        assert program.wait() == 0
