"""Maintenance windows: spans in which an endpoint is not probed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

NOTICE: Final = timedelta(hours=24)
"""How long before its beginning a maintenance window is announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """From `begin` (inclusive) to `end` (exclusive)."""

    begin: datetime
    end: datetime


def matches(pattern: str, endpoint: str) -> bool:
    """Whether a pattern matches an endpoint's id: equal, or with `*`, `?` and `[…]` as in file names."""
    return pattern == endpoint or fnmatchcase(endpoint, pattern)


def joined(spans: Iterable[MaintenanceWindow]) -> tuple[MaintenanceWindow, ...]:
    """Windows merged so that none overlap or touch, earliest first. The other functions need this form."""
    found: list[MaintenanceWindow] = []
    for span in sorted(spans, key=lambda span: span.begin):
        if found and span.begin <= found[-1].end:
            found[-1] = replace(found[-1], end=max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def current(spans: Iterable[MaintenanceWindow], at: datetime) -> MaintenanceWindow | None:
    """The window that contains `at`."""
    return next((span for span in spans if span.begin <= at < span.end), None)


def announced(spans: Iterable[MaintenanceWindow], at: datetime) -> MaintenanceWindow | None:
    """The window that contains `at`, else the next one if it begins within `NOTICE`."""
    return next((span for span in spans if at < span.end and span.begin - at <= NOTICE), None)


def ended(spans: Sequence[MaintenanceWindow], at: datetime) -> datetime | None:
    """When the last window before `at` ended."""
    return max((span.end for span in spans if span.end <= at), default=None)


def next_change(spans: Iterable[MaintenanceWindow], at: datetime) -> datetime | None:
    """When the next window after `at` is announced, begins or ends."""
    moments = (moment for span in spans for moment in (span.begin - NOTICE, span.begin, span.end))
    return min((moment for moment in moments if moment > at), default=None)


def outside(spans: Iterable[MaintenanceWindow], begin: datetime, end: datetime) -> Iterator[MaintenanceWindow]:
    """The time from `begin` to `end` outside the windows."""
    for span in spans:
        until = min(span.begin, end)
        if begin < until:
            yield MaintenanceWindow(begin=begin, end=until)
        begin = max(begin, span.end)
    if begin < end:
        yield MaintenanceWindow(begin=begin, end=end)
