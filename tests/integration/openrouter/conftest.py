"""A real server over a board with endpoints that are up, degraded and down."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from yarl import URL

from monitor.config.listing import Listing, ModelCard, ProviderCard
from monitor.config.model import EndpointSpec, Listen
from monitor.scoreboard.board import Board
from monitor.web.context import Context
from monitor.web.server import start
from probes._model import ErrorClass, Pricing
from tests.support.board_values import first_tick, make_board, make_spec, sample_at

MINUTE = timedelta(minutes=1)
MODEL = "meta-llama/llama-3.2-1b-instruct"
CARD = ModelCard(description="Small.")


def priced(spec: EndpointSpec, price: float | None) -> EndpointSpec:
    """The same endpoint at one price, or none that is known."""
    pricing = None if price is None else Pricing(prompt=price, completion=price)
    return replace(spec, endpoint=replace(spec.endpoint, pricing=pricing))


SPECS = (
    priced(
        make_spec(
            "groq:llama",
            listing=Listing(model=CARD, provider=ProviderCard(name="Groq"), quantization="fp8", tag="groq/fast"),
        ),
        0.5,
    ),
    priced(make_spec("vllm:llama", listing=Listing(model=CARD, supported_parameters=("tools",))), 1.0),
    priced(make_spec("down:llama", listing=Listing(model=CARD)), 0.01),
    priced(make_spec("new:qwen", model="qwen/qwen3", context_length=None), None),
)
TICK = first_tick(*SPECS)


def filled_board() -> Board:
    """Two endpoints up, one down, one of another model that was never probed."""
    board = make_board(*SPECS)
    for number in range(6):
        at = TICK + number * MINUTE
        board.absorb([sample_at(at), sample_at(at, name="vllm:llama", ttft_s=0.4, e2e_tps=20.0)])
        board.absorb([sample_at(at, ErrorClass.CONNECT, "down:llama")])
    board.publish(TICK + 5.5 * MINUTE, sweep=True)
    return board


@dataclass
class Served:
    """A server and a client of it."""

    session: ClientSession
    address: str
    board: Board = field(default_factory=filled_board)

    async def ask(
        self, path: str, method: str = "GET", data: bytes | io.BytesIO | None = None, **headers: str
    ) -> tuple[ClientResponse, bytes]:
        """An answer and its body; the path goes over the wire exactly as it is written."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = URL(f"{self.address}{path}", encoded=True)
        async with self.session.request(method, url, headers=named, data=data) as response:
            return response, await response.read()

    async def get(self, path: str) -> tuple[int, Any]:
        """The status of an answer and its JSON."""
        response, body = await self.ask(path)
        assert response.content_type == "application/json"
        return response.status, json.loads(body)

    async def route(self, **body: Any) -> tuple[int, Any]:
        """What `POST /v1/route` says to a body."""
        response, answer = await self.ask("/v1/route", "POST", json.dumps(body).encode())
        assert response.content_type == "application/json"
        return response.status, json.loads(answer)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with ClientSession() as session:
        held = Served(session, "")
        context = Context(snapshot=lambda: held.board.snapshot, problems=tuple)
        runner = await start(Listen(host="127.0.0.1", port=0), None, context)
        held.address = "http://{}:{}".format(*runner.addresses[0][:2])
        yield held
        await runner.cleanup()
