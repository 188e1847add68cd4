"""The overview: every endpoint at a glance. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeAlias

from monitor.charts.table import Cell, Table
from monitor.charts.uptime_strip import BucketState, UptimeBucket, UptimeStrip, strip_entries
from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.domain.text import printable
from monitor.scheduler.budget import ProviderSpending
from monitor.scheduler.jobs import Job
from monitor.web.pages.hourly import HOUR, HourCounts
from monitor.web.pages.legend import LegendItem, legend_items
from monitor.web.pages.links import model_link
from monitor.web.pages.overview_facts import LONGEST_NAME, EndpointFacts, endpoint_facts
from monitor.web.pages.overview_query import Grouping, OverviewQuery, SortKey
from monitor.web.pages.overview_row import STRIP_TITLE, OverviewRow, overview_row
from monitor.web.pages.overview_summary import OverviewSummary, overview_summary
from monitor.web.pages.page_view import PageMoment

ROWS_A_PAGE: Final = 200
"""More would take long to render, and longer to read."""
_SEVERITY: Final = {
    Status.DOWN: 0,
    Status.DEGRADED: 1,
    Status.UNKNOWN: 2,
    Status.UP: 3,
    Status.MAINTENANCE: 4,
    Status.PAUSED: 5,
}

SortValue: TypeAlias = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnHead:
    """The head of a column; `direction` is empty unless rows are sorted by it."""

    words: str
    path: str = ""
    """A view that is sorted by it; empty: it cannot be sorted."""
    direction: str = ""
    numeric: bool = False
    is_wide: bool = False
    """Hidden where there is little room."""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """Rows with a heading; an empty name: without."""

    name: str
    about: str
    path: str
    rows: Sequence[OverviewRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChip:
    """A link to the endpoints of one status."""

    words: str
    path: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePages:
    """Where in a long list the page is."""

    words: str
    before: str
    """The address of the page before; empty: there is none."""
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    """The values of `overview.html`."""

    title: str
    query: OverviewQuery
    summary: OverviewSummary
    is_empty: bool
    """Whether no endpoint is configured."""
    providers: Sequence[str]
    models: Sequence[str]
    vantages: Sequence[str]
    chips: Sequence[StatusChip]
    heads: Sequence[ColumnHead]
    groups: Sequence[RowGroup]
    pages: TablePages | None
    """None: one page holds all."""
    shown: str
    legend: Sequence[LegendItem]
    twin: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewData:
    """What the overview is made of besides the snapshot."""

    jobs: Sequence[Job]
    incidents: Mapping[str, Incident]
    spending: Sequence[ProviderSpending]
    hours: HourCounts | None
    """None: the store could not be read."""


def overview(moment: PageMoment, data: OverviewData, query: OverviewQuery) -> OverviewView:
    """The view model of the overview."""
    now = moment.now
    everything = endpoint_facts(
        moment.snapshot,
        jobs=data.jobs,
        incidents=data.incidents,
        hours=data.hours,
        now=now,
        stranger=moment.stranger,
    )
    found = _ordered([facts for facts in everything if _passes(facts, query, moment.snapshot.vantage)], query)
    shown = found[(query.page - 1) * ROWS_A_PAGE : query.page * ROWS_A_PAGE]
    return OverviewView(
        title="Overview",
        query=query,
        summary=overview_summary(
            everything,
            jobs=data.jobs,
            spending=data.spending,
            monitor=moment.monitor,
            now=now,
            stranger=moment.stranger,
        ),
        is_empty=not everything,
        providers=_distinct(facts.row.provider for facts in everything),
        models=_distinct(facts.row.model for facts in everything),
        vantages=[moment.snapshot.vantage],
        chips=_chips(everything, query),
        heads=_heads(query),
        groups=_groups(shown, query.group, now, stranger=moment.stranger),
        pages=_pages(len(found), query),
        shown=_shown(len(found), len(everything), query),
        legend=_legend(shown),
        twin=_twin(shown),
    )


def _passes(facts: EndpointFacts, query: OverviewQuery, vantage: str) -> bool:
    row, text = facts.row, query.text.casefold()
    names = (row.id, row.provider, row.model, facts.provider_name, facts.model_name)
    return (
        query.provider in {"", row.provider}
        and query.model in {"", row.model}
        and query.vantage in {"", vantage}
        and query.status in {None, row.status}
        and any(text in name.casefold() for name in names)
    )


def _ordered(found: Sequence[EndpointFacts], query: OverviewQuery) -> list[EndpointFacts]:
    """Sorted, and the rows of a group together: groups come in the order of their first rows.

    An unknown figure comes last in both directions.
    """
    value = _SORT_VALUES[query.sort]
    known = [facts for facts in found if value(facts) is not None]
    known.sort(key=lambda facts: (value(facts), facts.place), reverse=query.descending)
    ordered = [*known, *(facts for facts in found if value(facts) is None)]
    if query.group is Grouping.NONE:
        return ordered
    groups: dict[str, list[EndpointFacts]] = {}
    for facts in ordered:
        groups.setdefault(_group_of(facts, query.group), []).append(facts)
    return [facts for group in groups.values() for facts in group]


def _group_of(facts: EndpointFacts, group: Grouping) -> str:
    return facts.row.model if group is Grouping.MODEL else facts.row.provider


_SORT_VALUES: Final[Mapping[SortKey, Callable[[EndpointFacts], SortValue]]] = {
    SortKey.STATUS: lambda facts: _SEVERITY[facts.row.status],
    SortKey.MODEL: lambda facts: facts.model_name.casefold(),
    SortKey.PROVIDER: lambda facts: facts.provider_name.casefold(),
    SortKey.SCORE: lambda facts: facts.row.score,
    SortKey.UPTIME: lambda facts: facts.row.uptime["1d"],
    SortKey.TTFT: lambda facts: facts.snapshot.summaries["ttft_s"].quantiles["p50"],
    SortKey.TTFT_P95: lambda facts: facts.snapshot.summaries["ttft_s"].p95,
    SortKey.SPEED: lambda facts: facts.snapshot.summaries["output_tps"].quantiles["p50"],
    SortKey.PRICE: lambda facts: (
        None if facts.snapshot.pricing is None else facts.snapshot.pricing.prompt + facts.snapshot.pricing.completion
    ),
}


def _groups(shown: Sequence[EndpointFacts], group: Grouping, now: datetime, *, stranger: bool) -> Sequence[RowGroup]:
    found: dict[str, list[EndpointFacts]] = {}
    for facts in shown:
        found.setdefault("" if group is Grouping.NONE else _group_of(facts, group), []).append(facts)
    return [
        _group(name, members, group, [overview_row(facts, now, stranger=stranger) for facts in members])
        for name, members in found.items()
    ]


def _group(name: str, members: Sequence[EndpointFacts], group: Grouping, rows: Sequence[OverviewRow]) -> RowGroup:
    first = members[0]
    shown = {Grouping.MODEL: first.model_name, Grouping.PROVIDER: first.provider_name, Grouping.NONE: ""}[group]
    path = model_link(name) or "" if group is Grouping.MODEL else ""
    has_other_name = name not in {"", first.snapshot.model_name, first.snapshot.provider_name}
    about = printable(name, longest=LONGEST_NAME) if has_other_name else ""
    return RowGroup(name=shown, about=about, path=path, rows=rows)


def _heads(query: OverviewQuery) -> Sequence[ColumnHead]:
    names = [("Provider", SortKey.PROVIDER), ("Model", SortKey.MODEL)]
    hidden = {Grouping.MODEL: SortKey.MODEL, Grouping.PROVIDER: SortKey.PROVIDER}.get(query.group)
    return [
        *(_head(query, words, key) for words, key in names if key is not hidden),
        _head(query, "Status", SortKey.STATUS, "The worst first"),
        _head(query, "Score", SortKey.SCORE, "The chance that the next request succeeds, with its 95 % interval"),
        _head(query, "Uptime 24 h", SortKey.UPTIME, "Successes among the counted samples of 24 hours", numeric=True),
        ColumnHead(words=STRIP_TITLE, is_wide=True),
        _head(query, "TTFT p50", SortKey.TTFT, "Time to first token, last 30 minutes", numeric=True),
        _head(query, "TTFT p95", SortKey.TTFT_P95, "Time to first token, last 30 minutes", numeric=True),
        _head(query, "tokens/s", SortKey.SPEED, "Median decode speed, last 30 minutes", numeric=True),
        _head(query, "$/M in / out", SortKey.PRICE, "USD per million tokens", numeric=True, is_wide=True),
        ColumnHead(words="Now"),
    ]


def _head(
    query: OverviewQuery, words: str, key: SortKey, title: str = "", *, numeric: bool = False, is_wide: bool = False
) -> ColumnHead:
    direction = ("descending" if query.descending else "ascending") if query.sort is key else ""
    return ColumnHead(
        words=words,
        path=query.sorted_by(key).path,
        direction=direction,
        numeric=numeric,
        is_wide=is_wide,
        title=title,
    )


def _chips(everything: Sequence[EndpointFacts], query: OverviewQuery) -> Sequence[StatusChip]:
    """All, and each status that an endpoint has; also the one that is asked for."""
    counts = dict.fromkeys(_SEVERITY, 0)
    for facts in everything:
        counts[facts.row.status] += 1
    every = StatusChip(
        words=f"All {len(everything)}", path=query.with_status(None).path, is_current=query.status is None
    )
    return [
        every,
        *(
            StatusChip(
                words=f"{status.capitalize()} {count}",
                path=query.with_status(status).path,
                is_current=query.status is status,
            )
            for status, count in counts.items()
            if count or query.status is status
        ),
    ]


def _pages(found: int, query: OverviewQuery) -> TablePages | None:
    last = max(-(-found // ROWS_A_PAGE), 1)
    if last == 1 and query.page == 1:
        return None
    return TablePages(
        words=f"Page {query.page} of {last}",
        before=query.at_page(min(query.page - 1, last)).path if query.page > 1 else "",
        after=query.at_page(query.page + 1).path if query.page < last else "",
    )


def _shown(found: int, total: int, query: OverviewQuery) -> str:
    return f"{found:,} of {total:,} endpoints match" if query.is_filtered else ""


def _legend(shown: Sequence[EndpointFacts]) -> Sequence[LegendItem]:
    distinct = {bucket: None for facts in shown for bucket in facts.hours or ()}
    return legend_items(strip_entries([UptimeStrip(title=STRIP_TITLE, step=HOUR, buckets=tuple(distinct))]))


def _twin(shown: Sequence[EndpointFacts]) -> Table:
    """How many of the 24 hours were how."""
    rows = tuple((printable(facts.row.id), *_hours_by_state(facts.hours or ())) for facts in shown)
    head = ("endpoint", *(state.value for state in BucketState), "rate limited")
    return Table(caption="Hours of the last 24 by state", head=head, rows=rows)


@lru_cache(maxsize=1024)
def _hours_by_state(hours: tuple[UptimeBucket, ...]) -> tuple[Cell, ...]:
    states = [bucket.state for bucket in hours]
    return (*(states.count(state) for state in BucketState), sum(bool(bucket.rate_limited) for bucket in hours))


def _distinct(names: Iterable[str]) -> Sequence[str]:
    return sorted(dict.fromkeys(names), key=str.casefold)
