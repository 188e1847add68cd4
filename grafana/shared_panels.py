"""Panels that several boards show."""

from collections.abc import Sequence

from colours import ERROR_COLOURS, PHASE_COLOURS
from grafana_foundation_sdk.builders import barchart, bargauge, common, statushistory, timeseries
from grafana_foundation_sdk.models.common import StackingMode
from language import CHOSEN_PERCENTILE, By, Language, Time
from layout import Line, Row
from panels import Panels
from settings import (
    COUNT,
    DOLLARS,
    OBJECTIVE,
    RATIO,
    SECONDS,
    TOKENS_PER_SECOND,
    USABLE_AT,
    high_is_good,
    low_is_good,
    transformation,
)

_OBSERVED = "Only of successful probes: read it beside the failures, since failing is not fast."
_TIMES: dict[Time, tuple[str, str]] = {
    "ttft": ("Time to first token", "The request's last byte to the first generated content, over the window."),
    "e2e": ("End to end", "The request's last byte to the end of the stream, over the window."),
}
SLOW_S, TOO_SLOW_S = 2.0, 10.0
"""Times to first token from which a reader waits, and gives up."""
_GREEN, _AMBER = f"{100 * OBJECTIVE:g} %", f"{100 * USABLE_AT:g} %"


def latency(ask: Language, draw: Panels, time: Time, percentile: str, by: By) -> timeseries.Panel:
    """A percentile of a time."""
    name, meaning = _TIMES[time]
    needs = ask.percentile_of_e2e_needs if time == "e2e" else ""
    limits = low_is_good(SLOW_S, TOO_SLOW_S) if time == "ttft" else low_is_good(15, 60)
    description = f"{meaning} {_OBSERVED} {needs}".strip()
    return draw.lines(f"{name}, p{percentile}", description, SECONDS, limits).with_target(
        ask.latency(time, percentile, by)
    )


def speed(ask: Language, draw: Panels, by: By) -> timeseries.Panel:
    """The decode speed."""
    description = (
        "Decode speed of successful probes, over the window: tokens after the first content event ÷ time from "
        "first to last content. Breaks off when no probe succeeded. Red below 5, amber below 20 tok/s."
    )
    limits = high_is_good(amber=5, green=20)
    return draw.lines("Output speed", description, TOKENS_PER_SECOND, limits).decimals(1).with_target(ask.speed(by))


def longest_gap(ask: Language, draw: Panels, by: By) -> timeseries.Panel:
    """The longest gap."""
    seen = "Of several probes between two scrapes only the newest is seen." if ask.name == "prometheus" else ""
    description = (
        "The longest time that the stream of a successful probe stood still between two content events, over the "
        f"window. {seen}"
    )
    return draw.lines(
        "Longest gap between content events", description.strip(), SECONDS, low_is_good(1, 5)
    ).with_target(ask.longest_gap(by))


def stalled(ask: Language, draw: Panels, by: By) -> timeseries.Panel:
    """How many streams stood still."""
    description = (
        "Share of successful probes whose stream stood still for a second or longer, over the window. "
        f"{ask.stalls_need}"
    )
    return draw.lines("Stalled streams", description.strip(), RATIO, low_is_good(0.01, 0.1)).with_target(
        ask.stalled(by)
    )


def failures(ask: Language, draw: Panels, by: By, task: str | None = None) -> timeseries.Panel:
    """Failures of the chosen task, or of this one."""
    if task is None:
        title, of = "Failures of the provider", "counted probes"
        remark = "Failures of the account, the monitor or its network are left out, as in uptime."
    else:
        title, of = f"Errors of {task.replace('_', ' ')}s", f"counted `{task}` probes, whatever task is chosen,"
        remark = "Empty where no such probe is configured."
    description = f"Share of {of} that failed by the provider's fault, over the window. {remark}"
    limits = low_is_good(1 - OBJECTIVE, 1 - USABLE_AT)
    return draw.lines(title, description, RATIO, limits).with_target(ask.failures(by, task))


def errors(ask: Language, draw: Panels) -> timeseries.Panel:
    """Errors by class."""
    description = (
        "Number of probes that ended in each error class, in each window. Red, orange, yellow and brown are the "
        "provider's fault, purple the account's, grey the monitor's, blue the monitor's network. "
        "Empty when there was no error."
    )
    return draw.bars_over_time("Errors by class", description).with_target(ask.errors("error"))


def errors_now(ask: Language, draw: Panels, by: By) -> barchart.Panel:
    """Errors of each provider or endpoint."""
    description = (
        f"Number of probes of each {by} that ended in each error class, over the dashboard's whole range, in the "
        f'colours of "Errors by class". A {by} without a bar had no error.'
    )
    matrix = transformation(
        "groupingToMatrix", rowField=by, columnField="error", valueField=ask.count_field, emptyValue="null"
    )
    panel = draw.columns(f"Errors by {by}", description, COUNT, ERROR_COLOURS)
    return panel.with_transformation(matrix).with_target(ask.errors_now(by))


