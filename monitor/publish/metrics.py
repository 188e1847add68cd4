"""Every Prometheus metric, in one place. Names and labels as documented; base units; own registry.

What comes sample by sample is counted as it comes; what is true of an endpoint now is read from the scoreboard's
snapshot at each scrape, so that an endpoint without a score has no series instead of a stale one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    Summary,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.publish.board import Snapshot
from monitor.score.blame import Moved, blame_of
from monitor.status import Status
from probes._model import Blame, Endpoint, ErrorClass, Sample, Task

_TIMES_S = (0.001, 0.005, 0.01, 0.02, 0.03, 0.045, 0.065, 0.1, 0.14, 0.2, 0.28, 0.4, 0.55, 0.75, 1, 1.4, 2, 2.8, 4, 5.5,
            7.5, 10, 15, 30, 60, 120)  # fmt: skip
"""Steps of about 1.4 where answers usually begin, so that a quantile is told to within a fifth."""
_GAPS_S = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LAGS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_PROBE = ("endpoint", "task")
_DIRECTIONS = {
    "prompt_tokens": "prompt",
    "output_tokens": "completion",
    "reasoning_tokens": "reasoning",
    "cached_tokens": "cached",
}

Shares: TypeAlias = Callable[[], Iterable[tuple[str, str, float]]]
"""The share of each budget that is spent now, by provider and unit."""


class _Live(Collector):
    """The gauges that are read from the newest snapshot."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """One family after the other, as Prometheus wants them."""
        rows = tuple(self._snapshot().rows.values())
        info = GaugeMetricFamily(
            "providerwatch_endpoint_info",
            "What an endpoint is; always 1.",
            labels=("endpoint", "provider", "model", "api"),
        )
        up = GaugeMetricFamily("providerwatch_up", "1 usable, 0 down; absent when not known.", labels=("endpoint",))
        status = GaugeMetricFamily(
            "providerwatch_status", "1 for the status an endpoint has, 0 for the others.", labels=("endpoint", "status")
        )
        score = GaugeMetricFamily(
            "providerwatch_score", "Probability that the next request succeeds within SLO.", labels=("endpoint",)
        )
        uptime = GaugeMetricFamily(
            "providerwatch_uptime_ratio", "Successes among counted probes.", labels=("endpoint", "window")
        )
        for row in rows:
            info.add_metric((row.id, row.provider, row.model, row.api), 1)
            if row.status.usable is not None:
                up.add_metric((row.id,), row.status.usable)
            for each in Status:
                status.add_metric((row.id, each), row.status is each)
            if row.score is not None:
                score.add_metric((row.id,), row.score)
            for window, ratio in row.uptime.items():
                if ratio is not None:
                    uptime.add_metric((row.id, window), ratio)
        yield from (info, up, status, score, uptime)


class SinkFigures(Protocol):
    """What is to be known of a sink."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    @property
    def backlog(self) -> int:
        """Samples that wait for it."""

    @property
    def delivered_total(self) -> int:
        """Samples that it took."""

    @property
    def dropped_total(self) -> int:
        """Samples that it refused for good, or that retention deleted before it took them."""

    @property
    def last_error(self) -> str | None:
        """Why it does not take samples now; None while it does."""


class _Sinks(Collector):
    """What the sinks say of themselves at the scrape."""

    def __init__(self, sinks: Sequence[SinkFigures]) -> None:
        self._sinks = sinks

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        backlog = GaugeMetricFamily(
            "providerwatch_sink_backlog_samples", "Stored samples that wait for a sink.", labels=("sink",)
        )
        failing = GaugeMetricFamily(
            "providerwatch_sink_failing", "1 while a sink does not take samples.", labels=("sink",)
        )
        delivered = CounterMetricFamily(
            "providerwatch_sink_delivered_total", "Samples that a sink took.", labels=("sink",)
        )
        dropped = CounterMetricFamily(
            "providerwatch_sink_dropped_total", "Samples that a sink will never have.", labels=("sink",)
        )
        for sink in self._sinks:
            backlog.add_metric((sink.name,), sink.backlog)
            failing.add_metric((sink.name,), sink.last_error is not None)
            delivered.add_metric((sink.name,), sink.delivered_total)
            dropped.add_metric((sink.name,), sink.dropped_total)
        yield from (backlog, failing, delivered, dropped)


