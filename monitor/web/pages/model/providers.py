"""The table of a model's providers, and the choice of its columns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import moment, usd
from monitor.charts.interval import IntervalBar, interval_bar
from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.domain.text import NOT_MEASURED, age, percent, plural, printable, probability, seconds
from monitor.score.latency import Summary
from monitor.score.task_errors import error_ratio
from monitor.web.pages.model.columns import HEADS, Column, ColumnLabel
from monitor.web.pages.model.endpoints import ModelEndpoint, best_first
from monitor.web.pages.overview_row import ENOUGH_FOR_P95
from monitor.web.pages.when import When, when
from monitor.web.pages.words import GLYPHS, cause_words, refusal_words, span_words
from probes._model import Task

_HALF_HOUR: Final = "last 30 minutes"
_FEW: Final = f"p95 needs {ENOUGH_FOR_P95} samples"
_SHORTEST_EXACT_TPS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCell:
    """A cell: a text, a small second line, and on hover what the figure is or why it is missing."""

    text: str
    below: str = ""
    about: str = ""
    chart: Markup | None = None
    status: Status | None = None
    glyph: str = ""
    """Of the status."""
    since: When | None = None
    head: ColumnLabel = HEADS[Column.STATUS]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """An endpoint of the table."""

    id: str
    name: str
    below: str
    """Region, tag."""
    is_chosen: bool
    """Whether the sample code calls it."""
    cells: tuple[ProviderCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoice:
    """An entry of the column chooser."""

    column: Column
    head: ColumnLabel
    is_shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidersTable:
    """The whole table."""

    heads: tuple[ColumnLabel, ...]
    rows: tuple[ProviderRow, ...]
    choices: tuple[ColumnChoice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """What the table is made for."""

    columns: tuple[Column, ...]
    chosen: str | None
    """The id of the endpoint that the sample code calls."""
    now: datetime
    incidents: Mapping[str, Incident]
    """The open incidents by endpoint."""
    is_public: bool = False
    """True leaves out what strangers must not see."""


def providers_table(endpoints: Sequence[ModelEndpoint], options: TableOptions) -> ProvidersTable:
    """A row for each endpoint, in the default order."""
    rows = tuple(
        ProviderRow(
            id=endpoint.id,
            name=endpoint.name,
            below=_below_name(endpoint),
            is_chosen=endpoint.id == options.chosen,
            cells=tuple(_cell(column, endpoint, number, options) for column in options.columns),
        )
        for number, endpoint in enumerate(best_first(endpoints))
    )
    return ProvidersTable(
        heads=tuple(HEADS[column] for column in options.columns),
        rows=rows,
        choices=tuple(
            ColumnChoice(column=column, head=HEADS[column], is_shown=column in options.columns) for column in Column
        ),
    )


def _cell(column: Column, endpoint: ModelEndpoint, number: int, options: TableOptions) -> ProviderCell:
    match column:
        case Column.STATUS:
            cell = _status(endpoint, options)
        case Column.SCORE:
            cell = _score(endpoint, number)
        case Column.INCIDENT:
            cell = _incident(endpoint, options)
        case _:
            cell = _CELLS[column](endpoint)
    return replace(cell, head=HEADS[column])


def _below_name(endpoint: ModelEndpoint) -> str:
    snapshot = endpoint.snapshot
    tag = "" if snapshot.tag in {snapshot.provider, endpoint.name} else snapshot.tag
    parts = (snapshot.spec.labels.get("region", ""), tag.removeprefix(f"{snapshot.provider}/"))
    return " · ".join(printable(part) for part in parts if part)


def _status(endpoint: ModelEndpoint, options: TableOptions) -> ProviderCell:
    snapshot = endpoint.snapshot
    below, about = "", ""
    if snapshot.account is not None and not options.is_public:
        words, remedy = refusal_words(snapshot.account.error)
        below = f"your key: {words}"
        about = f"Your key, not the provider, since {moment(snapshot.account.since)}. {remedy}"
    elif snapshot.measured_at is None:
        about = "no counted probe yet"
    return ProviderCell(
        text=snapshot.status.value,
        below=below,
        about=about,
        status=snapshot.status,
        glyph=GLYPHS[snapshot.status],
        since=when(snapshot.since, options.now, f"for {age(snapshot.since, options.now)}"),
    )


def _score(endpoint: ModelEndpoint, number: int) -> ProviderCell:
    score, interval, n = endpoint.snapshot.score, endpoint.confidence, endpoint.snapshot.counts["1d"].counted
    if score is None:
        return _unknown("no counted probe yet")
    low, high = interval or (None, None)
    bar = IntervalBar(title=f"Score of {endpoint.name}", value=score, low=low, high=high, n=n)
    words = "" if interval is None else f"[{probability(interval[0])}, {probability(interval[1])}]"
    return ProviderCell(
        text=probability(score),
        below=words,
        about=f"{plural(n, 'counted probe')} in the last day",
        chart=interval_bar(bar, chart_id=f"score-{number}"),
    )


def _incident(endpoint: ModelEndpoint, options: TableOptions) -> ProviderCell:
    incident = options.incidents.get(endpoint.id)
    if incident is None:
        return ProviderCell(text="", about="no open incident")
    about = f"{incident.worst.value} since {moment(incident.began_at)}, {plural(incident.samples, 'sample')}"
    words = span_words(incident.lasted(options.now))
    return ProviderCell(text=words, below=cause_words(incident.cause), about=about)


def _uptime(endpoint: ModelEndpoint) -> ProviderCell:
    counts = endpoint.snapshot.counts["1d"]
    if counts.ratio is None:
        return _unknown("no counted probe in the last day")
    low, high = counts.ci95 or (None, None)
    about = f"{counts.failed:,} of {counts.counted:,} failed; 95 % interval {percent(low)} to {percent(high)}"
    return ProviderCell(text=percent(counts.ratio, decimals=2), below=f"n {counts.counted:,}", about=about)


def _ttft(endpoint: ModelEndpoint) -> ProviderCell:
    summary = endpoint.snapshot.summaries["ttft_s"]
    p95 = NOT_MEASURED if summary.count < ENOUGH_FOR_P95 else seconds(summary.p95)
    return _times(summary, f"{seconds(summary.quantiles['p50'])} / {p95}")


def _e2e(endpoint: ModelEndpoint) -> ProviderCell:
    summary = endpoint.snapshot.summaries["e2e_s"]
    if 0 < summary.count < ENOUGH_FOR_P95:
        return _unknown(f"{_FEW}; there are {summary.count} in the {_HALF_HOUR}")
    return _times(summary, seconds(summary.p95))


def _times(summary: Summary, words: str) -> ProviderCell:
    if not summary.count:
        return _unknown(f"no successful probe with this time in the {_HALF_HOUR}")
    about = f"of successful probes, {_HALF_HOUR}"
    if summary.count < ENOUGH_FOR_P95:
        about += f"; {_FEW}"
    return ProviderCell(text=words, below=f"n {summary.count:,}", about=about)


def _speed(endpoint: ModelEndpoint) -> ProviderCell:
    summary = endpoint.snapshot.summaries["output_tps"]
    value = summary.quantiles["p50"]
    if value is None:
        return _unknown(f"no successful probe with a speed in the {_HALF_HOUR}")
    words = f"{value:.1f}" if value < _SHORTEST_EXACT_TPS else f"{value:.0f}"
    return ProviderCell(text=words, below=f"n {summary.count:,}", about=f"median, {_HALF_HOUR}")


def _price(endpoint: ModelEndpoint) -> ProviderCell:
    pricing = endpoint.snapshot.pricing
    if pricing is None:
        return _unknown("no price is configured")
    cached = "" if pricing.cached is None else f"cached {_amount(pricing.cached)}"
    about = "USD per million prompt and completion tokens"
    return ProviderCell(text=f"{_amount(pricing.prompt)} / {_amount(pricing.completion)}", below=cached, about=about)


def _amount(value: float) -> str:
    return usd(value).removeprefix("$")


def _context(endpoint: ModelEndpoint) -> ProviderCell:
    return _number(endpoint.snapshot.spec.context_length, "context_length")


def _output(endpoint: ModelEndpoint) -> ProviderCell:
    return _number(endpoint.snapshot.spec.listing.max_completion_tokens, "max_completion_tokens")


def _number(value: int | None, key: str) -> ProviderCell:
    return _unknown(f"{key} is not configured") if value is None else ProviderCell(text=f"{value:,}")


def _quantization(endpoint: ModelEndpoint) -> ProviderCell:
    value = endpoint.snapshot.spec.listing.quantization
    return _unknown("quantization is not configured") if value is None else ProviderCell(text=value)


def _task_errors(task: Task) -> Callable[[ModelEndpoint], ProviderCell]:
    def cell(endpoint: ModelEndpoint) -> ProviderCell:
        counts = endpoint.snapshot.task_counts.get(task)
        if counts is None or not counts.counted:
            return _unknown(f"no counted probe of the task {task} in the last day")
        about = f"{counts.failed:,} of {counts.counted:,} failed in the last day"
        return ProviderCell(text=percent(error_ratio(counts)), below=f"n {counts.counted:,}", about=about)

    return cell


def _served(_: ModelEndpoint) -> ProviderCell:
    return _unknown("samples do not record which model the answers name")


def _headroom(_: ModelEndpoint) -> ProviderCell:
    return _unknown("samples do not record what the provider's rate limits leave")


def _unknown(reason: str) -> ProviderCell:
    return ProviderCell(text=NOT_MEASURED, about=reason)


_CELLS: Final[Mapping[Column, Callable[[ModelEndpoint], ProviderCell]]] = {
    Column.UPTIME: _uptime,
    Column.TTFT: _ttft,
    Column.SPEED: _speed,
    Column.E2E: _e2e,
    Column.PRICE: _price,
    Column.CONTEXT: _context,
    Column.OUTPUT: _output,
    Column.QUANTIZATION: _quantization,
    Column.TOOLS: _task_errors(Task.TOOL_CALL),
    Column.STRUCTURED: _task_errors(Task.STRUCTURED_OUTPUT),
    Column.SERVED: _served,
    Column.HEADROOM: _headroom,
}
