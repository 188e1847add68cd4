"""A real VictoriaMetrics: started, stopped, asked for every point it holds."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemon import PATIENCE_S, free_port, wait_until

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Points = dict[tuple[tuple[str, str], ...], list[tuple[int, float]]]
"""By labels, `__name__` among them: times in milliseconds with values, as stored."""


class Victoria:
    """One server, with data in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            "victoria-metrics",
            f"-storageDataPath={self._folder / 'victoria'}",
            f"-httpListenAddr={self.url.removeprefix('http://')}",
            "-retentionPeriod=100y",
            "-dedup.minScrapeInterval=1ms",
            "-memory.allowedBytes=64MB",
        ]
        with (self._folder / "victoria.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self._get("/health") == b"OK", "a healthy VictoriaMetrics")

    def stop(self) -> None:
        """Stop it as a service manager does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    def points(self) -> Points:
        """Everything that it holds of us."""
        self._get("/internal/force_flush")
        query = urllib.parse.urlencode({"match[]": '{__name__=~"providerwatch_.*"}'})
        found: Points = {}
        for line in self._get(f"/api/v1/export?{query}&start=0").splitlines():
            series = json.loads(line)
            values = list(zip(series["timestamps"], series["values"], strict=True))
            found.setdefault(tuple(sorted(series["metric"].items())), []).extend(values)
        return found

    def _get(self, path: str) -> bytes:
        try:
            with _OPENER.open(f"{self.url}{path}", timeout=30) as response:
                body: bytes = response.read()
                return body
        except (urllib.error.URLError, ConnectionError):
            return b""


@contextmanager
def victoria(folder: Path) -> Iterator[Victoria]:
    """A server that is not started yet, and is gone when the block ends."""
    server = Victoria(folder)
    try:
        yield server
    finally:
        server.stop()
