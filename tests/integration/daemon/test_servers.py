"""Who may use the servers, and where, while the configuration changes: real sockets and clients."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession

from monitor.config.model import Config, Listen
from monitor.daemon.servers import Servers
from monitor.routing.haproxy_agent import HaproxyAgent
from monitor.traffic.calls import Receipt
from monitor.web.context import Context
from probes._model import Secret
from tests.integration.web.serving import filled_board
from tests.support.board_values import make_config
from tests.support.showcase import Showcase

PLAIN = replace(make_config(), listen=Listen(host="127.0.0.1", port=0))
TOKEN = replace(PLAIN, token=Secret("first"))


class Stage:
    """Servers, and a client of them that keeps its connections."""

    def __init__(self, config: Config, session: ClientSession) -> None:
        board = filled_board()
        self.config = config
        self.session = session
        context = Context(
            snapshot=lambda: board.snapshot,
            problems=tuple,
            outcomes=lambda: None if self.config.token is None else self._take,
            pages=replace(Showcase(()).pages(), is_on=lambda: self.config.pages),
        )
        self.servers = Servers(config, context, HaproxyAgent(lambda: board.snapshot, lambda: None))

    async def _take(self, body: object) -> Receipt:
        return Receipt(accepted=0, duplicates=0, rejected=())

    async def apply(self, config: Config) -> None:
        self.config = config
        self.servers.use(config, await self.servers.open(config))

    @property
    def url(self) -> str:
        assert self.servers.url is not None
        return self.servers.url

    async def status(
        self, path: str = "/v1/scores", token: str | None = None, method: str = "GET", **headers: str
    ) -> int:
        sent: Mapping[str, Any] = headers if token is None else {"Authorization": f"Bearer {token}", **headers}
        body = b'{"outcomes": []}' if method == "POST" else None
        async with self.session.request(method, self.url + path, headers=sent, data=body) as response:
            await response.read()
            return response.status


@asynccontextmanager
async def staged(config: Config) -> AsyncIterator[Stage]:
    async with ClientSession() as session:
        stage = Stage(config, session)
        async with stage.servers.serving(config):
            yield stage


async def agent_answer(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"groq:llama\n")
    answer = await reader.read()
    writer.close()
    return answer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def test_another_token_holds_from_the_next_request_on_also_on_a_connection_that_is_open() -> None:
    async with staged(TOKEN) as stage:
        assert await stage.status(token="first") == 200
        await stage.apply(replace(TOKEN, token=Secret("second")))
        assert [await stage.status(token=token) for token in ("first", "second")] == [401, 200]
        await stage.apply(PLAIN)
        assert await stage.status() == 200


async def test_reports_are_accepted_as_long_as_a_token_is_configured() -> None:
    async with staged(PLAIN) as stage:
        assert await stage.status("/v1/outcomes", method="POST") == 403
        await stage.apply(TOKEN)
        assert await stage.status("/v1/outcomes", "first", "POST") == 200
        await stage.apply(PLAIN)
        assert await stage.status("/v1/outcomes", method="POST") == 403


async def test_other_hosts_are_accepted_as_soon_as_the_server_is_public_or_has_a_token() -> None:
    async with staged(PLAIN) as stage:
        assert await stage.status(Host="pw.example.com") == 421
        await stage.apply(replace(PLAIN, public=True))
        assert await stage.status(Host="pw.example.com") == 200
        await stage.apply(PLAIN)
        assert await stage.status(Host="pw.example.com") == 421
        await stage.apply(TOKEN)
        assert await stage.status(token="first", Host="pw.example.com") == 200


async def test_another_rate_limit_holds_at_once() -> None:
    async with staged(replace(PLAIN, rate_limit=1)) as stage:
        assert [await stage.status() for _ in range(3)][-1] == 429
        await stage.apply(replace(PLAIN, rate_limit=1_000_000))
        assert [await stage.status() for _ in range(50)] == [200] * 50


@pytest.mark.parametrize("config", [TOKEN, replace(PLAIN, listen=Listen(host="127.0.0.2", port=0))])
async def test_a_subscriber_stays_whatever_changes(config: Config) -> None:
    async with staged(PLAIN) as stage, stage.session.get(stage.url + "/v1/scores/stream") as stream:
        assert b"event: snapshot" in await stream.content.readuntil(b"\n\n") + await stream.content.readuntil(b"\n\n")
        before = stage.url
        await stage.apply(config)
        assert (stage.url == before) is (config.listen == PLAIN.listen)
        assert await stage.status(token="first") == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.content.read(), 0.2)  # it has not ended


async def test_agent_checks_begin_move_and_end() -> None:
    first, second = free_port(), free_port()
    async with staged(PLAIN) as stage:
        await stage.apply(replace(PLAIN, haproxy_agent=Listen(port=first)))
        assert b"up" in await agent_answer(first)
        await stage.apply(replace(PLAIN, haproxy_agent=Listen(port=second)))
        assert b"up" in await agent_answer(second)
        with pytest.raises(ConnectionRefusedError):
            await agent_answer(first)
        await stage.apply(PLAIN)
        with pytest.raises(ConnectionRefusedError):
            await agent_answer(second)


async def test_where_one_address_is_taken_neither_is_opened() -> None:
    free = free_port()
    async with staged(PLAIN) as stage:
        url = stage.url
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            config = replace(PLAIN, listen=Listen(port=free), haproxy_agent=Listen(port=port))
            with pytest.raises(OSError, match="in use") as raised:
                await stage.servers.open(config)
        assert raised.value.filename == f"publish.haproxy_agent: 127.0.0.1:{port}"
        assert (stage.url, await stage.status()) == (url, 200)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", free)


async def test_what_is_opened_for_another_configuration_is_closed_when_it_is_not_used() -> None:
    free, agent = free_port(), free_port()
    async with staged(PLAIN) as stage:
        config = replace(PLAIN, listen=Listen(port=free), haproxy_agent=Listen(port=agent))
        stage.servers.discard(await stage.servers.open(config))
        for port in (free, agent):
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
        assert await stage.status() == 200


async def test_servers_that_do_not_run_open_nothing() -> None:
    async with ClientSession() as session:
        stage = Stage(PLAIN, session)
        assert await stage.servers.open(TOKEN) is None
        stage.servers.discard(None)
        assert not stage.servers.use(TOKEN, None)
        assert stage.servers.url is None
        async with stage.servers.serving(TOKEN):
            assert await stage.status() == 401


async def test_pages_become_public_and_private_and_go_away_with_the_configuration() -> None:
    async with staged(TOKEN) as stage:
        assert await stage.status("/") == 401
        await stage.apply(replace(TOKEN, public_pages=True))
        assert await stage.status("/") == 200
        assert await stage.status("/v1/scores") == 401
        await stage.apply(replace(TOKEN, public_pages=True, pages=False))
        assert await stage.status("/") == 401
        assert await stage.status("/", token="first") == 404
        await stage.apply(TOKEN)
        assert await stage.status("/", token="first") == 200
