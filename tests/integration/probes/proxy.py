"""A working HTTP proxy: tunnels for CONNECT, and forwarding of absolute URLs. It records its requests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
_UNREACHED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class WorkingProxy:
    """A proxy that is being served."""

    port: int
    heads: list[str] = field(default_factory=list)
    """Of every request to it."""

    def url(self, credentials: str = "") -> str:
        return f"http://{credentials}127.0.0.1:{self.port}"


@contextmanager
def proxying() -> Iterator[WorkingProxy]:
    """A proxy on a free port of loopback; it is gone when the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy, threads = WorkingProxy(listener.getsockname()[1]), list[threading.Thread]()
        server = threading.Thread(target=_accept, args=(listener, proxy, threads), name="proxy")
        server.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join()
            for thread in threads:
                thread.join()


def _accept(listener: socket.socket, proxy: WorkingProxy, threads: list[threading.Thread]) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threads.append(threading.Thread(target=_serve, args=(client, proxy), name="proxy-client"))
            threads[-1].start()


def _serve(client: socket.socket, proxy: WorkingProxy) -> None:
    with client, suppress(OSError):
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(1 << 16)
        proxy.heads.append(request.partition(b"\r\n\r\n")[0].decode())
        method, address = proxy.heads[-1].split(" ")[:2]
        target = urlsplit(address if method != "CONNECT" else f"//{address}")
        try:
            server = socket.create_connection((target.hostname or "", target.port or 80), timeout=5)
        except OSError:
            client.sendall(_UNREACHED)
            return
        with server:
            client.sendall(_TUNNEL) if method == "CONNECT" else server.sendall(request)
            back = threading.Thread(target=_pump, args=(server, client), name="proxy-back")
            back.start()
            _pump(client, server)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
