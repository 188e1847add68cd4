"""The first words of the overview: one sentence by rule, what it means, and a card for each headline figure. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.charts.figures import usd
from monitor.domain.budget_unit import BudgetUnit
from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.domain.text import age, count, plural
from monitor.scheduler.budget import ProviderSpending
from monitor.scheduler.jobs import Job
from monitor.web.context import MonitorState
from monitor.web.pages.overview_facts import EndpointFacts
from monitor.web.pages.overview_row import FigureCell
from monitor.web.pages.words import cause_words, refusal_words, span_words

_NAMED: Final = 3
_IN_WORDS: Final = {
    Status.UNKNOWN: "unknown",
    Status.MAINTENANCE: "in maintenance",
    Status.PAUSED: "paused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryCard:
    """A headline figure."""

    name: str
    figure: FigureCell


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewSummary:
    """What the overview begins with."""

    sentence: str
    lede: str
    cards: Sequence[SummaryCard]


def overview_summary(
    endpoints: Sequence[EndpointFacts],
    *,
    jobs: Sequence[Job],
    spending: Sequence[ProviderSpending],
    monitor: MonitorState,
    now: datetime,
    stranger: bool,
) -> OverviewSummary:
    """The summary of all endpoints, whatever the filter."""
    cards = [_up(endpoints), _incidents(endpoints, now)]
    if not stranger:
        cards += [_spent(spending)]
    cards += [_probes(jobs), _health(monitor)]
    return OverviewSummary(
        sentence=_sentence(endpoints, now), lede=_lede(endpoints, now, stranger=stranger), cards=cards
    )


def _sentence(endpoints: Sequence[EndpointFacts], now: datetime) -> str:
    """Whether anything is wrong. What is not known comes before what is: figures may be old."""
    if not endpoints:
        return "No endpoint is configured yet."
    watched = [facts for facts in endpoints if facts.row.status not in {Status.PAUSED, Status.MAINTENANCE}]
    newest = max((facts.snapshot.measured_at for facts in watched if facts.snapshot.measured_at), default=None)
    if newest is None and watched:
        return "Waiting for the first measurements."
    if watched and all(facts.is_stale or facts.snapshot.measured_at is None for facts in watched):
        return f"Nothing measured for {age(newest, now)}."
    states = Counter(facts.row.status for facts in endpoints)
    down, degraded, total = states[Status.DOWN], states[Status.DEGRADED], len(endpoints)
    if down and degraded:
        return f"{down} of {plural(total, 'endpoint')} {_is(down)} down, {degraded} {_is(degraded)} degraded."
    if down:
        return f"{down} of {plural(total, 'endpoint')} {_is(down)} down."
    if degraded:
        return f"{degraded} of {plural(total, 'endpoint')} {_is(degraded)} degraded."
    return _all_well(states, total)


def _all_well(states: Counter[Status], total: int) -> str:
    up = states[Status.UP]
    if up == total:
        return "All is well: the endpoint is up." if total == 1 else f"All is well: all {total} endpoints are up."
    others = _others(states)
    return f"All is well as far as known: {up} of {total} up, {others}." if up else f"Nothing is up: {others}."


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _others(states: Counter[Status]) -> str:
    return ", ".join(f"{states[status]} {words}" for status, words in _IN_WORDS.items() if states[status])


def _lede(endpoints: Sequence[EndpointFacts], now: datetime, *, stranger: bool) -> str:
    """The worst incident: who, what, since when, on what evidence, and what serves instead."""
    troubled = [facts for facts in endpoints if facts.incident is not None]
    if not troubled:
        return _waiting(endpoints, now) or _refused(endpoints, stranger=stranger)
    worst = min(troubled, key=lambda facts: (facts.row.status is not Status.DOWN, _began(facts)))
    incident = worst.incident
    assert incident is not None  # noqa: S101 - by the choice above
    return f"{_story(worst, incident, now)} {_instead(worst, endpoints)}".strip()


def _began(facts: EndpointFacts) -> datetime:
    return facts.snapshot.since if facts.incident is None else facts.incident.began_at


def _story(facts: EndpointFacts, incident: Incident, now: datetime) -> str:
    state = "down" if facts.row.status is Status.DOWN else "in trouble"
    long, cause = span_words(incident.lasted(now)), cause_words(incident.cause)
    evidence = plural(incident.samples, "sample")
    return f"{facts.model_name} at {facts.provider_name} has been {state} for {long}: {cause} ({evidence} as evidence)."


def _instead(worst: EndpointFacts, endpoints: Sequence[EndpointFacts]) -> str:
    """Who serves the same model well."""
    good = [
        facts.provider_name
        for facts in endpoints
        if facts.row.model == worst.row.model and facts.row.status is Status.UP and facts.row.account is None
    ]
    names = [*dict.fromkeys(good)]
    if not names:
        return "No other endpoint of this model is up." if _has_others(worst, endpoints) else ""
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return f"{shown} {'serves' if len(names) == 1 else 'serve'} the same model well."


def _has_others(worst: EndpointFacts, endpoints: Sequence[EndpointFacts]) -> bool:
    return sum(facts.row.model == worst.row.model for facts in endpoints) > 1


def _waiting(endpoints: Sequence[EndpointFacts], now: datetime) -> str:
    """When the first probe comes, before anything was measured."""
    if any(facts.snapshot.measured_at is not None for facts in endpoints):
        return ""
    following = min((facts.next_probe for facts in endpoints if facts.next_probe is not None), default=None)
    if following is None:
        return ""
    return f"The first probe is in {span_words(following - now)}. A score needs one sample, a percentile some more."


def _refused(endpoints: Sequence[EndpointFacts], *, stranger: bool) -> str:
    """Account trouble: it is the reader's own, and can be mended."""
    refused = [facts for facts in endpoints if facts.row.account is not None]
    if stranger or not refused:
        return ""
    first = refused[0]
    words, remedy = refusal_words(first.row.account or "")
    more = f" So do {len(refused) - 1} more." if len(refused) > 1 else ""
    return f"{first.provider_name} refuses your key for {first.model_name}: {words}. {remedy}{more}"


