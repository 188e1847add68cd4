"""Two figures of each provider against each other, say speed and price, with the good corner shaded. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import Unit, drawable
from monitor.charts.frame import (
    EDGE,
    GAP,
    LANE,
    TICKS,
    Area,
    across_axis,
    across_ticks,
    counted,
    data,
    empty,
    group,
    label_width,
    lines_of,
    root,
    text,
    upright_ticks,
    value_axis,
)
from monitor.charts.markup import el
from monitor.charts.placement import PlacedLabel, area_of, place_labels
from monitor.charts.roles import Role
from monitor.charts.scales import Scale, linear_from_zero, scale_over
from monitor.charts.table import Table
from monitor.charts.text_width import ASCENT, DESCENT, LINE, fit
from monitor.domain.text import NOT_MEASURED

_RADIUS: Final = 5.0
_LONGEST: Final = 130.0
_FEW: Final = 3
"""Fewer points have no median worth showing; the corner is then the middle of both scales."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterPoint:
    """A provider's two figures; None where one is not known."""

    name: str
    role: Role
    x: float | None
    y: float | None
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterChart:
    """Points; less of `x` and more of `y` is better. `corner` names the better corner: `fast and cheap`."""

    title: str
    x_unit: Unit
    y_unit: Unit
    x_name: str
    y_name: str
    window: str
    places: Sequence[ScatterPoint]
    corner: str = "fast and cheap"
    log_x: bool = False
    width: float = 480
    height: float = 260
    empty: str = "nothing measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dot:
    """A point that can be drawn, in pixels."""

    place: ScatterPoint
    x: float
    y: float


def scatter_chart(chart: ScatterChart, *, chart_id: str) -> Markup:
    """The chart as SVG."""
    known = [
        (place, x, y) for place in chart.places if (x := _x(chart, place)) is not None and (y := _y(place)) is not None
    ]
    if not known:
        return empty(
            chart_id=chart_id,
            width=chart.width,
            height=chart.height,
            title=chart.title,
            words=chart.empty,
            kind="scatter",
        )
    area, across, up = _scales(chart, [x for _, x, _ in known], [y for _, _, y in known])
    dots = [_Dot(place=place, x=across.at(x), y=up.at(y)) for place, x, y in known]
    corner = _corner(area, dots)
    words = PlacedLabel(
        words=fit(chart.corner, corner.width - GAP), x=corner.left + GAP, y=corner.top + LINE, led=False
    )
    names = [(dot.x, dot.y, fit(dot.place.name, _LONGEST)) for dot in dots]
    labels = place_labels(names, area=area, taken=[area_of(words)])
    return root(
        el("rect", class_="corner", x=corner.left, y=corner.top, width=corner.width, height=corner.height, rx=6),
        value_axis(up, chart.y_unit, area),
        across_axis(across, chart.x_unit, area),
        text(area.left, ASCENT, chart.y_name, width=area.width, class_="unit"),
        text(area.right, chart.height - DESCENT, chart.x_name, width=area.width, anchor="end", class_="unit"),
        text(words.x, words.y, words.words, class_="good"),
        group(_leader(dot, label) for dot, label in zip(dots, labels, strict=True)),
        *(_dot(chart, dot) for dot in dots),
        group(_name(dot, label) for dot, label in zip(dots, labels, strict=True)),
        chart_id=chart_id,
        width=chart.width,
        height=chart.height,
        title=chart.title,
        description=f"{chart.window}. {'; '.join(_words(chart, place) for place in chart.places)}.",
        kind="scatter",
    )


def scatter_table(chart: ScatterChart) -> Table:
    """A row for each provider."""
    rows = tuple(
        (
            place.name,
            chart.y_unit.shown(_y(place)),
            chart.x_unit.shown(drawable(place.x)),
            NOT_MEASURED if place.n is None else place.n,
        )
        for place in chart.places
    )
    head = ("provider", chart.y_name, chart.x_name, "n")
    return Table(caption=f"{chart.title}, {chart.window}", head=head, rows=rows)


def _scales(chart: ScatterChart, xs: Sequence[float], ys: Sequence[float]) -> tuple[Area, Scale, Scale]:
    top, bottom = LANE, chart.height - TICKS - LINE
    up = linear_from_zero(ys, start=bottom, end=top, ticks=upright_ticks(bottom - top))
    left = label_width(up, chart.y_unit, bottom - top) + 2 * EDGE
    right = chart.width - EDGE
    across = scale_over(xs, start=left, end=right, ticks=across_ticks(right - left), log=chart.log_x)
    return Area(left=left, top=top, right=right, bottom=bottom), across, up


def _corner(area: Area, dots: Sequence[_Dot]) -> Area:
    """Left of the median and above it: what is better than half of the others in both figures."""
    right, bottom = area.middle
    if len(dots) >= _FEW:
        right, bottom = median(dot.x for dot in dots), median(dot.y for dot in dots)
    right, bottom = max(right, area.left + area.width / 5), max(bottom, area.top + area.height / 5)
    return Area(left=area.left, top=area.top, right=right, bottom=bottom)


def _dot(chart: ScatterChart, dot: _Dot) -> Markup:
    place = dot.place
    return el(
        "circle",
        el("title", lines_of((_words(chart, place), chart.window))),
        class_=f"place {place.role}",
        cx=dot.x,
        cy=dot.y,
        r=_RADIUS,
        data_y=repr(place.y),
        **data(x=repr(place.x), value=place.y, n=place.n, series=place.name),
    )


def _leader(dot: _Dot, label: PlacedLabel | None) -> Markup:
    """A thin line from a point to a name that found its place further away."""
    if label is None or not label.led:
        return Markup("")
    box = area_of(label)
    x = min(max(dot.x, box.left), box.right)
    y = min(max(dot.y, box.top), box.bottom)
    return el("line", class_="leader", x1=dot.x, y1=dot.y, x2=x, y2=y)


def _name(dot: _Dot, label: PlacedLabel | None) -> Markup:
    return Markup("") if label is None else text(label.x, label.y, dot.place.name, width=_LONGEST)


def _words(chart: ScatterChart, place: ScatterPoint) -> str:
    y, x = chart.y_unit.shown(_y(place)), chart.x_unit.shown(drawable(place.x))
    return f"{place.name}: {lines_of((y, x, counted(place.n)))}"


def _x(chart: ScatterChart, place: ScatterPoint) -> float | None:
    value = drawable(place.x)
    return None if value is None or (chart.log_x and value <= 0) else value


def _y(place: ScatterPoint) -> float | None:
    return drawable(place.y)
