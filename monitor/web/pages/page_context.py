"""What every page shows around its content: title, navigation, age of the figures, the monitor's health. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from monitor.domain.text import age
from monitor.web.context import MonitorState
from monitor.web.pages.links import OVERVIEW
from monitor.web.pages.when import When, when

_NAVIGATION: Final = ((OVERVIEW, "Overview"), ("/openapi.json", "API"))
_OF_PEOPLE: Final = frozenset({OVERVIEW})
"""The part of the navigation that strangers get: the API needs the token."""


class LiveSource(StrEnum):
    """How a page is kept current in a browser with JavaScript."""

    STREAM = "stream"
    """By the stream of the scores."""
    POLL = "poll"
    """By asking for the page again: a stranger may not read the stream."""
    NONE = "none"


class Tone(StrEnum):
    """How urgent a message is."""

    BAD = "bad"
    WARN = "warn"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A message about the monitor itself, above the content."""

    tone: Tone
    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationLink:
    """An entry of the navigation."""

    path: str
    words: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContext:
    """The values of `base.html`."""

    title: str
    version: str
    navigation: Sequence[NavigationLink]
    vantage: str = ""
    """Empty: not to be shown."""
    measured: When | None = None
    """When the newest sample was taken; None: there is none, or it is not to be shown."""
    made: When | None = None
    """When the page was made."""
    banners: Sequence[Banner] = ()
    live: LiveSource = LiveSource.NONE


def page_context(
    *,
    title: str,
    version: str,
    current: str,
    vantage: str,
    now: datetime,
    measured: Iterable[datetime | None],
    monitor: MonitorState,
    stranger: bool,
) -> PageContext:
    """The context of a page with content.

    `current`: the path in the navigation that the page belongs to. `measured`: the newest measurement of each endpoint.
    """
    newest = max((at for at in measured if at is not None), default=None)
    return PageContext(
        title=title,
        version=version,
        navigation=navigation(current, stranger=stranger),
        vantage=vantage,
        measured=None if newest is None else when(newest, now, f"{age(newest, now)} ago"),
        made=when(now, now, "now"),
        banners=tuple(_banners(monitor, stranger=stranger)),
        live=LiveSource.POLL if stranger else LiveSource.STREAM,
    )


def navigation(current: str, *, stranger: bool) -> Sequence[NavigationLink]:
    """The entries; strangers get those that need no token."""
    return tuple(
        NavigationLink(path=path, words=words, is_current=path == current)
        for path, words in _NAVIGATION
        if not stranger or path in _OF_PEOPLE
    )


def _banners(monitor: MonitorState, *, stranger: bool) -> Iterable[Banner]:
    """The worst first. Strangers learn what it means for the figures, not the monitor's own errors."""
    if not monitor.probing:
        yield Banner(tone=Tone.BAD, words="This monitor is not probing: its schedule does not run. Figures are old.")
    if not monitor.online:
        yield Banner(
            tone=Tone.WARN,
            words="The monitor's own network is down. Connection failures are not held against providers meanwhile.",
        )
    if monitor.store_error is not None:
        yield Banner(
            tone=Tone.WARN,
            words="The store does not accept samples. Newer ones wait in memory, and scores do not move.",
            detail="" if stranger else monitor.store_error,
        )
    if not stranger:
        yield from (Banner(tone=Tone.WARN, words=_sentence(warning)) for warning in monitor.warnings)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
