"""The report of a backtest as tables and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from monitor.backtest.calibration import BINS, CalibrationBin
from monitor.backtest.policies import NAMES
from monitor.backtest.replay import Verdict
from monitor.backtest.run import Backtest, SampleCost
from monitor.domain.text import count, plural
from probes._serialize import timestamp

SCHEMA: Final = "providerwatch/backtest/v1"
_NONE: Final = "-"
_SPANS: Final = (("d", 86_400.0), ("h", 3_600.0), ("m", 60.0))
_ROUND: Final = 6
"""Decimals in JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    header: str
    cell: Callable[[Verdict], str]


_COLUMNS: Final = (
    _Column(header="\nBrier", cell=lambda verdict: _figure(verdict.brier, 4)),
    _Column(header="\nskill", cell=lambda verdict: _percent(verdict.skill)),
    _Column(header="\nseen", cell=lambda verdict: count(verdict.detected)),
    _Column(header="\nmissed", cell=lambda verdict: count(verdict.missed)),
    _Column(header="delay\np50", cell=lambda verdict: _span(verdict.delay_p50_s)),
    _Column(header="\np90", cell=lambda verdict: _span(verdict.delay_p90_s)),
    _Column(header="false\nalarms", cell=lambda verdict: count(verdict.false_alarms)),
    _Column(header="per\nmonth", cell=lambda verdict: _figure(verdict.false_alarms_per_month, 2)),
    _Column(header="\ndown", cell=lambda verdict: _span(verdict.down_s)),
    _Column(header="\nchanges", cell=lambda verdict: count(verdict.changes)),
)
"""With the default policies the tables fit 80 columns."""


def as_plain(found: Backtest) -> dict[str, object]:
    """The JSON document."""
    report = found.report
    return {
        "schema": SCHEMA,
        "since": timestamp(found.since),
        "until": timestamp(found.until),
        "endpoints": found.endpoints,
        "judged": report.judged,
        "success_ratio": _rounded(report.share),
        "watched_s": _rounded(report.watched_s),
        "outages": {"count": report.outages, "total_s": _rounded(report.outage_s)},
        "cost": {
            "all": _plain_cost(found.bill.all),
            "beside_ticks": _plain_cost(found.bill.beside),
            "unplanned": _plain_cost(found.bill.unplanned),
        },
        "policies": [_plain_verdict(verdict) for verdict in report.verdicts],
    }


def as_tables(found: Backtest) -> RenderableType:
    """Tables for a terminal of 80 columns or more."""
    return Group(*_facts(found), "", _verdicts(found.report.verdicts), "", *_calibration(found.report.verdicts))


def _facts(found: Backtest) -> list[str]:
    report, bill = found.report, found.bill
    succeeded = "" if report.share is None else f", {_percent(report.share)} of them within SLO"
    lines = [
        f"{found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC",
        f"{plural(found.endpoints, 'endpoint')}, monitored for {_span(report.watched_s)} in total",
        f"{plural(report.outages, 'outage')} of {_span(report.outage_s)} together",
        f"judged by {plural(report.judged, 'sample')}{succeeded}",
        f"cost, the same for all policies: {_cost(bill.all)}",
        f"of which probes between ticks: {_cost(bill.beside)}",
    ]
    if bill.unplanned.samples:
        lines.append(f"of which removed probes: {_cost(bill.unplanned)}")
    return lines


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    table = _table("\npolicy")
    for column in _COLUMNS:
        table.add_column(column.header, no_wrap=True, justify="right")
    for verdict in verdicts:
        table.add_row(verdict.name, *(column.cell(verdict) for column in _COLUMNS))
    return table


def _calibration(verdicts: Sequence[Verdict]) -> tuple[RenderableType, ...]:
    """Three lines per policy, one column per bin."""
    table = _table("policy")
    table.leading = 1
    table.add_column("", no_wrap=True)
    for place in range(BINS):
        table.add_column(f".{place}-.{place + 1}" if place + 1 < BINS else f".{place}-1", no_wrap=True, justify="right")
    for verdict in verdicts:
        table.add_row(verdict.name, "said\nok\nn", *map(_bin, verdict.bins))
    return "Calibration: predicted probability, share within SLO, number of samples", table


def _bin(found: CalibrationBin) -> str:
    if not found.count:
        return "\n\n"
    return f"{_figure(found.figure, 3)}\n{_figure(found.observed, 3)}\n{count(found.count)}"


def _table(first: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column(first, min_width=max(map(len, NAMES)), overflow="fold")
    return table


def _cost(cost: SampleCost) -> str:
    return f"{plural(cost.samples, 'sample')}, {plural(cost.tokens, 'token')}, ${cost.usd:,.4f}"


def _figure(value: float | None, digits: int) -> str:
    return _NONE if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return _NONE if value is None else f"{value * 100:.1f}%"


def _span(value: float | None) -> str:
    """A duration in the largest unit that fits, with one decimal."""
    if value is None:
        return _NONE
    for unit, unit_s in _SPANS:
        if value >= unit_s:
            return f"{value / unit_s:.1f}{unit}"
    return f"{value:.1f}s"


def _plain_cost(cost: SampleCost) -> dict[str, object]:
    return {"samples": cost.samples, "tokens": cost.tokens, "usd": _rounded(cost.usd)}


def _plain_verdict(verdict: Verdict) -> dict[str, object]:
    plain = {name: _rounded(value) if isinstance(value, float) else value for name, value in asdict(verdict).items()}
    del plain["bins"]
    return plain | {"calibration": [_plain_bin(place, tenth) for place, tenth in enumerate(verdict.bins)]}


def _plain_bin(place: int, found: CalibrationBin) -> dict[str, object]:
    return {
        "from": place / BINS,
        "to": (place + 1) / BINS,
        "count": found.count,
        "figure": _rounded(found.figure),
        "observed": _rounded(found.observed),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _ROUND)
