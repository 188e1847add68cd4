"""The metrics: names and labels as documented, judged by the real promtool and by the OpenMetrics parser."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from monitor.config.model import MetricsDetail
from monitor.domain.maintenance import MaintenanceWindow
from monitor.domain.status import Status
from monitor.metrics.endpoints import EndpointMetrics
from monitor.metrics.metrics import Metrics
from monitor.traffic.calls import Call
from probes._model import Blame, ErrorClass, Sample, Task
from tests.support.board_values import EVERYTHING, first_tick, make_board, make_spec, sample_at

MINUTE = timedelta(minutes=1)
TICK = first_tick()
ONE, TWO, PAUSED = "groq:llama", "my-vllm:meta/llama", "off:one"
ODD = 'p:"quoted"\\back\nslash/日本'
SPECS = (make_spec(ONE), make_spec(TWO), make_spec(PAUSED, enabled=False), make_spec(ODD))
DOCUMENTED = {
    "providerwatch_endpoint_info": ("gauge", {"endpoint", "provider", "model", "api", "vantage"}),
    "providerwatch_up": ("gauge", {"endpoint"}),
    "providerwatch_status": ("gauge", {"endpoint", "status"}),
    "providerwatch_score": ("gauge", {"endpoint"}),
    "providerwatch_uptime_ratio": ("gauge", {"endpoint", "window"}),
    "providerwatch_account_refused": ("gauge", {"endpoint", "class"}),
    "providerwatch_last_sample_timestamp_seconds": ("gauge", {"endpoint"}),
    "providerwatch_stall_seconds": ("gauge", {"endpoint", "task"}),
    "providerwatch_stalls": ("counter", {"endpoint", "task"}),
    "providerwatch_probes": ("counter", {"endpoint", "task", "error", "blame"}),
    "providerwatch_probe_duration_seconds": ("summary", {"endpoint", "task", "phase"}),
    "providerwatch_ttft_seconds": ("histogram", {"endpoint", "task"}),
    "providerwatch_e2e_seconds": ("histogram", {"endpoint", "task"}),
    "providerwatch_inter_token_seconds": ("histogram", {"endpoint", "task"}),
    "providerwatch_output_tokens_per_second": ("gauge", {"endpoint", "task"}),
    "providerwatch_cost_usd": ("counter", {"provider"}),
    "providerwatch_tokens": ("counter", {"provider", "direction"}),
    "providerwatch_schedule_lag_seconds": ("histogram", set()),
    "providerwatch_loop_lag_seconds": ("histogram", {"process"}),
    "providerwatch_rx_lag_seconds": ("histogram", set()),
    "providerwatch_skipped": ("counter", {"reason"}),
    "providerwatch_outcomes": ("counter", {"result"}),
    "providerwatch_store_queue_length": ("gauge", set()),
    "providerwatch_store_dropped": ("counter", set()),
    "providerwatch_store_failing": ("gauge", set()),
    "providerwatch_store_size_bytes": ("gauge", set()),
    "providerwatch_store_free_bytes": ("gauge", set()),
    "providerwatch_housekeeping_duration_seconds": ("summary", set()),
    "providerwatch_housekeeping_last_duration_seconds": ("gauge", set()),
    "providerwatch_sink_backlog_samples": ("gauge", {"sink"}),
    "providerwatch_sink_failing": ("gauge", {"sink"}),
    "providerwatch_sink_error_info": ("gauge", {"sink", "reason"}),
    "providerwatch_sink_delivered": ("counter", {"sink"}),
    "providerwatch_sink_dropped": ("counter", {"sink"}),
    "providerwatch_budget_spent_ratio": ("gauge", {"provider", "unit"}),
    "providerwatch_ready": ("gauge", set()),
    "providerwatch_files_failing": ("gauge", set()),
    "providerwatch_vantage_online": ("gauge", set()),
    "providerwatch_clock_ahead_seconds": ("gauge", set()),
    "providerwatch_log_dropped": ("counter", set()),
    "providerwatch_log_suppressed": ("counter", set()),
    "providerwatch_haproxy_agent_unknown": ("counter", set()),
    "providerwatch_worker_restarts": ("counter", set()),
    "providerwatch_build_info": ("gauge", {"version"}),
}
"""SPEC section 9, and what the step adds; counters carry `_total` in their samples."""
ONLY_FULL = {"providerwatch_probe_duration_seconds", "providerwatch_inter_token_seconds", "providerwatch_stalls"}
FULL, BASIC = MetricsDetail.FULL, MetricsDetail.BASIC


@dataclass
class SinkSays:
    """What a sink says of itself."""

    name: str
    backlog: int = 0
    delivered_total: int = 0
    dropped_total: int = 0
    last_error: str | None = None


SINKS = (SinkSays("influx", 7, 100, 2, "503"), SinkSays("samples", 0, 109))


def make_metrics(samples: list[Sample], detail: MetricsDetail = FULL) -> Metrics:
    """The metrics of a daemon that had these samples."""
    board = make_board(*SPECS, vantage="fra1")
    metrics = Metrics("1.2.3", lambda: board.snapshot, lambda: SINKS, lambda: [("groq", "usd", 0.25)], detail)
    for spec in SPECS:
        metrics.expect(spec.endpoint, Task.CHAT, {})
    for sample in samples:
        board.absorb([sample])
        metrics.observe(sample, sample.endpoint.partition(":")[0])
    metrics.loop_lag.labels("main").observe(0.001)
    board.publish(TICK + 10 * MINUTE if samples else TICK, sweep=True)
    return metrics


def all_kinds() -> list[Sample]:
    """One sample of every class for one endpoint, successes for another, two failures for the third."""
    errors = [sample_at(TICK + place * MINUTE / 10, error) for place, error in enumerate(ErrorClass)]
    good = [sample_at(TICK + (5 + place) * MINUTE, name=TWO) for place in range(5)]
    odd = [sample_at(TICK + (8 + place) * MINUTE, ErrorClass.TLS, ODD) for place in range(2)]
    return [*errors, *good, *odd, sample_at(TICK + 9 * MINUTE, ErrorClass.OVERRUN, lag_s=None)]


@pytest.fixture
def metrics() -> Metrics:
    return make_metrics(all_kinds())


def text(metrics: Metrics, *, openmetrics: bool = False) -> str:
    return asyncio.run(metrics.text(openmetrics=openmetrics)).decode()


def families(metrics: Metrics) -> list[Metric]:
    """What Prometheus reads."""
    return list(parse_prometheus(text(metrics)))


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    found = [
        sample.value
        for family in families(metrics)
        for sample in family.samples
        if (sample.name, sample.labels) == (name, labels)
    ]
    assert len(found) <= 1
    return found[0] if found else None


def series(metrics: Metrics, name: str) -> int:
    return sum(sample.name == name for family in families(metrics) for sample in family.samples)


# Exposition


both = pytest.mark.parametrize("detail", MetricsDetail)
some = pytest.mark.parametrize("samples", [[], all_kinds()], ids=["fresh", "all kinds"])


@both
@some
def test_promtool_finds_nothing_to_object_to(samples: list[Sample], detail: MetricsDetail) -> None:
    written = text(make_metrics(samples, detail)).encode()
    done = subprocess.run(["promtool", "check", "metrics"], input=written, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@both
@some
def test_openmetrics_can_be_parsed_and_says_the_same(samples: list[Sample], detail: MetricsDetail) -> None:
    metrics = make_metrics(samples, detail)
    modern = list(parse_openmetrics(text(metrics, openmetrics=True)))  # type: ignore[no-untyped-call]

    def flat(found: list[Metric]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in found
            for sample in family.samples
            if not family.name.startswith("process_")
        }

    assert flat(modern) == flat(families(metrics))


@both
def test_names_types_and_labels_are_exactly_the_documented_ones(detail: MetricsDetail) -> None:
    found = {}
    for family in families(make_metrics([*all_kinds(), sample_at(TICK + 9.5 * MINUTE, ErrorClass.AUTH)], detail)):
        if not family.name.startswith("process_"):
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            assert family.name not in found
            found[family.name] = (family.type, labels)
    empty = {} if detail is FULL else {name: (DOCUMENTED[name][0], set[str]()) for name in ONLY_FULL}
    assert found == {**DOCUMENTED, **empty}


@pytest.mark.parametrize("openmetrics", [False, True], ids=["prometheus", "openmetrics"])
def test_there_is_no_series_of_when_a_counter_was_created(metrics: Metrics, openmetrics: bool) -> None:
    assert "_created" not in text(metrics, openmetrics=openmetrics)


def test_every_metric_has_words_for_people(metrics: Metrics) -> None:
    for family in families(metrics):
        assert family.documentation.endswith(".") or family.name.startswith("process_")


def test_an_id_of_any_characters_survives_the_exposition() -> None:
    for detail in MetricsDetail:
        metrics = make_metrics(all_kinds(), detail)
        modern = list(parse_openmetrics(text(metrics, openmetrics=True)))  # type: ignore[no-untyped-call]
        for found in (families(metrics), modern):
            of_odd = [s.name for family in found for s in family.samples if s.labels.get("endpoint") == ODD]
            assert {"providerwatch_up", "providerwatch_score", "providerwatch_probes_total"} <= set(of_odd)


# What is true now


def test_an_endpoint_without_a_score_has_no_series_of_it(metrics: Metrics) -> None:
    assert value(metrics, "providerwatch_score", endpoint=PAUSED) is None
    assert value(metrics, "providerwatch_up", endpoint=PAUSED) is None
    assert value(metrics, "providerwatch_uptime_ratio", endpoint=PAUSED, window="1d") is None
    assert value(metrics, "providerwatch_status", endpoint=PAUSED, status="paused") == 1
    fresh = make_metrics([])
    assert [series(fresh, f"providerwatch_{name}") for name in ("score", "up", "uptime_ratio")] == [0, 0, 0]


def test_scores_statuses_and_uptimes_are_those_of_the_snapshot(metrics: Metrics) -> None:
    assert value(metrics, "providerwatch_up", endpoint=TWO) == 1
    assert value(metrics, "providerwatch_up", endpoint=ODD) == 0
    assert (value(metrics, "providerwatch_score", endpoint=TWO) or 0) > 0.95
    assert (value(metrics, "providerwatch_score", endpoint=ODD) or 1) < 0.5
    assert value(metrics, "providerwatch_uptime_ratio", endpoint=TWO, window="1h") == 1.0
    assert value(metrics, "providerwatch_uptime_ratio", endpoint=ODD, window="5m") == 0.0
    for name, status in ((TWO, Status.UP), (ODD, Status.DOWN), (PAUSED, Status.PAUSED)):
        found = {each: value(metrics, "providerwatch_status", endpoint=name, status=each) for each in Status}
        assert found == {each: each is status for each in Status}


def test_an_endpoints_info_joins_its_provider_model_and_api(metrics: Metrics) -> None:
    labels = {
        "provider": "my-vllm",
        "model": "meta-llama/llama-3.2-1b-instruct",
        "api": "openai_chat",
        "vantage": "fra1",
    }
    assert value(metrics, "providerwatch_endpoint_info", endpoint=TWO, **labels) == 1
    assert value(metrics, "providerwatch_build_info", version="1.2.3") == 1


def test_gauges_follow_the_snapshot_and_leave_nothing_stale() -> None:
    board = make_board(*SPECS)
    metrics = Metrics("1", lambda: board.snapshot, detail=FULL)
    board.absorb([sample_at(TICK)])
    board.publish(TICK + MINUTE)
    assert value(metrics, "providerwatch_up", endpoint=ONE) == 1
    board.publish(TICK + 60 * MINUTE, sweep=True)
    assert value(metrics, "providerwatch_up", endpoint=ONE) is None
    assert value(metrics, "providerwatch_uptime_ratio", endpoint=ONE, window="5m") is None


# Counters


def test_every_counter_of_an_endpoint_starts_at_zero() -> None:
    metrics = make_metrics([])
    for spec in SPECS:
        labels = {"endpoint": spec.endpoint.id, "task": "chat"}
        assert value(metrics, "providerwatch_probes_total", **labels, error="", blame="") == 0
        for error in ErrorClass:
            found = value(metrics, "providerwatch_probes_total", **labels, error=error, blame=error.blame)
            assert found == 0
        for direction in ("prompt", "completion", "reasoning", "cached"):
            provider = spec.endpoint.provider
            assert value(metrics, "providerwatch_tokens_total", provider=provider, direction=direction) == 0
        assert value(metrics, "providerwatch_cost_usd_total", provider=spec.endpoint.provider) == 0
    for error in ErrorClass:
        if error.blame is Blame.MONITOR:
            assert value(metrics, "providerwatch_skipped_total", reason=error) == 0
    assert value(metrics, "providerwatch_store_dropped_total") == 0
    assert value(metrics, "providerwatch_worker_restarts_total") == 0


def test_a_blame_that_was_moved_starts_at_zero_where_it_will_be_counted() -> None:
    board = make_board(*SPECS)
    metrics = Metrics("1", lambda: board.snapshot, detail=FULL)
    metrics.expect(make_spec(ONE).endpoint, Task.CHAT, {ErrorClass.AUTH: Blame.PROVIDER})
    labels = {"endpoint": ONE, "task": "chat", "error": "auth"}
    assert value(metrics, "providerwatch_probes_total", **labels, blame="provider") == 0
    assert value(metrics, "providerwatch_probes_total", **labels, blame="account") is None


@pytest.mark.parametrize("task", Task)
def test_the_figures_of_a_task_are_its_own_and_tokens_and_cost_are_of_all(task: Task) -> None:
    metrics = make_metrics([sample_at(TICK), sample_at(TICK + MINUTE, task=task, ttft_s=9.0)])
    times = 2 if task is Task.CHAT else 1
    for each in {Task.CHAT, task}:
        labels = {"endpoint": ONE, "task": each.value}
        assert value(metrics, "providerwatch_ttft_seconds_count", **labels) == times
        assert value(metrics, "providerwatch_e2e_seconds_count", **labels) == times
        assert value(metrics, "providerwatch_probe_duration_seconds_count", **labels, phase="headers") == times
        assert value(metrics, "providerwatch_probes_total", **labels, error="", blame="") == times
    assert value(metrics, "providerwatch_tokens_total", provider="groq", direction="prompt") == 200
    assert value(metrics, "providerwatch_cost_usd_total", provider="groq") == 2 * EVERYTHING["cost_usd"]


def test_a_cost_without_a_configured_price_has_no_series() -> None:
    board = make_board(*SPECS)
    metrics = Metrics("1", lambda: board.snapshot)
    plain = make_spec().endpoint
    free = type(plain)(id="a:b", provider="a", model="b", api=plain.api, base_url=plain.base_url)
    metrics.expect(free, Task.CHAT, {})
    assert series(metrics, "providerwatch_cost_usd_total") == 0


def test_a_new_error_brings_no_new_series() -> None:
    assert series(make_metrics([]), "providerwatch_probes_total") == series(
        make_metrics(all_kinds()), "providerwatch_probes_total"
    )


def test_each_probe_is_counted_once_under_what_came_of_it(metrics: Metrics) -> None:
    for error in ErrorClass:
        labels = {"endpoint": ONE, "task": "chat", "error": error.value, "blame": error.blame.value}
        times = 2 if error is ErrorClass.OVERRUN else 1
        assert value(metrics, "providerwatch_probes_total", **labels) == times
    assert value(metrics, "providerwatch_probes_total", endpoint=TWO, task="chat", error="", blame="") == 5


def test_a_tick_that_became_no_probe_is_counted_and_measures_nothing() -> None:
    metrics = make_metrics([sample_at(TICK, ErrorClass.SKIPPED, lag_s=None)])
    assert value(metrics, "providerwatch_skipped_total", reason="skipped") == 1
    assert value(metrics, "providerwatch_schedule_lag_seconds_count") == 0


def test_the_figures_of_a_success_are_observed() -> None:
    metrics = make_metrics([sample_at(TICK)])
    labels = {"endpoint": ONE, "task": "chat"}
    for phase in ("dns", "connect", "tls", "headers", "ttft", "e2e"):
        total = value(metrics, "providerwatch_probe_duration_seconds_sum", **labels, phase=phase)
        assert total == EVERYTHING[f"{phase}_s"]
    for name, field in (("ttft", "ttft_s"), ("e2e", "e2e_s"), ("inter_token", "itl_p50_s")):
        assert value(metrics, f"providerwatch_{name}_seconds_sum", **labels) == EVERYTHING[field]
        assert value(metrics, f"providerwatch_{name}_seconds_count", **labels) == 1
    assert value(metrics, "providerwatch_output_tokens_per_second", **labels) == 50
    assert value(metrics, "providerwatch_cost_usd_total", provider="groq") == EVERYTHING["cost_usd"]
    found = {
        direction: value(metrics, "providerwatch_tokens_total", provider="groq", direction=direction)
        for direction in ("prompt", "completion", "reasoning", "cached")
    }
    assert found == {"prompt": 100, "completion": 51, "reasoning": 7, "cached": 3}
    assert value(metrics, "providerwatch_schedule_lag_seconds_sum") == 0.003
    assert value(metrics, "providerwatch_rx_lag_seconds_sum") == 0.0002


def test_a_failure_shows_its_cost_and_no_latency() -> None:
    """A truncated stream was paid for, but its times are not a success's."""
    metrics = make_metrics([sample_at(TICK, ErrorClass.TRUNCATED, ttft_s=0.2, e2e_s=0.5, output_tps=9.0, cost_usd=0.5)])
    assert value(metrics, "providerwatch_cost_usd_total", provider="groq") == 0.5
    assert series(metrics, "providerwatch_probe_duration_seconds_count") == 0
    for name in ("ttft", "e2e", "inter_token"):
        assert series(metrics, f"providerwatch_{name}_seconds_count") == 0
    assert series(metrics, "providerwatch_output_tokens_per_second") == 0


