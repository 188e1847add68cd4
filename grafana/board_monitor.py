"""The board of the monitor itself: whether its figures can be believed."""

import promql
from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import BigValueTextMode
from influx import series as influx_series
from influxql import RANGE, select
from language import Language
from layout import Line, Row
from panels import Panels
from prometheus import SOURCE as PROMETHEUS
from prometheus import over_time, rows_now, value_now
from settings import BLUE, COUNT, RATIO, SECONDS, in_order, low_is_good, neutral, thresholds
from shared_panels import spend

_BYTES, _PER_SECOND = "bytes", "cps"
_ONLY_PROMETHEUS = """\
The sink writes one point a probe. Event loops, queues, sinks, budget, store and process are published at `/metrics`
only: the board **Monitor** on Prometheus shows them.
"""
_LAG_COLOURS = {"p50": "#37872d", "p99": "#e02f44"}


def monitor(ask: Language, draw: Panels) -> list[Row]:
    """Build the rows."""
    lag = Line(height=8, panels=[_schedule_lag(ask, draw), _receive_lag(ask, draw)])
    if ask.source is not PROMETHEUS:
        return [
            Row(
                title="Timing",
                lines=[lag, Line(height=8, panels=[_not_run(ask, draw), _offline(draw), _arrivals(draw)])],
            ),
            Row(title="Reading", lines=[Line(height=8, panels=[_merged(draw), _retransmits(draw)])]),
            spend(ask, draw),
            Row(
                title="Not here", lines=[Line(height=4, panels=[draw.words("Loops, queues, store", _ONLY_PROMETHEUS)])]
            ),
        ]
    loops = Line(height=8, panels=[_loop_lag(draw), _not_run(ask, draw), _restarts(draw)])
    return [
        Row(
            title="Now",
            lines=[
                Line(
                    height=4,
                    panels=[
                        _flag(draw, "Network", "providerwatch_vantage_online", "offline", "online", good=1),
                        _flag(draw, "Store", "providerwatch_store_failing", "accepts samples", "failing", good=0),
                        _sinks_failing(draw),
                        _uptime(draw),
                        _version(draw),
                        _clock(draw),
                    ],
                )
            ],
        ),
        Row(title="Lag and loops", lines=[lag, loops]),
        Row(
            title="Queues and sinks",
            lines=[
                Line(height=8, panels=[_queue(draw), _backlog(draw), _delivered(draw)]),
                Line(height=5, panels=[_sink_errors(draw)]),
            ],
        ),
        Row(title="Budget and traffic", lines=[Line(height=8, panels=[_budget(draw), _outcomes(draw), _agent(draw)])]),
        Row(
            title="Store and housekeeping",
            lines=[Line(height=8, panels=[_size(draw), _housekeeping(draw), _dropped(draw)])],
        ),
        Row(title="Process", lines=[Line(height=8, panels=[_cpu(draw), _memory(draw), _files(draw), _log(draw)])]),
    ]


# Both data sources


def _schedule_lag(ask: Language, draw: Panels) -> timeseries.Panel:
    panel = draw.lines(
        "Schedule lag",
        "How late requests left, limiter wait included; never part of a measured time. Median and 99th percentile.",
        SECONDS,
        low_is_good(1, 10),
        _LAG_COLOURS,
    )
    return panel.with_target(ask.schedule_lag("50", "p50")).with_target(ask.schedule_lag("99", "p99"))


def _receive_lag(ask: Language, draw: Panels) -> timeseries.Panel:
    panel = draw.lines(
        "Receive lag",
        "Worst delay of a probe between the kernel's receive stamp and our reading: the measurement's error. "
        "Median and 99th percentile.",
        SECONDS,
        low_is_good(0.005, 0.05),
        _LAG_COLOURS,
    )
    return panel.with_target(ask.receive_lag("50", "p50")).with_target(ask.receive_lag("99", "p99"))


def _not_run(ask: Language, draw: Panels) -> timeseries.Panel:
    return draw.bars_over_time(
        "Probes not run",
        "Scheduled probes that were not run or not counted, by reason. They are recorded, so that a gap is not taken "
        "for uptime.",
    ).with_target(ask.not_run())


# InfluxDB


def _offline(draw: Panels) -> timeseries.Panel:
    query = select('count("ok")', "\"blame\" = 'network'", RANGE, by='"vantage"', every="$window", fill="none")
    return draw.bars_over_time(
        "Local network offline",
        "Probes that failed while the monitor's own network was offline, in each window; they do not count.",
        COUNT,
        {},
    ).with_target(influx_series(query, "$tag_vantage"))


