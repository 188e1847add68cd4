"""The stream of scores over real sockets: events, resuming, and slow or disconnected readers."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientPayloadError, ClientResponse, ClientSession, ClientTimeout, web
from jsonschema import Draft202012Validator

from monitor.scoreboard.board import Board
from monitor.scoreboard.schema import scores_schema
from monitor.web.auth import Access, Authenticator
from monitor.web.context import Context
from monitor.web.middleware import with_middleware
from monitor.web.routes.stream import Hub, StreamLimits
from probes._model import ErrorClass
from tests.integration.daemon.parts import PATIENT_S, until
from tests.integration.web.serving import MINUTE, SLASHED, SPECS, TICK, filled_board
from tests.support.board_values import make_board, make_spec, sample_at

QUICK = StreamLimits(look_s=0.01, beat_s=0.05, silence_s=0.1, patience_s=0.5)
PATIENT = StreamLimits(look_s=0.01, beat_s=0.05)
VALIDATOR = Draft202012Validator(scores_schema(closed=True))
SECOND = timedelta(seconds=1)
GROQ = "groq:llama"


@dataclass(kw_only=True)
class Event:
    """One event, as the HTML standard reads it."""

    kind: str = "message"
    ident: str = ""
    data: list[str] = field(default_factory=list)

    @property
    def rows(self) -> dict[str, Any]:
        """The rows of its document, which is valid."""
        document = json.loads("\n".join(self.data))
        VALIDATOR.validate(document)
        return {row["id"]: row for row in document["endpoints"]}


class Reader:
    """A client of the stream."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.comments: list[str] = []

    async def events(self) -> AsyncIterator[Event]:
        event = Event()
        async for line in self.response.content:
            text = line.decode().removesuffix("\n")
            name, _, value = text.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "" if not text:
                    if event.data:
                        yield event
                    event = Event()
                case "":
                    self.comments.append(value)
                case "event":
                    event.kind = value
                case "id":
                    event.ident = value
                case "data":
                    event.data.append(value)

    async def next(self) -> Event:
        async with asyncio.timeout(PATIENT_S):
            return await anext(self.events())


@dataclass
class Streaming:
    """A server of nothing but the stream."""

    session: ClientSession
    hub: Hub
    board: Board
    runner: web.AppRunner
    url: str

    @asynccontextmanager
    async def read(self, query: str = "", headers: Mapping[str, str] | None = None) -> AsyncIterator[Reader]:
        async with self.session.get(f"{self.url}{query}", headers=headers) as response:
            assert (response.status, response.content_type) == (200, "text/event-stream")
            yield Reader(response)

    def publish(self, second: float, *names: str, error: ErrorClass | None = None) -> None:
        """New samples of these endpoints, published."""
        at = TICK + 5 * MINUTE + second * SECOND
        self.board.absorb([sample_at(at, error, name) for name in names])
        self.board.publish(at)


