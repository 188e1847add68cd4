"""Legends as text, so that they wrap on a narrow screen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monitor.charts.legend import LegendEntry
from monitor.charts.markup import el


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendItem:
    """What a colour and pattern mean."""

    words: str
    swatch: Markup


def legend_items(entries: Iterable[LegendEntry]) -> Sequence[LegendItem]:
    """The entries of a legend."""
    return [LegendItem(words=entry.words, swatch=_swatch(entry.role)) for entry in entries]


def _swatch(role: str) -> Markup:
    square = el("rect", class_=role, width=12, height=12, rx=3)
    return el("svg", square, class_="chart swatch", width=12, height=12, viewBox="0 0 12 12", aria_hidden="true")
