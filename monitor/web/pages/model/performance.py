"""Charts of speed: now, spread and over time of three metrics, and speed against price. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from monitor.charts.boxes import BoxChart, SpreadRow, box_chart, box_table
from monitor.charts.events import Mark, Shade, ShadeKind
from monitor.charts.figures import SECONDS, TOKENS_PER_SECOND, USD_PER_MILLION, Unit
from monitor.charts.legend import LegendEntry
from monitor.charts.lines import line_chart
from monitor.charts.now_rows import NowChart, NowRow, now_chart, now_table
from monitor.charts.roles import PROVIDERS
from monitor.charts.scatter import ScatterChart, ScatterPoint, scatter_chart, scatter_table
from monitor.charts.series import LineChart, LineSeries, line_table
from monitor.domain.text import plural
from monitor.history.series import Metric
from monitor.routing.tiers import price
from monitor.web.pages.legend import LegendItem, legend_items
from monitor.web.pages.model.drawing import Drawing
from monitor.web.pages.model.endpoints import ModelEndpoint
from monitor.web.pages.model.figures import CHARTED, ENOUGH_FOR_SPREAD, FigureHistory, ModelHistory
from monitor.web.pages.model.query import DAY

MOST_MARKS: Final = 40
"""Incidents drawn in a chart; their lines would hide the figures."""
_NOW: Final = "this hour and the last one"
_FEW: Final = 8
_HEIGHT, _HIGH = 220.0, 400.0
"""With more lines than a few, the charts beside it are high, too."""
_SMALL, _WIDE, _HALF = 270.0, 580.0, 580.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartedMetric:
    """How a metric is presented."""

    slug: str
    heading: str
    about: str
    unit: Unit
    log: bool


METRICS: Final = {
    Metric.TTFT: ChartedMetric(
        slug="ttft",
        heading="Time to first token",
        about="From the request's last byte to the first content. Lower is better.",
        unit=SECONDS,
        log=True,
    ),
    Metric.OUTPUT_TPS: ChartedMetric(
        slug="speed",
        heading="Output speed",
        about="Tokens per second after the first one. Higher is better.",
        unit=TOKENS_PER_SECOND,
        log=False,
    ),
    Metric.E2E: ChartedMetric(
        slug="e2e",
        heading="End to end",
        about="From the request's last byte to the last token of the probe's short answer. Lower is better.",
        unit=SECONDS,
        log=True,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSection:
    """The charts of one metric."""

    slug: str
    heading: str
    about: str
    now: Drawing
    spread: Drawing
    over_time: Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceSection:
    """All charts of speed."""

    legend: Sequence[LegendItem]
    """Empty: with more endpoints than colours it would explain nothing."""
    metrics: tuple[MetricSection, ...]
    scatter: Drawing
    hidden_marks: str
    """What the charts leave out; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _EndpointFigure:
    """An endpoint and its figures of one metric; None: the store has none."""

    endpoint: ModelEndpoint
    figure: FigureHistory | None


def performance_section(endpoints: Sequence[ModelEndpoint], history: ModelHistory) -> PerformanceSection:
    """The charts of the history's span."""
    incidents = sum(len(found.incidents) for found in history.endpoints.values())
    hidden = incidents - MOST_MARKS
    return PerformanceSection(
        legend=_legend(endpoints),
        metrics=tuple(_metric(metric, endpoints, history) for metric in CHARTED),
        scatter=_scatter(endpoints, history),
        hidden_marks=f"The newest {MOST_MARKS} incidents are marked; {hidden:,} older ones are not."
        if hidden > 0
        else "",
    )


def _metric(metric: Metric, endpoints: Sequence[ModelEndpoint], history: ModelHistory) -> MetricSection:
    presented = METRICS[metric]
    lines = list(_lines(metric, endpoints, history))
    return MetricSection(
        slug=presented.slug,
        heading=presented.heading,
        about=presented.about,
        now=_now(presented, lines),
        spread=_spread(presented, lines, history),
        over_time=_over_time(presented, lines, history),
    )


def _lines(metric: Metric, endpoints: Sequence[ModelEndpoint], history: ModelHistory) -> Iterator[_EndpointFigure]:
    for endpoint in endpoints:
        found = history.endpoints.get(endpoint.id)
        yield _EndpointFigure(endpoint=endpoint, figure=None if found is None else found.figures[metric])


def _now(presented: ChartedMetric, lines: Sequence[_EndpointFigure]) -> Drawing:
    rows = [
        NowRow(
            name=line.endpoint.name,
            role=line.endpoint.role,
            value=line.figure.now.value if line.figure else None,
            low=line.figure.now.low if line.figure else None,
            high=line.figure.now.high if line.figure else None,
            n=line.figure.now.n if line.figure else 0,
        )
        for line in lines
    ]
    chart = NowChart(
        title=f"{presented.heading} now, median with 95 % interval",
        unit=presented.unit,
        window=_NOW,
        rows=rows,
        width=_SMALL,
        empty="no success in this hour and the last",
    )
    return Drawing(heading="Now", chart=now_chart(chart, chart_id=f"{presented.slug}-now"), table=now_table(chart))


