"""A line without axes for a table's cell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import Unit, iso
from monitor.charts.frame import data, empty, root
from monitor.charts.markup import el, points
from monitor.charts.roles import Role
from monitor.charts.scales import linear_from_zero
from monitor.charts.series import SeriesPoint, point_words, segments
from monitor.charts.time_scale import TimeScale
from monitor.domain.text import NOT_MEASURED

_EDGE: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """Points between two times, from 0 upwards."""

    title: str
    unit: Unit
    start: datetime
    end: datetime
    step: timedelta
    points: Sequence[SeriesPoint]
    role: Role = Role.S6
    width: float = 100
    height: float = 24
    empty: str = NOT_MEASURED


def sparkline(chart: Sparkline, *, chart_id: str) -> Markup:
    """The line, broken at gaps, with a dot at its newest value. Its table is that of the page's row."""
    inside = [point for point in chart.points if chart.start <= point.at <= chart.end]
    runs = tuple(segments(inside, step=chart.step))
    values = [point.value for run in runs for point in run if point.value is not None]
    size = {"width": chart.width, "height": chart.height}
    if not values:
        return empty(chart_id=chart_id, title=chart.title, words=chart.empty, kind="spark", **size)
    x = TimeScale(start=chart.start, end=chart.end, left=_EDGE, right=chart.width - _EDGE)
    y = linear_from_zero(values, start=chart.height - _EDGE, end=_EDGE, ticks=2)
    places = [[(x.at(point.at), y.at(point.value or 0)) for point in run] for run in runs]
    newest = runs[-1][-1]
    strokes = (_run(run, chart.role) for run in places)
    dot = el(
        "circle",
        el("title", point_words(chart.unit, newest)),
        class_=f"end {chart.role}",
        cx=places[-1][-1][0],
        cy=places[-1][-1][1],
        r=2.5,
        **data(x=iso(newest.at), value=newest.value, n=newest.n, series=chart.title),
    )
    shown = chart.unit.shown
    words = f"Last {point_words(chart.unit, newest)}; {shown(min(values))} to {shown(max(values))}."
    return root(*strokes, dot, chart_id=chart_id, title=chart.title, description=words, kind="spark", **size)


def _run(run: Sequence[tuple[float, float]], role: Role) -> Markup:
    if len(run) == 1:
        return el("circle", class_=f"end {role}", cx=run[0][0], cy=run[0][1], r=1.2)
    return el("polyline", class_=f"ln {role}", points=points(run))
