"""How large months of history are, and how fast the store writes, maintains and reads them.

    python benchmarks/history/history.py                                  # 1,000 endpoints, 90 days: half an hour, 4 GB
    python benchmarks/history/history.py --endpoints 50 --days 20         # two minutes
    python benchmarks/history/history.py --endpoints 200 --postgres

Fills two stores, one a tenth of the other, and times the same things in both. Prints tables and writes them to
`benchmarks/results/`. Figures are reported, never asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.common.machine import load_average, run_realtime
from benchmarks.common.results import Report, Verdict, add_result_options, publish
from benchmarks.history import measure, report
from benchmarks.history.data import Plan
from benchmarks.history.fill import OnProgress, fill
from benchmarks.history.sizes import Part, parts, postgres_tables, sqlite_tables
from monitor.store import Retention, Store, create_store
from tests.support.postgres import Postgres, postgres

_ROOT = Path(__file__).parents[2]
_NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
_EVERYTHING = timedelta(days=10_000)
_MOST_BYTES = 20_000_000_000
_STARTS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A measured store."""

    name: str
    plan: Plan
    store: Store
    url: str
    tables: Callable[[], Mapping[str, int]]
    file: Path | None


def main() -> None:
    """The command."""
    arguments = _arguments()
    if problem := _no_room(arguments):
        raise SystemExit(problem)
    scratch = tempfile.TemporaryDirectory(prefix="providerwatch-history-", dir=arguments.folder)
    with scratch as folder, postgres() if arguments.postgres else nullcontext() as server:
        found = asyncio.run(_measured(arguments, Path(folder), server))
    name = arguments.name or ("history_postgres" if arguments.postgres else "history")
    publish(found, Console(width=150), arguments.out, name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--endpoints", type=int, default=1000, help="endpoints of the larger store, one sample a minute each (1000)"
    )
    parser.add_argument("--days", type=int, default=90, help="days of history (90)")
    parser.add_argument("--raw-days", type=int, default=7, help="days of raw samples, at least 5 (7)")
    parser.add_argument("--times", type=int, default=100, help="runs of each query in a round (100)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of everything (3)")
    parser.add_argument("--workers", type=int, default=2, help="processes that generate history (2)")
    parser.add_argument("--postgres", action="store_true", help="use a PostgreSQL server of its own, not SQLite")
    parser.add_argument("--realtime", action="store_true", help="measure under SCHED_RR, before other programs (root)")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="folder of the stores (the temporary one)"
    )
    add_result_options(parser, "history", "history_postgres")
    return parser.parse_args()


def _no_room(arguments: argparse.Namespace) -> str | None:
    """The reason why the run cannot start with these arguments; None: it can."""
    needed_each = 24 * 1_500 * arguments.days + 1_440 * 100 * arguments.raw_days + 1_600 * 300
    needed = round(1.1 * arguments.endpoints * needed_each)
    if needed > _MOST_BYTES:
        return f"that takes about {needed / 1e9:.0f} GB, more than this benchmark writes"
    if needed > shutil.disk_usage(arguments.folder).free * 0.8:
        return f"that takes about {needed / 1e9:.0f} GB, which {arguments.folder} does not have"
    if arguments.folder.resolve().is_relative_to(_ROOT):
        return "the stores have to lie outside the repository"
    return "--raw-days has to be at least 5" if arguments.raw_days < 5 else None


