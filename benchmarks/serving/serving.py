"""How fast the daemon serves scores, beside a handler that does nothing, and how soon SSE clients receive a change.

    python benchmarks/serving/serving.py --endpoints 1000
    python benchmarks/serving/serving.py --samples 0            # nothing changes during the run

Prints a table and writes it to `benchmarks/results/`. Figures are reported, never asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from benchmarks.common.machine import load_average, machine
from benchmarks.common.results import Cell, Report, Table, Verdict, add_result_options, publish
from benchmarks.serving.load import Rate, Streams, Subscriber, ask, head_of
from benchmarks.serving.servers import endpoint_id
from monitor.web.server import raise_open_files_limit
from probes._quantiles import quantile

_GZIP = "Accept-Encoding: gzip\r\n"
_SHARE, _P99, _LATE_MS, _PUBLISHED_MS = 0.8, 2.0, 250.0, 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request to both servers."""

    name: str
    path: str
    bare_path: str
    headers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One case at one server: medians over the rounds."""

    case: str
    server: str
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Of the server, per request."""


class Server:
    """One of the server processes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.port = int(process.stdout.readline())

    def used(self) -> dict[str, Any]:
        """CPU time and memory so far, and what it published since the last call."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def serving(kind: str, endpoints: int, samples: float) -> Iterator[Server]:
    """A server while the block runs."""
    command = [sys.executable, str(Path(__file__).with_name("servers.py")), kind, str(endpoints), str(samples)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


async def compare(case: Case, servers: dict[str, Server], arguments: argparse.Namespace) -> list[Line]:
    """Measures both servers in turns."""
    rates: dict[str, list[Rate]] = {name: [] for name in servers}
    costs: dict[str, list[float]] = {name: [] for name in servers}
    for turn in range(arguments.rounds):
        for name in sorted(servers, reverse=turn % 2 == 1):
            server, before = servers[name], servers[name].used()
            path = case.path if name == "ours" else case.bare_path
            rate = await ask(
                server.port, path, case.headers, seconds=arguments.seconds, connections=arguments.connections
            )
            rates[name].append(rate)
            costs[name].append((server.used()["cpu_s"] - before["cpu_s"]) / (rate.per_s * arguments.seconds) * 1e6)
    return [
        Line(
            case=case.name,
            server=name,
            per_s=round(median(rate.per_s for rate in found)),
            p50_ms=round(median(rate.p50_ms for rate in found), 2),
            p99_ms=round(median(rate.p99_ms for rate in found), 2),
            cpu_us=round(median(costs[name]), 1),
        )
        for name, found in rates.items()
    ]


def verdicts_of(lines: list[Line], case: str) -> list[Verdict]:
    """Verdicts on our server beside the bare handler."""
    found = {line.server: line for line in lines if line.case == case}
    share = found["ours"].per_s / found["bare"].per_s
    slower = found["ours"].p99_ms / found["bare"].p99_ms
    return [
        Verdict(bound=f"{case}: at least 80 % of its requests/s", seen=f"{share:.0%}", kept=share >= _SHARE),
        Verdict(bound=f"{case}: p99 within 2 times its own", seen=f"{slower:.2f}", kept=slower <= _P99),
    ]


async def subscribe(server: Server, streams: int, seconds: float) -> tuple[list[Verdict], dict[str, Cell]]:
    """Many SSE clients at once: how late each receives a change, and the server's memory."""
    seen, loop = Streams(last_read_s=time.time()), asyncio.get_running_loop()
    before = server.used()
    readers = [
        (await loop.create_connection(lambda: Subscriber(seen), "127.0.0.1", server.port))[1] for _ in range(streams)
    ]
    joined, quiet_s = server.used(), time.time()
    while time.time() - quiet_s < 10:  # each client first receives a snapshot
        await asyncio.sleep(0.5)
        if server.used()["cpu_s"] - joined["cpu_s"] > 0.45:
            quiet_s = max(quiet_s, time.time() - 8)
        joined = server.used()
    seen.counting, start_bytes = True, seen.bytes_read
    await asyncio.sleep(seconds)
    after = server.used()
    for reader in readers:
        reader.transport.abort()
    late = sorted(seen.late_s)
    p99_ms = quantile(late, 0.99) * 1e3
    figures: dict[str, Cell] = {
        "streams": streams,
        "changes read": len(late),
        "kB/s of each": round((seen.bytes_read - start_bytes) / streams / seconds / 1e3, 1),
        "late ms p50": round(quantile(late, 0.5) * 1e3, 1),
        "late ms p99": round(p99_ms, 1),
        "late ms max": round(late[-1] * 1e3, 1),
        "rss MB before": before["rss_mb"],
        "rss MB while streaming, begin and end": f"{joined['rss_mb']}, {after['rss_mb']}",
        "server's CPU share": round((after["cpu_s"] - joined["cpu_s"]) / seconds, 2),
    }
    bound = f"{streams} readers of the stream have a change within {_LATE_MS:g} ms of its sample (p99)"
    return [Verdict(bound=bound, seen=f"{p99_ms:.0f} ms", kept=p99_ms <= _LATE_MS)], figures


async def measure(arguments: argparse.Namespace) -> Report:
    """The report of one run."""
    before = load_average()
    with (
        serving("ours", arguments.endpoints, arguments.samples) as ours,
        serving("bare", arguments.endpoints, 0) as bare,
    ):
        servers = {"ours": ours, "bare": bare}
        name = endpoint_id(arguments.endpoints // 2)
        lines: list[Line] = []
        for case in (
            Case(name="whole, gzip", path="/v1/scores", bare_path="/v1/scores", headers=_GZIP),
            Case(
                name="whole, 304",
                path="/v1/scores",
                bare_path="/unchanged",
                headers=await _known(ours, arguments.samples),
            ),
            Case(name="one endpoint", path=f"/v1/scores/{name}", bare_path=f"/v1/scores/{name}", headers=""),
        ):
            lines += await compare(case, servers, arguments)
        cases = list(dict.fromkeys(line.case for line in lines))
        verdicts = [verdict for case in cases for verdict in verdicts_of(lines, case)]
        streaming: dict[str, Cell] = {}
        if arguments.samples > 0:
            ours.used()
            await asyncio.sleep(10)
            published = ours.used()["published_ms"]
            bound = f"a sample is published within {_PUBLISHED_MS:g} ms (p99), stored before"
            kept = published["p99"] <= _PUBLISHED_MS
            verdicts.append(Verdict(bound=bound, seen=f"{published['p99']:g} ms", kept=kept))
            found, streaming = await subscribe(ours, arguments.streams, arguments.stream_seconds)
            verdicts += found
    head = ["request", "server", "requests/s", "p50 ms", "p99 ms", "CPU µs of the server per request"]
    tables = [Table(title="Requests", head=head, rows=[list(asdict(line).values()) for line in lines])]
    if streaming:
        tables.append(Table(title="Readers of the stream", head=["", "seen"], rows=list(map(list, streaming.items()))))
    return Report(
        title=f"{arguments.endpoints} endpoints, {arguments.samples:g} samples/s",
        settings={name: value for name, value in vars(arguments).items() if name not in {"out", "name"}},
        machine=machine(before),
        verdicts=verdicts,
        tables=tables,
    )


async def _known(server: Server, samples: float) -> str:
    """Headers for a 304: the newest ETag, or `*` where the ETag changes all the time."""
    head = await head_of(server.port, "/v1/scores", _GZIP)
    return f"{_GZIP}If-None-Match: {'*' if samples > 0 else head['etag']}\r\n"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--endpoints", type=int, default=1000, help="endpoints of the board (1000)")
    parser.add_argument(
        "--samples", type=float, default=17, help="samples per second that change the board; 0: none (17)"
    )
    parser.add_argument("--connections", type=int, default=16, help="kept-alive connections of the requests (16)")
    parser.add_argument("--streams", type=int, default=1000, help="SSE clients at once (1000)")
    parser.add_argument("--stream-seconds", type=float, default=60, help="measured seconds of the SSE streams (60)")
    parser.add_argument("--seconds", type=float, default=3, help="seconds of each turn of a server (3)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server in each case (5)")
    add_result_options(parser, "serving")
    arguments = parser.parse_args()
    raise_open_files_limit()
    publish(asyncio.run(measure(arguments)), Console(width=120), arguments.out, arguments.name)


if __name__ == "__main__":
    main()
