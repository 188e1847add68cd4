"""A running Envoy, configured as its page says."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.routers import installed
from tests.routers.gates import Gate
from tests.routers.pages import block, put
from tests.routers.stage import process
from tests.support.daemon import free_port, wait_until

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Envoy:
    """A running one, asked by its administration."""

    def __init__(self, port: int, admin: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._admin = f"http://127.0.0.1:{admin}"

    def get(self, path: str) -> bytes:
        with _OPENER.open(f"{self._admin}{path}", timeout=10) as response:
            found: bytes = response.read()
        return found

    def ready(self) -> bool:
        try:
            return self.get("/ready") == b"LIVE\n"
        except OSError:
            return False

    def hosts(self) -> list[tuple[str, int]]:
        """Health and weight of each host, in the order of the file."""
        clusters = json.loads(self.get("/clusters?format=json"))["cluster_statuses"]
        (cluster,) = (each for each in clusters if each["name"] == "llama")
        return [
            (host["health_status"].get("eds_health_status", "HEALTHY"), host["weight"])
            for host in cluster.get("host_statuses", [])
        ]

    def health(self) -> list[str]:
        return [status for status, _ in self.hosts()]


def configuration(directory: Path, port: int, admin: int) -> Path:
    """The page's, with our ports and folder."""
    places = {**_ports(port, admin), "/run/providerwatch": directory}
    return _written(directory, put(block("envoy", "yaml", "type: EDS"), places))


def checking(directory: Path, port: int, admin: int, daemon_port: int, servers: Sequence[Gate]) -> Path:
    """The page's other one, which asks the daemon."""
    hosts = {
        f"address: 10.0.0.{number}, port_value: 8000": f"address: 127.0.0.1, port_value: {gate.port}"
        for number, gate in enumerate(servers, start=1)
    }
    daemon = {"address: 127.0.0.1, port_value: 8780": f"address: 127.0.0.1, port_value: {daemon_port}"}
    text = put(block("envoy", "yaml", "http_health_check"), {**_ports(port, admin), **daemon, **hosts})
    return _written(directory, text)


def _ports(port: int, admin: int) -> dict[str, object]:
    return {
        "address: 127.0.0.1, port_value: 9901": f"address: 127.0.0.1, port_value: {admin}",
        "address: 127.0.0.1, port_value: 8080": f"address: 127.0.0.1, port_value: {port}",
    }


def _written(directory: Path, text: str) -> Path:
    file = directory / "envoy.yaml"
    file.write_text(text)
    return file


@contextmanager
def envoy(directory: Path, configure: Callable[[Path, int, int], Path] = configuration) -> Iterator[Envoy]:
    port, admin = free_port(), free_port()
    router, file = Envoy(port, admin), configure(directory, port, admin)
    alone = ("--concurrency", "1", "--disable-hot-restart", "-l", "warning")
    with process(directory / "envoy.log", installed.envoy(), "-c", file, *alone):
        wait_until(router.ready, "Envoy")
        yield router
