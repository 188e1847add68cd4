"""The scores document as a table for terminals: one row per endpoint.

A document may come from another machine and holds text from providers. A value of an unexpected type is shown as not
measured. Control characters and rich's markup in text have no effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from monitor.console.document import bounds, listed, mapping, moment, number, text
from monitor.console.text import STATUS_SIGNS, in_ascii
from monitor.domain.text import NOT_MEASURED, age, count, percent, probability, seconds

_UNBOUNDED = 10_000
_ERROR_COLUMNS = len("timeout_ttft 59 min ago")
_BLAME = {"provider": "red", "account": "yellow"}


# One row


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """The cells of one endpoint."""

    endpoint: Text
    status: Text
    measured: Text
    score: Text
    confidence: Text
    uptime_5m: Text
    uptime_1d: Text
    ttft_p50: Text
    ttft_p90: Text
    output_tps: Text
    error: Text
    error_age: Text


def row(endpoint: Mapping[str, object], now: datetime) -> TableRow:
    """The cells for one endpoint of a scores document."""
    uptime, ttft = mapping(endpoint.get("uptime")), mapping(endpoint.get("ttft_s"))
    error = mapping(endpoint.get("last_error"))
    speed = number(mapping(endpoint.get("output_tps")).get("p50"))
    measured, erred = age(moment(endpoint.get("measured_at")), now), age(moment(error.get("at")), now)
    return TableRow(
        endpoint=Text(text(endpoint.get("id")), "bold"),
        status=_status(text(endpoint.get("status"))),
        measured=Text(_ago(measured), "dim"),
        score=Text(probability(number(endpoint.get("score")))),
        confidence=Text(_interval(endpoint.get("confidence")), "dim"),
        uptime_5m=Text(_share(uptime.get("5m"))),
        uptime_1d=Text(_share(uptime.get("1d"))),
        ttft_p50=Text(seconds(number(ttft.get("p50")))),
        ttft_p90=Text(seconds(number(ttft.get("p90")))),
        output_tps=Text(NOT_MEASURED if speed is None else f"{speed:.0f}"),
        error=Text(text(error.get("class")), _BLAME.get(text(error.get("blame")), "")),
        error_age=Text(_ago(erred) if error else "", "dim"),
    )


def _status(word: str) -> Text:
    """The status in colour, with a sign for terminals without colour."""
    sign, style = STATUS_SIGNS.get(word, (" ", ""))
    return Text(f"{sign} {word}", style)


def _ago(span: str) -> str:
    return span if span == NOT_MEASURED else f"{span} ago"


def _interval(value: object) -> str:
    """Both bounds, such as 0.91 and 0.99, in one text."""
    ends = bounds(value)
    return NOT_MEASURED if ends is None else "\N{EN DASH}".join(map(probability, ends))


def _share(window: object) -> str:
    """`98.2% (57)`: the uptime and the number of probes counted."""
    figures = mapping(window)
    share, ok, failed = (number(figures.get(name)) for name in ("ratio", "ok", "failed"))
    return NOT_MEASURED if share is None else f"{percent(share)} ({count((ok or 0) + (failed or 0))})"


# The table


@dataclass(frozen=True, slots=True)
class ScoresTable:
    """A table of rows: wide if it fits the terminal, else narrow."""

    rows: tuple[TableRow, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the table, in ASCII if the terminal supports no more."""
        if not self.rows:
            yield Text("no endpoints")
            return
        rows = [_in_ascii(cells) for cells in self.rows] if options.ascii_only else self.rows
        wide = _wide(rows)
        fits = console.measure(wide, options=options.update(max_width=_UNBOUNDED)).maximum <= options.max_width
        yield wide if fits else _narrow(rows)


def scores_table(document: Mapping[str, object], *, now: datetime) -> ScoresTable:
    """The table of a scores document; ages are relative to `now`."""
    return ScoresTable(tuple(row(mapping(endpoint), now) for endpoint in listed(document.get("endpoints"))))


def _wide(rows: Sequence[TableRow]) -> Table:
    """One line per endpoint."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for header in ("endpoint", "status", "measured"):
        table.add_column(header, no_wrap=True)
    for header in ("score", "95%", "uptime 5m (n)", "1d (n)", "TTFT p50", "p90", "tok/s p50"):
        table.add_column(header, no_wrap=True, justify="right")
    table.add_column("last error", no_wrap=True, min_width=_ERROR_COLUMNS)
    for cells in rows:
        error = Text(" ").join(part for part in (cells.error, cells.error_age) if part)
        table.add_row(
            *(cells.endpoint, cells.status, cells.measured, cells.score, cells.confidence),
            *(cells.uptime_5m, cells.uptime_1d, cells.ttft_p50, cells.ttft_p90, cells.output_tps, error),
        )
    return table


def _narrow(rows: Sequence[TableRow]) -> Table:
    """Two lines per endpoint: related figures share a column."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0, leading=1)
    table.add_column("provider:\nmodel", overflow="fold")
    table.add_column("status\nmeasured", no_wrap=True)
    for header in ("score\n95%", "uptime 5m\n1d (n)", "TTFT\np50/90", "tok/s\np50"):
        table.add_column(header, no_wrap=True, justify="right")
    table.add_column("last error\nage", overflow="fold")
    for cells in rows:
        provider, colon, model = cells.endpoint.plain.partition(":")
        table.add_row(
            Text(f"{provider}{colon}\n{model}" if colon else provider, cells.endpoint.style),
            _stacked(cells.status, cells.measured),
            _stacked(cells.score, cells.confidence),
            _stacked(cells.uptime_5m, cells.uptime_1d),
            _stacked(cells.ttft_p50, cells.ttft_p90),
            cells.output_tps,
            _stacked(cells.error, cells.error_age),
        )
    return table


def _in_ascii(cells: TableRow) -> TableRow:
    texts = {field.name: getattr(cells, field.name) for field in fields(cells)}
    return TableRow(**{name: Text(in_ascii(text.plain), text.style) for name, text in texts.items()})


def _stacked(upper: Text, lower: Text) -> Text:
    return Text("\n").join((upper, lower))
