"""Row 4: whether the monitor itself can be believed."""

from grafana_foundation_sdk.builders import timeseries
from layout import Line, Row
from panels import COUNT, SECONDS, query, stacked_bars
from panels import timeseries as lines
from promql import MONITOR, quantile

_FAST, _PER_PROBE = "$__rate_interval", "$window"


def monitor_row() -> Row:
    """Build the row."""
    schedule = "How late requests left, limiter wait included; never part of a measured time."
    loop = "How late the event loop got to its work. A probe taken while it starved is tainted, not counted."
    arrival = "Worst delay of a probe between the kernel's receive stamp and our reading: the measurement's error."
    return Row(
        title="The monitor itself",
        lines=[
            Line(
                height=8,
                panels=[
                    _lag("Schedule lag", "providerwatch_schedule_lag_seconds", _PER_PROBE, schedule),
                    _lag("Loop lag", "providerwatch_loop_lag_seconds", _FAST, loop),
                    _lag("Receive lag", "providerwatch_rx_lag_seconds", _PER_PROBE, arrival),
                ],
            ),
            Line(height=8, panels=[_queue(), _skipped(), _restarts()]),
        ],
    )


def _lag(title: str, metric: str, window: str, meaning: str) -> timeseries.Panel:
    panel = lines(title, f"{meaning} Median and 99th percentile.", SECONDS)
    for ref, q, name in (("p50", 0.5, "p50"), ("p99", 0.99, "p99")):
        panel.with_target(query(quantile(q, metric, MONITOR, by="", window=window), legend=name, ref=ref))
    return panel


def _queue() -> timeseries.Panel:
    expression = f"providerwatch_store_queue_length{{{MONITOR}}}"
    return lines(
        "Store queue",
        "Samples waiting to be stored. A queue that keeps growing means a slow or full disk: "
        "history is late, verdicts are not.",
        COUNT,
    ).with_target(query(expression, legend="waiting"))


def _skipped() -> timeseries.Panel:
    expression = f"sum by (reason) (increase(providerwatch_skipped_total{{{MONITOR}}}[$__rate_interval]))"
    return stacked_bars(
        "Probes not run",
        "Scheduled probes that were not run, by reason. They are recorded, so that a gap is not taken for uptime.",
        COUNT,
    ).with_target(query(expression, legend="{{reason}}"))


def _restarts() -> timeseries.Panel:
    expression = f"increase(providerwatch_worker_restarts_total{{{MONITOR}}}[$__rate_interval])"
    return stacked_bars(
        "Worker restarts",
        "Times the probing process died and was replaced. Its running probes are recorded as internal.",
        COUNT,
    ).with_target(query(expression, legend="restarts"))
