"""The scores document, `providerwatch/scores/v1`: one row per endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from monitor.config.model import EndpointSpec
from monitor.domain.maintenance import MaintenanceWindow, announced, current, ended, outside
from monitor.domain.status import Status
from monitor.domain.tier import Tier, tier_of
from monitor.scheduler.jobs import Job, tick_at, ticks_between
from monitor.score.blame import BlameOverrides, blame_of
from monitor.score.endpoint import EndpointState
from monitor.score.health import Assessment, Health, JudgedStatus, Trouble
from monitor.score.latency import Summary
from monitor.score.outcomes import Counts
from monitor.score.task_errors import error_ratio
from monitor.score.windows import DAY, Window
from monitor.scoreboard.compression import digest
from monitor.scoreboard.endpoint import DIGITS, EndpointSnapshot, Source, rounded
from monitor.scoreboard.schema import (
    AccountTrouble,
    EndpointPricing,
    EndpointScore,
    LastError,
    Latency,
    MaintenanceSpan,
    Quantiles,
    TrafficCounts,
    UptimeCounts,
)
from probes._model import Task
from probes._serialize import timestamp

Windows: TypeAlias = Sequence[tuple[Window, Counts, Counts]]
"""Each window with its counts, and the part of them that is real traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One endpoint as published."""

    id: str
    provider: str
    model: str
    api: str
    status: Status
    score: float | None
    uptime: Mapping[str, float | None]
    """Uptime ratio by window."""
    news: tuple[object, ...]
    """The values whose change is published at once: status, causes, newest sample."""
    body: bytes
    """The row as JSON."""
    etag: str
    """Of the body."""
    endpoint: EndpointSnapshot | None = field(default=None, compare=False)
    """What it was made of; None: the row was read from another daemon."""
    account: str | None = None
    """The error class of the account trouble, if any."""
    router_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def tier(self) -> Tier:
        """The endpoint's tier for routers."""
        return tier_of(self.status, refused=self.account is not None)


def row(spec: EndpointSpec, state: EndpointState, jobs: Sequence[Job], now: datetime) -> Row:
    """The row of one endpoint at `now`."""
    seen, windows = state.assess(now), list(state.counts(now))
    endpoint = _snapshot(spec, state, seen, windows, now)
    score = _endpoint_score(endpoint, state, seen, windows, jobs=jobs, now=now)
    news = (
        endpoint.status,
        endpoint.since,
        endpoint.measured_at,
        endpoint.account,
        state.shown.last_error,
        score["maintenance"],
    )
    return row_of(score, news, endpoint)


def row_of(score: Mapping[str, Any], news: tuple[object, ...] = (), endpoint: EndpointSnapshot | None = None) -> Row:
    """The row of an endpoint of the scores document. Raises KeyError, TypeError or ValueError if it is none."""
    body = json.dumps(score, separators=(",", ":"), allow_nan=False).encode()
    return Row(
        id=str(score["id"]),
        provider=str(score["provider"]),
        model=str(score["model"]),
        api=str(score["api"]),
        status=Status(score["status"]),
        score=None if score["score"] is None else float(score["score"]),
        uptime={name: window["ratio"] for name, window in score["uptime"].items()},
        news=news,
        body=body,
        etag=digest(body),
        account=None if score["account"] is None else str(score["account"]["class"]),
        router_ids={str(router): str(name) for router, name in score["router_ids"].items()},
        endpoint=endpoint,
    )


def _snapshot(
    spec: EndpointSpec, state: EndpointState, seen: Assessment, windows: Windows, now: datetime
) -> EndpointSnapshot:
    status, since = published_status(spec, seen, now, switched_at=state.switched_at)
    return EndpointSnapshot(
        spec=spec,
        status=status,
        since=since,
        score=seen.score,
        account=state.shown.trouble,
        measured_at=state.shown.measured_at,
        counts={window.name: counts for window, counts, _ in windows},
        summaries=state.latency.summaries(now),
        task_counts={task: errors.counts(now) for task, errors in state.task_errors.items()},
        source=_source(windows),
    )


def _endpoint_score(
    endpoint: EndpointSnapshot,
    state: EndpointState,
    seen: Assessment,
    windows: Windows,
    *,
    jobs: Sequence[Job],
    now: datetime,
) -> EndpointScore:
    spec = endpoint.spec
    figures = {name: _summary(summary) for name, summary in endpoint.summaries.items()}
    return {
        "id": endpoint.id,
        "provider": endpoint.provider,
        "model": endpoint.model,
        "api": spec.endpoint.api,
        "status": endpoint.status,
        "since": timestamp(endpoint.since),
        "score": rounded(endpoint.score),
        "confidence": _pair(seen.confidence),
        "evidence": endpoint.counts[DAY.name].counted,
        "account": _account(endpoint.account),
        "maintenance": _maintenance(announced(spec.maintenance, now)),
        "measured_at": _time(endpoint.measured_at),
        "stale_after": _time(seen.stale_after),
        "source": endpoint.source,
        "uptime": {
            window.name: _counts(counts, _expected(window, spec, state, jobs, now)) for window, counts, _ in windows
        },
        "traffic": _traffic(windows),
        "ttft_s": figures["ttft_s"],
        "ttat_s": figures["ttat_s"],
        "e2e_s": figures["e2e_s"],
        "itl_s": figures["itl_s"],
        "output_tps": figures["output_tps"],
        "e2e_tps": figures["e2e_tps"],
        "tool_call_error_ratio": rounded(error_ratio(endpoint.task_counts[Task.TOOL_CALL])),
        "structured_output_error_ratio": rounded(error_ratio(endpoint.task_counts[Task.STRUCTURED_OUTPUT])),
        "last_error": _last_error(state.shown, state.params.blame_overrides),
        "pricing": _pricing(endpoint),
        "context_length": spec.context_length,
        "labels": dict(spec.labels),
        "router_ids": dict(spec.router_ids),
    }


