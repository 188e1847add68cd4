"""The board of all endpoints."""

from collections.abc import Collection

import promql
from grafana_foundation_sdk.builders import common, stat, table, timeseries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueTextMode,
    TableCellBackgroundDisplayMode,
    TableColoredBackgroundCellOptions,
    TableColorTextCellOptions,
)
from influx import SOURCE as INFLUX
from influx import series as influx_series
from influx import table as influx_rows
from influxql import COUNTED, RANGE, SUCCEEDED, TASK, select
from language import CHOSEN_PERCENTILE, Language
from layout import Line, Row
from links import of_endpoint, of_model
from panels import Panels
from prometheus import over_time, rows_now, value_now
from settings import (
    COUNT,
    RATIO,
    SECONDS,
    STATUS_COLOURS,
    TOKENS_PER_SECOND,
    fixed,
    high_is_good,
    in_order,
    low_is_good,
    neutral,
    setting,
    status_mapping,
    thresholds,
)
from shared_panels import errors, errors_now, failures, latency, speed, spend, uptime_by_day, uptime_by_hour

_WIDTHS = {"Endpoint": 240, "Model": 210, "Provider": 110, "Status": 95, "Newest probe": 105}
_SHORT = 90
"""Together they fit into a window of 1,280 pixels."""
_FIRST_STEPS = """\
**Red here?** Click the endpoint in the table: its board shows since when, which errors, and who is to blame.
**Slow?** Click its model: its providers side by side. **Grey** means no data, never "all well".
"""


def overview(ask: Language, draw: Panels) -> list[Row]:
    """Build the rows."""
    now = _influx_now(draw) if ask.source is INFLUX else _prometheus_now(draw)
    by_provider = [
        Line(height=9, panels=[failures(ask, draw, "provider"), errors(ask, draw)]),
        Line(
            height=9, panels=[latency(ask, draw, "ttft", CHOSEN_PERCENTILE, "provider"), speed(ask, draw, "provider")]
        ),
        Line(height=9, panels=[errors_now(ask, draw, "provider"), uptime_by_hour(ask, draw, "provider")]),
        Line(height=9, panels=[uptime_by_day(ask, draw, "provider")]),
    ]
    return [*now, Row(title="By provider, all chosen models together", lines=by_provider), spend(ask, draw)]


# Prometheus


def _prometheus_now(draw: Panels) -> list[Row]:
    timeline = draw.status_timeline(
        "Status",
        "Each endpoint's status over time. A gap means that the monitor published nothing. On long ranges "
        "there is one look per step: an outage between two looks is not seen here.",
    ).with_target(over_time(promql.status_code(), "{{endpoint}}"))
    numbers = [_down(draw), _by_status(draw), _refused(draw), _reachable(draw)]
    return [
        Row(
            title="Now",
            lines=[
                Line(height=4, widths=(3, 9, 3, 3, 6), panels=[*numbers, draw.words("First steps", _FIRST_STEPS)]),
                Line(height=10, panels=[_scores(draw)]),
                Line(height=9, panels=[timeline]),
            ],
        )
    ]


def _down(draw: Panels) -> stat.Panel:
    return draw.number(
        "Endpoints down",
        "Endpoints whose status is down. Unknown, paused and in maintenance are not counted, and no data is not zero.",
        low_is_good(1, 1),
    ).with_target(value_now(f"sum({promql.joined(f'providerwatch_up{{{promql.ENDPOINT}}} == bool 0')})", "down"))


def _by_status(draw: Panels) -> stat.Panel:
    panel = draw.number("Endpoints by status", "How many endpoints are in each status; grey without data.", neutral())
    panel.text_mode(BigValueTextMode.VALUE_AND_NAME).color_mode(BigValueColorMode.VALUE)
    for status, colour in STATUS_COLOURS.items():
        panel.override_by_name(status, [fixed(colour)])
    expression = f"sum by (status) ({promql.joined(f'providerwatch_status{{{promql.ENDPOINT}}}')})"
    return panel.with_target(value_now(expression, "{{status}}"))


