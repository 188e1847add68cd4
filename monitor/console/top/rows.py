"""What is shown of a daemon: its endpoints, open incidents and own health, read from its documents. Pure.

A document may come from another machine. A value of an unexpected type is not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from monitor.console.document import bounds, listed, mapping, moment, number, text

HIGH: Final = "p90"
"""The upper quantile of a pair: the scores document has no p95."""
Pair: TypeAlias = tuple[float | None, float | None]
"""Median and upper quantile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopRow:
    """One endpoint. What was not measured is None."""

    key: str
    """The id as it was received."""
    id: str
    provider: str
    model: str
    status: str
    refused: str | None
    """The error class while the provider refuses the account."""
    refused_since: datetime | None
    score: float | None
    interval: tuple[float, float] | None
    uptime: float | None
    """Of a day."""
    ttft_s: Pair
    e2e_s: Pair
    output_tps: float | None
    price: Pair
    """USD per million tokens of the prompt, and of the completion."""
    evidence: float | None
    """Counted samples of a day."""
    measured_at: datetime | None
    stale_after: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """The incident that an endpoint is in."""

    worst: str
    cause: str
    began_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorReport:
    """What the daemon reports of itself."""

    problems: tuple[str, ...] = ()
    """Why it is not ready; empty if it is."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TopData:
    """What was received so far. Times in seconds are of the clock that the caller passes."""

    rows: Mapping[str, TopRow] = field(default_factory=dict)
    vantage: str = ""
    generated_at: datetime | None = None
    """Of the newest document, by the daemon's clock."""
    generated_s: float = 0.0
    """When that document was received."""
    contact_s: float = 0.0
    """When the daemon last sent anything."""
    incidents: Mapping[str, OpenIncident] | None = None
    """By endpoint id; None: not known."""
    report: MonitorReport | None = None
    problem: str | None = None
    """Why the daemon cannot be reached; the rows are then the last ones received."""

    def daemon_time(self, clock_s: float) -> datetime | None:
        """The daemon's clock, so that ages do not depend on the clock of this machine."""
        if self.generated_at is None:
            return None
        return self.generated_at + timedelta(seconds=max(0.0, clock_s - self.generated_s))


def received(data: TopData, document: Mapping[str, object], clock_s: float, *, partial: bool = False) -> TopData:
    """The data after a scores document, which replaces all rows; a partial one those that it holds."""
    found = {row.key: row for row in (top_row(mapping(item)) for item in listed(document.get("endpoints")))}
    vantage = document.get("vantage")
    return replace(
        data,
        rows={**data.rows, **found} if partial else found,
        vantage=text(vantage) if vantage else data.vantage,
        generated_at=moment(document.get("generated_at")) or data.generated_at,
        generated_s=clock_s,
        contact_s=clock_s,
        problem=None,
    )


def top_row(endpoint: Mapping[str, object]) -> TopRow:
    """One endpoint of a scores document."""
    account = mapping(endpoint.get("account"))
    pricing = mapping(endpoint.get("pricing"))
    return TopRow(
        key=str(endpoint.get("id")),
        id=text(endpoint.get("id")),
        provider=text(endpoint.get("provider")),
        model=text(endpoint.get("model")),
        status=text(endpoint.get("status")),
        refused=text(account.get("class")) if account else None,
        refused_since=moment(account.get("since")),
        score=number(endpoint.get("score")),
        interval=bounds(endpoint.get("confidence")),
        uptime=number(mapping(mapping(endpoint.get("uptime")).get("1d")).get("ratio")),
        ttft_s=_quantiles(endpoint.get("ttft_s")),
        e2e_s=_quantiles(endpoint.get("e2e_s")),
        output_tps=number(mapping(endpoint.get("output_tps")).get("p50")),
        price=(number(pricing.get("prompt_usd_per_mtok")), number(pricing.get("completion_usd_per_mtok"))),
        evidence=number(endpoint.get("evidence")),
        measured_at=moment(endpoint.get("measured_at")),
        stale_after=moment(endpoint.get("stale_after")),
    )


def _quantiles(value: object) -> Pair:
    figures = mapping(value)
    return number(figures.get("p50")), number(figures.get(HIGH))


def open_incidents(document: Mapping[str, object]) -> dict[str, OpenIncident]:
    """The open incidents of a list of incidents, by endpoint id."""
    found: dict[str, OpenIncident] = {}
    for item in map(mapping, listed(document.get("data"))):
        if item.get("ended_at") is None:
            found[str(item.get("endpoint"))] = OpenIncident(
                worst=text(item.get("worst")), cause=text(item.get("cause")), began_at=moment(item.get("began_at"))
            )
    return found


def monitor_report(document: Mapping[str, object]) -> MonitorReport:
    """The daemon's answer to `/readyz`."""
    return MonitorReport(problems=_texts(document.get("problems")), warnings=_texts(document.get("warnings")))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(text, listed(value)))


def newest(rows: Sequence[TopRow]) -> datetime | None:
    """The start of the newest sample of these endpoints."""
    return max((row.measured_at for row in rows if row.measured_at is not None), default=None)
