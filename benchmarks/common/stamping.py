"""The stamping server as a process: builds it, runs it, describes streams to request, reads its records."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from probes._quantiles import quantile

SOURCE = Path(__file__).with_name("stamping_server.c")
_CC_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra")
_NS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """One stream to request. At least two tokens; an even number gives an exact median gap."""

    id: str
    ttft_us: int
    gap_us: int
    jitter_us: int
    tokens: int

    def base_url(self, port: int) -> str:
        """The base URL under which the server sends this stream."""
        specs = (
            f"id={self.id}/ttft_us={self.ttft_us}/gap_us={self.gap_us}/jitter_us={self.jitter_us}/tokens={self.tokens}"
        )
        return f"http://127.0.0.1:{port}/{specs}/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the server did for one request, by its own stamps; seconds, from the request's last byte."""

    id: str
    received_wall_s: float
    """Wall clock at which the kernel received the request's last byte."""
    ttft_s: float
    itl_p50_s: float
    itl_max_s: float
    e2e_s: float
    """To the write of `[DONE]`."""
    first_write_took_s: float
    """Duration of the write() after the first content's stamp: the greatest possible error of the truth."""
    lateness_s: float
    """How late the server wrote its first content: the machine's noise, independent of the client."""
    kernel_stamp: bool
    clock_moved_s: float
    """How far the wall clock moved against the monotonic clock during the stream."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running stamping server."""

    port: int
    pid: int


def build() -> Path:
    """The compiled server, from a cache outside the repository that is keyed by its source."""
    key = hashlib.sha256(SOURCE.read_bytes() + " ".join(_CC_FLAGS).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "providerwatch-benchmarks"
    binary = cache / f"stamping_server-{key}"
    if not binary.exists():
        compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            fresh = Path(scratch) / "stamping_server"
            subprocess.run([compiler, *_CC_FLAGS, "-o", str(fresh), str(SOURCE)], check=True)
            fresh.replace(binary)
    return binary


@contextmanager
def running(records: Path) -> Iterator[Server]:
    """A stamping server as a process of its own that writes its records to `records`; stopped on leaving."""
    command = [str(build()), "--out", str(records)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, port = process.stdout.readline().split()
            assert word == "listening"
            yield Server(port=int(port), pid=process.pid)
        finally:
            process.terminate()
            process.wait(timeout=10)


def truths(records: Path) -> list[Truth]:
    """The truth of every complete stream, in the order of their ends."""
    lines = (json.loads(line) for line in records.read_text().splitlines())
    return [_truth(line) for line in lines if line["outcome"] == "done"]


def unfinished(records: Path) -> int:
    """Number of streams that ended early, since the client disconnected or did not read."""
    return sum(json.loads(line)["outcome"] != "done" for line in records.read_text().splitlines())


def _truth(line: dict[str, int | str | list[int]]) -> Truth:
    stamps = line["content_written_ns"]
    assert isinstance(stamps, list)

    def since_received(name: str) -> float:
        return (_ns(line, name) - _ns(line, "request_received_ns")) * _NS

    gaps = sorted((later - earlier) * _NS for earlier, later in pairwise(stamps))
    return Truth(
        id=str(line["id"]),
        received_wall_s=_ns(line, "request_received_real_ns") * _NS,
        ttft_s=since_received("first_content_written_ns"),
        itl_p50_s=quantile(gaps, 0.5),
        itl_max_s=gaps[-1],
        e2e_s=since_received("done_written_ns"),
        first_write_took_s=_ns(line, "first_content_write_took_ns") * _NS,
        lateness_s=(_ns(line, "first_content_written_ns") - _ns(line, "first_content_due_ns")) * _NS,
        kernel_stamp=line["stamp"] == "kernel",
        clock_moved_s=abs(_ns(line, "clock_offset_end_ns") - _ns(line, "clock_offset_ns")) * _NS,
    )


def _ns(line: dict[str, int | str | list[int]], name: str) -> int:
    value = line[name]
    assert isinstance(value, int)
    return value
