"""The board of one endpoint."""

import promql
from board_model import score
from colours import BLAME_COLOURS
from grafana_foundation_sdk.builders import heatmap, stat, timeseries
from influx import series as influx_series
from influxql import RANGE, SUCCEEDED, TASK, select
from language import CHOSEN_PERCENTILE, Language
from layout import Line, Panel, Row
from panels import Panels
from prometheus import SOURCE as PROMETHEUS
from prometheus import over_time, value_now
from settings import COUNT, NEEDS_FULL, SECONDS, low_is_good, neutral
from shared_panels import (
    SLOW_S,
    TOO_SLOW_S,
    budget_left,
    errors,
    failures,
    longest_gap,
    phases_over_time,
    speed,
    stalled,
    uptime_by_day,
    uptime_by_hour,
    uptime_now,
)

_MEDIAN_COLOURS = {"p50": "#37872d", "p95": "#ff9830", "p99": "#e02f44"}


def of_endpoint(ask: Language, draw: Panels) -> list[Row]:
    """Build the rows."""
    prometheus = ask.source is PROMETHEUS
    now: list[Panel] = [uptime_now(ask, draw, "endpoint"), budget_left(ask, draw, "endpoint")]
    gaps = _median_gap(draw) if prometheus else _gap_percentiles(draw)
    lines = [Line(height=8, panels=[uptime_by_hour(ask, draw, "endpoint"), uptime_by_day(ask, draw, "endpoint")])]
    if prometheus:
        lines = [Line(height=4, widths=(18, 6), panels=[_status(draw), _age(draw)]), *lines]
        now.insert(0, score(draw, "endpoint"))
    return [
        Row(title="$endpoint: status", lines=[*lines, Line(height=9, panels=now)]),
        Row(
            title="$endpoint: time",
            lines=[
                Line(height=9, panels=[phases_over_time(ask, draw), _percentiles(ask, draw)]),
                Line(height=10, panels=[_heat_map(ask, draw), _vantages(ask, draw)]),
            ],
        ),
        Row(
            title="$endpoint: errors",
            lines=[
                Line(height=9, panels=[errors(ask, draw), _blame(ask, draw), failures(ask, draw, "endpoint")]),
            ],
        ),
        Row(
            title="$endpoint: stream",
            lines=[
                Line(height=9, panels=[speed(ask, draw, "endpoint"), longest_gap(ask, draw, "endpoint")]),
                Line(height=9, panels=[stalled(ask, draw, "endpoint"), gaps]),
            ],
        ),
    ]


def _status(draw: Panels) -> Panel:
    return draw.status_timeline(
        "Status of the endpoint",
        "The endpoint's status over time; incidents are also marked on every other panel. A gap means that the monitor "
        "published nothing.",
    ).with_target(over_time(promql.status_code(), "{{endpoint}}"))


def _age(draw: Panels) -> stat.Panel:
    newest = promql.joined(f"providerwatch_last_sample_timestamp_seconds{{{promql.ENDPOINT}}}")
    return (
        draw.number(
            "Newest probe",
            "How long ago the newest probe began, successful or not.",
            low_is_good(600, 1800),
            SECONDS,
        )
        .decimals(0)
        .with_target(value_now(f"time() - max by (endpoint) ({newest})", "age"))
    )


def _percentiles(ask: Language, draw: Panels) -> timeseries.Panel:
    panel = draw.lines(
        "Time to first token",
        "Median, 95th and 99th percentile of successful probes of the chosen task, over the window.",
        SECONDS,
        low_is_good(SLOW_S, TOO_SLOW_S),
        _MEDIAN_COLOURS,
    )
    for target in ask.percentiles("ttft", ("50", "95", "99")):
        panel.with_target(target)
    return panel


def _heat_map(ask: Language, draw: Panels) -> heatmap.Panel:
    coarse = " Five buckets unless the monitor publishes full metrics." if ask.counts_buckets else ""
    return draw.heat_map(
        "Time to first token, every probe",
        "How many successful probes of the chosen task had their first token in each span of time: two bands are two "
        f"kinds of answers, which a percentile hides.{coarse}",
        counts_buckets=ask.counts_buckets,
    ).with_target(ask.first_tokens())


def _vantages(ask: Language, draw: Panels) -> timeseries.Panel:
    return draw.lines(
        "Time to first token by vantage, p$percentile",
        "The same endpoint as each monitor measures it, whatever vantage is chosen. One slow line alone is the network "
        "of that vantage, not the provider.",
        SECONDS,
        low_is_good(SLOW_S, TOO_SLOW_S),
        {},
    ).with_target(ask.vantages(CHOSEN_PERCENTILE))


def _blame(ask: Language, draw: Panels) -> timeseries.Panel:
    return draw.bars_over_time(
        "Errors by blame",
        "Number of failed probes by who is to blame, in each window. Only the provider's count against uptime.",
        COUNT,
        BLAME_COLOURS,
    ).with_target(ask.errors("blame"))


def _median_gap(draw: Panels) -> timeseries.Panel:
    panel = draw.lines(
        "Median gap between content events",
        "Each successful probe has a median gap; shown are the median and the 95th percentile of these, over the "
        f"window. A stall does not move them: see the longest gap. {NEEDS_FULL}",
        SECONDS,
        neutral(),
        _MEDIAN_COLOURS,
    )
    for percentile in ("50", "95"):
        expression = promql.quantile(percentile, "providerwatch_inter_token_seconds", "instance")
        panel.with_target(over_time(expression, f"p{percentile}", f"p{percentile}"))
    return panel


def _gap_percentiles(draw: Panels) -> timeseries.Panel:
    what = 'mean("itl_p50_s") AS "p50", mean("itl_p99_s") AS "p99"'
    query = select(what, SUCCEEDED, TASK, RANGE, every="$window")
    return draw.lines(
        "Gaps between content events",
        "Median and 99th percentile of the gaps within each successful probe, as the mean of the window's probes.",
        SECONDS,
        neutral(),
        _MEDIAN_COLOURS,
    ).with_target(influx_series(query, "$col"))