def test_what_was_not_measured_is_not_observed_as_zero() -> None:
    nothing: dict[str, Any] = {**dict.fromkeys(EVERYTHING), "lag_s": -0.001}
    metrics = make_metrics([sample_at(TICK, **nothing)])
    for family in families(metrics):
        if family.type in {"histogram", "summary"} and family.name != "providerwatch_loop_lag_seconds":
            counts = {sample.value for sample in family.samples if sample.name == f"{family.name}_count"}
            assert counts <= ({1} if family.name == "providerwatch_schedule_lag_seconds" else {0})
    assert value(metrics, "providerwatch_schedule_lag_seconds_sum") == 0


def test_buckets_begin_at_a_millisecond_and_end_beyond_the_longest_probe(metrics: Metrics) -> None:
    for name in ("ttft", "e2e", "inter_token"):
        bounds = [
            float(sample.labels["le"])
            for family in families(metrics)
            for sample in family.samples
            if sample.name == f"providerwatch_{name}_seconds_bucket" and sample.labels["endpoint"] == TWO
        ]
        assert bounds == sorted(set(bounds))
        assert bounds[0] == 0.001
        assert bounds[-1] == float("inf")


def test_series_do_not_grow_with_time() -> None:
    """Labels are bounded: a hundred more samples of the same kinds bring no series."""

    def count(samples: list[Sample]) -> int:
        return sum(len(family.samples) for family in families(make_metrics(samples)))

    assert count(all_kinds()) == count(all_kinds() * 4)


