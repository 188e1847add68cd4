"""How well published score and status describe an endpoint, beside simpler rules, in simulated worlds.

    python benchmarks/scoring/score.py            # 20 worlds of 12 endpoints and 12 days: ten minutes on two cores
    python benchmarks/scoring/score.py --quick    # a minute

Prints tables and writes them to `benchmarks/results/`. Figures are reported, never asserted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import Self, TypeAlias, TypeVar

from rich.console import Console
from rich.progress import Progress

from benchmarks.common.machine import load_average, machine
from benchmarks.common.results import Report, add_result_options, publish
from benchmarks.scoring import daemon_trials, tables, trials, world
from benchmarks.scoring.board_times import board_times
from benchmarks.scoring.detectors import OURS
from benchmarks.scoring.measures import Findings
from benchmarks.scoring.rules import TWO_IN_A_ROW, Calibration
from benchmarks.scoring.simulation import ProbeSchedule
from benchmarks.scoring.tables import Found

_WIDTH = 150
_ADAPTIVE_S = (60, 120, 300, 600)
_CLOSEST_SHARE = 20
_FIXED_S = (20, 30, 45, 60, 90, 120, 180, 240)
_SCHEDULED_DAYS = 6.0
"""Shorter than the other worlds, since there are many schedules."""
_FIXED = {"fixed, ours": OURS, "fixed, 2 in a row": TWO_IN_A_ROW}
"""Detector of each kind of fixed schedule."""
_BUDGET_SHARES = (0.25, 0.5, 0.9)

_HELD_GENERATION = 2
"""Raise it when constants are set after a look at the held worlds: it selects new ones."""

_CLIMATES = {"full world": world.FULL, "stormy world": world.STORMY, "simpler world": world.OUTAGES}
_SCHEDULES = {"every 60s": trials.USUAL, "15s..300s": ProbeSchedule(every_s=300.0, least_s=15.0)}

Result = TypeVar("Result")
_Task: TypeAlias = Future[Result]
_Tasks: TypeAlias = dict[str, Sequence[Future[Result]]]
"""By name in the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Amount of trials."""

    worlds: str
    """`held`: worlds that were not used to set constants; `tune`: worlds for setting them."""
    seeds: int
    size: world.Size
    workers: int
    board: int
    """Providers of the timed board; each has as many models."""

    def of(self, kind: str, count: int) -> Sequence[str]:
        """Seeds of `count` worlds of a kind."""
        return [f"{self.worlds}-{_HELD_GENERATION}-{kind}-{seed}" for seed in range(count)]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    chosen = _arguments(arguments)
    before = load_average()
    plan = Plan(
        worlds=chosen.worlds,
        seeds=chosen.seeds or (4 if chosen.quick else 20),
        size=world.Size(
            providers=chosen.providers, models=chosen.models, days=chosen.days or (3.0 if chosen.quick else 12.0)
        ),
        workers=chosen.workers,
        board=chosen.board,
    )
    found = tried(plan)
    facts = machine(before)
    kept = ("date", "cpu", "kernel", "python", "load average before", "load average after")
    report = Report(
        title="Score, status and schedule in simulated worlds",
        settings={
            "worlds": plan.worlds,
            "seeds": plan.seeds,
            "providers": plan.size.providers,
            "models": plan.size.models,
        }
        | {
            "days": plan.size.days,
            "every": f"{trials.USUAL.every_s:g}s",
            "requests every": f"{trials.ASKED_EVERY_S:g}s",
        },
        machine={name: facts[name] for name in kept},
        verdicts=tables.verdicts(found),
        tables=tables.tables(found),
        notes=["95 % intervals in brackets: worlds drawn again and again."],
    )
    publish(report, Console(width=_WIDTH), chosen.out, chosen.name or ("score_quick" if chosen.quick else "score"))


def tried(plan: Plan) -> Found:
    """Runs all trials on the worker processes."""
    with _TrialPool(plan.workers) as pool:
        few = max(plan.seeds // 2, 2)
        learned = {title: _learned(pool, plan, climate) for title, climate in _CLIMATES.items()}
        quiet = pool.all(trials.quiet, [(seed, plan.size) for seed in plan.of("quiet", max(plan.seeds // 3, 1))])
        adaptive, fixed = _schedules(
            pool, plan.of("world", few), replace(plan.size, days=min(plan.size.days, _SCHEDULED_DAYS))
        )
        offline, wide, budgeted = _offline(pool, plan), _wide(pool, plan), _budgeted(pool, plan)
        compared = {
            title: _compared(pool, plan, climate, _merged(_results(learned[title])))
            for title, climate in _CLIMATES.items()
        }
        return Found(
            size=plan.size,
            worlds=_each(compared),
            quiet=_results(quiet),
            adaptive=_each(adaptive),
            fixed={detector: _each(schedules) for detector, schedules in fixed.items()},
            offline=_each(offline),
            wide=_each(wide),
            budgeted=[day for days in _results(budgeted) for day in days],
            # Last, when no worker process runs.
            times=board_times(plan.board, plan.board, updates=2 * plan.board**2),
        )


def _learned(pool: _TrialPool, plan: Plan, climate: world.Climate) -> Sequence[_Task[dict[str, Calibration]]]:
    """Calibrations of the rivals, from worlds of their own."""
    seeds = [f"train-{seed}" for seed in range(max(plan.seeds // 4, 2))]
    return pool.all(trials.learned, [(seed, plan.size, climate) for seed in seeds])


def _compared(
    pool: _TrialPool, plan: Plan, climate: world.Climate, known: dict[str, Calibration]
) -> Sequence[_Task[Findings]]:
    seeds = plan.of("world", plan.seeds if climate is world.FULL else max(plan.seeds // 2, 2))
    return pool.all(trials.compared, [(seed, plan.size, climate, known) for seed in seeds])


def _schedules(
    pool: _TrialPool, seeds: Sequence[str], size: world.Size
) -> tuple[_Tasks[trials.Spent], dict[str, _Tasks[trials.Spent]]]:
    """Adaptive and fixed schedules in the same worlds."""

    def runs(schedule: ProbeSchedule, name: str) -> Sequence[_Task[trials.Spent]]:
        return pool.all(trials.spent, [(seed, size, world.FULL, schedule, name) for seed in seeds])

    adaptive = [ProbeSchedule(every_s=every_s, least_s=every_s / _CLOSEST_SHARE) for every_s in _ADAPTIVE_S]
    return (
        {f"{schedule.least_s:g}s..{schedule.every_s:g}s": runs(schedule, OURS) for schedule in adaptive},
        {
            words: {f"{every_s:g}s": runs(ProbeSchedule(every_s=every_s), name) for every_s in _FIXED_S}
            for words, name in _FIXED.items()
        },
    )


def _offline(pool: _TrialPool, plan: Plan) -> _Tasks[daemon_trials.Offline]:
    many, single = replace(plan.size, providers=4), replace(plan.size, providers=1)
    cases = {
        "4 providers, no canaries": (many, ()),
        "4 providers and 2 canaries": (many, daemon_trials.CANARIES),
        "1 provider and 2 canaries": (single, daemon_trials.CANARIES),
    }
    return {
        words: pool.all(
            daemon_trials.offline,
            [
                (seed, size, schedule, canaries)
                for seed in plan.of("offline", plan.seeds)
                for schedule in _SCHEDULES.values()
            ],
        )
        for words, (size, canaries) in cases.items()
    }


def _wide(pool: _TrialPool, plan: Plan) -> _Tasks[daemon_trials.WideOutage]:
    size = replace(plan.size, providers=2, models=3 * plan.size.models)
    return {
        words: pool.all(daemon_trials.wide, [(seed, size, schedule) for seed in plan.of("wide", plan.seeds)])
        for words, schedule in _SCHEDULES.items()
    }


def _budgeted(pool: _TrialPool, plan: Plan) -> Sequence[_Task[list[daemon_trials.BudgetDay]]]:
    size = replace(plan.size, providers=2)
    cases = [(share, schedule) for share in _BUDGET_SHARES for schedule in _SCHEDULES.values()]
    seeds = plan.of("budget", len(cases))
    return pool.all(
        daemon_trials.budgeted,
        [(seed, size, schedule, share) for seed, (share, schedule) in zip(seeds, cases, strict=True)],
    )


def _merged(learned: Iterable[dict[str, Calibration]]) -> dict[str, Calibration]:
    found: dict[str, Calibration] = {}
    for calibrations in learned:
        for name, calibration in calibrations.items():
            found.setdefault(name, Calibration()).add(calibration)
    return found


class _TrialPool:
    """Worker processes for trials; with one worker, trials run in this process."""

    def __init__(self, workers: int) -> None:
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn")) if workers > 1 else None
        self._progress = Progress(console=Console(file=sys.stderr), transient=True)
        self._bar = self._progress.add_task("worlds", total=0)
        self._total = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def all(self, trial: Callable[..., Result], argument_sets: Sequence[tuple[object, ...]]) -> Sequence[_Task[Result]]:
        """One run of a trial for each tuple of arguments."""
        self._total += len(argument_sets)
        self._progress.update(self._bar, total=self._total)
        return [self._task(partial(trial, *arguments)) for arguments in argument_sets]

    def _task(self, trial: Callable[[], Result]) -> _Task[Result]:
        task: _Task[Result]
        if self._pool is None:
            task = Future()
            task.set_result(trial())
        else:
            task = self._pool.submit(trial)
        task.add_done_callback(lambda _: self._progress.advance(self._bar))
        return task


def _results(tasks: Sequence[_Task[Result]]) -> list[Result]:
    return [task.result() for task in tasks]


def _each(tasks: _Tasks[Result]) -> dict[str, Sequence[Result]]:
    return {name: _results(those) for name, those in tasks.items()}


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--worlds",
        choices=("held", "tune"),
        default="held",
        help="worlds not used to set constants (held), or worlds for setting them (tune)",
    )
    parser.add_argument("--seeds", type=int, help="number of worlds (20)")
    parser.add_argument("--providers", type=int, default=4, help="providers of each world (4)")
    parser.add_argument("--models", type=int, default=3, help="models of each provider (3)")
    parser.add_argument("--days", type=float, help="days of each world; the first does not count (12)")
    parser.add_argument("--quick", action="store_true", help="4 worlds of 3 days")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="worker processes (one for each core)")
    parser.add_argument("--board", type=int, default=100, help="providers of the timed board, and models of each (100)")
    add_result_options(parser, "score", "score_quick")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
