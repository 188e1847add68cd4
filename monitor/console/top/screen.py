"""The lines of the screen, from the data and the view. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from rich.cells import cell_len

from monitor.console.text import fitted, in_ascii, padded
from monitor.console.top.columns import CellContext, PlacedColumn, gap, in_order, placed
from monitor.console.top.help import HELP
from monitor.console.top.rows import TopData, TopRow, newest
from monitor.console.top.view import RowGrouping, ScreenPlace, TopView
from monitor.domain.headline import ALL_WELL, headline, silence
from monitor.domain.status import Status
from monitor.domain.text import age, plural

Span: TypeAlias = tuple[str, str]
"""Text and its style."""
Line: TypeAlias = tuple[Span, ...]
_ROOMY: Final = 10
"""From this height on the screen has a line about the monitor and one of keys."""
_NOT_PROBED: Final = frozenset({Status.MAINTENANCE, Status.PAUSED})
_HEADLINE_STYLES: Final = {Status.DOWN: "bold red", Status.DEGRADED: "bold yellow", Status.UNKNOWN: "bold yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenSize:
    """Of a terminal."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopFrame:
    """What the terminal is to show."""

    lines: tuple[Line, ...]
    place: ScreenPlace


def frame(data: TopData, view: TopView, size: ScreenSize, clock_s: float) -> TopFrame:
    """The screen at a time of the clock by which the data was received."""
    now = data.daemon_time(clock_s)
    context = CellContext(now=now, incidents=data.incidents or {})
    roomy = size.height >= _ROOMY
    foot = 1 if roomy else 0
    unwell = data.report is not None and bool(data.report.problems)
    head = _head(data, size.width, clock_s, monitor=roomy or unwell, order=_order(view))
    rows = _matching(data, view)
    columns = placed(rows, context, size.width)
    page = max(0, size.height - len(head) - 1 - foot)
    table = _table(rows, view, context)
    place = ScreenPlace(page=max(1, page), total=len(table), columns=[item.column.name for item in columns])
    place = replace(place, offset=max(0, min(view.offset, place.last)))
    shown = table[place.offset : place.offset + page]
    body = _help(size.width) if view.help else _body(shown, columns, context, size.width) or [_none(data, view)]
    body = [*body, *[()] * (page - len(body))][:page]
    title = () if view.help else _title(columns, view, gap(size.width))
    lines = [*head, title, *body, *([_foot(view, place, size.width)] if foot else [])]
    return TopFrame(lines=tuple(_within(line, size.width) for line in lines[: size.height]), place=place)


def plain(data: TopData, clock_s: float, width: int | None, *, ascii_only: bool) -> str:
    """The table for a file, a pipe or a terminal that cannot be redrawn: all rows, no styles."""
    view, context = TopView(), CellContext(now=data.daemon_time(clock_s), incidents=data.incidents or {})
    rows = _matching(data, view)
    columns = placed(rows, context, width)
    head = _head(data, width or 0, clock_s)
    body = _body(_table(rows, view, context), columns, context, width)
    spaces = gap(width) if width is not None else 2
    lines = [*head, (), _title(columns, None, spaces), *body]
    text = "\n".join("".join(part for part, _ in line).rstrip() for line in lines)
    return f"{in_ascii(text) if ascii_only else text}\n"


# Above the table


def _head(data: TopData, width: int, clock_s: float, *, monitor: bool = True, order: str = "") -> list[Line]:
    """The sentence, the state of the monitor, and a warning while the daemon does not answer."""
    rows, now = list(data.rows.values()), data.daemon_time(clock_s)
    lines = _both_sides(_sentence(rows, now), (_measured(rows, now, data.vantage), "dim"), width)
    if monitor:
        lines += _both_sides(_monitor(data), (order, "dim"), width)
    if data.problem is not None:
        lines += _lost(data, width, clock_s)
    return lines


def _sentence(rows: Sequence[TopRow], now: datetime | None) -> Span:
    probed = [row for row in rows if row.status not in _NOT_PROBED]
    current = [row for row in probed if now is None or (row.stale_after is not None and row.stale_after > now)]
    if probed and not current and now is not None:
        return silence(newest(probed), now), "bold yellow"
    found = {row.status for row in rows}
    style = next((style for status, style in _HEADLINE_STYLES.items() if status in found), "bold green")
    refused = sum(row.refused is not None for row in rows)
    more = f", account refused at {plural(refused, 'endpoint')}" if refused else ""
    return headline(row.status for row in rows) + more, "bold yellow" if refused and style == "bold green" else style


def _measured(rows: Sequence[TopRow], now: datetime | None, vantage: str) -> str:
    at = newest(rows)
    when = f"measured {age(at, now)} ago" if at is not None and now is not None else "not measured"
    return f"{when} from {vantage}" if vantage else when


def _monitor(data: TopData) -> Span:
    """Whether the monitor itself works, in its own words."""
    report = data.report
    if report is None or data.problem is not None:
        return "monitor: state not known", "yellow"
    if report.problems:
        return f"monitor: {'; '.join(report.problems)}", "bold red"
    if report.warnings:
        return f"monitor: {'; '.join(report.warnings)}", "yellow"
    return "monitor: healthy", "dim"