def uptime_now(ask: Language, draw: Panels, by: By) -> bargauge.Panel:
    """Uptime of a day and of 30 days."""
    worst = f" Of several endpoints of a {by} the worst is shown." if ask.name == "prometheus" else ""
    description = (
        "Successes ÷ (successes + failures of the provider) of the last day and of the last 30 days."
        f"{worst} Green from {_GREEN}, amber from {_AMBER}."
    )
    panel = draw.gauges("Uptime now", description, high_is_good())
    for window in ("1d", "30d"):
        panel.with_target(ask.uptime(window, by, f"uptime_{window}"))
    return panel


def budget_left(ask: Language, draw: Panels, by: By) -> bargauge.Panel:
    """The error budget."""
    description = (
        "Share of the error budget of the last 30 days that is left. The budget is what the chosen objective allows to "
        "miss: at 99.5 % it is 0.5 % of the probes. Below 0 the objective is missed."
    )
    limits = high_is_good(amber=0, green=0.25, red=-1e6)
    return draw.gauges("Error budget left", description, limits).min(-1).with_target(ask.budget_left(by))


def uptime_by_hour(ask: Language, draw: Panels, by: By) -> statushistory.Panel:
    """Uptime of each of the last 24 hours."""
    description = (
        f"Uptime of each hour, of all tasks, in the last 24 hours whatever the dashboard's range. No cell: nothing "
        f"was counted. Green from {_GREEN}, amber from {_AMBER}."
    )
    panel = draw.uptime_history("Uptime, hour by hour", description, "1h", "24h")
    return panel.with_target(ask.uptime_history("1h", by))


def uptime_by_day(ask: Language, draw: Panels, by: By) -> statushistory.Panel:
    """Uptime of each of the last 90 days."""
    description = (
        "Uptime of each day over the last 90 days whatever the dashboard's range, as far back as the data source "
        f"keeps data. No cell: nothing was counted. Green from {_GREEN}, amber from {_AMBER}."
    )
    panel = draw.uptime_history("Uptime, day by day", description, "1d", "90d")
    return panel.with_target(ask.uptime_history("1d", by))


def phases_now(ask: Language, draw: Panels, by: By) -> barchart.Panel:
    """The phases of each provider or endpoint."""
    panel = draw.columns("Where the time goes", f"{_phases(ask)} Over the dashboard's range.", SECONDS, PHASE_COLOURS)
    for step in ask.phase_columns(by):
        panel.with_transformation(step)
    return panel.with_target(ask.phases_now(by))


def phases_over_time(ask: Language, draw: Panels) -> timeseries.Panel:
    """The phases at each point."""
    panel = draw.phases_over_time("Phases", f"{_phases(ask)} Over the window.")
    for target in ask.phases():
        panel.with_target(target)
    return panel


def _phases(ask: Language) -> str:
    return (
        "Mean of each phase of a successful probe; the parts add up. dns, connect and tls come before the request, and "
        "are spread over probes on reused connections. headers is the request to the status line, first token from "
        "there to the first content, rest from there to the end. A phase that does not occur (a bare IP address, plain "
        f"HTTP) has no part. {ask.phases_need}"
    ).strip()


def spend(ask: Language, draw: Panels) -> Row:
    """What probing costs."""
    cost = draw.bars_over_time(
        "Cost by hour",
        "What probing each provider cost in each hour. Missing where no price is known. "
        "Compare the sum of a day with budget.usd_per_day.",
        DOLLARS,
        draw.provider_colours,
    ).interval("1h")
    tokens = draw.bars_over_time(
        "Tokens by hour",
        "Tokens of the probes of each hour. cached is a part of prompt, and reasoning a part of completion: they are "
        "drawn beside each other, not stacked.",
        COUNT,
        {},
    ).interval("1h")
    return Row(
        title="Spend",
        lines=[Line(height=8, panels=[cost.with_target(ask.cost()), unstacked(tokens).with_target(ask.tokens())])],
    )


def latencies(ask: Language, draw: Panels, by: By, times: Sequence[Time]) -> list[Line]:
    """Median and chosen percentile of each time."""
    return [
        Line(
            height=9,
            panels=[latency(ask, draw, time, "50", by), latency(ask, draw, time, CHOSEN_PERCENTILE, by)],
        )
        for time in times
    ]


def unstacked(panel: timeseries.Panel) -> timeseries.Panel:
    """Draw bars beside each other."""
    return panel.stacking(common.StackingConfig().mode(StackingMode.NONE))
