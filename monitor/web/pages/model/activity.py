"""Tokens by day of applications and of the probes themselves, and the applications. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from monitor.charts.bars import BarChart, BarPart, BarStack, bar_chart, bar_table
from monitor.charts.figures import count_of, short_count, usd
from monitor.charts.roles import Role
from monitor.domain.text import plural, printable
from monitor.traffic.counted import Tokens
from monitor.web.pages.model.drawing import Drawing
from monitor.web.pages.model.figures import ACTIVE_DAYS, ModelHistory
from monitor.web.pages.model.query import DAY

UNNAMED: Final = "(not named)"
_PARTS: Final = (
    BarPart(name="prompt", role=Role.T1),
    BarPart(name="reasoning", role=Role.T2),
    BarPart(name="completion", role=Role.T3),
)
_WIDTH: Final = 560.0
_TOKENS: Final = count_of("tokens")
_NOTHING: Final = Tokens()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDrawing:
    """A chart of tokens by day, and its sums in words."""

    sums: str
    drawing: Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow:
    """An application's use of the model."""

    name: str
    requests: str
    prompt: str
    reasoning: str
    completion: str
    last_day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySection:
    """Both charts, and the applications with the most tokens first."""

    days: int
    traffic: TokenDrawing
    probes: TokenDrawing
    applications: tuple[ApplicationRow, ...]


def activity_section(history: ModelHistory) -> ActivitySection:
    """The use of the last 30 days (UTC)."""
    last = history.read_at.astimezone(UTC).date()
    days = [last - timedelta(days=ago) for ago in reversed(range(ACTIVE_DAYS))]
    return ActivitySection(
        days=ACTIVE_DAYS,
        traffic=_traffic(history, days),
        probes=_probes(history, days),
        applications=tuple(_applications(history)),
    )


def _traffic(history: ModelHistory, days: Sequence[date]) -> TokenDrawing:
    by_day: dict[date, Tokens] = {}
    for used in history.activity:
        by_day[used.day] = by_day.get(used.day, _NOTHING) + used.tokens
    whole = sum(by_day.values(), _NOTHING)
    # A day without a report is empty, not hatched: that no application asked is what the reports say.
    stacks = [_stack(day, by_day.get(day, _NOTHING)) for day in days] if by_day else []
    chart = _chart("Tokens of applications by day", stacks, empty="no application has reported requests")
    sums = f"{_sums(whole)} in {plural(whole.requests, 'request')}" if by_day else "no reported requests"
    return TokenDrawing(sums=sums, drawing=_drawing("Applications", chart, "traffic"))


def _probes(history: ModelHistory, days: Sequence[date]) -> TokenDrawing:
    by_day: dict[date, Tokens] = {}
    cost_usd = 0.0
    for endpoint in history.endpoints.values():
        for found in endpoint.probe_days:
            tokens = Tokens(
                requests=found.probes,
                prompt_tokens=found.prompt_tokens,
                output_tokens=found.output_tokens,
                reasoning_tokens=found.reasoning_tokens,
            )
            by_day[found.day] = by_day.get(found.day, _NOTHING) + tokens
            cost_usd += found.cost_usd
    whole = sum(by_day.values(), _NOTHING)
    stacks = [_stack(day, by_day.get(day)) for day in days] if by_day else []
    chart = _chart("Tokens of the probes by day", stacks, empty="no probe has ended yet")
    sums = f"{usd(cost_usd)} for {_sums(whole)} in {plural(whole.requests, 'probe')}" if by_day else "no probe yet"
    return TokenDrawing(sums=sums, drawing=_drawing("The probes themselves", chart, "probes"))


def _stack(day: date, tokens: Tokens | None) -> BarStack:
    """A day's bar; None: nothing was measured."""
    at = datetime.combine(day, time(), UTC)
    if tokens is None:
        return BarStack(at=at, values=(None,) * len(_PARTS), n=0)
    return BarStack(
        at=at, values=(tokens.prompt_tokens, tokens.reasoning_tokens, _completion(tokens)), n=tokens.requests
    )


def _completion(tokens: Tokens) -> int:
    """Output without the reasoning, which providers count as a part of it."""
    return max(tokens.output_tokens - tokens.reasoning_tokens, 0)


def _chart(title: str, stacks: Sequence[BarStack], *, empty: str) -> BarChart:
    return BarChart(title=title, unit=_TOKENS, step=DAY, parts=_PARTS, stacks=stacks, width=_WIDTH, empty=empty)


def _drawing(heading: str, chart: BarChart, chart_id: str) -> Drawing:
    drawn = bar_chart(chart, chart_id=chart_id)
    return Drawing(heading=heading, chart=drawn, table=bar_table(chart), is_wide=True)


def _sums(tokens: Tokens) -> str:
    return (
        f"{short_count(tokens.prompt_tokens)} prompt, {short_count(tokens.reasoning_tokens)} reasoning and "
        f"{short_count(_completion(tokens))} completion tokens"
    )


def _applications(history: ModelHistory) -> Iterable[ApplicationRow]:
    by_app: dict[str, Tokens] = {}
    last: dict[str, date] = {}
    for used in history.activity:
        by_app[used.app] = by_app.get(used.app, _NOTHING) + used.tokens
        last[used.app] = max(used.day, last.get(used.app, used.day))
    for app in sorted(by_app, key=lambda app: (-_all(by_app[app]), app)):
        tokens = by_app[app]
        yield ApplicationRow(
            name=printable(app) or UNNAMED,
            requests=f"{tokens.requests:,}",
            prompt=short_count(tokens.prompt_tokens),
            reasoning=short_count(tokens.reasoning_tokens),
            completion=short_count(_completion(tokens)),
            last_day=f"{last[app]:%Y-%m-%d}",
        )


def _all(tokens: Tokens) -> int:
    return tokens.prompt_tokens + tokens.output_tokens