def published_status(
    spec: EndpointSpec, seen: Assessment | JudgedStatus, now: datetime, *, switched_at: datetime | None
) -> tuple[Status, datetime]:
    """The published status and since when. Paused comes before maintenance, maintenance before the judged status.

    A judged status is published since the endpoint was resumed and its last maintenance ended, whatever came before.
    """
    span = current(spec.maintenance, now)
    match spec.enabled, span:
        case False, _:
            return Status.PAUSED, switched_at or seen.since
        case _, MaintenanceWindow():
            return Status.MAINTENANCE, max(span.begin, switched_at or span.begin)
        case _:
            later = (ended(spec.maintenance, now), switched_at)
            return seen.status, max([seen.since, *(moment for moment in later if moment is not None)])


def _maintenance(span: MaintenanceWindow | None) -> MaintenanceSpan | None:
    return None if span is None else {"from": timestamp(span.begin), "to": timestamp(span.end)}


def _account(trouble: Trouble | None) -> AccountTrouble | None:
    return None if trouble is None else {"class": trouble.error, "since": timestamp(trouble.since)}


def _source(windows: Windows) -> Source:
    """The source of the last half hour's figures."""
    counts, real = next((counts, real) for window, counts, real in windows if window.name == "30m")
    if not real.all:
        return "synthetic"
    return "mixed" if counts.counted > real.counted else "traffic"


def _traffic(windows: Windows) -> dict[str, TrafficCounts] | None:
    if not any(real.all for _, _, real in windows):
        return None
    return {window.name: _traffic_counts(real) for window, _, real in windows}


def _traffic_counts(real: Counts) -> TrafficCounts:
    return {"ok": real.ok, "failed": real.failed, "rate_limited": real.rate_limited, "account": real.account}


def _counts(counts: Counts, expected: int) -> UptimeCounts:
    return {
        "ratio": rounded(counts.ratio),
        "ci95": _pair(counts.ci95),
        "ok": counts.ok,
        "failed": counts.failed,
        "rate_limited": counts.rate_limited,
        "account": counts.account,
        "monitor": counts.monitor,
        "network": counts.network,
        "expected": expected,
    }


def _expected(window: Window, spec: EndpointSpec, state: EndpointState, jobs: Sequence[Job], now: datetime) -> int:
    """How many probes were scheduled in the window since the endpoint was first probed, without maintenance."""
    if state.first_seen is None:
        return 0
    # The first sample began shortly after its tick.
    first_tick = max((tick_at(job, state.first_seen) for job in jobs), default=state.first_seen)
    begin = max(now - timedelta(seconds=window.length_s), first_tick)
    spans = list(outside(spec.maintenance, begin, now))
    return sum(ticks_between(job, span.begin, span.end) for job in jobs for span in spans)


def _summary(summary: Summary) -> Latency:
    plain = _quantiles(summary.quantiles)
    latency: Latency = {
        "window": "30m",
        "count": summary.count,
        "p50": plain["p50"],
        "p75": plain["p75"],
        "p90": plain["p90"],
        "p99": plain["p99"],
    }
    if summary.inflated is not None:
        latency["failure_inflated"] = _quantiles(summary.inflated)
    return latency


def _quantiles(values: Mapping[str, float | None]) -> Quantiles:
    return {
        "p50": rounded(values["p50"]),
        "p75": rounded(values["p75"]),
        "p90": rounded(values["p90"]),
        "p99": rounded(values["p99"]),
    }


def _last_error(health: Health, blame_overrides: BlameOverrides) -> LastError | None:
    last = health.last_error
    if last is None:
        return None
    return {
        "class": last.error,
        "blame": blame_of(last.error, blame_overrides),
        "at": timestamp(last.at),
        "status_code": last.status_code,
    }


def _pricing(endpoint: EndpointSnapshot) -> EndpointPricing | None:
    pricing = endpoint.pricing
    if pricing is None:
        return None
    return {"prompt_usd_per_mtok": pricing.prompt, "completion_usd_per_mtok": pricing.completion}


def _pair(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (round(interval[0], DIGITS), round(interval[1], DIGITS))


def _time(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)
