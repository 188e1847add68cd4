"""All Prometheus metrics of the daemon, in one registry, with base units.

The metrics of endpoints and providers are in `endpoints`, which is fast enough for thousands of series. The others use
prometheus_client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    Summary,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from monitor.config.model import MetricsDetail
from monitor.metrics.endpoints import EndpointMetrics
from monitor.score.blame import BlameOverrides
from monitor.scoreboard.snapshot import Snapshot
from probes._model import Blame, Endpoint, ErrorClass, Sample, Task

_LAGS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONGEST_REASON = 200
"""Characters of a failure's reason in a label."""
_SLICE = 20
"""Endpoints rendered before other tasks run: about a millisecond. A request beside it takes several turns."""

Shares: TypeAlias = Callable[[], Iterable[tuple[str, str, float]]]
"""The share of each budget that is spent now, by provider and unit."""


class SinkFigures(Protocol):
    """State of a sink."""

    @property
    def name(self) -> str:
        """The name in the configuration."""

    @property
    def backlog(self) -> int:
        """Samples that wait for delivery."""

    @property
    def delivered_total(self) -> int:
        """Samples that the sink accepted."""

    @property
    def dropped_total(self) -> int:
        """Samples that the sink rejected permanently, or that retention deleted before their delivery."""

    @property
    def last_error(self) -> str | None:
        """Why deliveries fail; None while they succeed."""


class _Sinks(Collector):
    """Collects the figures of the sinks at each scrape."""

    def __init__(self, sinks: Callable[[], Sequence[SinkFigures]]) -> None:
        self._sinks = sinks

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        backlog = GaugeMetricFamily(
            "providerwatch_sink_backlog_samples", "Stored samples that wait for a sink.", labels=("sink",)
        )
        failing = GaugeMetricFamily(
            "providerwatch_sink_failing", "1 while a sink does not accept samples.", labels=("sink",)
        )
        errors = GaugeMetricFamily(
            "providerwatch_sink_error_info",
            "Why a sink does not accept samples; always 1, absent while it accepts them.",
            labels=("sink", "reason"),
        )
        delivered = CounterMetricFamily(
            "providerwatch_sink_delivered_total", "Samples that a sink accepted.", labels=("sink",)
        )
        dropped = CounterMetricFamily(
            "providerwatch_sink_dropped_total", "Samples that a sink will never receive.", labels=("sink",)
        )
        for sink in self._sinks():
            backlog.add_metric((sink.name,), sink.backlog)
            failing.add_metric((sink.name,), sink.last_error is not None)
            if sink.last_error is not None:
                errors.add_metric((sink.name, sink.last_error[:_LONGEST_REASON]), 1)
            delivered.add_metric((sink.name,), sink.delivered_total)
            dropped.add_metric((sink.name,), sink.dropped_total)
        yield from (backlog, failing, errors, delivered, dropped)


