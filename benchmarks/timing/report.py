"""Errors of measured times as a table: in microseconds, by metric and client."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

from benchmarks.common.results import cells, words
from benchmarks.common.stamping import Truth
from benchmarks.timing.clients import Reading
from probes._model import ErrorClass
from probes._quantiles import quantile

METRICS = ("ttft_s", "itl_p50_s", "itl_max_s", "e2e_s")
_TAINTED = ErrorClass.TAINTED.value
_COLUMNS = ("probes", "signed median", "median", "p90", "p99", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Measured minus true, of one metric of one client, in microseconds."""

    metric: str
    client: str
    count: int
    signed_median_us: float
    median_us: float
    p90_us: float
    p99_us: float
    max_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Failures and CPU time of a client, and what it reports of its own clock."""

    client: str
    probes: int
    failed: dict[str, int]
    cpu_ms_per_probe: float | None
    timing: dict[str, int]
    rx_lag_p99_us: float | None
    with_merged_reads: int
    server_lateness_p99_us: float | None
    """Lateness of the server while this client had its turns: the machine's noise at that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of a benchmark."""

    title: str
    settings: dict[str, object]
    machine: dict[str, str]
    truth: dict[str, object]
    errors: list[Errors]
    behaviour: list[Behaviour]
    notes: list[str]


Pair: TypeAlias = tuple[Reading, Truth | None]
"""A client's reading and the truth; None: the server has no record of it."""


def errors_of(client: str, pairs: Sequence[Pair]) -> list[Errors]:
    """The errors of a client in every metric, without failed probes.

    A client that withholds samples as unreliable has a second set of rows, with those samples.
    """
    good = [(reading, truth) for reading, truth in pairs if truth is not None and reading.error is None]
    kept = [(reading, truth) for reading, truth in pairs if truth is not None and reading.error in {None, _TAINTED}]
    found = [_errors(client, metric, good) for metric in METRICS]
    if len(kept) > len(good):
        found += [_errors(f"{client}, with tainted", metric, kept) for metric in METRICS]
    return [errors for errors in found if errors is not None]


def _errors(client: str, metric: str, pairs: Sequence[tuple[Reading, Truth]]) -> Errors | None:
    measured = ((getattr(reading, metric), getattr(truth, metric)) for reading, truth in pairs)
    signed = sorted((value - true) * 1e6 for value, true in measured if value is not None)
    if not signed:
        return None
    sizes = sorted(map(abs, signed))
    return Errors(
        metric=metric,
        client=client,
        count=len(signed),
        signed_median_us=round(quantile(signed, 0.5), 1),
        median_us=round(quantile(sizes, 0.5), 1),
        p90_us=round(quantile(sizes, 0.9), 1),
        p99_us=round(quantile(sizes, 0.99), 1),
        max_us=round(sizes[-1], 1),
    )


def behaviour_of(client: str, pairs: Sequence[Pair], cpu_s: float | None) -> Behaviour:
    """The behaviour of a client over all its probes, with the failed ones."""
    readings = [reading for reading, _ in pairs]
    return Behaviour(
        client=client,
        probes=len(readings),
        failed=dict(Counter(reading.error for reading in readings if reading.error)),
        cpu_ms_per_probe=None if cpu_s is None or not readings else round(cpu_s * 1e3 / len(readings), 2),
        timing=dict(Counter(reading.timing for reading in readings if reading.timing)),
        rx_lag_p99_us=_p99_us(reading.rx_lag_s for reading in readings),
        with_merged_reads=sum(bool(reading.merged_reads) for reading in readings),
        server_lateness_p99_us=_p99_us(truth.lateness_s for _, truth in pairs if truth is not None),
    )


def _p99_us(values_s: Iterable[float | None]) -> float | None:
    known = sorted(value for value in values_s if value is not None)
    return round(quantile(known, 0.99) * 1e6, 1) if known else None


def truth_quality(truths: Sequence[Truth], unfinished: int) -> dict[str, object]:
    """The uncertainty of the truth itself."""
    took = sorted(truth.first_write_took_s * 1e6 for truth in truths)
    moved = max((truth.clock_moved_s * 1e6 for truth in truths), default=0.0)
    return {
        "streams": len(truths),
        "ended early": unfinished,
        "without kernel stamp": sum(not truth.kernel_stamp for truth in truths),
        "first content's write(), µs, p50": round(quantile(took, 0.5), 1) if took else None,
        "first content's write(), µs, p99": round(quantile(took, 0.99), 1) if took else None,
        "wall clock moved against monotonic, µs, max": round(moved, 1),
    }


def publish(report: Report, console: Console, folder: Path, name: str) -> None:
    """Prints the report and writes it as `name`.json and `name`.md."""
    console.print(_table(report))
    for line in _remarks(report):
        console.print(line, style="dim", markup=False, highlight=False)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(report), indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n")
    (folder / f"{name}.md").write_text(_markdown(report))
    console.print(f"written: {folder / name}.json, {folder / name}.md", style="dim", markup=False)


def _table(report: Report) -> Table:
    table = Table(title=f"{report.title}: |measured - true|, µs", title_justify="left")
    table.add_column("metric")
    table.add_column("client")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for metric in METRICS:
        for errors in (errors for errors in report.errors if errors.metric == metric):
            table.add_row(*_row(errors))
        table.add_section()
    return table


def _row(errors: Errors) -> list[str]:
    sizes = (errors.median_us, errors.p90_us, errors.p99_us, errors.max_us)
    figures = [f"{errors.signed_median_us:+,.0f}", *(f"{size:,.0f}" for size in sizes)]
    return [errors.metric.removesuffix("_s"), errors.client, str(errors.count), *figures]


def _remarks(report: Report) -> list[str]:
    return [
        *(_behaviour_line(behaviour) for behaviour in report.behaviour),
        "truth: " + words(report.truth),
        "machine: " + words(report.machine),
        "settings: " + words(report.settings),
        *report.notes,
    ]


def _behaviour_line(behaviour: Behaviour) -> str:
    facts = {
        "probes": behaviour.probes,
        "failed": behaviour.failed or 0,
        "CPU ms per probe": behaviour.cpu_ms_per_probe,
        "timing": behaviour.timing or None,
        "server's own lateness p99 µs": behaviour.server_lateness_p99_us,
        "rx_lag p99 µs": behaviour.rx_lag_p99_us,
        "probes with merged reads": behaviour.with_merged_reads if behaviour.timing else None,
    }
    return f"{behaviour.client}: " + words({key: value for key, value in facts.items() if value is not None})


def _markdown(report: Report) -> str:
    head = ["metric", "client", *_COLUMNS]
    rows = sorted(report.errors, key=lambda errors: METRICS.index(errors.metric))
    lines = [
        f"# {report.title}",
        "",
        "Written by the benchmark; see [README](../README.md) for what it measures and what not to conclude.",
        "|measured - true| in microseconds.".replace("|", "\\|"),
        "",
        *cells([head, ["---", "---", *["---:"] * len(_COLUMNS)], *map(_row, rows)]),
        "",
        *(f"- {line}" for line in _remarks(report)),
    ]
    return "\n".join(lines) + "\n"
