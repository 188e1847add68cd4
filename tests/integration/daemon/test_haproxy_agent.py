"""HAProxy's agent checks over real sockets: every connection gets an answer, for any input."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from monitor.config.model import Listen
from monitor.routing import haproxy_agent
from monitor.routing.haproxy_agent import HaproxyAgent, serving
from monitor.scoreboard.board import Board
from probes._model import ErrorClass
from tests.integration.daemon.parts import PATIENT_S, until
from tests.support.board_values import first_tick, make_board, make_spec, sample_at

SPECS = (
    make_spec("near:m", router_ids={"haproxy": "be/near"}),
    make_spec("far:m", router_ids={"haproxy": "be/far"}),
)
TICK = first_tick(*SPECS, name="near:m")
UP, DOWN = b"up ready 100%\n", b"down ready 1%\n"


@dataclass
class Asked:
    """The responder of a board."""

    board: Board
    host: str = ""
    port: int = 0
    unknown: list[None] = field(default_factory=list)

    async def ask(self, *pieces: bytes, half_close: bool = False) -> bytes:
        """The answer to these bytes, each sent in its own segment."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        if half_close:
            writer.write_eof()
        try:
            return await reader.read()
        finally:
            writer.close()


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    async with answering() as found:
        yield found


@asynccontextmanager
async def answering() -> AsyncIterator[Asked]:
    found = Asked(board=make_board(*SPECS))
    agent = HaproxyAgent(lambda: found.board.snapshot, lambda: found.unknown.append(None))
    async with serving(agent, Listen(port=0)) as (found.host, found.port):
        yield found


def fail(board: Board, name: str) -> None:
    """Make an endpoint down, beside one that answers."""
    board.absorb([sample_at(TICK, name="far:m" if name == "near:m" else "near:m")])
    board.absorb([sample_at(TICK, ErrorClass.CONNECT, name)] * 60)
    board.publish(TICK, sweep=True)


async def test_a_server_is_answered_by_its_name_or_by_the_id_of_its_endpoint(asked: Asked) -> None:
    fail(asked.board, "near:m")
    assert [await asked.ask(name) for name in (b"be/near\n", b"near:m\n", b"be/near\r\n", b" be/near \n")] == [DOWN] * 4
    assert [await asked.ask(name) for name in (b"be/far\n", b"far:m\n")] == [UP] * 2
    assert not asked.unknown


async def test_a_change_is_in_the_next_answer(asked: Asked) -> None:
    assert await asked.ask(b"be/near\n") == UP
    fail(asked.board, "near:m")
    assert await asked.ask(b"be/near\n") == DOWN


async def test_a_name_may_come_in_pieces_or_end_with_the_connection(asked: Asked) -> None:
    fail(asked.board, "near:m")
    assert await asked.ask(b"be", b"/ne", b"ar\n") == DOWN
    assert await asked.ask(b"be/near", half_close=True) == DOWN


@pytest.mark.parametrize("sent", [b"be/nobody\n", b"\n", b"\xff\xfe\n", b"x" * 5000 + b"\n", b"GET / HTTP/1.1\r\n\r\n"])
async def test_an_unknown_name_gets_up_as_its_answer_and_is_counted(asked: Asked, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection(asked.host, asked.port)
    writer.write(sent)
    assert await reader.readline() == UP
    writer.close()
    assert len(asked.unknown) == 1


async def test_who_says_nothing_is_answered_at_the_deadline(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haproxy_agent, "_DEADLINE_S", 0.05)
    assert await asked.ask() == UP
    fail(asked.board, "near:m")
    assert await asked.ask(b"be/near") == DOWN


async def test_an_unknown_name_is_logged_once(asked: Asked, caplog: pytest.LogCaptureFixture) -> None:
    for name in (b"be/one\n", b"be/one\n", b"be/two\n\x1b[2J"):
        await asked.ask(name)
    told = [record for record in caplog.records if vars(record).get("action") == "agent_unknown"]
    assert [record.levelno for record in told] == [logging.WARNING] * 2
    assert "agent check for unknown name 'be/one'" in told[0].getMessage()
    assert len(asked.unknown) == 3


async def test_strange_names_do_not_fill_the_log(
    asked: Asked, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haproxy_agent, "_MOST_LOGGED", 3)
    for number in range(6):
        await asked.ask(f"be/{number}\n".encode())
    assert len(caplog.records) == 3


async def test_a_client_that_disconnects_before_the_answer_breaks_nothing(asked: Asked) -> None:
    for _ in range(20):
        caller = socket.create_connection((asked.host, asked.port))
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # ends with a reset
        caller.close()
    assert await asked.ask(b"be/near\n") == UP


async def test_callers_beyond_all_measure_are_turned_away_and_the_next_is_answered(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haproxy_agent, "_MOST", 3)
    waiting = [await asyncio.open_connection(asked.host, asked.port) for _ in range(3)]
    await asyncio.sleep(0.05)
    with suppress(ConnectionResetError):
        assert await asked.ask(b"be/near\n") == b""
    for reader, writer in waiting:
        writer.write(b"be/near\n")
        assert await reader.read() == UP
        writer.close()
    assert await asked.ask(b"be/near\n") == UP


async def test_many_at_once_are_all_answered(asked: Asked) -> None:
    answers = await asyncio.gather(*(asked.ask(b"be/near\n") for _ in range(200)))
    assert answers == [UP] * 200


async def test_a_taken_address_is_an_error(asked: Asked) -> None:
    agent = HaproxyAgent(lambda: asked.board.snapshot, lambda: None)
    with pytest.raises(OSError, match="already in use"):
        async with serving(agent, Listen(host=asked.host, port=asked.port)):
            pass


async def test_the_end_of_the_daemon_closes_the_address() -> None:
    async with answering() as found:
        pass
    await until(lambda: not _answers(found.host, found.port))


def _answers(host: str, port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex((host, port)) == 0


async def test_who_was_let_in_has_an_answer_before_the_end() -> None:
    async with answering() as found:
        reader, writer = await asyncio.open_connection(found.host, found.port)
        await until(lambda: asyncio.all_tasks() - {asyncio.current_task()})
        writer.write(b"be/near")
    assert await reader.read() == UP
    writer.close()


async def test_a_check_that_fails_is_logged_and_the_next_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    board, faults = make_board(*SPECS), [LookupError("ours")]

    def unknown() -> None:
        if faults:
            raise faults.pop()

    found = Asked(board=board)
    async with serving(HaproxyAgent(lambda: board.snapshot, unknown), Listen(port=0)) as (found.host, found.port):
        assert await found.ask(b"be/nobody\n") == b""
        assert await found.ask(b"be/nobody\n") == UP
    failed = [record for record in caplog.records if vars(record).get("action") == "agent_check_failed"]
    assert len(failed) == 1


async def test_checks_that_take_too_long_do_not_outlive_the_responder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haproxy_agent, "_DEADLINE_S", PATIENT_S)
    async with answering() as found:
        _, writer = await asyncio.open_connection(found.host, found.port)
        await until(_checks)
        monkeypatch.setattr(haproxy_agent, "_DEADLINE_S", 0.0)
    assert not _checks()
    writer.close()


def _checks() -> list[str]:
    return [name for task in asyncio.all_tasks() if (name := task.get_name()) == "agent-check"]