async def _measured(arguments: argparse.Namespace, folder: Path, server: Postgres | None) -> Report:
    before = load_average()
    subjects = []
    for endpoints in (max(1, arguments.endpoints // 10), arguments.endpoints):
        plan = Plan(endpoints=endpoints, days=arguments.days, raw_days=arguments.raw_days, now=_NOW)
        subjects.append(_subject(plan, folder, server))
    notes: list[str] = []
    for subject in subjects:
        await _filled(subject, arguments.workers, notes)
        await _rolled(subject)
    starting = await _asked(subjects, measure.STARTING, 1, _STARTS)
    if arguments.realtime:
        run_realtime()
        for subject in subjects:  # threads that exist already have no priority
            await subject.store.close()
            await subject.store.open()
    sizes = {subject.name: await _sizes(subject) for subject in subjects}
    queries = await _asked(subjects, measure.QUERIES, arguments.times, arguments.rounds)
    cold = await _asked_cold(subjects, arguments.rounds)
    large, small = subjects[-1], subjects[0]
    written, pauses = await _written(large, arguments.rounds, notes)
    for subject in subjects:
        await subject.store.close()
    verdicts = [report.size_verdict(sizes[large.name])] if server is None else []
    verdicts += report.query_verdicts(queries, large.name, when="warm")
    verdicts += report.query_verdicts(cold, large.name, when="cold")
    return Report(
        title=f"History of {arguments.endpoints} endpoints over {arguments.days} days"
        + (" on PostgreSQL" if server is not None else " on SQLite"),
        settings={
            "endpoints": arguments.endpoints,
            "days": arguments.days,
            "days of raw samples": arguments.raw_days,
            "queries a round": arguments.times,
            "rounds": arguments.rounds,
            "scheduling": "SCHED_RR" if arguments.realtime else "shared with all programs",
        },
        machine=report.machine(before),
        verdicts=[*verdicts, *pauses, *report.flat_verdicts(queries, small.name, large.name)],
        tables=report.tables(
            sizes,
            {
                "Queries of the API": queries,
                "The same on a file that is not in the kernel's cache": cold,
                "Queries of a start": starting,
                "Writing and upkeep": written,
            },
        ),
        notes=notes,
    )


def _subject(plan: Plan, folder: Path, server: Postgres | None) -> Subject:
    name = f"{plan.endpoints} endpoints"
    if server is not None:
        database = f"history{plan.endpoints}"
        url = server.create(database)
        return Subject(
            name=name,
            plan=plan,
            store=create_store(url),
            url=url,
            tables=lambda: postgres_tables(server, database),
            file=None,
        )
    file = folder / f"history{plan.endpoints}.db"
    url = f"sqlite://{file}"
    return Subject(
        name=name,
        plan=plan,
        store=create_store(url),
        url=f"sqlite:///{file}",
        tables=lambda: sqlite_tables(file),
        file=file,
    )


async def _filled(subject: Subject, workers: int, notes: list[str]) -> None:
    await subject.store.open()
    began = time.monotonic()
    with _progress(subject.name) as on_progress:
        await fill(subject.store, subject.url, subject.plan, workers, on_progress)
    await subject.store.close()
    notes.append(f"{subject.name}: filled in {time.monotonic() - began:.0f} s")


async def _rolled(subject: Subject) -> None:
    """Rolls up the newest hours, as a running daemon would have done."""
    await measure.upkeep(subject.store, subject.plan.now, Retention(raw=_EVERYTHING))


async def _sizes(subject: Subject) -> list[Part]:
    return parts(subject.tables(), await subject.store.info(), subject.plan)


async def _asked(
    subjects: list[Subject], questions: Mapping[str, measure.Ask], times: int, rounds: int
) -> list[report.Line]:
    """Timed queries. The stores take turns, so that they share the machine's noise; one more round is for warm-up."""
    lines = []
    for what, ask in questions.items():
        seconds: dict[str, list[list[float]]] = {subject.name: [] for subject in subjects}
        for number in range(rounds + 1):
            for subject in subjects:
                seed = f"{what}/{number}"
                found = await measure.ask_many(subject.store, subject.plan, ask, times=times, seed=seed)
                seconds[subject.name].append(found)
        lines += [
            report.Line(what=what, store=name, durations=measure.durations(found[1:]))
            for name, found in seconds.items()
        ]
    return lines


async def _asked_cold(subjects: list[Subject], rounds: int) -> list[report.Line]:
    """Queries after the kernel dropped the file's pages, on a new connection each round."""
    lines = []
    for subject in subjects:
        if subject.file is None:
            continue
        for what, ask in measure.QUERIES.items():
            seconds = []
            for number in range(rounds):
                measure.forget(subject.file)
                store = create_store(f"sqlite://{subject.file}")
                seconds.append(await measure.ask_many(store, subject.plan, ask, times=30, seed=f"{what}/cold/{number}"))
                await store.close()
            lines.append(report.Line(what=what, store=subject.name, durations=measure.durations(seconds)))
    return lines


async def _written(subject: Subject, rounds: int, notes: list[str]) -> tuple[list[report.Line], list[Verdict]]:
    """In every round: an hour of appends, its upkeep, and the deletion of a day of raw samples."""
    writer = measure.Writer(subject.store, subject.plan)
    kinds = ("append of a second's samples", "a slice that rolls up or seals", "append beside it",
             "a slice that deletes a day of raw samples", "append beside that")  # fmt: skip
    seconds: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
    keep = timedelta(days=subject.plan.raw_days)
    total, began_s = 0, 0.0
    for number in range(rounds):
        writer.prepare(60 * subject.plan.endpoints)
        appends, count = await measure.write(writer, writer.now + timedelta(hours=1))
        total, began_s = total + count, began_s + sum(appends)
        writer.prepare(30 * subject.plan.endpoints)
        sealing = await measure.upkeep_while_appending(subject.store, writer, writer.now, Retention(raw=_EVERYTHING))
        writer.prepare(30 * subject.plan.endpoints)
        shorter = Retention(raw=keep - timedelta(days=number + 1))
        deleting = await measure.upkeep_while_appending(subject.store, writer, subject.plan.now, shorter)
        for kind, found in zip(kinds, (appends, *sealing, *deleting), strict=True):
            seconds[kind].append(found)
    lines = [
        report.Line(what=kind, store=subject.name, durations=measure.durations(found))
        for kind, found in seconds.items()
    ]
    a_day = subject.plan.endpoints * 1_440
    per_s = total / began_s
    notes.append(
        f"{subject.name}: {per_s:,.0f} samples/s in appends of a second's samples with their states; "
        f"a day of {a_day:,} samples is {a_day / per_s:,.0f} s of appending, "
        f"{24 * sum(map(sum, seconds[kinds[1]])) / rounds:,.0f} s of rolling up and sealing, "
        f"{sum(map(sum, seconds[kinds[3]])) / rounds:,.0f} s of deleting"
    )
    longest = {kind: measure.durations(seconds[kind]).max for kind in kinds}
    return lines, [
        report.pause_verdict("rolls up and seals an hour", longest[kinds[2]]),
        report.pause_verdict("deletes a day of raw samples", longest[kinds[4]]),
    ]


@contextmanager
def _progress(name: str) -> Iterator[OnProgress]:
    with Progress(console=Console(file=sys.stderr), transient=True) as progress:
        bars = {}

        def on_progress(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(f"{name}: {what}", total=total)
            progress.update(bars[what], completed=done + 1)

        yield on_progress


if __name__ == "__main__":
    main()
