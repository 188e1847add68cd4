"""The stream of scores of a real daemon, across its end and a restart."""

from __future__ import annotations

import http.client
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.daemon import PATIENCE_S, Daemon, running

CONFIG = {
    "providers": {"p": {"api": "openai_chat", "base_url": "http://127.0.0.1:1/v1"}},
    "models": {"a/b": {"endpoints": [{"provider": "p", "model": "m"}]}},
    "probes": {"chat": {"task": "chat", "every": "1s"}},
}


def open_stream(daemon: Daemon, last: str = "") -> Iterator[str]:
    """The lines of the stream, up to its end."""
    connection = http.client.HTTPConnection(urlsplit(daemon.url).netloc, timeout=PATIENCE_S)
    connection.request("GET", "/v1/scores/stream", headers={"Last-Event-ID": last} if last else {})
    response = connection.getresponse()
    assert response.status == 200
    try:
        while line := response.readline():
            yield line.decode()
    finally:
        connection.close()


def next_event(lines: Iterator[str]) -> tuple[str, str]:
    """Kind and id of the next event."""
    kind = next(line for line in lines if line.startswith("event: "))
    return kind.removeprefix("event: ").strip(), next(lines).removeprefix("id: ").strip()


@pytest.mark.slow
def test_a_stream_follows_the_probes_and_ends_with_the_daemon_which_exits_0(tmp_path: Path) -> None:
    config = {**CONFIG, "store": f"sqlite:///{tmp_path}/store.db"}
    with running(tmp_path, config) as daemon:
        lines = open_stream(daemon)
        assert next_event(lines)[0] == "snapshot"
        kind, last = next_event(lines)
        assert kind == "change"
        daemon.process.send_signal(signal.SIGTERM)
        for _ in lines:  # http.client raises where an answer is cut short
            pass
        assert daemon.process.wait(PATIENCE_S) == 0
        assert "Traceback" not in daemon.log.read_text()
    with running(tmp_path, config) as daemon:
        lines = open_stream(daemon, last)
        assert next_event(lines)[0] == "snapshot"
        lines.close()  # type: ignore[attr-defined]