def _refused(draw: Panels) -> stat.Panel:
    """0 as long as there are endpoints of which none is refused: the metric itself ends with the trouble."""
    refused = promql.joined(f"max by (instance, endpoint) (providerwatch_account_refused{{{promql.ENDPOINT}}})")
    return draw.number(
        "Account refused",
        "Endpoints that refuse the account: a key, a bill or a rate limit. It is not the provider's fault.",
        low_is_good(1, 1),
    ).with_target(value_now(f"sum({refused} or 0 * {promql.INFO})", "refused"))


def _reachable(draw: Panels) -> stat.Panel:
    answers = {
        "0": model.ValueMappingResult(text="unreachable", color="red"),
        "1": model.ValueMappingResult(text="scraped", color="green"),
    }
    return (
        draw.number(
            "Monitor",
            "Whether Prometheus reached the monitor at its last scrape. "
            "When it did not, everything else on this page is old or missing.",
            thresholds({0: "red", 1: "green"}),
        )
        .mappings([model.ValueMap(options=answers)])
        .with_target(value_now(f"max(up{{{promql.MONITOR}}})", "monitor"))
    )


def _scores(draw: Panels) -> table.Panel:
    columns = {
        "endpoint": "Endpoint",
        "provider": "Provider",
        "model": "Model",
        "Value #status": "Status",
        "Value #score": "Score",
        "Value #uptime_1d": "Uptime 1 d",
        "Value #uptime_30d": "Uptime 30 d",
        "Value #ttft": "TTFT p50",
        "Value #ttft_high": "TTFT p95",
        "Value #speed": "Speed",
    }
    panel = draw.rows(
        "Scores",
        "Every endpoint, worst score first: the probability that the next request succeeds within its SLO. "
        "TTFT and speed are of the chosen task over the chosen window. An empty cell was not measured. "
        "Click an endpoint or a model for its board and its page.",
        [*columns],
    ).with_transformation(in_order(list(columns), columns))
    panel.sort_by([common.TableSortByFieldState().display_name("Score").desc(False)])
    for ref, expression in _score_queries().items():
        panel.with_target(rows_now(expression, ref))
    panel.override_by_name("Status", [setting("mappings", [status_mapping()]), _on_colour()])
    return _formatted(panel, "prometheus", columns.values())


def _score_queries() -> dict[str, str]:
    """Expression of every column by its reference; each has one row per endpoint."""
    of, ttft = promql.ENDPOINT, "providerwatch_ttft_seconds"
    return {
        "info": f"max by (endpoint, provider, model) ({promql.INFO})",
        "status": promql.status_code(),
        "score": f"max by (endpoint) ({promql.joined(f'providerwatch_score{{{of}}}')})",
        "uptime_1d": promql.uptime("1d", "endpoint"),
        "uptime_30d": promql.uptime("30d", "endpoint"),
        "ttft": promql.quantile("50", ttft, "endpoint"),
        "ttft_high": promql.quantile("95", ttft, "endpoint"),
        "speed": promql.newest("providerwatch_output_tokens_per_second", "avg_over_time", "endpoint", "avg"),
    }


# InfluxDB


def _influx_now(draw: Panels) -> list[Row]:
    numbers = [_newest_failed(draw), _probed(draw)]
    return [
        Row(
            title="Now",
            lines=[
                Line(height=4, widths=(4, 4, 16), panels=[*numbers, draw.words("First steps", _FIRST_STEPS)]),
                Line(height=10, panels=[_endpoints(draw)]),
                Line(height=9, panels=[_uptime_over_time(draw)]),
            ],
        )
    ]


def _newest_failed(draw: Panels) -> stat.Panel:
    newest = select('last("ok") AS "newest"', COUNTED, RANGE, by='"endpoint"')
    return draw.number(
        "Newest probe failed",
        "Endpoints whose newest counted probe in the dashboard's range failed. The points hold no status: one failure "
        "is not yet an outage.",
        low_is_good(1, 3),
    ).with_target(influx_series(f'SELECT count("newest") - sum("newest") FROM ({newest})', "failed"))


def _probed(draw: Panels) -> stat.Panel:
    newest = select('last("ok") AS "newest"', RANGE, by='"endpoint"')
    return draw.number(
        "Endpoints probed", "Endpoints with a probe in the dashboard's range; grey without data.", neutral()
    ).with_target(influx_series(f'SELECT count("newest") FROM ({newest})', "probed"))


