"""Maintenance: spans of time in which an endpoint is left alone, because somebody works on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

NOTICE: Final = timedelta(hours=24)
"""How long before it begins maintenance is announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """From `begin` (within) to `end` (without)."""

    begin: datetime
    end: datetime


def matches(pattern: str, endpoint: str) -> bool:
    """Whether an endpoint's id is what a pattern names: itself, or with `*`, `?` and `[…]` as in names of files."""
    return pattern == endpoint or fnmatchcase(endpoint, pattern)


def joined(spans: Iterable[MaintenanceWindow]) -> tuple[MaintenanceWindow, ...]:
    """The same time as spans that neither overlap nor touch, the earliest first; the other functions want them so."""
    found: list[MaintenanceWindow] = []
    for span in sorted(spans, key=lambda span: span.begin):
        if found and span.begin <= found[-1].end:
            found[-1] = replace(found[-1], end=max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def current(spans: Iterable[MaintenanceWindow], at: datetime) -> MaintenanceWindow | None:
    """The span that `at` lies in."""
    return next((span for span in spans if span.begin <= at < span.end), None)


def announced(spans: Iterable[MaintenanceWindow], at: datetime) -> MaintenanceWindow | None:
    """The span that `at` lies in, else the next one, if that is not far."""
    return next((span for span in spans if at < span.end and span.begin - at <= NOTICE), None)


def ended(spans: Sequence[MaintenanceWindow], at: datetime) -> datetime | None:
    """When the last span before `at` was over."""
    return max((span.end for span in spans if span.end <= at), default=None)


def next_change(spans: Iterable[MaintenanceWindow], at: datetime) -> datetime | None:
    """When, after `at`, a span is announced, begins or ends next."""
    moments = (moment for span in spans for moment in (span.begin - NOTICE, span.begin, span.end))
    return min((moment for moment in moments if moment > at), default=None)


def outside(spans: Iterable[MaintenanceWindow], begin: datetime, end: datetime) -> Iterator[MaintenanceWindow]:
    """What is left of the time from `begin` to `end` without the spans."""
    for span in spans:
        until = min(span.begin, end)
        if begin < until:
            yield MaintenanceWindow(begin=begin, end=until)
        begin = max(begin, span.end)
    if begin < end:
        yield MaintenanceWindow(begin=begin, end=end)
