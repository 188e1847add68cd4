"""Legends, wrapped to the width of their chart. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from markupsafe import Markup

from monitor.charts.frame import HALF_LINE, group, root, text
from monitor.charts.markup import el
from monitor.charts.text_width import fit, text_width

_SWATCH: Final = 12.0
_BESIDE: Final = 5.0
_BETWEEN: Final = 16.0
_ROW: Final = 16.0
_ABOVE: Final = 4.0
_LONGEST: Final = 170.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendEntry:
    """One entry: a piece of line (with its dash) or a filled square, and its words."""

    words: str
    role: str
    line: bool = False
    dash: str | None = None


def legend(entries: Sequence[LegendEntry], *, left: float, right: float, top: float) -> Markup:
    """The entries from `top` downwards; `legend_height` says how far."""
    placed = _placed(entries, right - left)
    room = _room(right - left)
    return group((_entry(entry, left + x, top + _ABOVE + row * _ROW, room) for entry, x, row in placed), class_="key")


def legend_chart(entries: Sequence[LegendEntry], *, chart_id: str, width: float) -> Markup:
    """The legend as a chart of its own, for charts below each other that share it."""
    return root(
        legend(entries, left=0, right=width, top=0),
        chart_id=chart_id,
        width=width,
        height=max(1.0, legend_height(entries, width=width)),
        title="Legend",
        description=", ".join(entry.words for entry in entries),
        kind="keys",
    )


def legend_height(entries: Sequence[LegendEntry], *, width: float) -> float:
    """The height of the legend, 0 without entries."""
    return max((_ABOVE + (row + 1) * _ROW for _, _, row in _placed(entries, width)), default=0.0)


def _placed(entries: Sequence[LegendEntry], width: float) -> Iterator[tuple[LegendEntry, float, int]]:
    """In one row if they fit into it, otherwise in columns of one width."""
    needed = [_SWATCH + _BESIDE + text_width(fit(entry.words, _room(width))) + _BETWEEN for entry in entries]
    if sum(needed) - _BETWEEN <= width:
        starts = accumulate(needed, initial=0.0)
        yield from ((entry, x, 0) for entry, x in zip(entries, starts, strict=False))
        return
    columns = max(1, int((width + _BETWEEN) / max(needed)))
    for index, entry in enumerate(entries):
        yield entry, index % columns * max(needed), index // columns


def _entry(entry: LegendEntry, x: float, top: float, room: float) -> Markup:
    middle = top + _ROW / 2
    swatch = (
        el("line", class_=f"ln {entry.role}", x1=x, x2=x + _SWATCH, y1=middle, y2=middle, stroke_dasharray=entry.dash)
        if entry.line
        else el("rect", class_=f"seg {entry.role}", x=x, y=middle - 5, width=_SWATCH, height=10, rx=2)
    )
    return swatch + text(x + _SWATCH + _BESIDE, middle + HALF_LINE, entry.words, width=room)


def _room(width: float) -> float:
    return min(_LONGEST, width - _SWATCH - _BESIDE)
