"""Stacked bars, one for each bucket of time: tokens by kind, errors by class, phases of a time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import Unit, drawable, iso, moment, window
from monitor.charts.frame import (
    EDGE,
    LANE,
    TICKS,
    Area,
    counted,
    data,
    empty,
    label_width,
    lines_of,
    root,
    text,
    time_axis,
    upright_ticks,
    value_axis,
)
from monitor.charts.legend import LegendEntry, legend, legend_height
from monitor.charts.markup import el, join
from monitor.charts.roles import Role
from monitor.charts.scales import Linear, linear_from_zero
from monitor.charts.table import Cell, Table
from monitor.charts.text_width import ASCENT, text_width
from monitor.charts.time_scale import TimeScale

_SHARE: Final = 0.74
_WIDEST: Final = 30.0
_THINNEST: Final = 0.01
"""Pieces thinner than a pixel's hundredth would have no height as it is written; the bar's title has them."""
_NOT_MEASURED: Final = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class BarPart:
    """A kind of which each bar has a piece, lowest first."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class BarStack:
    """A bucket of time: a value for each part (None: not measured) and the count behind them."""

    at: datetime
    values: Sequence[float | None]
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart:
    """Bars of one width `step`, in the order of time. Values are not negative. A legend comes on top of `height`."""

    title: str
    unit: Unit
    step: timedelta
    parts: Sequence[BarPart]
    stacks: Sequence[BarStack]
    width: float = 480
    height: float = 180
    empty: str = "nothing measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class _BarPlot:
    chart: BarChart
    area: Area
    x: TimeScale
    y: Linear


def bar_chart(chart: BarChart, *, chart_id: str) -> Markup:
    """The chart as SVG."""
    if not any(_measured(stack) for stack in chart.stacks):
        return empty(
            chart_id=chart_id, width=chart.width, height=chart.height, title=chart.title, words=chart.empty, kind="bars"
        )
    plot = _plot(chart)
    area, entries = plot.area, _entries(chart)
    return root(
        value_axis(plot.y, chart.unit, area),
        time_axis(plot.x, area),
        text(area.left, ASCENT, chart.unit.word, width=area.width, class_="unit"),
        *(_bar(plot, stack) for stack in chart.stacks),
        legend(entries, left=area.left, right=chart.width - EDGE, top=chart.height),
        chart_id=chart_id,
        width=chart.width,
        height=chart.height + legend_height(entries, width=chart.width - EDGE - area.left),
        title=chart.title,
        description=_description(chart),
        kind="bars",
    )


def bar_table(chart: BarChart) -> Table:
    """A row for each bucket, a column for each part, the total and the count."""
    rows = tuple((window(stack.at, chart.step), *_cells(chart, stack)) for stack in chart.stacks)
    names = (part.name for part in chart.parts)
    return Table(caption=chart.title, head=("time", *names, "total", "n"), rows=rows)


def _cells(chart: BarChart, stack: BarStack) -> Iterator[Cell]:
    shown = chart.unit.shown
    yield from (shown(drawable(value)) for value in stack.values)
    yield shown(_total(stack) if _measured(stack) else None)
    yield shown(None) if stack.n is None else stack.n


def _plot(chart: BarChart) -> _BarPlot:
    top, bottom = (LANE if chart.unit.word else EDGE), chart.height - TICKS
    y = linear_from_zero(
        [_total(stack) for stack in chart.stacks], start=bottom, end=top, ticks=upright_ticks(bottom - top)
    )
    left = max(label_width(y, chart.unit, bottom - top), text_width("UTC")) + 2 * EDGE
    area = Area(left=left, top=top, right=chart.width - EDGE, bottom=bottom)
    start, end = chart.stacks[0].at, chart.stacks[-1].at + chart.step
    return _BarPlot(chart=chart, area=area, x=TimeScale(start=start, end=end, left=left, right=area.right), y=y)


def _bar(plot: _BarPlot, stack: BarStack) -> Markup:
    """The column that the pointer meets, and in it the pieces or, where nothing was measured, hatching."""
    left, right = plot.x.at(stack.at), plot.x.at(stack.at + plot.chart.step)
    width = min((right - left) * _SHARE, _WIDEST)
    column = {"x": left, "y": plot.area.top, "width": right - left, "height": plot.area.height}
    title = el("title", _title(plot.chart, stack))
    if not _measured(stack):
        hatched = el("rect", class_="b-void", **{**column, "x": (left + right - width) / 2, "width": width, "rx": 1.5})
        return el("g", title, hatched, data_x=iso(stack.at))
    hit = el("rect", class_="hit", **column)
    pieces = join(_pieces(plot, stack, (left + right - width) / 2, width))
    return el("g", title, hit, pieces, data_x=iso(stack.at), data_n=None if stack.n is None else str(stack.n))


def _pieces(plot: _BarPlot, stack: BarStack, x: float, width: float) -> Iterator[Markup]:
    """The pieces from the ground up. Each begins where the one below it ends."""
    chart, ground = plot.chart, 0.0
    for part, value in zip(chart.parts, map(_height, stack.values), strict=True):
        bottom, top = plot.y.at(ground), plot.y.at(ground + value)
        ground += value
        if bottom - top >= _THINNEST:
            words = (f"{part.name}: {chart.unit.shown(value)}", counted(stack.n), window(stack.at, chart.step))
            yield el(
                "rect",
                el("title", lines_of(words)),
                class_=f"seg {part.role}",
                x=x,
                y=top,
                width=width,
                height=bottom - top,
                **data(x=iso(stack.at), value=value, n=stack.n, series=part.name),
            )


def _title(chart: BarChart, stack: BarStack) -> str:
    when = window(stack.at, chart.step)
    if not _measured(stack):
        return lines_of((when, _NOT_MEASURED))
    parts = (
        f"{part.name} {chart.unit.shown(drawable(value))}"
        for part, value in zip(chart.parts, stack.values, strict=True)
    )
    return lines_of((when, *parts, f"in all {chart.unit.shown(_total(stack))}", counted(stack.n)))


def _entries(chart: BarChart) -> list[LegendEntry]:
    """The parts, first the topmost, as the eye meets them; and what hatching means, where there is some."""
    parts = [LegendEntry(words=part.name, role=part.role) for part in reversed(chart.parts)]
    gaps = not all(_measured(stack) for stack in chart.stacks)
    return [*parts, *([LegendEntry(words=_NOT_MEASURED, role=Role.VOID)] if gaps else [])]


def _description(chart: BarChart) -> str:
    first, last = chart.stacks[0], chart.stacks[-1]
    sums = (
        f"{part.name} {chart.unit.shown(sum(_height(stack.values[index]) for stack in chart.stacks))}"
        for index, part in enumerate(chart.parts)
    )
    gaps = sum(not _measured(stack) for stack in chart.stacks)
    span = f"{len(chart.stacks)} bars from {moment(first.at)} to {moment(last.at + chart.step)}, {gaps} not measured."
    return f"{span} Sums: {', '.join(sums)}."


def _measured(stack: BarStack) -> bool:
    return any(drawable(value) is not None for value in stack.values)


def _height(value: float | None) -> float:
    return max(0.0, drawable(value) or 0.0)


def _total(stack: BarStack) -> float:
    return sum(map(_height, stack.values))
