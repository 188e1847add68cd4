"""From timings to tables, verdicts and files."""

from __future__ import annotations

import json
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import _report
from _history_measure import Took
from _history_sizes import Part
from rich.console import Console
from rich.table import Table

RAW_BYTES = 120
QUERY_MS = 50
PAUSE_MS = 200
FLAT = 1.5
"""A query is flat when its median in the store ten times as large is at most so many times as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What was timed, and in which store."""

    what: str
    store: str
    took: Took


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a bound is kept."""

    bound: str
    seen: str
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of one run."""

    title: str
    settings: dict[str, object]
    machine: dict[str, str]
    sizes: dict[str, list[Part]]
    """By store."""
    queries: list[Line]
    cold: list[Line]
    starting: list[Line]
    writing: list[Line]
    verdicts: list[Verdict]
    notes: list[str] = field(default_factory=list)


def machine(load_before: str) -> dict[str, str]:
    """Where the figures were seen."""
    kept = ("date", "cpu", "kernel", "python", "load average before", "load average after")
    seen = _report.machine(load_before)
    return {name: seen[name] for name in kept} | {"sqlite": sqlite3.sqlite_version, "machine": platform.machine()}


def size_verdict(parts: Sequence[Part]) -> Verdict:
    """Of a SQLite store."""
    raw = next(part for part in parts if part.name == "raw samples in all")
    bound = f"raw samples take at most {RAW_BYTES} bytes each on SQLite, rows and blocks with their indexes"
    return Verdict(bound=bound, seen=f"{raw.per_item:g}", kept=raw.per_item <= RAW_BYTES)


def query_verdicts(lines: Iterable[Line], store: str, *, when: str) -> list[Verdict]:
    """One for each query of a store."""
    return [
        Verdict(
            bound=f"{line.what} ({when}) takes at most {QUERY_MS} ms at p99",
            seen=f"{line.took.p99:g} ms",
            kept=line.took.p99 <= QUERY_MS,
        )
        for line in lines
        if line.store == store
    ]


def flat_verdicts(lines: Sequence[Line], small: str, large: str) -> list[Verdict]:
    """One for each query."""
    before = {line.what: line.took.p50 for line in lines if line.store == small}
    after = {line.what: line.took.p50 for line in lines if line.store == large}
    return [
        Verdict(
            bound=f"{what} is flat: its median grows at most {FLAT:g} times from {small} to {large}",
            seen=f"{after[what] / before[what]:.2f} times",
            kept=after[what] <= FLAT * before[what],
        )
        for what in after
        if what in before
    ]


def pause_verdict(what: str, longest_ms: float) -> Verdict:
    """Of the appends beside a kind of tidying."""
    bound = f"no append takes over {PAUSE_MS} ms while the store {what}"
    return Verdict(bound=bound, seen=f"{longest_ms:g} ms", kept=longest_ms <= PAUSE_MS)


def publish(report: Report, console: Console, folder: Path, name: str) -> None:
    """Prints the report and writes it as `name`.json and `name`.md."""
    for title, rows in _tables(report):
        table = Table(*rows[0], title=title, title_justify="left")
        for row in rows[1:]:
            table.add_row(*row)
        console.print(table)
    for remark in _remarks(report):
        console.print(remark, style="dim", markup=False, highlight=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n")
    (folder / f"{name}.md").write_text(_markdown(report))
    console.print(f"written: {folder / name}.json, {folder / name}.md", style="dim", markup=False)


def _tables(report: Report) -> list[tuple[str, list[list[str]]]]:
    found = [("Bounds", [["", "bound", "seen"], *map(_verdict_row, report.verdicts)])]
    for store, parts in report.sizes.items():
        found.append((f"Size: {store}", [["part", "MB", "items", "bytes each"], *map(_part_row, parts)]))
    timed = (
        ("Queries of the API", report.queries),
        ("The same with a file that the kernel has not read yet", report.cold),
        ("What a start asks", report.starting),
        ("Writing and tidying", report.writing),
    )
    head = ["what", "store", "times", "p50 ms", "p99 ms", "max ms", "p99 by round"]
    return found + [(title, [head, *map(_line_row, lines)]) for title, lines in timed if lines]


def _verdict_row(verdict: Verdict) -> list[str]:
    return ["PASS" if verdict.kept else "FAIL", verdict.bound, verdict.seen]


def _part_row(part: Part) -> list[str]:
    return [part.name, f"{part.bytes / 1e6:,.1f}", f"{part.items:,}", f"{part.per_item:,.1f} a {part.per}"]


def _line_row(line: Line) -> list[str]:
    took = line.took
    rounds = " ".join(f"{value:,.1f}" for value in took.p99_by_round)
    times = (f"{value:,.2f}" for value in (took.p50, took.p99, took.max))
    return [line.what, line.store, f"{took.count:,}", *times, rounds]


def _remarks(report: Report) -> list[str]:
    return [*report.notes, "settings: " + _report.words(report.settings), "machine: " + _report.words(report.machine)]


def _markdown(report: Report) -> str:
    lines = [
        f"# {report.title}",
        "",
        "Written by the benchmark; see [README](../README.md) for what it measures and what not to conclude.",
    ]
    for title, (head, *rows) in _tables(report):
        lines += ["", f"## {title}", "", *_report.cells([head, ["---"] * len(head), *rows])]
    lines += ["", *(f"- {remark}" for remark in _remarks(report))]
    return "\n".join(lines) + "\n"