def test_the_body_of_a_row_is_no_part_of_the_metrics(metrics: Metrics) -> None:
    assert json.dumps({"region": "us"}) not in text(metrics)


def test_an_endpoint_in_maintenance_is_neither_up_nor_down_but_in_maintenance() -> None:
    board = make_board(make_spec(ONE, maintenance=(MaintenanceWindow(begin=TICK, end=TICK + 10 * MINUTE),)))
    board.absorb([sample_at(TICK - 2 * MINUTE), sample_at(TICK - MINUTE)])
    metrics = Metrics("1", lambda: board.snapshot, detail=FULL)
    board.publish(TICK, sweep=True)
    assert value(metrics, "providerwatch_up", endpoint=ONE) is None
    assert value(metrics, "providerwatch_status", endpoint=ONE, status="maintenance") == 1
    assert value(metrics, "providerwatch_status", endpoint=ONE, status="up") == 0
    assert value(metrics, "providerwatch_score", endpoint=ONE) is not None
    assert value(metrics, "providerwatch_uptime_ratio", endpoint=ONE, window="1d") == 1


# The store and what is behind it


def test_the_figures_of_a_sink_are_those_at_the_scrape() -> None:
    board = make_board(*SPECS)
    sinks = [SinkSays("influx", backlog=3, last_error="503"), SinkSays("samples", delivered_total=9)]
    metrics = Metrics("1", lambda: board.snapshot, lambda: sinks)
    assert value(metrics, "providerwatch_sink_backlog_samples", sink="influx") == 3
    assert value(metrics, "providerwatch_sink_failing", sink="influx") == 1
    assert value(metrics, "providerwatch_sink_failing", sink="samples") == 0
    assert value(metrics, "providerwatch_sink_error_info", sink="influx", reason="503") == 1
    assert series(metrics, "providerwatch_sink_error_info") == 1
    assert value(metrics, "providerwatch_sink_delivered_total", sink="samples") == 9
    sinks[0].backlog, sinks[0].dropped_total, sinks[0].last_error = 0, 1, None
    assert value(metrics, "providerwatch_sink_backlog_samples", sink="influx") == 0
    assert value(metrics, "providerwatch_sink_dropped_total", sink="influx") == 1
    assert value(metrics, "providerwatch_sink_failing", sink="influx") == 0
    assert series(metrics, "providerwatch_sink_error_info") == 0


