"""The timing error of the real daemon, from its own stored samples, while its API is loaded and its store writes.

Phases take turns: the API idle, the API loaded. The daemon probes and stores throughout. Bare aiohttp probes beside
it from this process, with fewer streams, so that both rows come from the same seconds of the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.common import stamping
from benchmarks.common.machine import load_average, machine
from benchmarks.common.stamping import Truth
from benchmarks.timing import report
from benchmarks.timing.clients import BARE, Reading, reading_of
from benchmarks.timing.rounds import GAP_US, JITTER_US, TOKENS, TTFT_US, answered, random_specs
from monitor.store import create_store
from probes._model import Sample

_COMMAND = (sys.executable, "-c", "from monitor.cli.main import main; main()", "run", "-c")
_READY_S = 30.0
_WARM_UP_S = 5.0
_EDGE_S = 1.0
"""Probes that start within this time of a phase's begin or end belong to no phase."""
_NO_LIMIT = 1_000_000
_MATCH_S = 0.1
"""Greatest distance between a sample's start and the receipt of its request; probes of one endpoint are 1 s apart."""


@dataclass(slots=True, kw_only=True)
class Phase:
    """A part of the run, with the readings and the API figures from outside of the daemon."""

    name: str
    began_s: float
    ended_s: float = 0.0
    beside: list[Reading] = field(default_factory=list)
    api: dict[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _RunData:
    """All data of a run."""

    phases: Sequence[Phase]
    samples: Sequence[Sample]
    truths: Sequence[Truth]
    unfinished: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the loaded variant."""
    loaded = parser.add_argument_group("the daemon under load")
    loaded.add_argument("--loaded", action="store_true", help="measure the daemon while its API is loaded")
    loaded.add_argument("--endpoints", type=int, default=50, help="endpoints that are probed every second (50)")
    loaded.add_argument("--others", type=int, default=950, help="endpoints that are not probed (950)")
    loaded.add_argument("--rate", type=float, default=200.0, help="at most so many GET /v1/scores per second (200)")
    loaded.add_argument("--phase-s", type=float, default=20.0, help="length of a phase (20)")
    loaded.add_argument("--phases", type=int, default=4, help="number of phases, alternately idle and loaded (4)")
    loaded.add_argument("--beside", type=int, default=8, help="streams of bare aiohttp in all phases (8)")


def measure(arguments: argparse.Namespace, console: Console) -> report.Report:
    """Runs the daemon through all phases, and compares its samples with the server's records."""
    before = load_average()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        records, database = folder / "records.jsonl", f"sqlite:///{folder}/providerwatch.db"
        with stamping.running(records) as server:
            listen = _free_port()
            config = folder / "providerwatch.yaml"
            config.write_text(_config(arguments, server.port, listen, database))
            with _daemon(config, listen, folder / "daemon.log"):
                time.sleep(_WARM_UP_S)
                phases = _phases(arguments, server.port, listen, console)
        data = _RunData(
            phases=phases,
            samples=asyncio.run(_samples(database)),
            truths=stamping.truths(records),
            unfinished=stamping.unfinished(records),
        )
    return _as_report(arguments, before, data)


def _config(arguments: argparse.Namespace, port: int, listen: int, database: str) -> str:
    """Probed endpoints, each with a provider of its own time to first token, and endpoints that are not probed."""
    endpoints, others = arguments.endpoints, arguments.others
    step = (TTFT_US[1] - TTFT_US[0]) // max(endpoints - 1, 1)
    specs = (
        stamping.StreamSpec(
            id=_endpoint(number), ttft_us=TTFT_US[0] + number * step, gap_us=GAP_US, jitter_us=JITTER_US, tokens=TOKENS
        )
        for number in range(endpoints)
    )
    document = {
        "vantage": "benchmark",
        "listen": f"127.0.0.1:{listen}",
        "store": database,
        "rate_limit": _NO_LIMIT,
        "scoring": {"confirm": False},
        "providers": {
            f"p{number}": {"api": "openai_chat", "base_url": spec.base_url(port)} for number, spec in enumerate(specs)
        },
        "models": {
            "benchmark/stamped": {
                "endpoints": [
                    {"provider": f"p{number}", "model": "stamped", "id": _endpoint(number)}
                    for number in range(endpoints)
                ]
                + [
                    {"provider": "p0", "model": "stamped", "id": f"other{number}", "enabled": False}
                    for number in range(others)
                ]
            }
        },
        "probes": {"chat": {"task": "chat", "every": "1s", "prompt_tokens": 100, "max_tokens": TOKENS}},
    }
    return json.dumps(document, indent=1)  # JSON is YAML


def _endpoint(number: int) -> str:
    return f"e{number:03}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _daemon(config: Path, listen: int, log: Path) -> Iterator[None]:
    """`providerwatch run` as a process of its own, until it has drained."""
    with log.open("w") as output, subprocess.Popen([*_COMMAND, str(config)], stdout=output, stderr=output) as process:
        try:
            _await_ready(process, f"http://127.0.0.1:{listen}/readyz", log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


def _await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    raise SystemExit(f"the daemon did not become ready:\n{log.read_text()[-4000:]}")


def _phases(arguments: argparse.Namespace, port: int, listen: int, console: Console) -> list[Phase]:
    phases = []
    for number in range(arguments.phases):
        loaded = bool(number % 2)
        name = f"API at {arguments.rate:g}/s" if loaded else "API idle"
        console.print(f"phase {number + 1} of {arguments.phases}: {name}, {arguments.phase_s:g} s", style="dim")
        phase = Phase(name=name, began_s=time.time())
        with _api_load(arguments, listen, phase) if loaded else _nothing():
            phase.beside = asyncio.run(_beside(arguments, port, number))
        phase.ended_s = time.time()
        phases.append(phase)
    return phases


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _api_load(arguments: argparse.Namespace, listen: int, phase: Phase) -> Iterator[None]:
    """Loads the API from another process during the phase, and records the figures in the phase."""
    script = Path(__file__).with_name("api_load.py")
    words = ("127.0.0.1", listen, "/v1/scores", arguments.rate, arguments.phase_s)
    command = [sys.executable, str(script), *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield
        output, _ = process.communicate()
    if process.returncode == 0:
        phase.api = json.loads(output)


async def _beside(arguments: argparse.Namespace, port: int, number: int) -> list[Reading]:
    """Readings of bare aiohttp during the phase."""
    ends_at = time.monotonic() + arguments.phase_s
    readings: list[Reading] = []
    specs = random_specs(f"{arguments.seed}/beside/{number}", f"beside-{number}-")
    async with BARE.open() as ask, asyncio.TaskGroup() as group:

        async def stream() -> None:
            while time.monotonic() < ends_at:
                spec = next(specs)
                readings.append(await answered(ask, spec.base_url(port), spec.id))

        for at in range(arguments.beside):
            group.create_task(stream(), name=f"stream {at}")
        await asyncio.sleep(arguments.phase_s)
    return readings[arguments.beside :]


async def _samples(database: str) -> list[Sample]:
    """All samples that the daemon stored."""
    store = create_store(database)
    await store.open()
    try:
        return await store.samples(datetime.fromtimestamp(0, UTC))
    finally:
        await store.close()


def _as_report(arguments: argparse.Namespace, load_before: str, data: _RunData) -> report.Report:
    pairs = _pairs(data)
    unknown = sum(truth is None for found in pairs.values() for _, truth in found)
    return report.Report(
        title=f"The daemon with {arguments.endpoints} endpoints, each every second",
        settings={
            key: getattr(arguments, key) for key in ("endpoints", "others", "rate", "phase_s", "phases", "beside")
        },
        machine=machine(load_before),
        truth=report.truth_quality(data.truths, data.unfinished),
        errors=[errors for name, found in pairs.items() for errors in report.errors_of(name, found)],
        behaviour=[report.behaviour_of(name, found, None) for name, found in pairs.items()],
        notes=[
            *(f"{phase.name}: {phase.api}" for phase in data.phases if phase.api),
            f"samples stored: {len(data.samples)}; probes without a record of the server's: {unknown}",
        ],
    )


def _pairs(data: _RunData) -> dict[str, list[report.Pair]]:
    """Readings and truths by row of the table: of the daemon and of bare aiohttp, for each kind of phase."""
    by_id = {truth.id: truth for truth in data.truths}
    pairs: dict[str, list[report.Pair]] = {}
    for name in dict.fromkeys(phase.name for phase in data.phases):
        phases = [phase for phase in data.phases if phase.name == name]
        samples = [sample for sample in data.samples if _is_within(sample, phases)]
        beside = [reading for phase in phases for reading in phase.beside]
        pairs[f"providerwatch run, {name}"] = _paired(samples, data.truths)
        pairs[f"aiohttp beside, {name}"] = [(reading, by_id.get(reading.id)) for reading in beside]
    return pairs


def _is_within(sample: Sample, phases: Sequence[Phase]) -> bool:
    at_s = sample.started_at.timestamp()
    return any(phase.began_s + _EDGE_S <= at_s <= phase.ended_s - _EDGE_S for phase in phases)


def _paired(samples: Sequence[Sample], truths: Sequence[Truth]) -> list[report.Pair]:
    """Each sample with the server's record of the same endpoint that is nearest to the sample's start."""
    received: defaultdict[str, list[Truth]] = defaultdict(list)
    for truth in sorted(truths, key=lambda truth: truth.received_wall_s):
        received[truth.id].append(truth)
    return [
        (replace(reading_of(sample, sample.endpoint), id=sample.id), _nearest(sample, received[sample.endpoint]))
        for sample in samples
    ]


def _nearest(sample: Sample, candidates: Sequence[Truth]) -> Truth | None:
    at_s = sample.started_at.timestamp()
    place = bisect_left(candidates, at_s, key=lambda truth: truth.received_wall_s)
    near = candidates[max(place - 1, 0) : place + 1]
    best = min(near, key=lambda truth: abs(truth.received_wall_s - at_s), default=None)
    return best if best is not None and abs(best.received_wall_s - at_s) <= _MATCH_S else None
