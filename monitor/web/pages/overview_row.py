"""A row of the overview's table: an endpoint's figures as texts and small charts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import usd
from monitor.charts.interval import IntervalBar, interval_bar
from monitor.charts.uptime_strip import UptimeBucket, UptimeStrip, uptime_strip
from monitor.domain.text import NOT_MEASURED, age, percent, printable, probability, seconds
from monitor.score.latency import Summary
from monitor.scoreboard.schema import EndpointPricing, UptimeCounts
from monitor.web.pages.hourly import HOUR
from monitor.web.pages.links import model_link
from monitor.web.pages.overview_facts import LONGEST_NAME, EndpointFacts
from monitor.web.pages.overview_note import EndpointNote, endpoint_notes
from monitor.web.pages.when import When, when
from monitor.web.pages.words import GLYPHS

ENOUGH_FOR_P95: Final = 20
"""With fewer samples p95 is the largest one."""
_USABLE_DIFFERS: Final = 0.005
_SMALL_SPEED: Final = 10
STRIP_TITLE: Final = "Last 24 hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureCell:
    """A figure, what stands below it, and what a reader sees who points at it."""

    text: str
    note: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRow:
    """One endpoint."""

    id: str
    provider: str
    model: str
    model_path: str
    """Empty: there is no page."""
    details: str
    """Region, tag and what else tells it from its neighbours."""
    status: str
    glyph: str
    since: When
    score: FigureCell
    score_bar: Markup
    usable: str
    """Empty unless it differs from the score."""
    uptime: FigureCell
    strip: Markup | str
    """A text if there is no strip."""
    ttft: FigureCell
    ttft_p95: FigureCell
    speed: FigureCell
    price: FigureCell
    notes: Sequence[EndpointNote]


def overview_row(facts: EndpointFacts, now: datetime, *, stranger: bool) -> OverviewRow:
    """The row of an endpoint."""
    snapshot, published = facts.snapshot, facts.published
    return OverviewRow(
        id=facts.row.id,
        provider=facts.provider_name,
        model=facts.model_name,
        model_path=model_link(facts.row.model) or "",
        details=_details(facts),
        status=facts.row.status,
        glyph=GLYPHS[facts.row.status],
        since=when(snapshot.since, now, f"for {age(snapshot.since, now)}"),
        score=_score(facts, now),
        score_bar=_score_bar(facts),
        usable=_usable(published),
        uptime=_uptime(published["uptime"]["1d"], stranger=stranger),
        strip=_strip(facts),
        ttft=_ttft(snapshot.summaries["ttft_s"]),
        ttft_p95=_ttft_p95(snapshot.summaries["ttft_s"]),
        speed=_speed(snapshot.summaries["output_tps"]),
        price=_price(published["pricing"]),
        notes=endpoint_notes(facts, now, stranger=stranger),
    )


def _details(facts: EndpointFacts) -> str:
    spec = facts.snapshot.spec
    tag = spec.listing.tag
    parts = [*spec.labels.values(), *([tag] if tag else []), spec.endpoint.model]
    return " · ".join(printable(part, longest=LONGEST_NAME) for part in dict.fromkeys(parts))


def _score(facts: EndpointFacts, now: datetime) -> FigureCell:
    published, measured_at = facts.published, facts.snapshot.measured_at
    score, bounds = published["score"], published["confidence"]
    if score is None:
        return FigureCell(text=NOT_MEASURED, note="not known yet", title="No score before the first counted sample")
    interval = "" if bounds is None else f"[{probability(bounds[0])}, {probability(bounds[1])}]"
    seen = f"{published['evidence']:,} counted samples in the last day"
    return FigureCell(
        text=probability(score), note=interval, title=f"{seen}; newest measured {age(measured_at, now)} ago"
    )


def _score_bar(facts: EndpointFacts) -> Markup:
    low, high = facts.published["confidence"] or (None, None)
    return _drawn_score(facts.place, facts.published["score"], low, high, facts.published["evidence"])


@lru_cache(maxsize=2048)
def _drawn_score(place: int, score: float | None, low: float | None, high: float | None, evidence: int) -> Markup:
    """Cached, since few scores change between two pages."""
    bar = IntervalBar(title="Score", value=score, low=low, high=high, n=evidence, width=92)
    return interval_bar(bar, chart_id=f"score-{place}")


def _usable(published: Mapping[str, object]) -> str:
    """`usable` is the score times the chance that the account is admitted; it differs only with account trouble."""
    usable, score = published.get("usable"), published["score"]
    if not isinstance(usable, float) or not isinstance(score, float) or abs(usable - score) < _USABLE_DIFFERS:
        return ""
    return f"usable {probability(usable)}"


def _uptime(counts: UptimeCounts, *, stranger: bool) -> FigureCell:
    counted = counts["ok"] + counts["failed"]
    if not counted:
        return FigureCell(text=NOT_MEASURED, note="n 0", title="No counted sample in the last 24 hours")
    low, high = counts["ci95"] or (None, None)
    others = [(counts["network"], "local network")]
    if not stranger:
        others += [(counts["rate_limited"], "rate limited"), (counts["account"], "account refused")]
    left_out = "".join(f"; {count:,} {word}, not counted" for count, word in others if count)
    title = f"{counts['failed']:,} of {counted:,} failed; 95 % interval {percent(low)} to {percent(high)}{left_out}"
    return FigureCell(text=percent(counts["ratio"], decimals=2), note=f"n {counted:,}", title=title)


def _strip(facts: EndpointFacts) -> Markup | str:
    if facts.hours is None:
        return "history cannot be read now"
    return _drawn_strip(facts.place, facts.hours)


@lru_cache(maxsize=1024)
def _drawn_strip(place: int, hours: tuple[UptimeBucket, ...]) -> Markup:
    """Cached until the hours are read again."""
    return uptime_strip(UptimeStrip(title=STRIP_TITLE, step=HOUR, buckets=hours), chart_id=f"strip-{place}")


def _ttft(summary: Summary) -> FigureCell:
    return _figure(summary, seconds(summary.quantiles["p50"]), "median")


def _ttft_p95(summary: Summary) -> FigureCell:
    if 0 < summary.count < ENOUGH_FOR_P95:
        reason = f"needs {ENOUGH_FOR_P95}, has {summary.count}"
        return FigureCell(text=NOT_MEASURED, note=reason, title=f"Too few samples for a 95th percentile: {reason}")
    return _figure(summary, seconds(summary.p95), "95th percentile")


def _speed(summary: Summary) -> FigureCell:
    median = summary.quantiles["p50"]
    text = NOT_MEASURED if median is None else f"{median:.1f}" if median < _SMALL_SPEED else f"{median:.0f}"
    return _figure(summary, text, "median")


def _figure(summary: Summary, text: str, what: str) -> FigureCell:
    if not summary.count:
        return FigureCell(text=NOT_MEASURED, note="n 0", title="No success in the last 30 minutes")
    title = f"{what} of {summary.count:,} successes in the last 30 minutes"
    return FigureCell(text=text, note=f"n {summary.count:,}", title=title)


def _price(pricing: EndpointPricing | None) -> FigureCell:
    if pricing is None:
        return FigureCell(text=NOT_MEASURED, title="No price is configured or known")
    prompt, completion = pricing["prompt_usd_per_mtok"], pricing["completion_usd_per_mtok"]
    text = f"{usd(prompt)} / {usd(completion)}"
    return FigureCell(text=text, title="USD per million tokens, prompt and completion")
