"""A running HAProxy, configured as its page says."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.routers import installed
from tests.routers.gates import Gate
from tests.routers.pages import block, put
from tests.routers.stage import addresses, process
from tests.support.daemon import free_port, wait_until


class Haproxy:
    """A running one, asked by its stats socket."""

    def __init__(self, directory: Path, port: int) -> None:
        self._socket = directory / "admin.sock"
        self.url = f"http://127.0.0.1:{port}"

    def tell(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(self._socket))
            caller.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: caller.recv(65536), b"")).decode()

    def servers(self) -> dict[str, dict[str, str]]:
        """Each server's line of statistics, by name."""
        head, *lines = self.tell("show stat").lstrip("# ").strip().splitlines()
        rows = [dict(zip(head.split(","), line.split(","), strict=True)) for line in lines]
        return {row["svname"]: row for row in rows if row["svname"] not in {"FRONTEND", "BACKEND"}}

    def states(self) -> list[tuple[str, str]]:
        return [(row["status"], row["weight"]) for row in self.servers().values()]

    def agents(self) -> list[str]:
        """What came of the newest agent checks."""
        return [row["agent_status"] for row in self.servers().values()]


@contextmanager
def haproxy(directory: Path, servers: Sequence[Gate], agent_port: int) -> Iterator[Haproxy]:
    port = free_port()
    places = {"/run/haproxy": directory, "127.0.0.1:8080": f"127.0.0.1:{port}", "8781": agent_port}
    file = directory / "haproxy.cfg"
    file.write_text(put(block("haproxy", "haproxy", "agent-check"), {**addresses(servers), **places}))
    with process(directory / "haproxy.log", installed.haproxy(), "-db", "-f", file):
        wait_until((directory / "admin.sock").exists, "HAProxy's socket")
        yield Haproxy(directory, port)
