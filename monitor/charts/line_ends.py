"""Names at the right ends of lines, so that none has to look for a colour in a legend. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from monitor.charts.frame import HALF_LINE, Area, group, text
from monitor.charts.markup import el
from monitor.charts.placement import spread
from monitor.charts.text_width import ASCENT, DESCENT, LINE, fit, text_width

_LONGEST: Final = 104.0
_BEFORE: Final = 5.0
_SWATCH: Final = 12.0
_BESIDE: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEnd:
    """The name of a line that ends at pixel `y`."""

    name: str
    role: str
    dash: str | None
    y: float


def have_room(number: int, height: float) -> bool:
    """Whether the names of so many lines fit beside a chart of this height."""
    return number * LINE <= height - ASCENT


def ends_width(names: Sequence[str]) -> float:
    """The room that the names need right of a chart."""
    return _BEFORE + _SWATCH + _BESIDE + max(text_width(fit(name, _LONGEST)) for name in names)


def line_ends(ends: Sequence[LineEnd], area: Area) -> Markup:
    """The names, each as near to the end of its line as the others let it."""
    low, high = area.top + ASCENT - HALF_LINE, area.bottom - DESCENT
    placed = spread([end.y for end in ends], spacing=LINE, low=low, high=high)
    return group((_end(end, y, area.right + _BEFORE) for end, y in zip(ends, placed, strict=True)), class_="ends")


def _end(end: LineEnd, y: float, x: float) -> Markup:
    swatch = el("line", class_=f"ln {end.role}", x1=x, x2=x + _SWATCH, y1=y, y2=y, stroke_dasharray=end.dash)
    return swatch + text(x + _SWATCH + _BESIDE, y + HALF_LINE, end.name, width=_LONGEST)