def test_a_long_reason_of_a_failing_sink_is_cut() -> None:
    board = make_board(*SPECS)
    metrics = Metrics("1", lambda: board.snapshot, lambda: [SinkSays("influx", last_error="x" * 999)])
    assert value(metrics, "providerwatch_sink_error_info", sink="influx", reason="x" * 200) == 1


def test_without_sinks_there_is_no_series_of_one() -> None:
    board = make_board(*SPECS)
    metrics = Metrics("1", lambda: board.snapshot)
    assert series(metrics, "providerwatch_sink_backlog_samples") == 0
    assert series(metrics, "providerwatch_sink_dropped_total") == 0


def test_the_spent_share_of_a_budget_is_that_at_the_scrape() -> None:
    board, shares = make_board(*SPECS), [("groq", "usd", 0.5), ("groq", "tokens", 0.25)]
    metrics = Metrics("1", lambda: board.snapshot, budget_shares=lambda: shares)
    assert value(metrics, "providerwatch_budget_spent_ratio", provider="groq", unit="usd") == 0.5
    shares[0] = ("groq", "usd", 1.01)
    assert value(metrics, "providerwatch_budget_spent_ratio", provider="groq", unit="usd") == 1.01
    assert value(metrics, "providerwatch_budget_spent_ratio", provider="groq", unit="tokens") == 0.25
    assert series(Metrics("1", lambda: board.snapshot), "providerwatch_budget_spent_ratio") == 0


