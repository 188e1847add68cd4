"""Addresses in front of the real model that can be closed: then no server listens there, as after a crash."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.support.daemon import free_port

ASKED = b"GET /v1/models "
"""How the requests begin that are counted: those of a test, not the daemon's probes."""


class Gate:
    """One address. A thread for each connection and direction."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self.port = free_port()
        self.asked = 0
        self._connections: set[socket.socket] = set()
        self._server: socket.socket | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def open(self) -> None:
        server = socket.create_server(("127.0.0.1", self.port))
        self._server = server
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def shut(self) -> None:
        """Close the address and every connection through it."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = server.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with caller, socket.create_connection(self._upstream) as model:
            self._connections |= {caller, model}
            back = threading.Thread(target=_copy, args=(model, caller), daemon=True)
            back.start()
            self._forward(caller, model)
            back.join()
            self._connections -= {caller, model}

    def _forward(self, caller: socket.socket, model: socket.socket) -> None:
        with suppress(OSError):
            while data := caller.recv(65536):
                self.asked += data.startswith(ASKED)
                model.sendall(data)
        with suppress(OSError):
            model.shutdown(socket.SHUT_WR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def gates(upstream: str, number: int) -> Iterator[list[Gate]]:
    """Open gates; shut when the block ends."""
    made = [Gate(upstream) for _ in range(number)]
    try:
        for gate in made:
            gate.open()
        yield made
    finally:
        for gate in made:
            gate.shut()
