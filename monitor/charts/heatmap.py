"""How often which latency was measured, over time: darker cells hold more; failures have a row of their own. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import Unit, iso, moment, window
from monitor.charts.frame import (
    EDGE,
    GAP,
    HALF_LINE,
    TICKS,
    Area,
    counted,
    data,
    empty,
    group,
    label_width,
    lines_of,
    root,
    text,
    time_axis,
    value_axis,
)
from monitor.charts.markup import el
from monitor.charts.scales import Log
from monitor.charts.table import Cell, Table
from monitor.charts.text_width import text_width
from monitor.charts.time_scale import TimeScale

LEVELS: Final = 8
"""The number of opacities, `h1` to `h8` in the sheet."""
_FAILED_ROW: Final = 13.0
_FAILED_GAP: Final = 7.0
_FAILED: Final = "failed"
_KEY: Final = 18.0
_CELL: Final = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatColumn:
    """The samples of one step of time: how many lay in each bin, and how many failed."""

    at: datetime
    counts: Sequence[int]
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """Columns in the order of time, each with a count for every bin.

    Bin i lies between `edges[i]` and `edges[i + 1]`; edges rise and are above 0.
    """

    title: str
    unit: Unit
    step: timedelta
    edges: Sequence[float]
    columns: Sequence[HeatColumn]
    width: float = 720
    height: float = 220
    empty: str = "nothing measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class _HeatPlot:
    """A map with its scales. `failures` is the row of failures below the bins."""

    chart: HeatMap
    area: Area
    failures: Area
    x: TimeScale
    y: Log
    most: int


def heatmap(chart: HeatMap, *, chart_id: str) -> Markup:
    """The map as SVG."""
    if not any(_samples(column) for column in chart.columns):
        return empty(
            chart_id=chart_id, width=chart.width, height=chart.height, title=chart.title, words=chart.empty, kind="heat"
        )
    plot = _plot(chart)
    return root(
        value_axis(plot.y, chart.unit, plot.area),
        text(plot.area.left - EDGE, plot.failures.middle[1] + HALF_LINE, _FAILED, anchor="end"),
        *(_column(plot, column) for column in chart.columns),
        time_axis(plot.x, plot.failures),
        _key(plot),
        chart_id=chart_id,
        width=chart.width,
        height=chart.height,
        title=chart.title,
        description=_description(chart),
        kind="heat",
    )


def heat_table(chart: HeatMap) -> Table:
    """A row for each step, a column for each bin."""
    bins = tuple(f"{chart.unit.shown(low)} to {chart.unit.shown(high)}" for low, high in pairwise(chart.edges))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (window(column.at, chart.step), *column.counts, column.failed) for column in chart.columns
    )
    return Table(caption=chart.title, head=("time", *bins, _FAILED), rows=rows)


def level(count: int, most: int) -> int:
    """The opacity of a count, 1 to `LEVELS`; of 0 it is 0. The root makes few samples visible beside many."""
    return math.ceil(math.sqrt(count / most) * LEVELS) if count > 0 else 0


def _plot(chart: HeatMap) -> _HeatPlot:
    top, bottom = _KEY, chart.height - TICKS - _FAILED_ROW - _FAILED_GAP
    y = Log(low=chart.edges[0], high=chart.edges[-1], start=bottom, end=top)
    names = max(label_width(y, chart.unit, bottom - top), text_width(_FAILED), text_width("UTC"))
    area = Area(left=names + 2 * EDGE, top=top, right=chart.width - EDGE, bottom=bottom)
    failures = Area(left=area.left, top=bottom + _FAILED_GAP, right=area.right, bottom=chart.height - TICKS)
    start, end = chart.columns[0].at, chart.columns[-1].at + chart.step
    x = TimeScale(start=start, end=end, left=area.left, right=area.right)
    most = max(max(*column.counts, column.failed) for column in chart.columns)
    return _HeatPlot(chart=chart, area=area, failures=failures, x=x, y=y, most=most)


def _column(plot: _HeatPlot, column: HeatColumn) -> Markup:
    """The cells of one step, or hatching over its whole height where nothing was measured."""
    left, right = plot.x.at(column.at), plot.x.at(column.at + plot.chart.step)
    when = window(column.at, plot.chart.step)
    if not _samples(column):
        height = plot.failures.bottom - plot.area.top
        title = el("title", lines_of((when, "not measured")))
        return el("rect", title, class_="b-void", x=left, y=plot.area.top, width=right - left, height=height)
    return group(_cells(plot, column, left, right - left, when), class_="step", data_x=iso(column.at))


def _cells(plot: _HeatPlot, column: HeatColumn, x: float, width: float, when: str) -> Iterator[Markup]:
    shown = plot.chart.unit.shown
    for (low, high), count in zip(pairwise(plot.chart.edges), column.counts, strict=True):
        if count > 0:
            words = f"{shown(low)} to {shown(high)}"
            title = el("title", lines_of((words, counted(count), when)))
            yield el(
                "rect",
                title,
                class_=f"cell h{level(count, plot.most)}",
                x=x,
                y=plot.y.at(high),
                width=width,
                height=plot.y.at(low) - plot.y.at(high),
                **data(x=iso(column.at), value=math.sqrt(low) * math.sqrt(high), n=count, series=words),
            )
    if column.failed > 0:
        yield el(
            "rect",
            el("title", lines_of((f"{column.failed:,} of {_samples(column):,} failed", when))),
            class_="failed b-down",
            x=x,
            y=plot.failures.top,
            width=width,
            height=plot.failures.height,
            **data(x=iso(column.at), value=column.failed, n=_samples(column), series=_FAILED),
        )


def _key(plot: _HeatPlot) -> Markup:
    """What the opacities mean: the count of the palest and of the darkest cell."""
    most = f"{plot.most:,} samples"
    end = plot.area.right - text_width(most)
    first = end - GAP - LEVELS * _CELL
    cells = (
        el("rect", class_=f"cell h{index + 1}", x=first + index * _CELL, y=2, width=_CELL, height=9)
        for index in range(LEVELS)
    )
    least = text(first - GAP / 2, 10, "1", anchor="end")
    return el("g", least, *cells, text(plot.area.right, 10, most, anchor="end"), class_="key")


def _samples(column: HeatColumn) -> int:
    return sum(column.counts) + column.failed


def _description(chart: HeatMap) -> str:
    samples, failed = sum(map(_samples, chart.columns)), sum(column.failed for column in chart.columns)
    start, end = chart.columns[0].at, chart.columns[-1].at + chart.step
    gaps = sum(not _samples(column) for column in chart.columns)
    return (
        f"{samples:,} samples from {moment(start)} to {moment(end)}, {failed:,} failed;"
        f" {gaps} of {len(chart.columns)} steps not measured."
    )