def test_slices_of_housekeeping_are_counted_and_the_newest_is_shown() -> None:
    board = make_board(*SPECS)
    metrics = Metrics("1", lambda: board.snapshot)
    for duration_s in (0.5, 0.25):
        metrics.tidied(duration_s)
    assert value(metrics, "providerwatch_housekeeping_duration_seconds_count") == 2
    assert value(metrics, "providerwatch_housekeeping_duration_seconds_sum") == 0.75
    assert value(metrics, "providerwatch_housekeeping_last_duration_seconds") == 0.25


# What is published unless more is asked for


def test_basic_is_a_part_of_full() -> None:
    """Buckets are fewer, so these differ."""

    def found(detail: MetricsDetail) -> set[tuple[str, frozenset[tuple[str, str]], float]]:
        return {
            (sample.name, frozenset(sample.labels.items()), sample.value)
            for family in families(make_metrics(all_kinds(), detail))
            for sample in family.samples
            if not sample.name.endswith("_bucket") and not family.name.startswith("process_")
        }

    assert found(BASIC) < found(FULL)


def test_basic_has_few_lines_for_an_endpoint_however_long_it_runs() -> None:
    """So that those of a thousand endpoints with ids of some 25 characters are less than 2 MB."""
    name = "provider12:author/model-123"
    board = make_board(make_spec(name))
    metrics = Metrics("1", lambda: board.snapshot)
    for minute in range(30):
        sample = sample_at(TICK + minute * MINUTE, name=name)
        board.absorb([sample])
        metrics.observe(sample, "provider12")
    board.publish(TICK + 30 * MINUTE, sweep=True)
    lines = [f"{line}\n" for line in text(metrics).splitlines() if f'endpoint="{name}"' in line]
    assert len(lines) == 21
    assert sum(map(len, lines)) < 2000


