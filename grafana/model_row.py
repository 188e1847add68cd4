"""Row 2: the chosen model's providers side by side."""

from grafana_foundation_sdk.builders import barchart, bargauge, statushistory, timeseries
from layout import Line, Row
from panels import (
    RATIO,
    SECONDS,
    TOKENS_PER_SECOND,
    bars,
    columns_by_endpoint,
    query,
    ratio_history,
    rows_now,
    stacked_bars,
    value_now,
)
from panels import timeseries as lines
from promql import (
    CHOSEN,
    CHOSEN_TASK,
    error_ratio_by_class,
    error_ratio_by_endpoint_and_class,
    mean,
    of_model,
    output_speed,
    provider_failure_ratio,
    quantile,
)
from settings import BLAME_COLOURS, NEEDS_FULL, ratio_thresholds, shades

_OBSERVED = "Only of probes that got that far: read it beside the failures, since failing is not fast."


def model_row() -> Row:
    """Build the row."""
    ttft = "The request's last byte to the first generated content, over the window."
    whole = "The request's last byte to the end of the stream, over the window."
    return Row(
        title="Providers of $model side by side",
        lines=[
            Line(
                height=9,
                panels=[
                    _quantile(0.5, "Time to first token, p50", "providerwatch_ttft_seconds", ttft),
                    _quantile(0.9, "Time to first token, p90", "providerwatch_ttft_seconds", ttft),
                    _speed(),
                ],
            ),
            Line(
                height=9,
                panels=[
                    _mean("End to end, mean", "providerwatch_e2e_seconds", whole),
                    _quantile(0.9, "End to end, p90", "providerwatch_e2e_seconds", f"{whole} {NEEDS_FULL}"),
                    _gaps(),
                ],
            ),
            Line(height=9, panels=[_failures(), _errors_over_time(), _errors_by_endpoint()]),
            Line(
                height=8,
                panels=[_errors_of("tool_call", "tool calls"), _errors_of("structured_output", "structured outputs")],
            ),
            Line(height=9, panels=[_score(), _uptime(), _uptime_by_hour()]),
        ],
    )


def _quantile(q: float, title: str, metric: str, meaning: str) -> timeseries.Panel:
    expression = of_model(quantile(q, metric, CHOSEN_TASK))
    return lines(title, f"{meaning} {_OBSERVED}", SECONDS).with_target(query(expression))


def _mean(title: str, metric: str, meaning: str) -> timeseries.Panel:
    expression = of_model(mean(metric, CHOSEN_TASK))
    return lines(title, f"{meaning} {_OBSERVED}", SECONDS).with_target(query(expression))


def _speed() -> timeseries.Panel:
    return (
        lines(
            "Output speed",
            "Decode speed of the last successful probe, averaged over the window: tokens after the first content "
            "event ÷ time from first to last content. Breaks off when no probe succeeded within the window.",
            TOKENS_PER_SECOND,
        )
        .decimals(1)
        .with_target(query(of_model(output_speed(CHOSEN_TASK))))
    )


def _gaps() -> timeseries.Panel:
    longest = f"max by (endpoint) (max_over_time(providerwatch_stall_seconds{{{CHOSEN_TASK}}}[$window]))"
    return lines(
        "Longest gap between content events",
        "The longest time that the stream of a successful probe stood still between two content events, over the "
        "window. Of several probes between two scrapes only the last is seen.",
        SECONDS,
    ).with_target(query(of_model(longest)))


def _failures() -> timeseries.Panel:
    return (
        lines(
            "Failures of the provider",
            "Share of counted probes that failed by the provider's fault, over the window: what uptime lacks. "
            "Failures of the account, the monitor or its network are left out, as in uptime.",
            RATIO,
        )
        .axis_soft_max(0.1)
        .with_target(query(of_model(provider_failure_ratio())))
    )


def _errors_of(task: str, what: str) -> timeseries.Panel:
    selector = f'{CHOSEN}, task="{task}"'
    return (
        lines(
            f"Errors of {what}",
            f"Share of counted {task} probes that failed by the provider's fault or answered wrongly, over the "
            "window, whatever task is chosen. Empty where no such probe is configured.",
            RATIO,
        )
        .axis_soft_max(0.1)
        .with_target(query(of_model(provider_failure_ratio(selector))))
    )


def _errors_over_time() -> timeseries.Panel:
    panel = stacked_bars(
        "Errors by class",
        "Share of all probes of the chosen endpoints together that ended in each error class, over the window. "
        "Red is the provider's fault, purple the account's, grey the monitor's, blue the monitor's network. "
        "Empty when there was no error.",
        RATIO,
    )
    for blame, colour in BLAME_COLOURS.items():
        panel.override_by_regexp(_blamed_on(blame), [shades(colour)])
    return panel.axis_soft_max(0.1).with_target(query(error_ratio_by_class(), legend="{{error}} · {{blame}}"))


def _errors_by_endpoint() -> barchart.Panel:
    panel = columns_by_endpoint(
        "Errors by endpoint and class",
        "Share of each endpoint's probes that ended in each error class, over the dashboard's whole range. "
        "Colours as beside. An endpoint without a bar had no error.",
        RATIO,
        stacked_label="class",
    )
    for blame, colour in BLAME_COLOURS.items():
        panel.override_by_regexp(_blamed_on(blame), [shades(colour)])
    return panel.with_target(rows_now(error_ratio_by_endpoint_and_class()))


def _blamed_on(blame: str) -> str:
    return f"/ · {blame}$/"


def _score() -> timeseries.Panel:
    return (
        lines(
            "Score",
            "Probability that the next request succeeds within its SLO, as published to routers. "
            "Breaks off while the score is null: never probed, or only account errors.",
            "none",
        )
        .decimals(3)
        .min(0)
        .max(1)
        .with_target(query(of_model(f"max by (endpoint) (providerwatch_score{{{CHOSEN}}})")))
    )


def _uptime() -> bargauge.Panel:
    window = 'window=~"1h|1d|30d"'
    expression = of_model(f"max by (endpoint, window) (providerwatch_uptime_ratio{{{CHOSEN}, {window}}})")
    return (
        bars(
            "Uptime now",
            "Successes ÷ (successes + failures of the provider) of the last day and 30 days, of the last hour where "
            "the monitor publishes it, as it counts them. Green from 95 %, amber from 80 %.",
            RATIO,
        )
        .decimals(2)
        .min(0)
        .max(1)
        .thresholds(ratio_thresholds())
        .with_target(value_now(expression, legend="{{endpoint}} {{window}}"))
    )


def _uptime_by_hour() -> statushistory.Panel:
    hour = f'max by (endpoint) (providerwatch_uptime_ratio{{{CHOSEN}, window="1h"}})'
    return (
        ratio_history(
            "Uptime, hour by hour",
            "Uptime of the hour that ends at each cell. Where the range is so long that a cell spans more than an "
            f"hour, it shows the last of its hours. No cell: nothing counted. {NEEDS_FULL}",
        )
        .interval("1h")
        .max_data_points(48)
        .with_target(query(of_model(hour)))
    )
