"""What a daemon costs without clients: CPU of each process per probe, and the memory of all of them.

    python benchmarks/serving/cost.py --endpoints 100,1000,10000@600
    python benchmarks/serving/cost.py --endpoints 1000 --max-concurrent 400 --name cost_concurrent

Prints a table and writes it to `benchmarks/results/`. Figures are reported, never asserted.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from benchmarks.common import stamping
from benchmarks.common.machine import load_average, machine
from benchmarks.common.results import Report, Table, Verdict, add_result_options, publish
from tests.support import daemon

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PROVIDERS = 20
_MAIN_MS, _MEMORY_MB = 8.0, 600.0
daemon.PATIENCE_S = 600.0  # ten thousand endpoints take long to start on a busy machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """CPU time of a process so far, and its present memory."""

    cpu_s: float
    rss_mb: float
    pss_mb: float
    """Resident memory; a page that several processes share is divided among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One daemon over one window."""

    endpoints: int
    every_s: float
    max_concurrent: int
    workers: int
    seconds: float
    probes: int
    main_ms: float
    """CPU of the main process per probe."""
    workers_ms: float
    """CPU of all workers per probe."""
    main_rss_mb: float
    worker_rss_mb: float
    """Of the largest worker."""
    rss_mb: float
    """Of all processes together."""
    pss_mb: float


def main() -> None:
    """The command."""
    arguments = _arguments()
    progress = Console(stderr=True)
    before = load_average()
    costs = [_cost(arguments, wanted, progress) for wanted in arguments.endpoints.split(",")]
    publish(_as_report(arguments, costs, before), Console(width=120), arguments.out, arguments.name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--endpoints",
        default="100,1000,10000@600",
        help="endpoints of each daemon; after @ the seconds between probes, if not 60 (100,1000,10000@600)",
    )
    parser.add_argument("--max-concurrent", type=int, default=32, help="max_concurrent of the daemon (32)")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the measured window (60)")
    parser.add_argument("--warm-up", type=float, default=20.0, help="seconds before the measured window (20)")
    add_result_options(parser, "cost")
    return parser.parse_args()


def _cost(arguments: argparse.Namespace, wanted: str, console: Console) -> Cost:
    number, _, every = wanted.partition("@")
    endpoints, every_s = int(number), float(every or 60)
    console.print(f"{endpoints} endpoints, each every {every_s:g} s", style="dim")
    with tempfile.TemporaryDirectory() as scratch:
        records = Path(scratch) / "records.jsonl"
        with stamping.running(records) as server:
            config = _config(endpoints, every_s, arguments.max_concurrent, server.port, scratch)
            with daemon.running(Path(scratch), config) as running:
                return _measure(arguments, running.process.pid, records, endpoints, every_s)


def _measure(arguments: argparse.Namespace, pid: int, records: Path, endpoints: int, every_s: float) -> Cost:
    time.sleep(arguments.warm_up)
    began_s, probes, before = time.monotonic(), _lines(records), [_use(item) for item in (pid, *_children(pid))]
    time.sleep(arguments.seconds)
    after = [_use(item) for item in (pid, *_children(pid))]
    seconds, probes = time.monotonic() - began_s, _lines(records) - probes
    spent = [(now.cpu_s - then.cpu_s) * 1e3 / probes for then, now in zip(before, after, strict=True)]
    return Cost(
        endpoints=endpoints,
        every_s=every_s,
        max_concurrent=arguments.max_concurrent,
        workers=len(after) - 1,
        seconds=seconds,
        probes=probes,
        main_ms=spent[0],
        workers_ms=sum(spent[1:]),
        main_rss_mb=after[0].rss_mb,
        worker_rss_mb=max(use.rss_mb for use in after[1:]),
        rss_mb=sum(use.rss_mb for use in after),
        pss_mb=sum(use.pss_mb for use in after),
    )


def _config(endpoints: int, every_s: float, max_concurrent: int, port: int, folder: str) -> dict[str, object]:
    """Endpoints of twenty providers, five for each model; every answer ends within a tenth of a second."""
    spec = stamping.StreamSpec(id="e", ttft_us=20_000, gap_us=5_000, jitter_us=0, tokens=16)
    models: dict[str, dict[str, list[object]]] = {}
    for number in range(endpoints):
        entry = {"provider": f"p{number % _PROVIDERS}", "model": f"model-{number}", "id": f"e{number:05}"}
        models.setdefault(f"benchmark/model-{number // 5}", {"endpoints": []})["endpoints"].append(entry)
    return {
        "vantage": "benchmark",
        "store": f"sqlite:///{folder}/providerwatch.db",
        "max_concurrent": max_concurrent,
        "providers": {
            f"p{number}": {"api": "openai_chat", "base_url": replace(spec, id=f"p{number}").base_url(port)}
            for number in range(_PROVIDERS)
        },
        "models": models,
        "probes": {"chat": {"task": "chat", "every": f"{every_s:g}s", "prompt_tokens": 100, "max_tokens": 64}},
    }


def _lines(records: Path) -> int:
    """Number of requests that the server has finished."""
    return records.read_bytes().count(b"\n")


def _children(pid: int) -> Sequence[int]:
    """Child processes, in the order of their start."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sorted(int(child) for task in tasks for child in (task / "children").read_text().split())


def _use(pid: int) -> Use:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    memory = dict(line.split()[:2] for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return Use(
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        rss_mb=int(memory["Rss:"]) * 1024 / 1e6,
        pss_mb=int(memory["Pss:"]) * 1024 / 1e6,
    )


def _as_report(arguments: argparse.Namespace, costs: Sequence[Cost], load_before: str) -> Report:
    head = [
        "endpoints", "every s", "workers", "probes", "main ms a probe", "workers ms a probe",
        "main RSS MB", "worker RSS MB", "all RSS MB", "all PSS MB",
    ]  # fmt: skip
    return Report(
        title="What a daemon costs without clients",
        settings={key: getattr(arguments, key) for key in ("max_concurrent", "seconds", "warm_up")},
        machine=machine(load_before),
        verdicts=list(_verdicts(costs)),
        tables=[Table(title="One daemon after the other", head=head, rows=[list(_row(cost)) for cost in costs])],
    )


def _row(cost: Cost) -> Iterator[int | float]:
    yield from (cost.endpoints, cost.every_s, cost.workers, cost.probes, cost.main_ms, cost.workers_ms)
    yield from (cost.main_rss_mb, cost.worker_rss_mb, cost.rss_mb, cost.pss_mb)


def _verdicts(costs: Sequence[Cost]) -> Iterator[Verdict]:
    for cost in costs:
        bound = f"{cost.endpoints} endpoints: main process at most {_MAIN_MS:g} ms of CPU a probe"
        yield Verdict(bound=bound, seen=cost.main_ms, kept=cost.main_ms <= _MAIN_MS)
        if cost.endpoints <= 1000:
            bound = f"{cost.endpoints} endpoints: all processes at most {_MEMORY_MB:g} MB"
            yield Verdict(bound=bound, seen=cost.rss_mb, kept=cost.rss_mb <= _MEMORY_MB)


if __name__ == "__main__":
    main()