def test_an_error_has_a_line_from_its_first_probe_on() -> None:
    metrics = make_metrics([sample_at(TICK)], BASIC)
    assert series(metrics, "providerwatch_probes_total") == len(SPECS)
    metrics.observe(sample_at(TICK + MINUTE, ErrorClass.TLS), "groq")
    labels = {"endpoint": ONE, "task": "chat", "error": "tls", "blame": "provider"}
    assert value(metrics, "providerwatch_probes_total", **labels) == 1


def test_the_status_of_an_endpoint_is_one_line() -> None:
    metrics = make_metrics(all_kinds(), BASIC)
    assert series(metrics, "providerwatch_status") == len(SPECS)
    assert value(metrics, "providerwatch_status", endpoint=ODD, status="down") == 1


# What to alert on


def test_a_revoked_key_leaves_the_provider_up_and_says_what_is_refused() -> None:
    """The status is unknown by then: nothing that counts was measured for long."""
    board = make_board(make_spec(ONE), make_spec(TWO))
    metrics = Metrics("1", lambda: board.snapshot)
    board.absorb([sample_at(TICK)])
    board.absorb([sample_at(TICK + minute * MINUTE, ErrorClass.AUTH) for minute in range(1, 30)])
    board.publish(TICK + 30 * MINUTE, sweep=True)
    assert value(metrics, "providerwatch_status", endpoint=ONE, status="unknown") == 1
    assert value(metrics, "providerwatch_up", endpoint=ONE) == 1
    assert value(metrics, "providerwatch_account_refused", **{"endpoint": ONE, "class": "auth"}) == 1
    assert series(metrics, "providerwatch_account_refused") == 1
    board.absorb([sample_at(TICK + 31 * MINUTE)])
    board.publish(TICK + 31 * MINUTE, sweep=True)
    assert series(metrics, "providerwatch_account_refused") == 0


