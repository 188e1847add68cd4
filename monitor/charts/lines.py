"""Series over time as lines with their intervals, broken wherever nothing was measured. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from markupsafe import Markup

from monitor.charts.events import marks, shade_entries, shades
from monitor.charts.figures import drawable, iso, moment, window
from monitor.charts.frame import (
    EDGE,
    GAP,
    LANE,
    TICKS,
    Area,
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
from monitor.charts.line_ends import LineEnd, ends_width, have_room, line_ends
from monitor.charts.markup import el, join, points
from monitor.charts.roles import dash
from monitor.charts.scales import Scale, scale_over
from monitor.charts.series import LineChart, LineSeries, SeriesPoint, drawn, happened, point_words
from monitor.charts.text_width import ASCENT, text_width
from monitor.charts.time_scale import TimeScale

_BAND_REACH: Final = 2.0
"""An interval may stretch the scale up to so many times the greatest value; beyond it is cut at the edge."""
_MOST_FOR_NAMES: Final = 0.35
_MOST_TOGETHER: Final = 6
"""With more series their intervals hide the lines, and their values do not fit into one title."""
_HIT: Final = 5
_LONE: Final = 2.5

Run = tuple[SeriesPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _DrawnLine:
    series: LineSeries
    runs: tuple[Run, ...]
    dash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _LinePlot:
    """A chart with its scales. `named` says whether the lines have names at their ends."""

    chart: LineChart
    lines: tuple[_DrawnLine, ...]
    area: Area
    x: TimeScale
    y: Scale
    named: bool


def line_chart(chart: LineChart, *, chart_id: str) -> Markup:
    """The chart as SVG."""
    lines = _lines(chart)
    if not any(line.runs for line in lines):
        return empty(
            chart_id=chart_id,
            width=chart.width,
            height=chart.height,
            title=chart.title,
            words=chart.empty,
            kind="lines",
        )
    plot = _plot(chart, lines)
    area, entries = plot.area, _entries(plot)
    words_from = area.left + (text_width(chart.unit.word) + GAP if chart.unit.word else 0)
    return root(
        shades(chart.shades, plot.x, area),
        value_axis(plot.y, chart.unit, area),
        time_axis(plot.x, area),
        text(area.left, ASCENT, chart.unit.word, width=area.width, class_="unit"),
        marks(chart.marks, plot.x, area, free=(words_from, chart.width - EDGE)),
        *_columns(plot),
        *(_line(plot, line) for line in plot.lines),
        line_ends(_ends(plot), area) if plot.named else Markup(""),
        legend(entries, left=area.left, right=chart.width - EDGE, top=chart.height),
        chart_id=chart_id,
        width=chart.width,
        height=chart.height + legend_height(entries, width=chart.width - EDGE - area.left),
        title=chart.title,
        description=_description(chart, lines),
        kind="lines",
    )


def _lines(chart: LineChart) -> tuple[_DrawnLine, ...]:
    """The series with their runs; those of one colour differ in their dash."""
    used: Counter[str] = Counter()
    lines = []
    for series in chart.series:
        lines.append(_DrawnLine(series=series, runs=drawn(chart, series), dash=dash(used[series.role])))
        used[series.role] += 1
    return tuple(lines)


def _plot(chart: LineChart, lines: tuple[_DrawnLine, ...]) -> _LinePlot:
    top = LANE if chart.marks or chart.unit.word else EDGE
    bottom = chart.height - TICKS
    values = _extent([point for line in lines for run in line.runs for point in run])
    y = scale_over(values, start=bottom, end=top, ticks=upright_ticks(bottom - top), log=chart.log)
    left = max(label_width(y, chart.unit, bottom - top), text_width("UTC")) + 2 * EDGE
    names = [line.series.name for line in lines]
    room = ends_width(names)
    named = len(names) > 1 and have_room(len(names), bottom - top) and room < chart.width * _MOST_FOR_NAMES
    right = chart.width - EDGE - (room if named else 0)
    area = Area(left=left, top=top, right=right, bottom=bottom)
    x = TimeScale(start=chart.start, end=chart.end, left=left, right=right)
    return _LinePlot(chart=chart, lines=lines, area=area, x=x, y=y, named=named)


def _extent(measured: Sequence[SeriesPoint]) -> list[float]:
    values = [point.value for point in measured if point.value is not None]
    reach = max(values) * _BAND_REACH
    bounds = (drawable(bound) for point in measured for bound in (point.low, point.high))
    return [*values, *(min(bound, reach) for bound in bounds if bound is not None)]


def _columns(plot: _LinePlot) -> Iterator[Markup]:
    """For each time a column that the pointer meets, with the values of all series and what happened meanwhile."""
    chart, area = plot.chart, plot.area
    known = [(line, {point.at: point for run in line.runs for point in run}) for line in plot.lines]
    if not 1 < len(known) <= _MOST_TOGETHER:
        return
    half = (plot.x.at(chart.start + chart.step) - area.left) / 2
    for at in sorted({at for _, points_at in known for at in points_at}):
        left, right = max(area.left, plot.x.at(at) - half), min(area.right, plot.x.at(at) + half)
        values = (f"{line.series.name} {chart.unit.shown(each[at].value)}" for line, each in known if at in each)
        events = happened(chart, at)
        title = el("title", lines_of((window(at, chart.step), *values, *events)))
        yield el("rect", title, class_="hit", x=left, y=area.top, width=right - left, height=area.height)


def _line(plot: _LinePlot, line: _DrawnLine) -> Markup:
    role = line.series.role
    banded = len(plot.lines) <= _MOST_TOGETHER
    parts = [_band(plot, part, role) for run in line.runs for part in _bounded(run) if banded]
    parts += [_stroke(plot, run, line) for run in line.runs if len(run) > 1]
    parts += [_datum(plot, point, line.series, lone=len(run) == 1) for run in line.runs for point in run]
    return el("g", join(parts), class_="series", data_series=line.series.name)


def _bounded(run: Run) -> Iterator[list[tuple[SeriesPoint, float, float]]]:
    """The parts of a run in which each point has an interval."""
    bounds = [(point, drawable(point.low), drawable(point.high)) for point in run]
    for known, part in groupby(bounds, key=lambda each: each[1] is not None and each[2] is not None):
        if known:
            yield [(point, low, high) for point, low, high in part if low is not None and high is not None]


def _band(plot: _LinePlot, part: list[tuple[SeriesPoint, float, float]], role: str) -> Markup:
    """The intervals of points that follow each other; of one point alone an upright line."""
    upper = [(plot.x.at(point.at), plot.y.at(high)) for point, _, high in part]
    lower = [(plot.x.at(point.at), plot.y.at(low)) for point, low, _ in part]
    if len(part) == 1:
        ((x, top),), ((_, bottom),) = upper, lower
        return el("line", class_=f"whisker {role}", x1=x, x2=x, y1=top, y2=bottom)
    return el("polygon", class_=f"area {role}", points=points([*upper, *reversed(lower)]))


def _stroke(plot: _LinePlot, run: Run, line: _DrawnLine) -> Markup:
    corners = [(plot.x.at(point.at), plot.y.at(point.value or 0)) for point in run]
    return el("polyline", class_=f"ln {line.series.role}", points=points(corners), stroke_dasharray=line.dash)


def _datum(plot: _LinePlot, point: SeriesPoint, series: LineSeries, *, lone: bool) -> Markup:
    chart = plot.chart
    words = f"{series.name}: {lines_of((point_words(chart.unit, point), window(point.at, chart.step)))}"
    return el(
        "circle",
        el("title", words),
        class_=f"pt {'lone ' if lone else ''}{series.role}",
        cx=plot.x.at(point.at),
        cy=plot.y.at(point.value or 0),
        r=_LONE if lone else _HIT,
        **data(x=iso(point.at), value=point.value, n=point.n, series=series.name),
    )


def _entries(plot: _LinePlot) -> list[LegendEntry]:
    """The legend: the lines if they have no names at their ends, and the kinds of shaded spans."""
    unnamed = () if plot.named or len(plot.lines) == 1 else plot.lines
    lines = [LegendEntry(words=each.series.name, role=each.series.role, line=True, dash=each.dash) for each in unnamed]
    return lines + shade_entries(plot.chart.shades, plot.x)


def _ends(plot: _LinePlot) -> list[LineEnd]:
    ends = []
    for line in plot.lines:
        last = line.runs[-1][-1].value if line.runs else None
        y = plot.area.bottom if last is None else plot.y.at(last)
        ends.append(LineEnd(name=line.series.name, role=line.series.role, dash=line.dash, y=y))
    return ends


def _description(chart: LineChart, lines: Sequence[_DrawnLine]) -> str:
    span = f"From {moment(chart.start)} to {moment(chart.end)}."
    return " ".join([span, *(_summary(chart, line) for line in lines)])


def _summary(chart: LineChart, line: _DrawnLine) -> str:
    values = [point.value for run in line.runs for point in run if point.value is not None]
    if not values:
        return f"{line.series.name}: {chart.empty}."
    shown = chart.unit.shown
    gaps = "without a gap" if len(line.runs) == 1 else f"{len(line.runs) - 1} gaps"
    return f"{line.series.name}: last {shown(values[-1])}, {shown(min(values))} to {shown(max(values))}, {gaps}."
