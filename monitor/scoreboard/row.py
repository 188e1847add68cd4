"""The scores document, `providerwatch/scores/v1`: one row per endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from monitor.config.model import EndpointSpec
from monitor.domain.maintenance import MaintenanceWindow, announced, current, ended, outside
from monitor.domain.status import Status
from monitor.scheduler.jobs import Job, tick_at, ticks_between
from monitor.score.blame import BlameOverrides, blame_of
from monitor.score.endpoint import EndpointState
from monitor.score.health import Assessment, Health, JudgedStatus, Trouble
from monitor.score.latency import Summary
from monitor.score.outcomes import Counts
from monitor.score.windows import DAY, Window
from monitor.scoreboard.compression import digest
from monitor.scoreboard.endpoint import Facts
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

_DIGITS = 6
"""Decimals of published figures: microseconds for times, and more than enough for ratios."""

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
    facts: Facts | None = field(default=None, compare=False)
    """What it was made of; None: the row was read from another daemon."""
    account: str | None = None
    """The error class of the account trouble, if any."""
    router_ids: Mapping[str, str] = field(default_factory=dict)


def row(spec: EndpointSpec, state: EndpointState, jobs: Sequence[Job], now: datetime) -> Row:
    """The row of one endpoint at `now`."""
    seen, windows = state.assess(now), list(state.counts(now))
    facts = _facts(spec, state, seen, windows, now)
    fields = _endpoint_score(facts, state, seen, windows, jobs=jobs, now=now)
    body = json.dumps(fields, separators=(",", ":"), allow_nan=False).encode()
    return Row(
        id=spec.endpoint.id,
        provider=spec.endpoint.provider,
        model=spec.model,
        api=spec.endpoint.api,
        status=facts.status,
        score=facts.score,
        uptime={window.name: counts.ratio for window, counts, _ in windows},
        news=(
            facts.status,
            facts.since,
            facts.measured_at,
            facts.account,
            state.shown.last_error,
            fields["maintenance"],
        ),
        body=body,
        etag=digest(body),
        account=facts.account.error if facts.account else None,
        router_ids=spec.router_ids,
        facts=facts,
    )


def _facts(spec: EndpointSpec, state: EndpointState, seen: Assessment, windows: Windows, now: datetime) -> Facts:
    status, since = published_status(spec, seen, now, switched_at=state.switched_at)
    return Facts(
        spec=spec,
        status=status,
        since=since,
        score=seen.score,
        account=state.shown.trouble,
        measured_at=state.shown.measured_at,
        counts={window.name: counts for window, counts, _ in windows},
        summaries=state.latency.summaries(now),
        source=_source(windows),
    )


def _endpoint_score(
    facts: Facts, state: EndpointState, seen: Assessment, windows: Windows, *, jobs: Sequence[Job], now: datetime
) -> EndpointScore:
    spec = facts.spec
    figures = {name: _summary(summary) for name, summary in facts.summaries.items()}
    return {
        "id": spec.endpoint.id,
        "provider": spec.endpoint.provider,
        "model": spec.model,
        "api": spec.endpoint.api,
        "status": facts.status,
        "since": timestamp(facts.since),
        "score": _round(facts.score),
        "confidence": _pair(seen.confidence),
        "evidence": facts.counts[DAY.name].counted,
        "account": _account(facts.account),
        "maintenance": _maintenance(announced(spec.maintenance, now)),
        "measured_at": _time(facts.measured_at),
        "stale_after": _time(seen.stale_after),
        "source": _source(windows),
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
        "tool_call_error_ratio": _round(state.task_errors[Task.TOOL_CALL].ratio(now)),
        "structured_output_error_ratio": _round(state.task_errors[Task.STRUCTURED_OUTPUT].ratio(now)),
        "last_error": _last_error(state.shown, state.params.blame_overrides),
        "pricing": _pricing(spec),
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


def _source(windows: Windows) -> Literal["synthetic", "traffic", "mixed"]:
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
        "ratio": _round(counts.ratio),
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
        "p50": _round(values["p50"]),
        "p75": _round(values["p75"]),
        "p90": _round(values["p90"]),
        "p99": _round(values["p99"]),
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


def _pricing(spec: EndpointSpec) -> EndpointPricing | None:
    pricing = spec.endpoint.pricing
    if pricing is None:
        return None
    return {"prompt_usd_per_mtok": pricing.prompt, "completion_usd_per_mtok": pricing.completion}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _pair(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (round(interval[0], _DIGITS), round(interval[1], _DIGITS))


def _time(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)