class _Budgets(Collector):
    """How much of each budget is spent, at the scrape."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares

    def collect(self) -> Iterator[Metric]:
        """The one family."""
        spent = GaugeMetricFamily(
            "providerwatch_budget_spent_ratio",
            "Share of a provider's budget that is spent since 00:00 UTC; above 1 by less than a probe's cost.",
            labels=("provider", "unit"),
        )
        for provider, unit, share in self._shares():
            spent.add_metric((provider, unit), share)
        yield spent


class Metrics:
    """All metrics of one daemon, on their own registry."""

    def __init__(
        self,
        version: str,
        snapshot: Callable[[], Snapshot],
        sinks: Sequence[SinkFigures] = (),
        budget_shares: Shares = tuple,
    ) -> None:
        # Else every counter gets a second series beside it, which nobody asked for. The library leaves it untyped.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.registry.register(_Live(snapshot))
        self.registry.register(_Sinks(sinks))
        self.registry.register(_Budgets(budget_shares))
        ProcessCollector(registry=self.registry)
        self._make_probe_metrics()
        self._make_own_metrics()
        build = Gauge(
            "providerwatch_build_info", "The running version; always 1.", ("version",), registry=self.registry
        )
        build.labels(version).set(1)

    def _make_probe_metrics(self) -> None:
        registry = self.registry
        self._probes = Counter(
            "providerwatch_probes_total",
            "Probes by what came of them; error and blame are empty for a success.",
            (*_PROBE, "error", "blame"),
            registry=registry,
        )
        self._phases = Summary(
            "providerwatch_probe_duration_seconds", "Phases of a probe.", (*_PROBE, "phase"), registry=registry
        )
        self._ttft = Histogram(
            "providerwatch_ttft_seconds", "Time to first token.", _PROBE, registry=registry, buckets=_TIMES_S
        )
        self._e2e = Histogram(
            "providerwatch_e2e_seconds", "Time to the end of the stream.", _PROBE, registry=registry, buckets=_TIMES_S
        )
        self._gaps = Histogram(
            "providerwatch_inter_token_seconds",
            "Median gap between content events of a probe.",
            _PROBE,
            registry=registry,
            buckets=_GAPS_S,
        )
        self._speed = Gauge(
            "providerwatch_output_tokens_per_second", "Decode speed of the newest probe.", _PROBE, registry=registry
        )
        self._cost = Counter("providerwatch_cost_usd_total", "Spent on probes.", ("provider",), registry=registry)
        self._tokens = Counter(
            "providerwatch_tokens_total", "Tokens of probes.", ("provider", "direction"), registry=registry
        )

    def _make_own_metrics(self) -> None:
        registry = self.registry
        self.schedule_lag = Histogram(
            "providerwatch_schedule_lag_seconds",
            "From the scheduled time to the request, limiter wait included.",
            registry=registry,
            buckets=_LAGS_S,
        )
        self.loop_lag = Histogram(
            "providerwatch_loop_lag_seconds",
            "How late the event loop woke up.",
            ("process",),
            registry=registry,
            buckets=_LAGS_S,
        )
        self.rx_lag = Histogram(
            "providerwatch_rx_lag_seconds",
            "Worst delay of a probe between the kernel's receive stamp and our reading.",
            registry=registry,
            buckets=_LAGS_S,
        )
        self._skipped = Counter(
            "providerwatch_skipped_total", "Ticks that did not become a probe.", ("reason",), registry=registry
        )
        for error in ErrorClass:
            if error.blame is Blame.MONITOR:
                self._skipped.labels(error)
        self.outcomes = Counter(
            "providerwatch_outcomes_total",
            "Real requests that were reported, by what became of the report.",
            ("result",),
            registry=registry,
        )
        for result in ("accepted", "duplicate", "rejected"):
            self.outcomes.labels(result)
        self.store_queue = Gauge(
            "providerwatch_store_queue_length", "Samples that wait to be stored.", registry=registry
        )
        self.store_dropped = Counter(
            "providerwatch_store_dropped_total",
            "Samples given up: the store failed, or they were too old for it.",
            registry=registry,
        )
        self.store_size = Gauge(
            "providerwatch_store_size_bytes", "What the store takes on its disk, as last measured.", registry=registry
        )
        self.store_free = Gauge(
            "providerwatch_store_free_bytes", "Of that, what is free for new rows.", registry=registry
        )
        self.store_failing = Gauge(
            "providerwatch_store_failing", "1 while the store does not take samples.", registry=registry
        )
        self.housekeeping = Summary(
            "providerwatch_housekeeping_duration_seconds",
            "Slices of tidying the store: each holds up a commit for as long.",
            registry=registry,
        )
        self.housekeeping_last = Gauge(
            "providerwatch_housekeeping_last_duration_seconds", "The newest slice.", registry=registry
        )
        self.log_dropped = Counter(
            "providerwatch_log_dropped_total",
            "Log records that were not written because nobody read them in time.",
            registry=registry,
        )
        self.log_suppressed = Counter(
            "providerwatch_log_suppressed_total",
            "Log records that were left out because there were many like them.",
            registry=registry,
        )
        self.clock_ahead = Gauge(
            "providerwatch_clock_ahead_seconds",
            "By how much the clock is ahead of what retention believes; 0 while it is followed.",
            registry=registry,
        )
        self.vantage_online = Gauge(
            "providerwatch_vantage_online", "0 while this place's own network is down.", registry=self.registry
        )
        self.vantage_online.set(1)
        self.agent_unknown = Counter(
            "providerwatch_haproxy_agent_unknown_total",
            "Agent checks of HAProxy that named nothing that is known here; they were told that it is up.",
            registry=registry,
        )
        self.worker_restarts = Counter(
            "providerwatch_worker_restarts_total", "Probing processes that had to be replaced.", registry=registry
        )

    def expect(self, endpoint: Endpoint, task: Task, moved: Moved) -> None:
        """Start an endpoint's counters at zero: a rate does not see a counter that is born at one."""
        self._probes.labels(endpoint.id, task, "", "")
        for error in ErrorClass:
            self._probes.labels(endpoint.id, task, error, blame_of(error, moved))
        for direction in _DIRECTIONS.values():
            self._tokens.labels(endpoint.provider, direction)
        if endpoint.pricing is not None:
            self._cost.labels(endpoint.provider)

    def tidied(self, duration_s: float) -> None:
        """Count a slice of tidying."""
        self.housekeeping.observe(duration_s)
        self.housekeeping_last.set(duration_s)

    def observe(self, sample: Sample, provider: str) -> None:
        """Count one sample."""
        labels = (sample.endpoint, sample.task)
        self._probes.labels(*labels, sample.error or "", sample.blame or "").inc()
        if sample.lag_s is None:
            self._skipped.labels(sample.error or "").inc()
            return
        self._observe_lags(sample)
        self._observe_times(sample, labels)
        if sample.cost_usd is not None:
            self._cost.labels(provider).inc(sample.cost_usd)
        for field, direction in _DIRECTIONS.items():
            tokens = getattr(sample, field)
            if tokens is not None:
                self._tokens.labels(provider, direction).inc(tokens)

    def _observe_times(self, sample: Sample, labels: tuple[str, str]) -> None:
        for phase in ("dns", "connect", "tls", "headers", "ttft", "e2e"):
            seconds = getattr(sample, f"{phase}_s")
            if seconds is not None:
                self._phases.labels(*labels, phase).observe(seconds)
        if sample.error is not None:
            return
        for metric, value in ((self._ttft, sample.ttft_s), (self._e2e, sample.e2e_s), (self._gaps, sample.itl_p50_s)):
            if value is not None:
                metric.labels(*labels).observe(value)
        if sample.output_tps is not None:
            self._speed.labels(*labels).set(sample.output_tps)

    def _observe_lags(self, sample: Sample) -> None:
        if sample.lag_s is not None:
            self.schedule_lag.observe(max(sample.lag_s, 0.0))
        if sample.rx_lag_s is not None:
            self.rx_lag.observe(sample.rx_lag_s)