def _order(view: TopView) -> str:
    parts = [f"sorted by {view.sort}{', reversed' if view.reverse else ''}"]
    parts += [f'filter "{view.filter}"'] if view.filter else []
    parts += [f"grouped by {view.grouping}"] if view.grouping is not RowGrouping.NONE else []
    return ", ".join(parts)


def _lost(data: TopData, width: int, clock_s: float) -> list[Line]:
    """The warning; as many lines as it needs, three at most."""
    for_s = max(0.0, clock_s - data.contact_s)
    text = f"the daemon has not answered for {_whole(for_s)}; figures are that old. Retrying. ({data.problem})"
    return [((padded(line, width), "bold white on red"),) for line in textwrap.wrap(text, max(width, 10))[:3]]


def _whole(span_s: float) -> str:
    return f"{span_s:.0f} s" if span_s < 120 else f"{span_s // 60:.0f} min"  # noqa: PLR2004


def _both_sides(left: Span, right: Span, width: int) -> list[Line]:
    """Two texts at both ends of a line; below each other if they do not fit."""
    spaces = width - cell_len(left[0]) - cell_len(right[0])
    if not right[0]:
        return [(left,)]
    return [(left, (" " * spaces, ""), right)] if spaces > 0 else [(left,), (right,)]


# The table


def _matching(data: TopData, view: TopView) -> list[TopRow]:
    """The rows that have every word of the filter."""
    words = view.filter.casefold().split()
    return [row for row in data.rows.values() if all(word in _searched(row) for word in words)]


def _searched(row: TopRow) -> str:
    return f"{row.id}\n{row.provider}\n{row.model}\n{row.status}\n{row.refused or ''}".casefold()


def _table(rows: Sequence[TopRow], view: TopView, context: CellContext) -> list[TopRow | Line]:
    """The rows in order; grouped ones below a line about their group. Groups come in the order of their first rows."""
    ordered = in_order(rows, context, view.sort, reverse=view.reverse)
    if view.grouping is RowGrouping.NONE:
        return [*ordered]
    groups: dict[str, list[TopRow]] = {}
    for row in ordered:
        groups.setdefault(row.provider if view.grouping is RowGrouping.PROVIDER else row.model, []).append(row)
    table: list[TopRow | Line] = []
    for name, members in groups.items():
        state = headline(row.status for row in members)
        about = f"{plural(len(members), 'endpoint')}, {state}" if state == ALL_WELL else state
        table += [((name, "bold underline"), (f"  {about}", "dim")), *members]
    return table


def _body(
    shown: Sequence[TopRow | Line], columns: Sequence[PlacedColumn], context: CellContext, width: int | None
) -> list[Line]:
    spaces = " " * (gap(width) if width is not None else 2)
    return [_row(item, columns, context, spaces) if isinstance(item, TopRow) else item for item in shown]


def _row(row: TopRow, columns: Sequence[PlacedColumn], context: CellContext, spaces: str) -> Line:
    cells: list[Span] = []
    for item in columns:
        text, style = item.column.show(row, context)
        cells += [(_cell(text, item), style), (spaces, "")]
    return tuple(cells[:-1])


def _cell(text: str, item: PlacedColumn) -> str:
    return padded(fitted(text, item.width, middle=item.column.middle), item.width, right=item.column.right)


def _title(columns: Sequence[PlacedColumn], view: TopView | None, spaces: int) -> Line:
    """The headers, with a mark at the column by which the table is sorted."""
    cells: list[Span] = []
    for item in columns:
        is_sorted = view is not None and item.column.name == view.sort
        mark = ("▲" if view is not None and view.reverse else "▼") if is_sorted else ""
        style = "bold reverse" if is_sorted else "bold"
        cells += [(_cell(item.column.header + mark, item), style), (" " * spaces, "")]
    return tuple(cells[:-1])


def _none(data: TopData, view: TopView) -> Line:
    if data.rows:
        return ((f'no endpoint matches "{view.filter}"; Esc clears the filter', ""),)
    return (("no endpoints: the daemon's configuration has none", ""),)


# Below the table, and help


def _foot(view: TopView, place: ScreenPlace, width: int) -> Line:
    if view.editing:
        return (("/", "bold"), (view.filter, ""), (" ", "reverse"), ("  Enter keeps it, Esc clears it", "dim"))
    keys = "q quit  ? help  s sort  r reverse  / filter  g group"
    last = min(place.offset + place.page, place.total)
    lines = (
        f"{place.offset + 1:,}\N{EN DASH}{last:,} of {place.total:,}"
        if place.total > place.page and not view.help
        else ""
    )
    return _both_sides((keys, "dim"), (lines, "dim"), width)[0]


def _help(width: int) -> list[Line]:
    """Keys and words, wrapped to the width."""
    lines: list[Line] = []
    for name, text in HELP:
        first, *rest = textwrap.wrap(text, max(10, width - _HELP_NAME)) or [""]
        lines.append(((padded(name, _HELP_NAME), "bold"), (first, "")))
        lines += [((" " * _HELP_NAME, ""), (line, "")) for line in rest]
    return lines


_HELP_NAME: Final = 12


def _within(line: Line, width: int) -> Line:
    """The line, cut at the width."""
    return tuple(_cut(line, width))


def _cut(line: Line, width: int) -> Iterator[Span]:
    left = width
    for text, style in line:
        if left <= 0:
            return
        yield fitted(text, left), style
        left -= cell_len(text)
