"""A real InfluxDB 1.8: started, asked in InfluxQL, stopped."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import PATIENCE_S, free_port, wait_until

VERSION = "1.8.3"
DATABASE = "providerwatch"
BUCKET = f"{DATABASE}/autogen"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxDB:
    """A running server."""

    url: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The series of an answer; an answer with an error fails the test."""
        body = urllib.parse.urlencode({"db": DATABASE, "q": query, "epoch": "ms"}).encode()
        try:
            with _OPENER.open(f"{self.url}/query", data=body, timeout=20) as response:
                (result,) = json.load(response)["results"]
        except urllib.error.HTTPError as refusal:
            with refusal:
                pytest.fail(f"{refusal.code} for {query}: {refusal.read().decode()}")
        if "error" in result:
            pytest.fail(f"{result['error']} for {query}")
        found: list[dict[str, Any]] = result.get("series", [])
        return found

    def write(self, lines: str) -> None:
        """Write points as the sink does."""
        query = urllib.parse.urlencode({"bucket": BUCKET, "precision": "us"})
        with _OPENER.open(f"{self.url}/api/v2/write?{query}", data=lines.encode(), timeout=20) as response:
            assert response.status == 204


@contextmanager
def influxdb(folder: Path) -> Iterator[InfluxDB]:
    """A server with an empty database."""
    http, internal = free_port(), free_port()
    config = "\n".join(
        [
            "reporting-disabled = true",
            f'bind-address = "127.0.0.1:{internal}"',
            f'[meta]\ndir = "{folder}/meta"',
            f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\nquery-log-enabled = false',
            f'[http]\nbind-address = "127.0.0.1:{http}"\nlog-enabled = false',
            "[monitor]\nstore-enabled = false",
        ]
    )
    (folder / "influxdb.conf").write_text(config, encoding="utf-8")
    server = InfluxDB(url=f"http://127.0.0.1:{http}")
    with (
        (folder / "influxdb.log").open("wb") as log,
        subprocess.Popen([_binary(), "-config", str(folder / "influxdb.conf")], stdout=log, stderr=log) as process,
    ):
        try:
            wait_until(lambda: _answers(server.url, process, folder / "influxdb.log"), "a running InfluxDB")
            server.ask(f'CREATE DATABASE "{DATABASE}"')
            yield server
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, f"influxd ended: {log.read_text(encoding='utf-8')}"
    try:
        with _OPENER.open(f"{url}/ping", timeout=5) as response:
            return bool(response.status == 204)
    except OSError:
        return False


def _binary() -> str:
    """As .ci/influxdb has it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("PROVIDERWATCH_INFLUXDB") or cache / "providerwatch" / f"influxdb-{VERSION}")
    if not (home / "influxd").is_file():
        pytest.fail(f"InfluxDB is not in {home}: run `.ci/influxdb`")
    return str(home / "influxd")
