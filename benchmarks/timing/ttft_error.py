"""How far measured times are from true ones, with many streams in parallel.

    python benchmarks/timing/ttft_error.py --streams 32 --probes 2000
    python benchmarks/timing/ttft_error.py --loaded

A server in a process of its own stamps its reads and writes; clients take turns in short rounds. Prints a
table and writes it to `benchmarks/results/`. Figures are reported, never asserted.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.common import stamping
from benchmarks.common.machine import load_average, machine, run_realtime
from benchmarks.common.results import add_result_options
from benchmarks.timing import loaded_daemon, report, rounds
from benchmarks.timing.clients import Client, all_clients

_WIDTH = 120


def main() -> None:
    """The command."""
    arguments = _arguments()
    progress = Console(stderr=True)
    if arguments.realtime:
        run_realtime()
    if arguments.loaded:
        found = loaded_daemon.measure(arguments, progress)
    else:
        found = _compare(_chosen(arguments.clients), arguments, progress)
    name = arguments.name or ("ttft_error_loaded" if arguments.loaded else "ttft_error")
    report.publish(found, Console(width=_WIDTH), arguments.out, name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=32, help="parallel streams (32)")
    parser.add_argument("--probes", type=int, default=2000, help="counted probes of each client (2000)")
    parser.add_argument(
        "--clients", nargs="+", metavar="NAME", help="clients to compare: ours, worker, aiohttp, uvloop (all)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the times to first token (1)")
    add_result_options(parser, "ttft_error", "ttft_error_loaded")
    parser.add_argument("--realtime", action="store_true", help="run all under SCHED_RR, before other programs (root)")
    loaded_daemon.add_arguments(parser)
    return parser.parse_args()


def _chosen(names: Sequence[str] | None) -> list[Client]:
    known = {client.option: client for client in all_clients()}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise SystemExit(f"there is no client {unknown[0]!r}; there is: {', '.join(known)}")
    return [known[name] for name in names or known]


def _compare(clients: Sequence[Client], arguments: argparse.Namespace, console: Console) -> report.Report:
    before = load_average()
    plan = rounds.Plan(streams=arguments.streams, probes=arguments.probes, seed=arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        records = Path(scratch) / "records.jsonl"
        with stamping.running(records) as server, Progress(console=console, transient=True) as progress:
            bar = progress.add_task("probing", total=(plan.rounds + 1) * len(clients))
            tallies = rounds.measure(clients, server.port, plan, lambda: progress.advance(bar))
        truths = {truth.id: truth for truth in stamping.truths(records)}
        unfinished = stamping.unfinished(records)
    pairs = {name: [(reading, truths.get(reading.id)) for reading in tally.readings] for name, tally in tallies.items()}
    costs = {client.name: tallies[client.name].cpu_s if client.in_process else None for client in clients}
    return report.Report(
        title=f"{arguments.streams} streams in parallel",
        settings=_settings(arguments),
        machine=machine(before),
        truth=report.truth_quality(list(truths.values()), unfinished),
        errors=[errors for name, found in pairs.items() for errors in report.errors_of(name, found)],
        behaviour=[report.behaviour_of(name, found, costs[name]) for name, found in pairs.items()],
        notes=["CPU ms per probe: the client alone, with connection and decoding, without the server."],
    )


def _settings(arguments: argparse.Namespace) -> dict[str, object]:
    low_us, high_us = rounds.TTFT_US
    return {
        "streams": arguments.streams,
        "ttft ms": f"{low_us // 1000}..{high_us // 1000}",
        "gap ms": f"{rounds.GAP_US / 1000:g} ± {rounds.JITTER_US / 1000:g}",
        "tokens": rounds.TOKENS,
        "seed": arguments.seed,
    }


if __name__ == "__main__":
    main()
