"""Addresses of servers that can be changed while they run: the new address is opened before the old one is closed."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from monitor.config.model import Listen


class OpenServer(Protocol):
    """Opens a server at an address."""

    async def __call__(self, address: Listen, *, reuse_port: bool) -> asyncio.Server:
        """Raises OSError if the address cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAddress:
    """A server at an address that may become the current one."""

    address: Listen | None
    server: asyncio.Server | None
    """None: nothing is served."""


class Listener:
    """A server's address. Connections outlive the address at which they were accepted."""

    def __init__(self, key: str, open_server: OpenServer) -> None:
        """`key`: of the configuration, for errors."""
        self._key = key
        self._open_server = open_server
        self._current = OpenedAddress(address=None, server=None)

    @property
    def place(self) -> tuple[str, int] | None:
        """Host and port; with port 0 the kernel chose the port. None: nothing is served."""
        server = self._current.server
        return None if server is None else server.sockets[0].getsockname()[:2]

    async def open(self, address: Listen | None) -> OpenedAddress:
        """Open another address beside the current one, which is not opened again. Raises OSError with the key."""
        if address == self._current.address:
            return self._current
        return OpenedAddress(address=address, server=None if address is None else await self._opened(address))

    def use(self, opened: OpenedAddress) -> bool:
        """Serve at an opened address only. Returns whether that is another address."""
        former, self._current = self._current, opened
        return self._close(former)

    def discard(self, opened: OpenedAddress) -> None:
        """Close an address that was opened and is not used."""
        self._close(opened)

    def close(self) -> None:
        """Accept no more connections."""
        self.use(OpenedAddress(address=None, server=None))

    def _close(self, former: OpenedAddress) -> bool:
        if former is self._current:
            return False
        if former.server is not None:
            former.server.close()
        return True

    async def _opened(self, address: Listen) -> asyncio.Server:
        try:
            return await self._beside_current(address)
        except OSError as error:
            where = f"{self._key}: {address.host}:{address.port}"
            raise OSError(error.errno, error.strerror, where) from error

    async def _beside_current(self, address: Listen) -> asyncio.Server:
        try:
            return await self._open_server(address, reuse_port=False)
        except OSError as error:
            current = self._current
            is_own = current.server is not None and self.place is not None and self.place[1] == address.port
            if error.errno != errno.EADDRINUSE or current.server is None or not is_own:
                raise
        # The same port at an address that overlaps, such as 0.0.0.0 instead of 127.0.0.1.
        with _shared_port(current.server.sockets):
            server = await self._open_server(address, reuse_port=True)
        _share_port(server.sockets, shared=False)
        return server


@contextmanager
def _shared_port(sockets: Sequence[socket.socket]) -> Iterator[None]:
    """Let another socket of this user bind the same port meanwhile. The kernel asks both sockets for that."""
    _share_port(sockets, shared=True)
    try:
        yield
    finally:
        _share_port(sockets, shared=False)


def _share_port(sockets: Iterable[socket.socket], *, shared: bool) -> None:
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