def _arrivals(draw: Panels) -> timeseries.Panel:
    query = select('count("ok")', RANGE, by='"vantage"', every="$window")
    return draw.bars_over_time(
        "Probes by vantage",
        "Probes of each window. A gap: the monitor did not run, or its sink has not delivered yet.",
        COUNT,
        {},
    ).with_target(influx_series(query, "$tag_vantage"))


def _merged(draw: Panels) -> timeseries.Panel:
    query = select('mean("merged_reads")', RANGE, by='"vantage"', every="$window")
    return draw.lines(
        "Merged reads a probe",
        "Reads that held more than one event, as the mean of the window's probes: gaps within them are not seen.",
        "none",
        neutral(),
        {},
    ).with_target(influx_series(query, "$tag_vantage"))


def _retransmits(draw: Panels) -> timeseries.Panel:
    query = select('sum("retransmits")', RANGE, by='"vantage"', every="$window")
    return draw.bars_over_time(
        "Retransmits",
        "TCP segments that connections of probes sent again, in each window: the network's part of slowness.",
        COUNT,
        {},
    ).with_target(influx_series(query, "$tag_vantage"))


# Prometheus


def _flag(draw: Panels, title: str, metric: str, zero: str, one: str, *, good: int) -> stat.Panel:
    answers = {
        str(value): model.ValueMappingResult(text=text, color="green" if value == good else "red")
        for value, text in ((0, zero), (1, one))
    }
    colours: dict[float, str] = {0: "red", 1: "green"} if good else {0: "green", 1: "red"}
    return (
        draw.number(title, f"{title}: {zero} or {one}; grey without data.", thresholds(colours))
        .mappings([model.ValueMap(options=answers)])
        .with_target(value_now(promql.own(metric), title.lower()))
    )


def _sinks_failing(draw: Panels) -> stat.Panel:
    """0 as long as the monitor is scraped, since without sinks there is no series."""
    expression = f"sum({promql.own('providerwatch_sink_failing')} or 0 * {promql.own('providerwatch_build_info')})"
    return draw.number(
        "Sinks failing", "Sinks that do not accept samples now; their samples wait in the store.", low_is_good(1, 1)
    ).with_target(value_now(expression, "failing"))


def _uptime(draw: Panels) -> stat.Panel:
    expression = f"time() - {promql.own('process_start_time_seconds')}"
    return draw.number(
        "Running since",
        "How long the daemon has been running; amber in its first five minutes.",
        thresholds({0: "orange", 300: "green"}),
        SECONDS,
    ).with_target(value_now(expression, "running"))


def _version(draw: Panels) -> stat.Panel:
    return (
        draw.number("Version", "Version of the monitor; grey without data.", thresholds({0: BLUE}))
        .text_mode(BigValueTextMode.NAME)
        .with_target(value_now(promql.own("providerwatch_build_info"), "{{version}}"))
    )


def _clock(draw: Panels) -> stat.Panel:
    return draw.number(
        "Clock ahead",
        "Seconds that the clock is ahead of the time that retention uses; 0 while they agree.",
        low_is_good(60, 3600),
        SECONDS,
    ).with_target(value_now(promql.own("providerwatch_clock_ahead_seconds"), "ahead"))


def _loop_lag(draw: Panels) -> timeseries.Panel:
    expression = promql.own_quantile("99", "providerwatch_loop_lag_seconds", "$__rate_interval", "process")
    return draw.lines(
        "Loop lag, p99",
        "How late the event loop of each process got to its work. Probes taken meanwhile are tainted, not counted.",
        SECONDS,
        low_is_good(0.05, 0.5),
        {},
    ).with_target(over_time(expression, "{{process}}"))


def _restarts(draw: Panels) -> timeseries.Panel:
    expression = f"round({promql.own_rate('providerwatch_worker_restarts_total')})"
    return draw.bars_over_time(
        "Worker restarts",
        "Times that a worker process ended and was replaced. Its running probes are recorded as internal.",
        COUNT,
        {},
    ).with_target(over_time(expression, "restarts"))


def _queue(draw: Panels) -> timeseries.Panel:
    return draw.lines(
        "Store queue",
        "Samples waiting to be stored. A queue that keeps growing means a slow or full disk: history is late, verdicts "
        "are not.",
        COUNT,
        low_is_good(100, 10000),
        {},
    ).with_target(over_time(promql.own("providerwatch_store_queue_length"), "waiting"))


def _backlog(draw: Panels) -> timeseries.Panel:
    return draw.lines(
        "Sink backlog",
        "Stored samples that wait for each sink; counted once a minute while a sink fails. Empty without sinks.",
        COUNT,
        low_is_good(1000, 100000),
        {},
    ).with_target(over_time(promql.own("providerwatch_sink_backlog_samples"), "{{sink}}"))