class _Budgets(Collector):
    """Collects the spent share of each budget at each scrape."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares

    def collect(self) -> Iterator[Metric]:
        """Yield the metric family."""
        spent = GaugeMetricFamily(
            "providerwatch_budget_spent_ratio",
            "Share of a provider's budget that is spent since 00:00 UTC; above 1 by less than a probe's cost.",
            labels=("provider", "unit"),
        )
        for provider, unit, share in self._shares():
            spent.add_metric((provider, unit), share)
        yield spent


class Metrics:
    """All metrics of one daemon."""

    def __init__(
        self,
        version: str,
        snapshot: Callable[[], Snapshot],
        sinks: Callable[[], Sequence[SinkFigures]] = tuple,
        budget_shares: Shares = tuple,
        detail: MetricsDetail = MetricsDetail.BASIC,
    ) -> None:
        # Without this every counter gets a second series. The library's function is untyped.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._snapshot = snapshot
        self._endpoints = EndpointMetrics(detail)
        self.registry = CollectorRegistry()
        """All metrics except those of endpoints and providers."""
        self._counter, self._gauge = partial(Counter, registry=self.registry), partial(Gauge, registry=self.registry)
        self.registry.register(_Sinks(sinks))
        self.registry.register(_Budgets(budget_shares))
        ProcessCollector(registry=self.registry)
        self._make_own_metrics()
        self._make_store_metrics()
        self._make_process_metrics()
        build = self._gauge("providerwatch_build_info", "The running version; always 1.", ("version",))
        build.labels(version).set(1)

    async def text(self, *, openmetrics: bool) -> bytes:
        """All metrics in Prometheus' format or in OpenMetrics. Other tasks can run after every few endpoints."""
        snapshot, renewed = self._snapshot(), 0
        for row in snapshot.rows.values():
            renewed += self._endpoints.renew(row, snapshot.vantage)
            if renewed >= _SLICE:
                renewed = 0
                await asyncio.sleep(0)
        encode = generate_openmetrics if openmetrics else generate_latest
        parts = []
        for part in self._endpoints.parts(snapshot.rows, openmetrics=openmetrics):
            parts.append(part)
            await asyncio.sleep(0)
        return b"".join((*parts, encode(self.registry)))  # last, since OpenMetrics ends with an EOF marker

    def _make_own_metrics(self) -> None:
        lags = partial(Histogram, registry=self.registry, buckets=_LAGS_S)
        self.schedule_lag = lags(
            "providerwatch_schedule_lag_seconds", "From the scheduled time to the request, limiter wait included."
        )
        self.loop_lag = lags("providerwatch_loop_lag_seconds", "How late the event loop woke up.", ("process",))
        self.rx_lag = lags(
            "providerwatch_rx_lag_seconds", "Worst delay of a probe between the kernel's receive stamp and our reading."
        )
        self._skipped = self._counter("providerwatch_skipped_total", "Ticks that did not become a probe.", ("reason",))
        for error in ErrorClass:
            if error.blame is Blame.MONITOR:
                self._skipped.labels(error)
        self.outcomes = self._counter(
            "providerwatch_outcomes_total", "Reported real requests, by result of the report.", ("result",)
        )
        for result in ("accepted", "duplicate", "rejected"):
            self.outcomes.labels(result)

    def _make_store_metrics(self) -> None:
        self.store_queue = self._gauge("providerwatch_store_queue_length", "Samples that wait to be stored.")
        self.store_dropped = self._counter(
            "providerwatch_store_dropped_total",
            "Samples dropped: the store failed for too long, or they are older than retention keeps.",
        )
        self.store_size = self._gauge("providerwatch_store_size_bytes", "Size of the store on disk, as last measured.")
        self.store_free = self._gauge(
            "providerwatch_store_free_bytes", "The part of the store's size that is free for new rows."
        )
        self.store_failing = self._gauge("providerwatch_store_failing", "1 while the store does not accept samples.")
        self.housekeeping = Summary(
            "providerwatch_housekeeping_duration_seconds",
            "Slices of store housekeeping. A commit may wait for one slice.",
            registry=self.registry,
        )
        self.housekeeping_last = self._gauge(
            "providerwatch_housekeeping_last_duration_seconds", "Duration of the newest slice."
        )

    def _make_process_metrics(self) -> None:
        self.log_dropped = self._counter(
            "providerwatch_log_dropped_total", "Log records dropped because standard error was not read fast enough."
        )
        self.log_suppressed = self._counter(
            "providerwatch_log_suppressed_total", "Log records suppressed: more than 10 similar ones in a minute."
        )
        self.clock_ahead = self._gauge(
            "providerwatch_clock_ahead_seconds",
            "Seconds that the clock is ahead of the time that retention uses; 0 while they agree.",
        )
        self.ready = self._gauge("providerwatch_ready", "1 while the schedule runs and the store accepts samples.")
        self.vantage_online = self._gauge("providerwatch_vantage_online", "0 while the local network is offline.")
        self.vantage_online.set(1)
        self.files_failing = self._gauge(
            "providerwatch_files_failing", "Files of publish.files that could not be written at the last try."
        )
        self.agent_unknown = self._counter(
            "providerwatch_haproxy_agent_unknown_total", "Agent checks of HAProxy for unknown names; the answer was up."
        )
        self.worker_restarts = self._counter("providerwatch_worker_restarts_total", "Restarts of worker processes.")

    def expect(self, endpoint: Endpoint, task: Task, overrides: BlameOverrides) -> None:
        """Start an endpoint's counters at zero."""
        self._endpoints.expect(endpoint, task, overrides)

    def apply_in_steps(
        self, detail: MetricsDetail, expected: Iterable[tuple[Endpoint, Task]], overrides: BlameOverrides
    ) -> Iterator[None]:
        """Use another detail and expect other endpoints from now on, one of them a step, since many take long."""
        if detail is not self._endpoints.detail:
            yield from self._endpoints.apply_in_steps(detail)
        for endpoint, task in expected:
            self.expect(endpoint, task, overrides)
            yield

    def tidied(self, duration_s: float) -> None:
        """Count a slice of store housekeeping."""
        self.housekeeping.observe(duration_s)
        self.housekeeping_last.set(duration_s)

    def observe(self, sample: Sample, provider: str) -> None:
        """Count one sample."""
        self._endpoints.observe(sample, provider)
        if sample.lag_s is not None:
            self.schedule_lag.observe(max(sample.lag_s, 0.0))
            if sample.rx_lag_s is not None:
                self.rx_lag.observe(sample.rx_lag_s)
        elif sample.error is not None:
            self._skipped.labels(sample.error).inc()
