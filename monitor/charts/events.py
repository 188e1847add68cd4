"""What happened while a chart's figures were measured: marks at a time and shaded spans. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import iso, moment, window
from monitor.charts.frame import GAP, Area, group, text
from monitor.charts.legend import LegendEntry
from monitor.charts.markup import el, points
from monitor.charts.roles import Role
from monitor.charts.text_width import fit, text_width
from monitor.charts.time_scale import TimeScale

_LONGEST: Final = 150.0
_GLYPH: Final = 4.0


class MarkKind(StrEnum):
    """What a mark stands for."""

    INCIDENT = "incident"
    MODEL_CHANGE = "served model changed"


class ShadeKind(StrEnum):
    """Why a span is shaded."""

    MAINTENANCE = "maintenance"
    NETWORK = "own network down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment and its words."""

    at: datetime
    words: str
    kind: MarkKind = MarkKind.INCIDENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """A span and its words."""

    start: datetime
    end: datetime
    kind: ShadeKind
    words: str = ""


_ROLES: Final = {ShadeKind.MAINTENANCE: Role.MAINTENANCE, ShadeKind.NETWORK: Role.NETWORK}


def shades(spans: Iterable[Shade], scale: TimeScale, area: Area) -> Markup:
    """The spans behind the figures, by pattern and with their words."""
    seen = (span for span in spans if span.start < scale.end and span.end > scale.start)
    return group((_shade(span, scale, area) for span in seen), class_="shades")


def shade_entries(spans: Iterable[Shade], scale: TimeScale) -> list[LegendEntry]:
    """The kinds of spans that are to be seen, for the legend."""
    kinds = {span.kind for span in spans if span.start < scale.end and span.end > scale.start}
    return [LegendEntry(words=kind.value, role=_ROLES[kind]) for kind in ShadeKind if kind in kinds]


def marks(moments: Sequence[Mark], scale: TimeScale, area: Area, *, free: tuple[float, float]) -> Markup:
    """Upright lines, each with a glyph, and its words above the chart where they have room, within `free`."""
    known = sorted((mark for mark in moments if scale.holds(mark.at)), key=lambda mark: mark.at)
    shown = zip(known, _words(known, scale, area.top - _GLYPH, free), strict=True)
    return group((_mark(mark, words, scale.at(mark.at), area) for mark, words in shown), class_="marks")


def _shade(span: Shade, scale: TimeScale, area: Area) -> Markup:
    left, right = scale.at(span.start), scale.at(span.end)
    words = span.words or span.kind.value
    title = f"{words} · {window(span.start, span.end - span.start)}"
    return el(
        "rect",
        el("title", title),
        class_=f"shade {_ROLES[span.kind]}",
        x=left,
        y=area.top,
        width=max(1.0, right - left),
        height=area.height,
        data_kind=span.kind.value,
        data_from=iso(span.start),
        data_to=iso(span.end),
    )


def _mark(mark: Mark, words: Markup, x: float, area: Area) -> Markup:
    line = el("line", class_="mark", x1=x, x2=x, y1=area.top - _GLYPH, y2=area.bottom)
    title = el("title", f"{mark.kind.value}: {mark.words} · {moment(mark.at)}")
    role = "b-incident" if mark.kind is MarkKind.INCIDENT else "b-change"
    glyph = el("polygon", class_=f"glyph {role}", points=points(_corners(mark.kind, x, area.top - _GLYPH)))
    return el("g", title, line, glyph, words, data_kind=mark.kind.value, data_x=iso(mark.at))


def _corners(kind: MarkKind, x: float, y: float) -> list[tuple[float, float]]:
    """A triangle that points down for an incident, a diamond for a change."""
    if kind is MarkKind.INCIDENT:
        return [(x - _GLYPH, y - _GLYPH), (x + _GLYPH, y - _GLYPH), (x, y + _GLYPH)]
    return [(x, y - _GLYPH), (x + _GLYPH, y), (x, y + _GLYPH), (x - _GLYPH, y)]


def _words(known: Sequence[Mark], scale: TimeScale, y: float, free: tuple[float, float]) -> Iterator[Markup]:
    """The words of each mark, right of its glyph or left of it; nothing where neither side has room."""
    end, limit = free
    for index, mark in enumerate(known):
        x = scale.at(mark.at)
        follower = scale.at(known[index + 1].at) - 2 * _GLYPH if index + 1 < len(known) else limit
        width = text_width(fit(mark.words, _LONGEST))
        right, left = x + 2 * _GLYPH, x - 2 * _GLYPH - width
        start = next((at for at in (right, left) if end <= at and at + width <= max(follower, x)), None)
        end = max(end, x + 2 * _GLYPH)
        if start is None or start + width > limit:
            yield Markup("")
            continue
        end = max(end, start + width + GAP)
        yield text(start, y, mark.words, width=_LONGEST)