Begin = Callable[..., Awaitable[Streaming]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    runners: list[web.AppRunner] = []
    async with ClientSession(timeout=ClientTimeout(total=None), read_bufsize=1 << 12) as session:

        async def serve(limits: StreamLimits = PATIENT, board: Board | None = None) -> Streaming:
            shown = board or filled_board()
            hub = Hub(Context(snapshot=lambda: shown.snapshot, problems=tuple), limits)
            app = web.Application()
            app.router.add_get("/stream", with_middleware(hub.stream, Authenticator(Access(), lambda: 0.0).admit))
            app.on_shutdown.append(lambda _: hub.close())
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            return Streaming(session, hub, shown, runner, f"http://127.0.0.1:{runner.addresses[0][1]}/stream")

        yield serve
        for runner in runners:
            await runner.cleanup()


@pytest.fixture
async def streaming(begin: Begin) -> Streaming:
    return await begin()


# What comes


async def test_first_a_snapshot_and_then_only_the_rows_that_changed(streaming: Streaming) -> None:
    async with streaming.read() as reader:
        first = await reader.next()
        assert first.kind == "snapshot"
        assert list(first.rows) == [spec.endpoint.id for spec in SPECS]
        streaming.publish(1, GROQ)
        second = await reader.next()
        assert (second.kind, list(second.rows)) == ("change", [GROQ])
        assert second.rows[GROQ] == json.loads(streaming.board.snapshot.rows[GROQ].body)
        streaming.publish(2, GROQ, SLASHED)
        assert set((await reader.next()).rows) == {GROQ, SLASHED}
        assert len({first.ident, second.ident}) == 2
        assert first.ident


async def test_changes_between_two_polls_are_sent_together(begin: Begin) -> None:
    streaming = await begin(StreamLimits(look_s=0.3))
    async with streaming.read() as reader:
        await reader.next()
        for second in range(1, 6):
            streaming.publish(second, GROQ)
        streaming.publish(6, SLASHED, error=ErrorClass.DNS)
        change = await reader.next()
        assert set(change.rows) == {GROQ, SLASHED}
        assert change.rows[GROQ]["measured_at"] == json.loads(streaming.board.snapshot.rows[GROQ].body)["measured_at"]


async def test_headers_have_the_content_type_and_forbid_buffering(streaming: Streaming) -> None:
    async with streaming.read() as reader:
        headers = reader.response.headers
        assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")
        assert headers["X-Content-Type-Options"] == "nosniff"
    async with streaming.session.head(streaming.url) as response:
        assert (response.status, response.content_type, await response.read()) == (200, "text/event-stream", b"")


@pytest.mark.parametrize(
    ("query", "heard"),
    [("?provider=groq", {GROQ}), ("?model=other/model", {SLASHED}), ("?provider=groq&model=other/model", set())],
)
async def test_a_filter_holds_for_the_snapshot_and_every_change(
    streaming: Streaming, query: str, heard: set[str]
) -> None:
    async with streaming.read(query) as reader:
        first = await reader.next()
        assert set(first.rows) & {GROQ, SLASHED} == heard
        for second, name in enumerate((SLASHED, GROQ, SLASHED), 1):
            streaming.publish(second, name)
            await until(lambda: streaming.hub._snapshot is streaming.board.snapshot)
        for name in heard:
            assert set((await reader.next()).rows) == {name}


# Going on


async def test_a_reader_that_resumes_gets_only_the_events_that_it_missed(streaming: Streaming) -> None:
    async with streaming.read() as reader:
        await reader.next()
        streaming.publish(1, GROQ)
        last = await reader.next()
    for second in range(2, 5):
        streaming.publish(second, SLASHED)
    async with streaming.read(headers={"Last-Event-ID": last.ident}) as reader:
        missed = await reader.next()
        assert (missed.kind, list(missed.rows)) == ("change", [SLASHED])
        streaming.publish(5, GROQ)
        assert list((await reader.next()).rows) == [GROQ]


async def test_a_reader_that_missed_nothing_gets_nothing(streaming: Streaming) -> None:
    async with streaming.read() as reader:
        last = await reader.next()
    async with streaming.read(headers={"Last-Event-ID": last.ident}) as reader:
        streaming.publish(1, GROQ)
        assert (await reader.next()).kind == "change"
        assert "hello" in reader.comments


@pytest.mark.parametrize(
    "ident", ["", "7", "0-0", "{epoch}", "{epoch}-", "{epoch}-9", "{epoch}--1", "{epoch}-" + "9" * 50, "{epoch}-٣", "é"]
)
async def test_a_position_that_is_not_known_begins_anew(streaming: Streaming, ident: str) -> None:
    async with streaming.read() as reader:
        epoch = (await reader.next()).ident.partition("-")[0]
    written = ident.replace("{epoch}", epoch)
    async with streaming.read(headers={"Last-Event-ID": written}) as reader:
        assert (await reader.next()).kind == "snapshot"


async def test_a_position_of_another_process_begins_anew(begin: Begin) -> None:
    idents: list[str] = []
    for streaming in (await begin(), await begin()):
        async with streaming.read(headers={"Last-Event-ID": idents[-1] if idents else ""}) as reader:
            first = await reader.next()
            assert first.kind == "snapshot"
            idents.append(first.ident)
    assert len(set(idents)) == 2


# Signs of life, and those who give none


async def test_silence_is_filled_with_comments(begin: Begin) -> None:
    streaming = await begin(QUICK)
    async with streaming.read() as reader:
        await reader.next()
        task = asyncio.create_task(reader.next())
        await until(lambda: reader.comments.count("keep-alive") >= 3)
        streaming.publish(1, GROQ)
        assert list((await task).rows) == [GROQ]


async def test_a_reader_that_left_is_forgotten(streaming: Streaming) -> None:
    async with streaming.read() as one, streaming.read() as two:
        await one.next()
        await two.next()
        assert streaming.hub.streams == 2
        two.response.close()
        await until(lambda: streaming.hub.streams == 1)
        streaming.publish(1, GROQ)
        assert list((await one.next()).rows) == [GROQ]
    await until(lambda: streaming.hub.streams == 0 and streaming.hub._watch is None)


async def test_there_are_no_more_streams_than_there_may_be(begin: Begin) -> None:
    streaming = await begin(StreamLimits(streams=2, look_s=0.01, beat_s=0.05))
    async with streaming.read() as one, streaming.read() as two:
        await one.next()
        await two.next()
        async with streaming.session.get(streaming.url) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
            assert (await refused.json())["error"]["code"] == "service_unavailable"
    await until(lambda: streaming.hub.streams == 0)
    async with streaming.read() as reader:
        assert (await reader.next()).kind == "snapshot"


def large_board() -> Board:
    """Its snapshot is more than any socket's buffers take."""
    return make_board(*(make_spec(f"p:{number}", labels={"x": "y" * 3000}) for number in range(1500)), now=TICK)


async def stalled(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A reader that asks and then takes nothing."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=1 << 14)
    writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
    return reader, writer


async def test_a_reader_that_receives_nothing_is_disconnected_and_delays_no_other(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    streaming = await begin(QUICK, large_board())
    _, writer = await stalled(streaming.runner.addresses[0][1])
    await until(lambda: streaming.hub.streams == 1)
    async with streaming.read("?provider=nobody") as other:
        assert (await other.next()).kind == "snapshot"
        await until(lambda: streaming.hub.streams == 1)
    assert [vars(record).get("action") for record in caplog.records] == ["stream_cut"]
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_slow_reader_gets_the_newest_rows_once_it_can_receive_more(begin: Begin) -> None:
    """However much happens while it reads, it misses no endpoint's newest row, and nothing piles up for it."""
    board = large_board()
    streaming = await begin(PATIENT, board)
    reader, writer = await stalled(streaming.runner.addresses[0][1])
    await until(lambda: streaming.hub.streams == 1)
    for second in range(1, 20):
        streaming.publish(second, "p:7")
        await until(lambda: streaming.hub._snapshot is board.snapshot)
    newest = json.loads(board.snapshot.rows["p:7"].body)["measured_at"]
    seen = 0
    async with asyncio.timeout(PATIENT_S):
        while True:
            line = await reader.readuntil(b"\n")
            seen += line.startswith(b"event: change")
            if line.startswith(b"data: ") and b'"id":"p:7"' in line and newest.encode() in line:
                break
    assert seen == 1
    writer.close()


# The end


async def test_the_end_of_the_server_ends_every_stream_cleanly(streaming: Streaming) -> None:
    async with streaming.read() as one, streaming.read() as two:
        for reader in (one, two):
            await reader.next()
        async with asyncio.timeout(PATIENT_S):
            await streaming.runner.cleanup()
            assert {task.get_name() for task in asyncio.all_tasks()} & {"score-streams"} == set()
            for reader in (one, two):
                assert [event async for event in reader.events()] == []
                assert reader.response.content.at_eof()
    assert streaming.hub.streams == 0


async def test_a_reader_that_takes_nothing_does_not_hold_up_the_end(begin: Begin) -> None:
    streaming = await begin(PATIENT, large_board())
    _, writer = await stalled(streaming.runner.addresses[0][1])
    await until(lambda: streaming.hub.streams == 1)
    async with asyncio.timeout(PATIENT.patience_s - 5):
        await streaming.runner.cleanup()
    assert streaming.hub.streams == 0
    writer.close()


async def test_a_fault_in_looking_for_news_ends_the_streams_and_the_next_begin_anew(
    streaming: Streaming, caplog: pytest.LogCaptureFixture
) -> None:
    good = streaming.board.snapshot
    async with streaming.read() as reader:
        await reader.next()
        streaming.board.snapshot = None  # type: ignore[assignment]
        assert [event async for event in reader.events()] == []
    assert [vars(record)["action"] for record in caplog.records] == ["stream_failed"]
    streaming.board.snapshot = good
    async with streaming.read() as reader:
        assert (await reader.next()).kind == "snapshot"


async def test_a_fault_in_the_midst_of_a_stream_ends_it_and_says_nothing(
    streaming: Streaming, caplog: pytest.LogCaptureFixture
) -> None:
    async with streaming.read() as reader:
        await reader.next()
        streaming.hub._pending = None  # type: ignore[assignment,method-assign]
        streaming.publish(1, GROQ)
        with pytest.raises(ClientPayloadError):
            await reader.next()
    assert streaming.hub.streams == 0
    assert "not callable" in caplog.text
