"""Both clients against the daemon's own server, and against faulty servers, which never affect a router."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.client import AsyncClient, Client, Status
from monitor.config.model import Listen
from monitor.scoreboard.board import Board
from monitor.web.context import Context
from monitor.web.server import start
from probes._model import ErrorClass, Secret
from tests.integration.daemon.parts import until
from tests.support.board_values import make_board, make_spec, sample_at
from tests.support.daemon import free_port, wait_until

NAMES = ("near:m", "far:m")
QUICK_S = 0.02
AnyClient: TypeAlias = Client | AsyncClient


def new_board() -> Board:
    """Both up, now."""
    now = datetime.now(UTC)
    board = make_board(*(make_spec(name, router_ids={"mine": name.removesuffix(":m")}) for name in NAMES), now=now)
    board.absorb([sample_at(now, name=name) for name in NAMES])
    board.publish(now, sweep=True)
    return board


def fail(board: Board, name: str) -> None:
    """The endpoint is down."""
    now = datetime.now(UTC)
    board.absorb([sample_at(now, ErrorClass.CONNECT, name)] * 8)
    board.publish(now, sweep=True)


@asynccontextmanager
async def served(board: Board, port: int = 0, token: str | None = None) -> AsyncIterator[str]:
    """The daemon's server; its address."""
    context = Context(snapshot=lambda: board.snapshot, problems=tuple)
    runner = await start(Listen(port=port), Secret(token) if token else None, context)
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client(kind: type[AnyClient], url: str, token: str | None = None) -> AsyncIterator[AnyClient]:
    """A client that asks often."""
    if kind is AsyncClient:
        async with AsyncClient(url, token=token, router="mine", every_s=QUICK_S) as made:
            yield made
    else:
        with Client(url, token=token, router="mine", every_s=QUICK_S) as made_too:
            yield made_too


BOTH = pytest.mark.parametrize("kind", [Client, AsyncClient])


@BOTH
async def test_the_order_follows_the_daemon(kind: type[AnyClient]) -> None:
    board = new_board()
    async with served(board) as url, client(kind, url) as mine:
        await until(mine.scores)
        assert mine.order(NAMES) == list(NAMES)
        fail(board, "near:m")
        await until(lambda: mine.order(NAMES) == ["far:m", "near:m"])
        assert mine.order(["near", "stranger", "far"]) == ["far", "stranger", "near"]
        assert mine.order([{"n": "near"}, {"n": "far"}], name=lambda each: each["n"]) == [{"n": "far"}, {"n": "near"}]
        endpoint = mine.endpoint("near")
        assert endpoint is not None
        assert (endpoint.id, endpoint.status) == ("near:m", Status.DOWN)
        assert mine.endpoint("stranger") is None


@BOTH
async def test_before_the_first_answer_the_order_is_the_callers(kind: type[AnyClient]) -> None:
    async with client(kind, f"http://127.0.0.1:{free_port()}") as mine:
        assert mine.order(NAMES) == list(NAMES)
        assert mine.endpoint("near:m") is None
        assert mine.scores() is None


@BOTH
async def test_a_daemon_that_stops_answering_is_logged_once_and_found_again(
    kind: type[AnyClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="monitor.client")
    board, port = new_board(), free_port()
    fail(board, "near:m")
    async with client(kind, f"http://127.0.0.1:{port}") as mine:
        await until(lambda: "scores_missing" in actions(caplog))
        assert mine.order(NAMES) == list(NAMES)
        async with served(board, port):
            await until(lambda: mine.order(NAMES) == ["far:m", "near:m"])
        await until(lambda: actions(caplog).count("scores_missing") == 2)
        assert mine.order(NAMES) == ["far:m", "near:m"], "what is known holds for as long as it is fresh"
        async with served(board, port):
            await until(lambda: actions(caplog)[-1:] == ["scores_back"])
    assert actions(caplog) == ["scores_missing", "scores_back"] * 2


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record).get("action", "") for record in caplog.records]


@BOTH
async def test_the_token_opens_the_scores(kind: type[AnyClient]) -> None:
    async with served(new_board(), token="t0ken") as url:
        async with client(kind, url, "t0ken") as mine:
            await until(mine.scores)
        async with client(kind, url, "wrong") as mine:
            refreshed = mine.refresh()
            assert (await refreshed if not isinstance(refreshed, bool) else refreshed) is False


@BOTH
def test_an_address_that_is_none_is_a_mistake_at_once(kind: type[AnyClient]) -> None:
    with pytest.raises(ValueError, match="url must begin with http"):
        kind("file:///etc/passwd")


