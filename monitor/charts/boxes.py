"""The spread of each provider's figure: 5th, 25th, 50th, 75th and 95th percentile on one scale. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import Unit, drawable
from monitor.charts.frame import across_axis, across_ticks, counted, data, empty, lines_of, root
from monitor.charts.markup import el
from monitor.charts.roles import Role
from monitor.charts.rows import ROW, ProviderRows, rows_of
from monitor.charts.scales import Scale, scale_over
from monitor.charts.table import Table
from monitor.domain.text import NOT_MEASURED

_HALF: Final = 7.0
_CAP: Final = 3.5
_LEVELS: Final = ("p5", "p25", "p50", "p75", "p95")

Five = tuple[float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadRow:
    """A provider's percentiles in rising order; None where too little was measured."""

    name: str
    role: Role
    percentiles: Five | None
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxChart:
    """Rows in the order given. `window` says in words what the figures cover: `last 7 days`."""

    title: str
    unit: Unit
    window: str
    rows: Sequence[SpreadRow]
    log: bool = False
    width: float = 320
    empty: str = "nothing measured"


def box_chart(chart: BoxChart, *, chart_id: str) -> Markup:
    """The chart as SVG; its height follows from the number of rows."""
    known = [_known(chart, row) for row in chart.rows]
    values = [value for five in known if five is not None for value in five]
    if not values:
        height = max(2, len(chart.rows)) * ROW
        return empty(
            chart_id=chart_id, width=chart.width, height=height, title=chart.title, words=chart.empty, kind="boxes"
        )
    medians = [chart.unit.bare(None if five is None else five[2]) for five in known]
    rows = rows_of([row.name for row in chart.rows], medians, width=chart.width, word=_word(chart))
    start, end = rows.area.left, rows.area.right
    x = scale_over(values, start=start, end=end, ticks=across_ticks(end - start), log=chart.log)
    return root(
        rows.unit(_word(chart)),
        across_axis(x, chart.unit, rows.area),
        *(_row(chart, rows, index, known[index], x) for index in range(len(chart.rows))),
        chart_id=chart_id,
        width=chart.width,
        height=rows.height,
        title=chart.title,
        description=f"{chart.window}. {'; '.join(_words(chart, row) for row in chart.rows)}.",
        kind="boxes",
    )


def box_table(chart: BoxChart) -> Table:
    """A row for each provider, a column for each percentile."""
    rows = []
    for row in chart.rows:
        five = _known(chart, row)
        shown = [NOT_MEASURED] * len(_LEVELS) if five is None else [chart.unit.shown(value) for value in five]
        rows.append((row.name, *shown, NOT_MEASURED if row.n is None else row.n))
    return Table(caption=f"{chart.title}, {chart.window}", head=("provider", *_LEVELS, "n"), rows=tuple(rows))


def _row(chart: BoxChart, rows: ProviderRows, index: int, five: Five | None, x: Scale) -> Markup:
    row, y = chart.rows[index], rows.middle(index)
    hit = el("rect", class_="hit", x=0, y=y - ROW / 2, width=rows.width, height=ROW)
    figure = (
        el("rect", class_="b-void", x=rows.area.left, y=y - 3, width=rows.area.width, height=6, rx=3)
        if five is None
        else el("g", *_box([x.at(value) for value in five], y), class_=row.role)
    )
    return el(
        "g",
        el("title", lines_of((_words(chart, row), chart.window))),
        hit,
        rows.texts(index),
        figure,
        **data(x=chart.window, value=None if five is None else five[2], n=row.n, series=row.name),
    )


def _box(places: Sequence[float], y: float) -> tuple[Markup, ...]:
    """Whiskers with caps, the box of the middle half, and the median."""
    p5, p25, p50, p75, p95 = places
    return (
        el("line", class_="whisker", x1=p5, x2=p25, y1=y, y2=y),
        el("line", class_="whisker", x1=p75, x2=p95, y1=y, y2=y),
        *(el("line", class_="whisker", x1=end, x2=end, y1=y - _CAP, y2=y + _CAP) for end in (p5, p95)),
        el("rect", class_="box", x=p25, y=y - _HALF, width=max(1.0, p75 - p25), height=2 * _HALF, rx=2),
        el("line", class_="median", x1=p50, x2=p50, y1=y - _HALF, y2=y + _HALF),
    )


def _known(chart: BoxChart, row: SpreadRow) -> Five | None:
    """The percentiles, if all of them can be drawn."""
    five = row.percentiles
    if five is None or any(drawable(value) is None or (chart.log and value <= 0) for value in five):
        return None
    return five


def _words(chart: BoxChart, row: SpreadRow) -> str:
    five = _known(chart, row)
    if five is None:
        return f"{row.name}: not measured"
    levels = ", ".join(f"{level} {chart.unit.shown(value)}" for level, value in zip(_LEVELS, five, strict=True))
    return f"{row.name}: {lines_of((levels, counted(row.n)))}"


def _word(chart: BoxChart) -> str:
    return ", ".join(word for word in (chart.unit.word, "logarithmic" if chart.log else "") if word)
