"""Series over time: the figures of lines and sparklines, and their table. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from monitor.charts.events import Mark, Shade
from monitor.charts.figures import Unit, drawable, moment
from monitor.charts.frame import counted, lines_of
from monitor.charts.roles import Role
from monitor.charts.table import Table
from monitor.domain.text import NOT_MEASURED

_GAP_STEPS: Final = 1.5
"""Points further apart than this many steps have a gap between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """What was measured from `at` on for one step; `value` is None where nothing was. `low` to `high`: its interval."""

    at: datetime
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSeries:
    """A line. The points are in the order of time."""

    name: str
    role: Role
    points: Sequence[SeriesPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChart:
    """Series between two times. `empty` says why there is nothing to draw. A legend comes on top of `height`.

    Each point is an element that a pointer can meet, about 300 bytes: with 50 to 100 steps a chart stays small.
    """

    title: str
    unit: Unit
    start: datetime
    end: datetime
    step: timedelta
    series: Sequence[LineSeries]
    marks: Sequence[Mark] = ()
    shades: Sequence[Shade] = ()
    log: bool = False
    width: float = 720
    height: float = 220
    empty: str = "nothing measured"


def segments(points: Sequence[SeriesPoint], *, step: timedelta, log: bool = False) -> Iterator[tuple[SeriesPoint, ...]]:
    """The runs of measured points without a gap; on a logarithmic scale only values above 0 can be drawn."""
    run: list[SeriesPoint] = []
    for point in points:
        value = drawable(point.value)
        known = value is not None and (value > 0 or not log)
        if run and (not known or point.at - run[-1].at > step * _GAP_STEPS):
            yield tuple(run)
            run = []
        if known:
            run.append(point)
    if run:
        yield tuple(run)


def drawn(chart: LineChart, series: LineSeries) -> tuple[tuple[SeriesPoint, ...], ...]:
    """The runs of a series that lie within the chart."""
    inside = [point for point in series.points if chart.start <= point.at <= chart.end]
    return tuple(segments(inside, step=chart.step, log=chart.log))


def interval_words(unit: Unit, low: float | None, high: float | None) -> str:
    """`200 ms to 230 ms`; empty where there is none."""
    known_low, known_high = drawable(low), drawable(high)
    return "" if known_low is None or known_high is None else f"{unit.shown(known_low)} to {unit.shown(known_high)}"


def point_words(unit: Unit, point: SeriesPoint) -> str:
    """A value, its interval and its count."""
    return lines_of((unit.shown(drawable(point.value)), interval_words(unit, point.low, point.high), counted(point.n)))


def happened(chart: LineChart, at: datetime) -> Iterator[str]:
    """The words of the marks and shaded spans that fall into the step at a time."""
    end = at + chart.step
    yield from (mark.words for mark in chart.marks if at <= mark.at < end)
    yield from (shade.words or shade.kind.value for shade in chart.shades if shade.start < end and at < shade.end)


def line_table(chart: LineChart) -> Table:
    """A row for each time and a column for each series; a last column for the events of a time, if there are any."""
    events = [(mark.at, f"{mark.kind.value}: {mark.words}") for mark in chart.marks]
    events += [(shade.start, f"{shade.kind.value} until {moment(shade.end)}") for shade in chart.shades]
    known = [{point.at: point for point in series.points} for series in chart.series]
    times = sorted({*chain.from_iterable(known), *(at for at, _ in events)})
    rows = (
        (
            moment(at),
            *(point_words(chart.unit, points[at]) if at in points else NOT_MEASURED for points in known),
            *((lines_of(words for when, words in events if when == at),) if events else ()),
        )
        for at in times
    )
    names = (series.name for series in chart.series)
    return Table(caption=chart.title, head=("time", *names, *(("events",) if events else ())), rows=tuple(rows))