async def test_what_did_not_change_is_not_sent_again() -> None:
    board, asked = new_board(), []

    async def answer(request: web.Request) -> web.Response:
        tag = f'"{board.snapshot.etag}"'
        asked.append(request.headers.get("If-None-Match"))
        if asked[-1] == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=board.snapshot.body, headers={"ETag": tag})

    async with answering(answer) as url, AsyncClient(url, every_s=QUICK_S) as mine:
        await until(lambda: len(asked) >= 4)
        assert mine.order(NAMES) == list(NAMES)
    assert asked[0] is None
    assert set(asked[1:]) == {f'"{board.snapshot.etag}"'}


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    """A server of a test's own."""
    app = web.Application()
    app.router.add_get("/v1/scores", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


RUDE = {
    "not http": b"SSH-2.0-x\r\n",
    "nothing": b"",
    "no json": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]",
    "cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n{}",
    "another document": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "an error": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    "unasked 304": b"HTTP/1.1 304 Not Modified\r\nDate: nonsense\r\n\r\n",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
}


@contextmanager
def rude(answer: bytes, *, silent: bool = False) -> Iterator[str]:
    """A server that sends this and closes the connection, or sends it and stops."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    caller, _ = server.accept()
                    held.append(caller)
                    caller.recv(65536)
                    caller.sendall(answer)
                    if not silent:
                        caller.close()

        held: list[socket.socket] = []
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for caller in held:
            caller.close()


@pytest.mark.parametrize("answer", RUDE.values(), ids=RUDE.keys())
def test_an_answer_that_is_none_raises_nothing(answer: bytes) -> None:
    with rude(answer) as url:
        mine = Client(url)
        assert mine.refresh() is False
        assert mine.order(NAMES) == list(NAMES)
        mine.close()


def test_a_server_that_does_not_answer_delays_no_routing() -> None:
    with rude(b"", silent=True) as url, Client(url, timeout_s=0.1) as mine:
        assert mine.order(NAMES) == list(NAMES)
        assert mine.refresh() is False


def test_what_is_too_long_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.client.fetch._MOST_BYTES", 10)
    with rude(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{          }") as url:
        assert Client(url).refresh() is False


@pytest.mark.parametrize("url", ["http://", "http://a b", "http://127.0.0.1:99999", "http://[::1", "https://\x00"])
def test_an_address_that_cannot_be_asked_raises_nothing_later(url: str) -> None:
    with suppress(ValueError):
        assert Client(url).refresh() is False


async def test_the_clock_of_this_machine_does_not_matter() -> None:
    """Ages are by the daemon's clock: its documents say when they were made, its answers what time it is."""
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    old = make_board(*(make_spec(name) for name in NAMES), now=long_ago)
    old.absorb([sample_at(long_ago, ErrorClass.CONNECT, "near:m")] * 8 + [sample_at(long_ago, name="far:m")])
    dates = {"fresh": "Mon, 01 Jan 2001 00:00:10 GMT", "stale": "Mon, 01 Jan 2001 01:00:00 GMT"}
    for age, date in dates.items():

        async def answer(_: web.Request, date: str = date) -> web.Response:
            return web.Response(body=old.publish(long_ago, sweep=True).body, headers={"Date": date})

        async with answering(answer) as url:
            mine = AsyncClient(url)
            assert await mine.refresh() is True
            expected = ["far:m", "near:m"] if age == "fresh" else list(NAMES)
            assert mine.order(NAMES) == expected
            assert (mine.scores() is not None) is (age == "fresh")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # of Python 3.12 and later
def test_after_a_fork_the_child_has_a_thread_of_its_own() -> None:
    """As under a server that forks its workers after it loaded the application."""
    with rude(b"") as url:
        mine = Client(url, every_s=60)
        mine.order(NAMES)
        wait_until(mine._refresher.is_running, "a thread")
        child = os.fork()
        if child == 0:
            mine.order(NAMES)
            os._exit(0 if mine._refresher.is_running() else 1)
        assert os.waitpid(child, 0)[1] == 0
        mine.close()


def test_no_thread_is_no_reason_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert Client("http://127.0.0.1:1").order(NAMES) == list(NAMES)


def test_a_closed_client_still_answers_and_starts_nothing() -> None:
    mine = Client("http://127.0.0.1:1")
    mine.close()
    assert mine.order(NAMES) == list(NAMES)
    assert not mine._refresher.is_running()


def test_nothing_of_the_daemon_is_imported() -> None:
    heavy = "aiohttp pydantic sqlalchemy apscheduler prometheus_client typer rich yaml jsonschema bpe_openai probes"
    program = f"import sys, monitor.client; print(sorted(set({heavy.split()!r}) & set(sys.modules)))"
    root = Path(__file__).parents[3]
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert told.stdout == "[]\n"
