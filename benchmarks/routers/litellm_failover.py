"""How many requests through LiteLLM fail while one of three backends fails, with the plug-in and without.

    python benchmarks/routers/litellm_failover.py           # half an hour; needs what `make routers` installs

Each round starts three servers of the demo's real model behind fault switches, and LiteLLM, its router or its proxy,
with and without the plug-in, each plug-in with a real daemon of its own. All lanes receive the same requests at the
same times; one backend fails in the middle and recovers. Prints tables and writes them to `results/`. Figures are
reported, never asserted.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.common.machine import load_average, machine
from benchmarks.common.results import Report, add_result_options, publish
from benchmarks.routers.failover_stage import AFTER_S, BROKEN, Lane, LaneRun, Plan, round_of
from benchmarks.routers.failover_tables import tables, verdicts
from monitor.demo.faults import InjectedFault

_ALONE: Final = {"num_retries": 0, "disable_cooldowns": True, "timeout": 30}
_OWN: Final = {"timeout": 30}
STAGES: Final = {
    "router": [
        Lane(name="router, no retries, no cooldowns", settings=_ALONE),
        Lane(name="the same with the plug-in", settings=_ALONE, plugin="reports"),
    ],
    "silent": [
        Lane(name="router, no retries, no cooldowns", settings=_ALONE),
        Lane(name="the same with the plug-in, no outcomes reported", settings=_ALONE, plugin="silent"),
    ],
    "defaults": [
        Lane(name="router, LiteLLM's defaults", settings=_OWN),
        Lane(name="the defaults with the plug-in", settings=_OWN, plugin="reports"),
    ],
    "proxy": [
        Lane(name="proxy, no retries, no cooldowns", settings=_ALONE, is_proxy=True),
        Lane(name="the proxy with the plug-in", settings=_ALONE, plugin="reports", is_proxy=True),
    ],
}
"""Lanes that run side by side; two at once, since they share a machine of two cores."""


def plans(arguments: argparse.Namespace, stage: str) -> Iterator[Plan]:
    """The plan of each round; the fault starts at a random time between two probes."""
    for number in range(arguments.rounds):
        chance = random.Random(f"{arguments.seed} {stage} {number}")
        fails_at_s = arguments.seconds / 3 + chance.uniform(0, arguments.every)
        yield Plan(
            seconds=arguments.seconds,
            rate=arguments.rate,
            every_s=arguments.every,
            fault=InjectedFault.OVERLOADED,
            fails_at_s=fails_at_s,
            heals_at_s=fails_at_s + arguments.fault,
            seed=chance.randrange(2**32),
            picks=arguments.picks if stage == "router" and number == 0 else 0,
        )


def measure(arguments: argparse.Namespace, console: Console) -> Report:
    """Runs all rounds of all stages."""
    before, runs = load_average(), list[LaneRun]()
    for stage in arguments.stages:
        for number, plan in enumerate(plans(arguments, stage), start=1):
            console.print(f"{stage}, round {number} of {arguments.rounds} …", style="dim")
            with tempfile.TemporaryDirectory() as folder:
                runs += round_of(Path(folder), STAGES[stage], plan)
    return Report(
        title="Requests through LiteLLM while one of three backends fails",
        settings={name: value for name, value in vars(arguments).items() if name not in {"out", "name"}},
        machine=machine(before),
        verdicts=verdicts(runs),
        tables=tables(runs),
        notes=_notes(arguments),
    )


def _notes(arguments: argparse.Namespace) -> Sequence[str]:
    return [
        f"a round: {arguments.seconds:g} s, {arguments.rate:g} requests a second in each lane, by an open loop; "
        f"{BROKEN} answers 503 for {arguments.fault:g} s; then {AFTER_S:g} s more with the daemon killed",
        f"probes: chat every {arguments.every:g} s of each backend, by a daemon for each lane with the plug-in",
        "no retries, no cooldowns: num_retries 0, disable_cooldowns; LiteLLM's defaults: 2 retries, cooldowns of 5 s",
    ]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="rounds of each stage (1)")
    parser.add_argument(
        "--seconds", type=float, default=300, help="seconds of a round until the daemons are killed (300)"
    )
    parser.add_argument("--fault", type=float, default=100, help="seconds for which one backend fails (100)")
    parser.add_argument("--every", type=float, default=5, help="seconds between two probes (5)")
    parser.add_argument("--rate", type=float, default=1, help="requests a second in each lane (1)")
    parser.add_argument("--picks", type=int, default=2000, help="picks timed in each way; 0: none (2000)")
    parser.add_argument("--stages", nargs="+", choices=tuple(STAGES), default=list(STAGES), help="stages to run (all)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the request times (1)")
    add_result_options(parser, "litellm_failover")
    arguments, console = parser.parse_args(), Console()
    publish(measure(arguments, console), console, arguments.out, arguments.name)


if __name__ == "__main__":
    main()
