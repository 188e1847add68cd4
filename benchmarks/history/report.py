"""Tables and verdicts from timings."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.common import machine as facts
from benchmarks.common.results import Table, Verdict
from benchmarks.history.measure import Durations
from benchmarks.history.sizes import Part

RAW_BYTES = 120
QUERY_MS = 50
PAUSE_MS = 200
FLAT = 1.5
"""A query is flat if its median grows at most by this factor in a store ten times as large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Durations of an operation in one store."""

    what: str
    store: str
    durations: Durations


def machine(load_before: str) -> dict[str, str]:
    """Facts of the machine that matter here."""
    kept = ("date", "cpu", "kernel", "python", "load average before", "load average after")
    seen = facts.machine(load_before)
    return {name: seen[name] for name in kept} | {"sqlite": sqlite3.sqlite_version, "machine": platform.machine()}


def size_verdict(parts: Sequence[Part]) -> Verdict:
    """The verdict on the size of raw samples in a SQLite store."""
    raw = next(part for part in parts if part.name == "raw samples in all")
    bound = f"raw samples take at most {RAW_BYTES} bytes each on SQLite, rows and blocks with their indexes"
    return Verdict(bound=bound, seen=f"{raw.per_item:g}", kept=raw.per_item <= RAW_BYTES)


def query_verdicts(lines: Iterable[Line], store: str, *, when: str) -> list[Verdict]:
    """A verdict for each query of a store."""
    return [
        Verdict(
            bound=f"{line.what} ({when}) takes at most {QUERY_MS} ms at p99",
            seen=f"{line.durations.p99:g} ms",
            kept=line.durations.p99 <= QUERY_MS,
        )
        for line in lines
        if line.store == store
    ]


def flat_verdicts(lines: Sequence[Line], small: str, large: str) -> list[Verdict]:
    """A verdict for each query, from a small and a large store."""
    before = {line.what: line.durations.p50 for line in lines if line.store == small}
    after = {line.what: line.durations.p50 for line in lines if line.store == large}
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
    """The verdict on the longest append during a kind of upkeep."""
    bound = f"no append takes over {PAUSE_MS} ms while the store {what}"
    return Verdict(bound=bound, seen=f"{longest_ms:g} ms", kept=longest_ms <= PAUSE_MS)


def tables(sizes: Mapping[str, Sequence[Part]], timed: Mapping[str, Sequence[Line]]) -> list[Table]:
    """Tables of sizes by store, and of durations by title."""
    found = [
        Table(title=f"Size: {store}", head=["part", "MB", "items", "bytes each"], rows=list(map(_part_row, parts)))
        for store, parts in sizes.items()
    ]
    head = ["what", "store", "times", "p50 ms", "p99 ms", "max ms", "p99 by round"]
    return found + [
        Table(title=title, head=head, rows=list(map(_line_row, lines))) for title, lines in timed.items() if lines
    ]


def _part_row(part: Part) -> list[str]:
    return [part.name, f"{part.bytes / 1e6:,.1f}", f"{part.items:,}", f"{part.per_item:,.1f} a {part.per}"]


def _line_row(line: Line) -> list[str]:
    durations = line.durations
    rounds = " ".join(f"{value:,.1f}" for value in durations.p99_by_round)
    times = (f"{value:,.2f}" for value in (durations.p50, durations.p99, durations.max))
    return [line.what, line.store, f"{durations.count:,}", *times, rounds]
