"""The table twin of a chart. Pure."""

from __future__ import annotations

from dataclasses import dataclass

Cell = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The figures of a chart as text with units. Each row has as many cells as the head; escaping is the page's."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