def test_the_newest_probe_of_any_kind_has_its_time() -> None:
    board = make_board(make_spec(ONE), make_spec(TWO))
    metrics, name = Metrics("1", lambda: board.snapshot), "providerwatch_last_sample_timestamp_seconds"
    assert value(metrics, name, endpoint=ONE) is None
    failed = sample_at(TICK, ErrorClass.AUTH)
    metrics.observe(failed, "groq")
    metrics.observe(sample_at(TICK + MINUTE, ErrorClass.OVERRUN, lag_s=None), "groq")
    assert value(metrics, name, endpoint=ONE) == pytest.approx(failed.started_at.timestamp(), abs=0.001)


def test_real_traffic_does_not_hide_that_an_endpoint_is_not_probed_any_more() -> None:
    board = make_board(make_spec(ONE))
    metrics, sample = Metrics("1", lambda: board.snapshot), sample_at(TICK)
    metrics.observe(sample, "groq")
    board.absorb([sample], [Call(key=1, endpoint=ONE, at=TICK + 30 * MINUTE)])
    board.publish(TICK + 31 * MINUTE)
    found = value(metrics, "providerwatch_last_sample_timestamp_seconds", endpoint=ONE)
    assert found == pytest.approx(sample.started_at.timestamp(), abs=0.001)


def test_the_time_of_the_newest_probe_outlives_a_restart() -> None:
    board = make_board(make_spec(ONE))
    sample = sample_at(TICK)
    board.absorb([sample])
    board.publish(TICK + MINUTE, sweep=True)
    found = value(Metrics("1", lambda: board.snapshot), "providerwatch_last_sample_timestamp_seconds", endpoint=ONE)
    assert found == pytest.approx(sample.started_at.timestamp(), abs=0.001)