def _spread(presented: ChartedMetric, lines: Sequence[_EndpointFigure], history: ModelHistory) -> Drawing:
    rows = [
        SpreadRow(
            name=line.endpoint.name,
            role=line.endpoint.role,
            percentiles=line.figure.spread if line.figure else None,
            n=line.figure.spread_n if line.figure else 0,
        )
        for line in lines
    ]
    chart = BoxChart(
        title=f"Spread of {_lower(presented)}, P5 to P95",
        unit=presented.unit,
        window=history.span.words,
        rows=rows,
        log=presented.log,
        width=_SMALL,
        empty=f"needs {ENOUGH_FOR_SPREAD} successes",
    )
    drawn = box_chart(chart, chart_id=f"{presented.slug}-spread")
    return Drawing(heading=f"Spread, {history.span.words}", chart=drawn, table=box_table(chart))


def _over_time(presented: ChartedMetric, lines: Sequence[_EndpointFigure], history: ModelHistory) -> Drawing:
    grid = history.span.grid
    series = [
        LineSeries(name=line.endpoint.name, role=line.endpoint.role, points=line.figure.points if line.figure else ())
        for line in lines
    ]
    endpoints = [line.endpoint for line in lines]
    chart = LineChart(
        title=f"{presented.heading}, median of each {_step_words(grid.step)}, {history.span.words}",
        unit=presented.unit,
        start=grid.begin,
        end=grid.end,
        step=grid.step,
        series=series,
        marks=_marks(endpoints, history),
        shades=tuple(_shades(endpoints, history)),
        width=_WIDE,
        height=_HEIGHT if len(lines) <= _FEW else _HIGH,
    )
    drawn = line_chart(chart, chart_id=f"{presented.slug}-time")
    return Drawing(
        heading=f"Over time, {history.span.words}",
        chart=drawn,
        table=line_table(chart),
        is_wide=True,
        is_over_time=True,
    )


def _marks(endpoints: Sequence[ModelEndpoint], history: ModelHistory) -> tuple[Mark, ...]:
    names = {endpoint.id: endpoint.name for endpoint in endpoints}
    found = [incident for each in history.endpoints.values() for incident in each.incidents]
    newest = sorted(found, key=lambda incident: incident.began_at, reverse=True)[:MOST_MARKS]
    return tuple(
        Mark(at=incident.began_at, words=f"{names.get(incident.endpoint, incident.endpoint)} {incident.worst}")
        for incident in reversed(newest)
    )


def _shades(endpoints: Sequence[ModelEndpoint], history: ModelHistory) -> Iterator[Shade]:
    grid = history.span.grid
    for endpoint in endpoints:
        for window in endpoint.snapshot.spec.maintenance:
            if window.begin < grid.end and grid.begin < window.end:
                words = f"{endpoint.name}: {ShadeKind.MAINTENANCE}"
                yield Shade(start=window.begin, end=window.end, kind=ShadeKind.MAINTENANCE, words=words)


def _legend(endpoints: Sequence[ModelEndpoint]) -> Sequence[LegendItem]:
    if len(endpoints) > len(PROVIDERS):
        return ()
    entries = [LegendEntry(words=endpoint.name, role=endpoint.role) for endpoint in endpoints]
    return legend_items(entries)


def _scatter(endpoints: Sequence[ModelEndpoint], history: ModelHistory) -> Drawing:
    places = []
    for line in _lines(Metric.OUTPUT_TPS, endpoints, history):
        now = line.figure.now if line.figure else None
        places.append(
            ScatterPoint(
                name=line.endpoint.name,
                role=line.endpoint.role,
                x=price(line.endpoint.snapshot),
                y=now.value if now else None,
                n=now.n if now else 0,
            )
        )
    chart = ScatterChart(
        title="Output speed against price",
        x_unit=USD_PER_MILLION,
        y_unit=TOKENS_PER_SECOND,
        x_name="USD per million tokens, 3 prompt : 1 completion",
        y_name="tokens/s, median",
        window=_NOW,
        places=places,
        width=_HALF,
        height=300,
        empty="no endpoint has both a speed and a price",
    )
    drawn = scatter_chart(chart, chart_id="speed-price")
    return Drawing(heading="Speed and price", chart=drawn, table=scatter_table(chart), is_wide=True)


def _lower(presented: ChartedMetric) -> str:
    return presented.heading[0].lower() + presented.heading[1:]


def _step_words(step: timedelta) -> str:
    if step >= DAY:
        return "day (UTC)" if step == DAY else plural(step // DAY, "day")
    hours = step // timedelta(hours=1)
    return "hour" if hours == 1 else plural(hours, "hour")
