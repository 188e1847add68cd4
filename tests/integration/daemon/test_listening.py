"""Another address for a server that runs: the new one is opened first, and connections outlive the old one."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator

import pytest

from monitor.config.model import Listen
from monitor.daemon.listening import Listener

ANY = Listen(host="127.0.0.1", port=0)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


async def _open(address: Listen, *, reuse_port: bool) -> asyncio.Server:
    return await asyncio.start_server(_echo, address.host, address.port, reuse_port=reuse_port or None)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener("listen", _open)
    listener.use(await listener.open(ANY))
    yield listener
    listener.close()


def port_of(listener: Listener) -> int:
    assert listener.place is not None
    return listener.place[1]


async def accepts(port: int, host: str = "127.0.0.1") -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_a_new_address_takes_the_place_of_the_old_one_and_connections_stay_open(listener: Listener) -> None:
    old = port_of(listener)
    reader, writer = await asyncio.open_connection("127.0.0.1", old)
    opened = await listener.open(Listen(host="127.0.0.2", port=0))
    assert await accepts(old)
    assert listener.use(opened)
    assert listener.place is not None
    assert await accepts(listener.place[1], "127.0.0.2")
    assert not await accepts(old)
    writer.write(b"still here\n")
    assert await reader.readline() == b"still here\n"
    writer.close()


async def test_the_same_address_is_not_opened_again(listener: Listener) -> None:
    old = port_of(listener)
    assert not listener.use(await listener.open(ANY))
    assert port_of(listener) == old
    assert await accepts(old)


async def test_an_address_that_overlaps_on_the_same_port_is_opened_beside_it(listener: Listener) -> None:
    old = port_of(listener)
    opened = await listener.open(Listen(host="0.0.0.0", port=old))
    assert listener.use(opened)
    assert listener.place == ("0.0.0.0", old)
    assert await accepts(old)
    with pytest.raises(OSError, match="in use"):
        await _open(Listen(host="127.0.0.1", port=old), reuse_port=False)


async def test_a_taken_address_is_an_error_that_names_the_key_and_the_old_one_serves_on(listener: Listener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use") as raised:
            await listener.open(Listen(host="127.0.0.1", port=port))
    assert (raised.value.errno, raised.value.filename) == (errno.EADDRINUSE, f"listen: 127.0.0.1:{port}")
    assert await accepts(port_of(listener))


async def test_an_address_that_is_not_used_after_all_is_closed(listener: Listener) -> None:
    opened = await listener.open(Listen(host="127.0.0.2", port=0))
    assert opened.server is not None
    port = opened.server.sockets[0].getsockname()[1]
    listener.discard(opened)
    assert not await accepts(port, "127.0.0.2")
    listener.discard(await listener.open(ANY))
    assert await accepts(port_of(listener))


async def test_a_server_may_begin_and_end_while_the_daemon_runs(listener: Listener) -> None:
    old = port_of(listener)
    assert listener.use(await listener.open(None))
    assert listener.place is None
    assert not await accepts(old)
    assert not listener.use(await listener.open(None))
    assert listener.use(await listener.open(Listen(host="127.0.0.1", port=old)))
    assert await accepts(old)