def _delivered(draw: Panels) -> timeseries.Panel:
    panel = draw.bars_over_time(
        "Delivered and dropped",
        "Samples that each sink accepted, and those that it will never receive: refused by the server, or deleted by "
        "retention before delivery. Empty without sinks.",
        COUNT,
        {},
    )
    for ref, metric in (
        ("delivered", "providerwatch_sink_delivered_total"),
        ("dropped", "providerwatch_sink_dropped_total"),
    ):
        expression = f"round({promql.own_rate(metric, 'sink')})"
        panel.with_target(over_time(expression, f"{{{{sink}}}} {ref}", ref))
    return panel


def _sink_errors(draw: Panels) -> table.Panel:
    names = {"sink": "Sink", "reason": "Reason"}
    return (
        draw.plain_rows(
            "Failing sinks", "Why each failing sink does not accept samples now. Empty while all accept them."
        )
        .with_transformation(in_order([*names], names))
        .with_target(rows_now(f"max by (sink, reason) ({promql.own('providerwatch_sink_error_info')})"))
    )


def _budget(draw: Panels) -> bargauge.Panel:
    expression = promql.own("providerwatch_budget_spent_ratio")
    return draw.gauges(
        "Budget spent",
        "Share of each provider's budget that is spent since 00:00 UTC. At 1 its probes are held back. Empty without "
        "budgets.",
        low_is_good(0.8, 1),
    ).with_target(value_now(expression, "{{provider}} {{unit}}"))


def _outcomes(draw: Panels) -> timeseries.Panel:
    expression = f"round({promql.own_rate('providerwatch_outcomes_total', 'result')})"
    return draw.bars_over_time(
        "Reported requests", "Real requests that applications reported, by result of the report.", COUNT, {}
    ).with_target(over_time(expression, "{{result}}"))


def _agent(draw: Panels) -> timeseries.Panel:
    expression = f"round({promql.own_rate('providerwatch_haproxy_agent_unknown_total')})"
    return draw.bars_over_time(
        "Unknown agent checks", "Agent checks of HAProxy for unknown names; the answer was up.", COUNT, {}
    ).with_target(over_time(expression, "unknown"))


def _size(draw: Panels) -> timeseries.Panel:
    panel = draw.lines(
        "Store size", "Size of the store on disk, and the part of it that is free for new rows.", _BYTES, colours={}
    )
    for ref in ("size", "free"):
        panel.with_target(over_time(promql.own(f"providerwatch_store_{ref}_bytes"), ref, ref))
    return panel


def _housekeeping(draw: Panels) -> timeseries.Panel:
    return draw.lines(
        "Housekeeping",
        "Duration of the newest slice of store housekeeping. A commit may wait for one slice.",
        SECONDS,
        low_is_good(0.5, 5),
        {},
    ).with_target(over_time(promql.own("providerwatch_housekeeping_last_duration_seconds"), "newest slice"))


def _dropped(draw: Panels) -> timeseries.Panel:
    expression = f"round({promql.own_rate('providerwatch_store_dropped_total')})"
    return draw.bars_over_time(
        "Dropped samples",
        "Samples that were never stored: the store failed for too long, or they were older than retention keeps.",
        COUNT,
        {},
    ).with_target(over_time(expression, "dropped"))


def _cpu(draw: Panels) -> timeseries.Panel:
    expression = promql.own_rate("process_cpu_seconds_total", kind="rate")
    panel = draw.lines(
        "CPU", "Share of one core that the daemon uses, without its workers.", RATIO, low_is_good(0.5, 0.9), {}
    )
    return panel.with_target(over_time(expression, "daemon"))


def _memory(draw: Panels) -> timeseries.Panel:
    panel = draw.lines("Memory", "Resident memory of the daemon, without its workers.", _BYTES, colours={})
    return panel.with_target(over_time(promql.own("process_resident_memory_bytes"), "resident"))


def _files(draw: Panels) -> timeseries.Panel:
    expression = f"{promql.own('process_open_fds')} / {promql.own('process_max_fds')}"
    panel = draw.lines(
        "File descriptors", "Share of the daemon's file descriptors that is open.", RATIO, low_is_good(0.5, 0.9), {}
    )
    return panel.with_target(over_time(expression, "open"))


def _log(draw: Panels) -> timeseries.Panel:
    panel = draw.bars_over_time(
        "Log records lost",
        "Records dropped because standard error was not read fast enough, and records suppressed because there were "
        "more than 10 similar ones in a minute.",
        COUNT,
        {},
    )
    for ref in ("dropped", "suppressed"):
        expression = f"round({promql.own_rate(f'providerwatch_log_{ref}_total')})"
        panel.with_target(over_time(expression, ref, ref))
    return panel