def _endpoints(draw: Panels) -> table.Panel:
    columns = {
        "endpoint": "Endpoint",
        "provider": "Provider",
        "model": "Model",
        "newest": "Newest probe",
        "uptime": "Uptime",
        "counted": "Counted",
        "ttft": "TTFT p50",
        "ttft_high": "TTFT p95",
        "speed": "Speed",
        "cost": "Cost",
    }
    panel = draw.rows(
        "Endpoints",
        "Every endpoint over the dashboard's range, lowest uptime first: successes ÷ counted probes of all tasks, and "
        "how many were counted. TTFT and speed are of successful probes of the chosen task. An empty cell was not "
        "measured. Click an endpoint or a model for its board and its page.",
        [*columns],
    ).with_transformation(in_order(list(columns), columns))
    panel.sort_by([common.TableSortByFieldState().display_name("Uptime").desc(False)])
    times = 'percentile("ttft_s", 50) AS "ttft", percentile("ttft_s", 95) AS "ttft_high", mean("output_tps") AS "speed"'
    uptime = 'mean("ok") AS "uptime", count("ok") AS "counted", last("ok") AS "newest"'
    panel.with_target(influx_rows(select(uptime, COUNTED, RANGE, by='"endpoint", "provider", "model"'), "uptime"))
    panel.with_target(influx_rows(select(times, SUCCEEDED, TASK, RANGE, by='"endpoint"'), "times"))
    panel.with_target(influx_rows(select('sum("cost_usd") AS "cost"', RANGE, by='"endpoint"'), "cost"))
    answers = {
        "0": model.ValueMappingResult(text="failed", color="red"),
        "1": model.ValueMappingResult(text="answered", color="green"),
    }
    mapped = setting("mappings", [model.ValueMap(options=answers)])
    panel.override_by_name("Newest probe", [mapped, setting("decimals", 0), _on_colour()])
    panel.override_by_name("Counted", [setting("unit", COUNT), setting("decimals", 0)])
    panel.override_by_name("Cost", [setting("unit", "currencyUSD")])
    return _formatted(panel, "influxdb", columns.values())


def _uptime_over_time(draw: Panels) -> timeseries.Panel:
    query = select('mean("ok")', COUNTED, RANGE, by='"endpoint"', every="$window")
    return (
        draw.lines(
            "Uptime by endpoint",
            "Successes ÷ counted probes of each window, of all tasks. A line breaks where nothing was counted.",
            RATIO,
            high_is_good(),
            {},
        )
        .max(1)
        .with_target(influx_series(query, "$tag_endpoint"))
    )


# Both


def _formatted(panel: table.Panel, language: str, columns: Collection[str]) -> table.Panel:
    """Units, links and fixed widths, so that no column pushes another off the screen."""
    panel.override_by_name("Endpoint", [of_endpoint(language)])
    panel.override_by_name("Model", [of_model(language)])
    for column, decimals in (("Score", 3), ("Uptime", 2), ("Uptime 1 d", 2), ("Uptime 30 d", 2)):
        unit = "none" if column == "Score" else RATIO
        limits = high_is_good(0.8, 0.95) if column == "Score" else high_is_good()
        colour, colour_of = setting("color", {"mode": "thresholds"}), setting("thresholds", limits.build())
        text = setting("custom.cellOptions", TableColorTextCellOptions())
        if column in columns:
            panel.override_by_name(
                column, [setting("unit", unit), setting("decimals", decimals), colour_of, colour, text]
            )
    for column in ("TTFT p50", "TTFT p95"):
        panel.override_by_name(column, [setting("unit", SECONDS)])
    panel.override_by_name("Speed", [setting("unit", TOKENS_PER_SECOND), setting("decimals", 1)])
    for column in columns:
        panel.override_by_name(column, [setting("custom.width", _WIDTHS.get(column, _SHORT))])
    return panel


def _on_colour() -> model.DynamicConfigValue:
    return setting("custom.cellOptions", TableColoredBackgroundCellOptions(mode=TableCellBackgroundDisplayMode.BASIC))
