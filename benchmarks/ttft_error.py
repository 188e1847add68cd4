"""How far measured times are from true ones, with many streams in parallel.

    python benchmarks/ttft_error.py --streams 32 --probes 2000
    python benchmarks/ttft_error.py --loaded

A server in a process of its own stamps its reads and writes; clients take turns at it in short rounds. Prints a
table and writes it to `benchmarks/results/`. Figures are reported, never asserted.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import _daemon
import _report
import _rounds
import _stamping
from _clients import Client, all_clients
from rich.console import Console
from rich.progress import Progress

_WIDTH = 120
_PRIORITY = 10


def main() -> None:
    """The command."""
    arguments = _arguments()
    progress = Console(stderr=True)
    if arguments.realtime:
        _go_realtime()
    if arguments.loaded:
        report = _daemon.measure(arguments, progress)
    else:
        report = _compare(_chosen(arguments.clients), arguments, progress)
    name = arguments.name or ("ttft_error_loaded" if arguments.loaded else "ttft_error")
    _report.publish(report, Console(width=_WIDTH), arguments.out, name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=32, help="streams in parallel (32)")
    parser.add_argument("--probes", type=int, default=2000, help="counted probes of each client (2000)")
    parser.add_argument("--clients", nargs="+", metavar="NAME", help="ours, worker, aiohttp, uvloop (all)")
    parser.add_argument("--seed", type=int, default=1, help="of the times to first token (1)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results"), help="folder of the results")
    parser.add_argument("--name", help="of the result files, instead of ttft_error or ttft_error_loaded")
    parser.add_argument(
        "--realtime", action="store_true", help="run all under SCHED_RR: other programs on the machine take no part"
    )
    _daemon.add_arguments(parser)
    return parser.parse_args()


def _go_realtime() -> None:
    """Put this process, and all that it starts, before every ordinary one of the machine."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    except PermissionError:
        raise SystemExit("--realtime needs root or CAP_SYS_NICE") from None


def _chosen(names: Sequence[str] | None) -> list[Client]:
    known = {client.word: client for client in all_clients()}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise SystemExit(f"there is no client {unknown[0]!r}; there is: {', '.join(known)}")
    return [known[name] for name in names or known]


def _compare(clients: Sequence[Client], arguments: argparse.Namespace, console: Console) -> _report.Report:
    before = _report.load_average()
    plan = _rounds.Plan(streams=arguments.streams, probes=arguments.probes, seed=arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        records = Path(scratch) / "records.jsonl"
        with _stamping.running(records) as server, Progress(console=console, transient=True) as progress:
            bar = progress.add_task("probing", total=(plan.rounds + 1) * len(clients))
            tallies = _rounds.measure(clients, server.port, plan, lambda: progress.advance(bar))
        truths = {truth.id: truth for truth in _stamping.truths(records)}
        unfinished = _stamping.unfinished(records)
    pairs = {name: [(reading, truths.get(reading.id)) for reading in tally.readings] for name, tally in tallies.items()}
    costs = {client.name: tallies[client.name].cpu_s if client.in_process else None for client in clients}
    return _report.Report(
        title=f"{arguments.streams} streams in parallel",
        settings=_settings(arguments),
        machine=_report.machine(before),
        truth=_report.truth_quality(list(truths.values()), unfinished),
        errors=[errors for name, found in pairs.items() for errors in _report.errors_of(name, found)],
        behaviour=[_report.behaviour_of(name, found, costs[name]) for name, found in pairs.items()],
        notes=["CPU ms per probe: the client alone, with connection and decoding, without the server."],
    )


def _settings(arguments: argparse.Namespace) -> dict[str, object]:
    low_us, high_us = _rounds.TTFT_US
    return {
        "streams": arguments.streams,
        "ttft ms": f"{low_us // 1000}..{high_us // 1000}",
        "gap ms": f"{_rounds.GAP_US / 1000:g} ± {_rounds.JITTER_US / 1000:g}",
        "tokens": _rounds.TOKENS,
        "seed": arguments.seed,
    }


if __name__ == "__main__":
    main()
