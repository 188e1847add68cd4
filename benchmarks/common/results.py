"""Reports: tables, verdicts on bounds, settings and machine, as text, JSON and Markdown."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from rich.console import Console
from rich.table import Table as Shown

from benchmarks.common.estimates import Estimate

RESULTS: Final = Path(__file__).parents[1] / "results"
"""Folder of the results, unless `--out` names another."""
Cell: TypeAlias = str | int | float | Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a bound is kept."""

    bound: str
    seen: Cell
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of figures."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of one run."""

    title: str
    settings: Mapping[str, object]
    machine: Mapping[str, str]
    verdicts: Sequence[Verdict]
    tables: Sequence[Table]
    notes: Sequence[str] = field(default_factory=list)


def add_result_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Adds `--out` and `--name`. `names`: what the files are called; of several, the benchmark chooses."""
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    default = names[0] if len(names) == 1 else None
    parser.add_argument("--name", default=default, help=f"name of the result files ({', '.join(names)})")


def publish(report: Report, console: Console, folder: Path, name: str) -> None:
    """Prints the report and writes it as `name`.json and `name`.md."""
    for table in _tables(report):
        shown = Shown(*table.head, title=table.title, title_justify="left")
        for row in table.rows:
            shown.add_row(*map(_text, row))
        console.print(shown)
        if table.note:
            console.print(table.note, style="dim", markup=False, highlight=False)
    for remark in _remarks(report):
        console.print(remark, style="dim", markup=False, highlight=False)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(report), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / f"{name}.json").write_text(text + "\n")
    (folder / f"{name}.md").write_text(_markdown(report))
    console.print(f"written: {folder / name}.json, {folder / name}.md", style="dim", markup=False)


def _tables(report: Report) -> list[Table]:
    rows = [["PASS" if item.kept else "FAIL", item.bound, item.seen] for item in report.verdicts]
    return [Table(title="Bounds", head=["", "bound", "seen"], rows=rows), *report.tables]


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return "-"
        case float():
            return f"{cell:,.3f}"
        case int():
            return f"{cell:,}"
        case _:
            return str(cell)


def _remarks(report: Report) -> list[str]:
    return [*report.notes, "settings: " + words(report.settings), "machine: " + words(report.machine)]


def _markdown(report: Report) -> str:
    lines = [
        f"# {report.title}",
        "",
        "Written by the benchmark; see [README](../README.md) for what it measures and what not to conclude.",
    ]
    for table in _tables(report):
        head = [table.head, ["---"] * len(table.head)]
        lines += ["", f"## {table.title}", "", *cells([*head, *(list(map(_text, row)) for row in table.rows)])]
        if table.note:
            lines += ["", table.note]
    lines += ["", *(f"- {remark}" for remark in _remarks(report))]
    return "\n".join(lines) + "\n"


def words(values: Mapping[str, object]) -> str:
    """Names and values on one line."""
    return "; ".join(f"{key} {value}" for key, value in values.items())


def cells(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of a table in Markdown."""
    return [f"| {' | '.join(row)} |" for row in rows]
