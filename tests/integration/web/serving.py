"""A real server over a board with one endpoint up, one down and one unknown, and a client that asks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import ClientResponse, ClientSession
from yarl import URL

from monitor.scoreboard.board import Board
from probes._model import ErrorClass
from tests.integration.daemon.parts import PATIENT_S
from tests.support.board_values import first_tick, make_board, make_spec, sample_at

TICK = first_tick()
MINUTE = timedelta(minutes=1)
SLASHED, ODD = "my-vllm:meta-llama/llama-3.2-1b", 'p:50%/a?b#c "é日'
SPECS = (make_spec("groq:llama"), make_spec(SLASHED, model="other/model"), make_spec(ODD, model="other/model"))


def filled_board() -> Board:
    """One endpoint up, one down, one unknown."""
    board = make_board(*SPECS)
    for number in range(5):
        at = TICK + number * MINUTE
        board.absorb([sample_at(at), sample_at(at, ErrorClass.CONNECT, SLASHED)])
    board.publish(TICK + 4.5 * MINUTE, sweep=True)
    return board


@dataclass
class Served:
    """A server and a client of it."""

    session: ClientSession
    host: str
    port: int
    board: Board = field(default_factory=filled_board)
    problems: list[str] = field(default_factory=list)

    async def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[ClientResponse, bytes]:
        """An answer and its body; the path goes over the wire exactly as it is written."""
        url = URL(f"http://{self.host}:{self.port}{path}", encoded=True)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, url, headers=named) as response:
            return response, await response.read()

    async def get(self, path: str, **headers: str) -> tuple[ClientResponse, Any]:
        """An answer and its JSON."""
        response, body = await self.ask(path, **headers)
        assert response.content_type == "application/json"
        return response, json.loads(body)

    async def send(self, request: bytes) -> bytes:
        """The head of what comes back for these bytes; nothing, where the server just closes."""
        async with asyncio.timeout(PATIENT_S):
            reader, writer = await asyncio.open_connection(self.host, self.port)
            try:
                writer.write(request)
                return await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as error:
                return error.partial
            finally:
                writer.close()


Serve = Callable[..., Awaitable[Served]]
