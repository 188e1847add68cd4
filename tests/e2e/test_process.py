"""The daemon as a process: signals, a blocked log, a slow start."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from monitor.store import create_store
from tests.support.daemon import PATIENCE_S, command, free_port, running, wait_until, write_config

CONFIG: Mapping[str, object] = {
    "store": "sqlite:samples.db",
    "providers": {"near": {"api": "openai_chat", "base_url": "http://127.0.0.1:9/v1"}},
    "models": {"a/b": {"endpoints": [{"provider": "near", "model": "b"}]}},
}


def test_sighup_changes_nothing_and_is_logged(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reload_ignored" in daemon.log.read_text(), "a word about SIGHUP")
        assert daemon.ready()
        assert daemon.end(signal.SIGTERM) == 0


async def test_a_request_to_stop_while_the_store_is_opened_is_followed_cleanly(tmp_path: Path) -> None:
    store = create_store(f"sqlite:///{tmp_path}/samples.db")
    await store.open()
    await store.close()
    file = write_config(tmp_path / "providerwatch.yaml", {"listen": f"127.0.0.1:{free_port()}", **CONFIG})
    with closing(sqlite3.connect(tmp_path / "samples.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the daemon waits for it
        with _killed_at_last(subprocess.Popen(command("run", "-c", str(file)), stderr=subprocess.PIPE)) as process:
            wait_until(lambda: _catches(process.pid, signal.SIGHUP), "a daemon that has begun")
            process.terminate()
            _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert b"stopped before the start was complete" in said


@pytest.mark.slow
def test_a_blocked_log_and_invalid_requests_stop_nothing(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    os.write(write_end, b"x" * 4096)  # full from the beginning
    port = free_port()
    file = write_config(tmp_path / "providerwatch.yaml", {"listen": f"127.0.0.1:{port}", **CONFIG})
    with _killed_at_last(subprocess.Popen(command("run", "-c", str(file)), stderr=write_end)) as process:
        os.close(write_end)
        wait_until(lambda: _answer(port, b"GET /readyz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200"), "readiness")
        for _ in range(30):
            assert b" 400 " in _answer(port, b"\x00\xff nonsense\r\n\r\n").split(b"\r\n")[0]
        assert _answer(port, b"GET /readyz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200")
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    os.close(read_end)


@pytest.mark.slow
def test_broken_requests_leave_no_trace_in_the_log(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as daemon:
        port, before = int(daemon.url.rpartition(":")[2]), len(daemon.log.read_bytes())
        for request in (
            b"\x00\xff nonsense\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost\r\n\r\n",
            b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        ):
            for _ in range(3):
                _answer(port, request, patience_s=0.3)
        assert daemon.end(signal.SIGTERM) == 0
        assert b"Traceback" not in daemon.log.read_bytes()
        assert len(daemon.log.read_bytes()) - before < 3_000


@contextmanager
def _killed_at_last(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    with process:
        try:
            yield process
        finally:
            process.kill()


def _catches(pid: int, number: signal.Signals) -> bool:
    (mask,) = (
        line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")
    )
    return bool(int(mask, 16) >> (number - 1) & 1)


def _answer(port: int, request: bytes, patience_s: float = 10.0) -> bytes:
    """The received bytes; empty without an answer in time."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as client:
            client.sendall(request)
            return b"".join(iter(lambda: client.recv(65536), b""))
    except OSError:
        return b""
