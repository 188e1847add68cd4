"""Bars of uptime by hour and by day, and what it would be if requests followed the best provider. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import RATIO, window
from monitor.charts.table import Cell, Table
from monitor.charts.uptime_strip import UptimeBucket, UptimeStrip, strip_entries, uptime_strip
from monitor.domain.text import NOT_MEASURED, percent, plural
from monitor.web.pages.legend import LegendItem, legend_items
from monitor.web.pages.model.endpoints import ModelEndpoint
from monitor.web.pages.model.figures import DAYS, HOURS, EndpointHistory, ModelHistory
from monitor.web.pages.model.query import DAY, HOUR

ALL: Final = "All providers"
_HOURLY, _DAILY = 432.0, 450.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimeFigure:
    """An uptime in words, and its count."""

    words: str
    below: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimeRow:
    """An endpoint, or all of them together."""

    name: str
    hours: Markup
    in_hours: UptimeFigure
    days: Markup
    in_days: UptimeFigure


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedWords:
    """Two uptimes, and the number of hours that they are estimated from."""

    followed: str
    even: str
    hours: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimeSection:
    """All bars."""

    rows: tuple[UptimeRow, ...]
    legend: Sequence[LegendItem]
    routed: RoutedWords | None
    """What uptime would have been by another choice of providers; None: not known, or there is no choice."""
    tables: tuple[Table, ...]
    has_limits: bool
    """Whether the key was rate limited anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedUptime:
    """Uptime of two ways to choose a provider, each hour counting alike; None without two hours in a row."""

    followed: float | None
    """The provider with the highest uptime of the hour before; of several the mean."""
    even: float | None
    """Every provider alike."""
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bars:
    """The buckets of one row."""

    name: str
    hours: tuple[UptimeBucket, ...]
    days: tuple[UptimeBucket, ...]


def uptime_section(endpoints: Sequence[ModelEndpoint], history: ModelHistory) -> UptimeSection:
    """A row for each endpoint that the store knows, and one for all if there are several."""
    bars = list(_bars(endpoints, history.endpoints))
    strips = [_strip(each, number) for number, each in enumerate(bars)]
    return UptimeSection(
        rows=tuple(
            UptimeRow(
                name=each.name,
                hours=uptime_strip(hourly, chart_id=f"hours-{number}"),
                in_hours=_figure(each.hours, f"{HOURS} hours"),
                days=uptime_strip(daily, chart_id=f"days-{number}"),
                in_days=_figure(each.days, f"{DAYS} days (UTC)"),
            )
            for number, (each, (hourly, daily)) in enumerate(zip(bars, strips, strict=True))
        ),
        legend=legend_items(strip_entries([strip for pair in strips for strip in pair])),
        has_limits=any(bucket.rate_limited for each in bars for bucket in (*each.hours, *each.days)),
        routed=_routed(bars),
        tables=(
            _table("hour", HOUR, {each.name: each.hours for each in bars}),
            _table("day", DAY, {each.name: each.days for each in bars}),
        ),
    )


def routed_uptime(endpoints: Sequence[Sequence[UptimeBucket]]) -> RoutedUptime:
    """What the hours say of both choices. A choice knows only the hour before the one that judges it."""
    followed, even = [], []
    for before, now in _pairs(endpoints):
        known = [(was, here) for was, here in zip(before, now, strict=True) if was is not None and here is not None]
        if known:
            best = max(was for was, _ in known)
            chosen = [here for was, here in known if was == best]
            followed.append(sum(chosen) / len(chosen))
            even.append(sum(here for _, here in known) / len(known))
    hours = len(followed)
    if not hours:
        return RoutedUptime(followed=None, even=None, hours=0)
    return RoutedUptime(followed=sum(followed) / hours, even=sum(even) / hours, hours=hours)


def _routed(bars: Sequence[_Bars]) -> RoutedWords | None:
    """The estimate of the hours of several providers."""
    each = [row.hours for row in bars if row.name != ALL]
    return _routed_words(routed_uptime(each)) if len(each) > 1 else None


