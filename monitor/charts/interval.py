"""A score with its interval for a table's cell. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import SCORE, Unit, drawable
from monitor.charts.frame import lines_of, root
from monitor.charts.markup import el
from monitor.charts.scales import Linear
from monitor.charts.series import interval_words

_EDGE: Final = 6.0
_THIN: Final = 4.0
_THICK: Final = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalBar:
    """A value from 0 to 1 between `low` and `high`; `empty` says why there is none."""

    title: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None = None
    unit: Unit = SCORE
    width: float = 100
    height: float = 16
    empty: str = "not known yet"


def interval_bar(bar: IntervalBar, *, chart_id: str) -> Markup:
    """A track, the interval on it, and a dot at the value; a hatched track without a value."""
    value, middle = drawable(bar.value), bar.height / 2
    x = Linear(low=0, high=1, start=_EDGE, end=bar.width - _EDGE)
    track = {"x": _EDGE, "y": middle - _THIN / 2, "width": bar.width - 2 * _EDGE, "height": _THIN, "rx": 2}
    words = bar.empty
    parts = [el("rect", class_="b-void", **track)]
    if value is not None:
        count = "" if bar.n is None else f"n {bar.n:,}"
        words = lines_of((bar.unit.shown(value), interval_words(bar.unit, bar.low, bar.high), count))
        dot = el("circle", class_="dot", cx=x.at(value), cy=middle, r=4)
        parts = [el("rect", class_="track", **track), *_band(bar, x, middle), dot]
    return root(
        *parts,
        chart_id=chart_id,
        width=bar.width,
        height=bar.height,
        title=f"{bar.title}: {words}",
        description=words,
        kind="interval",
    )


def _band(bar: IntervalBar, x: Linear, middle: float) -> list[Markup]:
    low, high = drawable(bar.low), drawable(bar.high)
    if low is None or high is None:
        return []
    left, right = x.at(low), x.at(high)
    y, height = middle - _THICK / 2, _THICK
    return [el("rect", class_="band", x=left, y=y, width=max(1.0, right - left), height=height, rx=3)]
