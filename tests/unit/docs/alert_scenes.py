"""What the alerts are played: an hour of a monitor that is well, and of one that is not, as series for promtool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTES = 60
MONITOR = 'job="providerwatch", instance="m:8780"'
A, B = f'{MONITOR}, endpoint="groq:llama"', f'{MONITOR}, endpoint="vllm:llama"'
OF_MONITOR = {"job": "providerwatch", "instance": "m:8780"}
OF_A = {**OF_MONITOR, "endpoint": "groq:llama", "provider": "groq", "model": "meta/llama", "vantage": "fra1"}
OF_B = {**OF_A, "endpoint": "vllm:llama", "provider": "vllm"}
NAMED = {
    A: 'provider="groq", model="meta/llama", vantage="fra1", api="openai_chat"',
    B: 'provider="vllm", model="meta/llama", vantage="fra1", api="openai_chat"',
}
LAG = "providerwatch_schedule_lag_seconds_bucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """An alert that has to fire."""

    name: str
    labels: Mapping[str, str]
    value: Mapping[str, str] = field(default_factory=dict)
    """What its texts show of the value, by the function that formats it; "" is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Series beside the well ones or in place of them, one value a minute, and what fires at their end."""

    series: Mapping[str, str]
    fired: tuple[Fired, ...] = ()


def always(value: float) -> str:
    return f"{value:g}x{MINUTES}"


def only_last(minutes: int, before: str, after: str) -> str:
    """One value until the last minutes."""
    return f"{before}x{MINUTES - minutes} {after}x{minutes - 1}"


WELL = {
    f"up{{{MONITOR}}}": always(1),
    f"process_start_time_seconds{{{MONITOR}}}": always(1000),
    **{f"providerwatch_up{{{of}}}": always(1) for of in (A, B)},
    **{f'providerwatch_status{{{of}, status="up"}}': always(1) for of in (A, B)},
    **{f"providerwatch_last_sample_timestamp_seconds{{{of}}}": f"0+60x{MINUTES}" for of in (A, B)},
    **{f'providerwatch_probes_total{{{of}, task="chat", error="", blame=""}}': f"0+1x{MINUTES}" for of in (A, B)},
    **{f"providerwatch_endpoint_info{{{of}, {NAMED[of]}}}": always(1) for of in (A, B)},
    f'providerwatch_budget_spent_ratio{{{MONITOR}, provider="groq", unit="usd"}}': always(0.5),
    f"providerwatch_ready{{{MONITOR}}}": always(1),
    f"providerwatch_store_failing{{{MONITOR}}}": always(0),
    f"providerwatch_store_queue_length{{{MONITOR}}}": always(3),
    f"providerwatch_store_dropped_total{{{MONITOR}}}": always(7),
    f'providerwatch_sink_failing{{{MONITOR}, sink="influx"}}': always(0),
    f'providerwatch_sink_dropped_total{{{MONITOR}, sink="influx"}}': always(7),
    f"providerwatch_files_failing{{{MONITOR}}}": always(0),
    f"providerwatch_vantage_online{{{MONITOR}}}": always(1),
    f"providerwatch_clock_ahead_seconds{{{MONITOR}}}": always(0),
    f'{LAG}{{{MONITOR}, le="0.1"}}': f"0+100x{MINUTES}",
    f'{LAG}{{{MONITOR}, le="5"}}': f"0+100x{MINUTES}",
    f'{LAG}{{{MONITOR}, le="10"}}': f"0+100x{MINUTES}",
    f'{LAG}{{{MONITOR}, le="+Inf"}}': f"0+100x{MINUTES}",
    f"providerwatch_worker_restarts_total{{{MONITOR}}}": always(2),
}
"""A monitor of two endpoints that are up."""
UP, STATUS_UP = f"providerwatch_up{{{A}}}", f'providerwatch_status{{{A}, status="up"}}'
ABSENT = f"_x{MINUTES}"


def status(name: str, minutes: int = MINUTES) -> dict[str, str]:
    """A has this status in the last minutes."""
    if minutes == MINUTES:
        return {STATUS_UP: ABSENT, f'providerwatch_status{{{A}, status="{name}"}}': always(1)}
    return {
        STATUS_UP: f"1x{MINUTES - minutes} _x{minutes - 1}",
        f'providerwatch_status{{{A}, status="{name}"}}': f"_x{MINUTES - minutes} 1x{minutes - 1}",
    }


def refused(error: str, value: str = always(1)) -> dict[str, str]:
    """The provider refuses the account to A, which is unknown by then."""
    return {**status("unknown"), f'providerwatch_account_refused{{{A}, class="{error}"}}': value}


def of_monitor(name: str, value: str) -> dict[str, str]:
    return {f"providerwatch_{name}{{{MONITOR}}}": value}


INFLUX = f'{MONITOR}, sink="influx"'
STALE = Fired(name="EndpointStale", labels={**OF_A, "status": "unknown"})
BUDGET = f'providerwatch_budget_spent_ratio{{{MONITOR}, provider="groq", unit="usd"}}'
OF_BUDGET = {**OF_MONITOR, "provider": "groq", "unit": "usd"}
FAULTS = f'providerwatch_probes_total{{{A}, task="chat", error="internal", blame="monitor"}}'

SCENES = {
    "all is well": Scene(series={}),
    # Endpoints
    "one endpoint is down": Scene(
        series={UP: only_last(4, "1", "0")}, fired=(Fired(name="EndpointDown", labels=OF_A),)
    ),
    "one endpoint is down for a minute": Scene(series={UP: only_last(2, "1", "0")}),
    "an outage that is over": Scene(series={UP: f"1x20 0x20 1x{MINUTES - 42}"}),
    "every endpoint is down": Scene(
        series={UP: always(0), f"providerwatch_up{{{B}}}": always(0)},
        fired=(
            Fired(name="EndpointDown", labels=OF_A),
            Fired(name="EndpointDown", labels=OF_B),
            Fired(name="ModelDown", labels={"model": "meta/llama"}),
        ),
    ),
    "a paused endpoint": Scene(series={UP: ABSENT, **status("paused")}),
    "an endpoint in maintenance": Scene(series={UP: ABSENT, **status("maintenance")}),
    "an endpoint is degraded": Scene(
        series=status("degraded"), fired=(Fired(name="EndpointDegraded", labels={**OF_A, "status": "degraded"}),)
    ),
    "an endpoint is degraded for ten minutes": Scene(series=status("degraded", 10)),
    "full metrics say 0 of every other status": Scene(
        series={f'providerwatch_status{{{A}, status="{name}"}}': always(0) for name in ("degraded", "unknown")}
    ),
    "an endpoint is not known": Scene(series={UP: ABSENT, **status("unknown")}, fired=(STALE,)),
    "an endpoint is not known for ten minutes": Scene(series=status("unknown", 10)),
    # Account and budget
    "a key is revoked": Scene(
        series=refused("auth"), fired=(Fired(name="AccountRefused", labels={**OF_A, "class": "auth"}),)
    ),
    "a bill is not paid": Scene(
        series=refused("payment"), fired=(Fired(name="AccountRefused", labels={**OF_A, "class": "payment"}),)
    ),
    "a key is refused for three minutes": Scene(
        series={f'providerwatch_account_refused{{{A}, class="auth"}}': only_last(4, "_", "1")}
    ),
    "the request of the probe is refused": Scene(
        series=refused("bad_request"), fired=(Fired(name="ProbeRefused", labels={**OF_A, "class": "bad_request"}),)
    ),
    "a rate limit": Scene(
        series=refused("rate_limited"),
        fired=(Fired(name="AccountRateLimited", labels={**OF_A, "class": "rate_limited"}),),
    ),
    "a rate limit that comes and goes": Scene(
        series={f'providerwatch_account_refused{{{A}, class="rate_limited"}}': "1x9 _x1 1x9 _x1 1x9 _x1 1x9 _x1 1x9"}
    ),
    "a budget is nearly spent": Scene(
        series={BUDGET: always(0.95)},
        fired=(Fired(name="BudgetNearlySpent", labels=OF_BUDGET, value={"humanizePercentage": "95%"}),),
    ),
    "a budget is spent": Scene(series={BUDGET: always(1.01)}, fired=(Fired(name="BudgetSpent", labels=OF_BUDGET),)),
    "most of a budget is spent": Scene(series={BUDGET: always(0.89)}),
    # The monitor
    "the monitor is away": Scene(
        series={f"up{{{MONITOR}}}": only_last(4, "1", "0")},
        fired=(Fired(name="MonitorUnreachable", labels=OF_MONITOR),),
    ),
    "two scrapes fail": Scene(series={f"up{{{MONITOR}}}": only_last(2, "1", "0")}),
    "the monitor is no target": Scene(
        series=dict.fromkeys(WELL, ABSENT), fired=(Fired(name="MonitorMissing", labels={"job": "providerwatch"}),)
    ),
    "the schedule does not run": Scene(
        series=of_monitor("ready", always(0)), fired=(Fired(name="MonitorNotReady", labels=OF_MONITOR),)
    ),
    "the monitor stops": Scene(series=of_monitor("ready", only_last(3, "1", "0"))),
    "the monitor restarts again and again": Scene(
        series={f"process_start_time_seconds{{{MONITOR}}}": f"1000x{MINUTES - 9} 2000x2 3000x2 4000x2"},
        fired=(Fired(name="MonitorRestarting", labels=OF_MONITOR, value={"": "3"}),),
    ),
    "the monitor restarted twice": Scene(
        series={f"process_start_time_seconds{{{MONITOR}}}": f"1000x{MINUTES - 6} 2000x2 3000x2"}
    ),
    "the store fails": Scene(
        series={
            **of_monitor("store_failing", always(1)),
            **of_monitor("ready", always(0)),
            **of_monitor("store_queue_length", f"0+600x{MINUTES}"),
        },
        fired=(Fired(name="StoreFailing", labels=OF_MONITOR),),
    ),
    "the store fails for three minutes": Scene(series=of_monitor("store_failing", only_last(4, "0", "1"))),
    "the store is slow": Scene(
        series=of_monitor("store_queue_length", always(7000)),
        fired=(Fired(name="StoreBehind", labels=OF_MONITOR, value={"": "7000"}),),
    ),
    "the store is slow for a moment": Scene(series=of_monitor("store_queue_length", only_last(5, "3", "7000"))),
    "samples are dropped": Scene(
        series=of_monitor("store_dropped_total", only_last(3, "7", "37")),
        fired=(Fired(name="SamplesDropped", labels=OF_MONITOR, value={"humanize": "30"}),),
    ),
    "samples were dropped half an hour ago": Scene(series=of_monitor("store_dropped_total", only_last(30, "7", "37"))),
    "a sink fails": Scene(
        series={f"providerwatch_sink_failing{{{INFLUX}}}": always(1)},
        fired=(Fired(name="SinkFailing", labels={**OF_MONITOR, "sink": "influx"}),),
    ),
    "a sink fails for ten minutes": Scene(series={f"providerwatch_sink_failing{{{INFLUX}}}": only_last(10, "0", "1")}),
    "a sink loses samples": Scene(
        series={f"providerwatch_sink_dropped_total{{{INFLUX}}}": only_last(30, "7", "9")},
        fired=(Fired(name="SinkDropping", labels={**OF_MONITOR, "sink": "influx"}, value={"humanize": "2"}),),
    ),
    "a file cannot be written": Scene(
        series=of_monitor("files_failing", always(2)),
        fired=(Fired(name="FileFailing", labels=OF_MONITOR, value={"": "2"}),),
    ),
    "a file was not written for three minutes": Scene(series=of_monitor("files_failing", only_last(4, "0", "1"))),
    "no network": Scene(
        series={**of_monitor("vantage_online", always(0)), **status("unknown")},
        fired=(Fired(name="LocalNetworkOffline", labels=OF_MONITOR),),
    ),
    "no network for a minute": Scene(series=of_monitor("vantage_online", only_last(2, "1", "0"))),
    "the clock leapt ahead": Scene(
        series=of_monitor("clock_ahead_seconds", always(7200)),
        fired=(Fired(name="MonitorClockWrong", labels=OF_MONITOR, value={"humanizeDuration": "2h 0m 0s"}),),
    ),
    "samples of the future": Scene(
        series={f"providerwatch_last_sample_timestamp_seconds{{{A}}}": f"600+60x{MINUTES}"},
        fired=(Fired(name="MonitorClockWrong", labels=OF_MONITOR, value={"humanizeDuration": "10m 0s"}),),
    ),
    "a clock that is half a minute ahead": Scene(
        series={f"providerwatch_last_sample_timestamp_seconds{{{A}}}": f"30+60x{MINUTES}"}
    ),
    "probes start late": Scene(
        series={f'{LAG}{{{MONITOR}, le="{le}"}}': f"0+80x{MINUTES}" for le in ("0.1", "5")},
        fired=(Fired(name="ProbesLate", labels=OF_MONITOR, value={"humanizeDuration": "7.5s"}),),
    ),
    "one probe in twenty starts late": Scene(
        series={f'{LAG}{{{MONITOR}, le="{le}"}}': f"0+95x{MINUTES}" for le in ("0.1", "5")}
    ),
    "probes fail inside the monitor": Scene(
        series={FAULTS: f"0+1x{MINUTES}"},
        fired=(Fired(name="ProbesFailInside", labels=OF_MONITOR, value={"humanizePercentage": "33.33%"}),),
    ),
    "one probe failed inside the monitor": Scene(series={FAULTS: only_last(20, "0", "1")}),
    "workers restart": Scene(
        series=of_monitor("worker_restarts_total", only_last(30, "2", "6")),
        fired=(Fired(name="WorkersRestarting", labels=OF_MONITOR, value={"humanize": "4"}),),
    ),
    "a worker restarted": Scene(series=of_monitor("worker_restarts_total", only_last(30, "2", "3"))),
}