def _pairs(
    endpoints: Sequence[Sequence[UptimeBucket]],
) -> Iterator[tuple[list[float | None], list[float | None]]]:
    """The uptimes of all endpoints in each hour, after those in the hour before it."""
    count = min(map(len, endpoints), default=0)
    by_hour = [[buckets[number].ratio for buckets in endpoints] for number in range(count)]
    yield from pairwise(by_hour)


def _routed_words(routed: RoutedUptime) -> RoutedWords | None:
    """The estimate in words; with one provider there is nothing to choose."""
    if routed.followed is None or routed.even is None:
        return None
    return RoutedWords(
        followed=percent(routed.followed, decimals=2),
        even=percent(routed.even, decimals=2),
        hours=plural(routed.hours, "hour"),
    )


def _bars(endpoints: Sequence[ModelEndpoint], known: Mapping[str, EndpointHistory]) -> Iterator[_Bars]:
    found = [(endpoint.name, known[endpoint.id]) for endpoint in endpoints if endpoint.id in known]
    if len(found) > 1:
        every = [history for _, history in found]
        yield _Bars(
            name=ALL,
            hours=_summed([history.hours for history in every]),
            days=_summed([history.days for history in every]),
        )
    for name, history in found:
        yield _Bars(name=name, hours=history.hours, days=history.days)


def _summed(rows: Sequence[Sequence[UptimeBucket]]) -> tuple[UptimeBucket, ...]:
    """The counts of all endpoints together. Maintenance or an own network of one alone is no state of all."""
    return tuple(
        replace(
            buckets[0],
            ok=sum(bucket.ok for bucket in buckets),
            failed=sum(bucket.failed for bucket in buckets),
            rate_limited=sum(bucket.rate_limited for bucket in buckets),
            maintenance=all(bucket.maintenance for bucket in buckets),
            network=all(bucket.network for bucket in buckets),
        )
        for buckets in zip(*rows, strict=True)
    )


def _strip(bars: _Bars, number: int) -> tuple[UptimeStrip, UptimeStrip]:
    """Hours and days of a row. Only the first one has times below it, since all have the same."""
    return (
        UptimeStrip(
            title=f"{bars.name}: uptime of the last {HOURS} hours",
            step=HOUR,
            buckets=bars.hours,
            width=_HOURLY,
            axis=number == 0,
        ),
        UptimeStrip(
            title=f"{bars.name}: uptime of the last {DAYS} days",
            step=DAY,
            buckets=bars.days,
            width=_DAILY,
            axis=number == 0,
        ),
    )


def _figure(buckets: Sequence[UptimeBucket], over: str) -> UptimeFigure:
    ok, failed = sum(bucket.ok for bucket in buckets), sum(bucket.failed for bucket in buckets)
    if not ok + failed:
        return UptimeFigure(words=NOT_MEASURED, below="n 0", about=f"no counted probe in {over}")
    about = f"{failed:,} of {ok + failed:,} probes failed in {over}"
    return UptimeFigure(words=percent(ok / (ok + failed), decimals=2), below=f"n {ok + failed:,}", about=about)


def _table(unit: str, step: timedelta, rows: Mapping[str, Sequence[UptimeBucket]]) -> Table:
    """A row for each hour or day, newest first, with a column for each provider."""
    times = zip(*rows.values(), strict=True) if rows else ()
    return Table(
        caption=f"Uptime by {unit}",
        head=("time", *rows),
        rows=tuple((window(buckets[0].at, step), *map(_cell, buckets)) for buckets in reversed([*times])),
    )


def _cell(bucket: UptimeBucket) -> Cell:
    counted = bucket.ok + bucket.failed
    limited = f" · {bucket.rate_limited:,} rate limited" if bucket.rate_limited else ""
    figure = f"{RATIO.shown(bucket.ratio)} · n {counted:,}" if counted else bucket.state.value
    return f"{figure}{limited}"