def _up(endpoints: Sequence[EndpointFacts]) -> SummaryCard:
    states = Counter(facts.row.status for facts in endpoints)
    figure = FigureCell(text=f"{states[Status.UP]} of {len(endpoints)}", note=_others(states))
    return SummaryCard(name="Up", figure=figure)


def _incidents(endpoints: Sequence[EndpointFacts], now: datetime) -> SummaryCard:
    began = [facts.incident.began_at for facts in endpoints if facts.incident is not None]
    note = f"oldest {span_words(now - min(began))}" if began else "none now"
    return SummaryCard(name="Open incidents", figure=FigureCell(text=str(len(began)), note=note))


def _spent(spending: Sequence[ProviderSpending]) -> SummaryCard:
    """In dollars; in tokens where no probe has a price."""
    usd_spent = sum(item.spent[BudgetUnit.USD] for item in spending)
    tokens = sum(item.spent[BudgetUnit.TOKENS] for item in spending)
    in_usd = usd_spent > 0 or not tokens
    text = usd(usd_spent) if in_usd else f"{count(tokens)} tokens"
    note = "; ".join(_caps(spending)) or "no budget is set"
    title = f"{tokens:,.0f} tokens since 00:00 UTC; a probe without a known price counts as 0 USD"
    return SummaryCard(name="Probing today", figure=FigureCell(text=text, note=note, title=title))


def _caps(spending: Sequence[ProviderSpending]) -> Iterator[str]:
    """What the providers that have a cap have spent of it."""
    for unit in BudgetUnit:
        capped = [item for item in spending if unit in item.caps]
        if not capped:
            continue
        cap, spent = sum(item.caps[unit] for item in capped), sum(item.spent[unit] for item in capped)
        shown = f"{usd(spent)} of {usd(cap)}" if unit is BudgetUnit.USD else f"{count(spent)} of {count(cap)} tokens"
        yield f"{shown} budget" if len(capped) == len(spending) else f"{shown} at {plural(len(capped), 'provider')}"


def _probes(jobs: Sequence[Job]) -> SummaryCard:
    """As scheduled: confirming probes come on top."""
    a_minute = sum(60 / job.probe.every_s for job in jobs)
    text = f"{a_minute:.0f} / min" if a_minute >= 10 or a_minute == int(a_minute) else f"{a_minute:.1f} / min"  # noqa: PLR2004
    return SummaryCard(name="Scheduled probes", figure=FigureCell(text=text, note=plural(len(jobs), "schedule")))


def _health(monitor: MonitorState) -> SummaryCard:
    troubles = [
        words
        for words, troubled in (
            ("not probing", not monitor.probing),
            ("own network down", not monitor.online),
            ("store failing", monitor.store_error is not None),
            ("clock ahead", bool(monitor.warnings)),
        )
        if troubled
    ]
    figure = FigureCell(text="well", note="store, schedule, network")
    if troubles:
        figure = FigureCell(text=troubles[0], note=", ".join(troubles[1:]))
    return SummaryCard(name="This monitor", figure=figure)
