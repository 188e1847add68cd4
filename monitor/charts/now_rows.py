"""A figure of each provider now, with its interval. Pure."""

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
from monitor.charts.scales import Linear, linear_from_zero
from monitor.charts.series import interval_words
from monitor.charts.table import Table
from monitor.domain.text import NOT_MEASURED

_REACH: Final = 2.5
"""An interval may stretch the scale up to so many times the greatest value; beyond it is cut at the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NowRow:
    """A provider's figure; `value` is None where nothing was measured."""

    name: str
    role: Role
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NowChart:
    """Rows in the order given. `window` says in words what the figures cover: `last 30 minutes`."""

    title: str
    unit: Unit
    window: str
    rows: Sequence[NowRow]
    width: float = 320
    empty: str = "nothing measured"


def now_chart(chart: NowChart, *, chart_id: str) -> Markup:
    """The chart as SVG; its height follows from the number of rows."""
    values = [value for row in chart.rows if (value := drawable(row.value)) is not None]
    if not values:
        height = max(2, len(chart.rows)) * ROW
        return empty(
            chart_id=chart_id, width=chart.width, height=height, title=chart.title, words=chart.empty, kind="now"
        )
    shown = [chart.unit.bare(drawable(row.value)) for row in chart.rows]
    rows = rows_of([row.name for row in chart.rows], shown, width=chart.width, word=chart.unit.word)
    reach = max(values) * _REACH
    bounds = [bound for row in chart.rows for bound in (drawable(row.low), drawable(row.high)) if bound is not None]
    x = linear_from_zero(
        [*values, *(min(bound, reach) for bound in bounds)],
        start=rows.area.left,
        end=rows.area.right,
        ticks=across_ticks(rows.area.width),
    )
    return root(
        rows.unit(chart.unit.word),
        across_axis(x, chart.unit, rows.area),
        *(_row(chart, rows, index, x) for index in range(len(chart.rows))),
        chart_id=chart_id,
        width=chart.width,
        height=rows.height,
        title=chart.title,
        description=f"{chart.window}. {'; '.join(_words(chart, row) for row in chart.rows)}.",
        kind="now",
    )


def now_table(chart: NowChart) -> Table:
    """A row for each provider."""
    return Table(
        caption=f"{chart.title}, {chart.window}",
        head=("provider", "value", "95 % interval", "n"),
        rows=tuple(
            (
                row.name,
                chart.unit.shown(drawable(row.value)),
                interval_words(chart.unit, row.low, row.high) or NOT_MEASURED,
                NOT_MEASURED if row.n is None else row.n,
            )
            for row in chart.rows
        ),
    )


def _row(chart: NowChart, rows: ProviderRows, index: int, x: Linear) -> Markup:
    row, y = chart.rows[index], rows.middle(index)
    value, low, high = (drawable(each) for each in (row.value, row.low, row.high))
    band = Markup("")
    dot = el("rect", class_="b-void", x=rows.area.left, y=y - 3, width=rows.area.width, height=6, rx=3)
    if value is not None:
        dot = el("circle", class_=f"now {row.role}", cx=x.at(value), cy=y, r=4.5)
        if low is not None and high is not None:
            band = el("line", class_=f"range {row.role}", x1=x.at(low), x2=x.at(high), y1=y, y2=y)
    hit = el("rect", class_="hit", x=0, y=y - ROW / 2, width=rows.width, height=ROW)
    return el(
        "g",
        el("title", lines_of((_words(chart, row), chart.window))),
        hit,
        rows.texts(index),
        band,
        dot,
        **data(x=chart.window, value=value, n=row.n, series=row.name),
    )


def _words(chart: NowChart, row: NowRow) -> str:
    if drawable(row.value) is None:
        return f"{row.name}: not measured"
    interval = interval_words(chart.unit, row.low, row.high)
    value = chart.unit.shown(row.value)
    return f"{row.name}: {lines_of((f'{value} ({interval})' if interval else value, counted(row.n)))}"
