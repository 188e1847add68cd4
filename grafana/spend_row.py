"""Row 3: where the time of a probe goes, and what probing costs."""

from grafana_foundation_sdk.builders import barchart, timeseries
from layout import Line, Row
from panels import COUNT, SECONDS, columns_by_endpoint, query, rows_now
from panels import timeseries as lines
from promql import MONITOR, connection_setup, phase_means
from settings import NEEDS_FULL, fixed, in_order

_PHASE_COLOURS = {
    "dns": "purple",
    "connect": "blue",
    "tls": "light-blue",
    "headers": "orange",
    "first token": "green",
}


def spend_row() -> Row:
    """Build the row."""
    return Row(
        title="Phases, cost and tokens",
        lines=[
            Line(height=9, panels=[_phases(), _setup()]),
            Line(height=8, panels=[_cost(), _tokens()]),
        ],
    )


def _phases() -> barchart.Panel:
    panel = columns_by_endpoint(
        "Where the time to first token goes",
        "Mean of each phase over the dashboard's range. dns, connect and tls come before the request; headers is "
        "the request to the status line, and first token the rest up to the first content. "
        f"A phase that does not occur (a bare IP address, plain HTTP) has no part in the bar. {NEEDS_FULL}",
        SECONDS,
        stacked_label="phase",
    ).with_transformation(in_order(["endpoint\\phase", *_PHASE_COLOURS]))
    for phase, colour in _PHASE_COLOURS.items():
        panel.override_by_name(phase, [fixed(colour)])
    return panel.with_target(rows_now(phase_means()))


def _setup() -> timeseries.Panel:
    return lines(
        "Connection set-up",
        "Mean time for name, TCP and TLS of a fresh connection, over the window: the network's part, "
        f"spent before the request and no part of TTFT. {NEEDS_FULL}",
        SECONDS,
    ).with_target(query(connection_setup()))


def _cost() -> timeseries.Panel:
    expression = f"sum by (provider) (increase(providerwatch_cost_usd_total{{{MONITOR}}}[1d]))"
    return lines(
        "Cost per day",
        "What probing each provider cost in the 24 hours before each point, all models together. "
        "Missing where no price is known. Compare with budget.usd_per_day.",
        "currencyUSD",
    ).with_target(query(expression, legend="{{provider}}"))


def _tokens() -> timeseries.Panel:
    expression = f"sum by (provider, direction) (increase(providerwatch_tokens_total{{{MONITOR}}}[1d]))"
    return lines(
        "Tokens per day",
        "Tokens of the 24 hours before each point, all models together. cached is a part of prompt, "
        "and reasoning a part of completion: they do not add up.",
        COUNT,
    ).with_target(query(expression, legend="{{provider}} {{direction}}"))