def test_the_longest_gap_of_the_newest_answer_shows_a_stall() -> None:
    metrics = make_metrics([sample_at(TICK), sample_at(TICK + MINUTE, itl_max_s=3.5)], BASIC)
    assert value(metrics, "providerwatch_stall_seconds", endpoint=ONE, task="chat") == 3.5


def test_answers_that_stood_still_for_a_second_are_counted() -> None:
    gaps = (0.2, 1.0, 3.5)
    samples = [sample_at(TICK + n * MINUTE, itl_max_s=gap) for n, gap in enumerate(gaps)]
    samples.append(sample_at(TICK + 3 * MINUTE, ErrorClass.STALLED, itl_max_s=9.0))
    labels = {"endpoint": ONE, "task": "chat"}
    assert value(make_metrics(samples, FULL), "providerwatch_stalls_total", **labels) == 2
    assert value(make_metrics(samples[:1], FULL), "providerwatch_stalls_total", **labels) == 0
    assert value(make_metrics(samples, BASIC), "providerwatch_stalls_total", **labels) is None


# What a rendering costs


def test_an_endpoint_that_did_not_change_is_not_made_anew() -> None:
    figures = EndpointMetrics(BASIC)
    board = make_board(make_spec(ONE))
    board.publish(TICK)
    row = board.snapshot.rows[ONE]
    assert [figures.renew(row, "here"), figures.renew(row, "here")] == [True, False]
    figures.observe(sample_at(TICK), "groq")
    assert [figures.renew(row, "here"), figures.renew(row, "here")] == [True, False]
    board.absorb([sample_at(TICK)])
    row = board.publish(TICK + MINUTE).rows[ONE]
    assert [figures.renew(row, "here"), figures.renew(row, "here")] == [True, False]


async def test_others_run_while_many_endpoints_are_rendered() -> None:
    board = make_board(*(make_spec(f"p:{number}") for number in range(500)))
    metrics = Metrics("1", lambda: board.snapshot)
    rendering = asyncio.create_task(metrics.text(openmetrics=False))
    turns = 0
    while not rendering.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 500 / 50


def in_detail(metrics: Metrics, detail: MetricsDetail) -> None:
    expected = [(spec.endpoint, Task.CHAT) for spec in SPECS]
    for _ in metrics.apply_in_steps(detail, expected, {}):
        pass


def test_the_detail_can_be_raised_and_lowered_and_counts_of_probes_go_on() -> None:
    metrics, phases = make_metrics(all_kinds(), BASIC), "providerwatch_probe_duration_seconds_count"
    good = {"endpoint": TWO, "error": "", "blame": "", "task": "chat"}
    refused = {"endpoint": TWO, "error": "auth", "blame": "account", "task": "chat"}
    assert (value(metrics, "providerwatch_probes_total", **good), series(metrics, phases)) == (5, 0)
    in_detail(metrics, FULL)
    metrics.observe(sample_at(TICK, name=TWO), "p")
    assert value(metrics, "providerwatch_probes_total", **good) == 6
    assert value(metrics, "providerwatch_probes_total", **refused) == 0
    assert value(metrics, phases, endpoint=TWO, task="chat", phase="ttft") == 1
    in_detail(metrics, BASIC)
    assert value(metrics, "providerwatch_probes_total", **good) == 6
    assert value(metrics, "providerwatch_probes_total", **refused) is None
    assert series(metrics, phases) == 0
    assert value(metrics, "providerwatch_probes_total", **refused | {"endpoint": ONE}) == 1


async def test_the_detail_may_change_while_the_metrics_are_read() -> None:
    metrics = make_metrics(all_kinds(), FULL)
    reading = asyncio.create_task(metrics.text(openmetrics=False))
    await asyncio.sleep(0)
    in_detail(metrics, BASIC)
    assert len(list(parse_prometheus((await reading).decode()))) > 0


def test_the_same_detail_and_endpoints_change_nothing() -> None:
    metrics = make_metrics(all_kinds(), FULL)
    before = text(metrics)
    in_detail(metrics, FULL)
    assert [line for line in text(metrics).splitlines() if "{endpoint" in line] == [
        line for line in before.splitlines() if "{endpoint" in line
    ]
