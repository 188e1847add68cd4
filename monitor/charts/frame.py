"""What charts share: the root element, texts that fit, axes, and the frame of an empty chart. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import Unit, iso
from monitor.charts.markup import Attribute, el, join
from monitor.charts.scales import Scale, thinned
from monitor.charts.text_width import ASCENT, SIZE, fit, text_width
from monitor.charts.time_scale import TimeScale, TimeTick

EDGE: Final = 6.0
"""Free pixels at the edges of a chart: a mark at the end of a scale is not cut."""
LANE: Final = 16.0
"""The height of the row above a chart for its unit and for the words of its marks."""
TICKS: Final = 22.0
"""The height of the row of tick labels below a chart."""
GAP: Final = 8.0
"""The least distance of two texts beside each other."""
HALF_LINE: Final = 4
"""From the middle of a line of text to its baseline."""
_TICK_DISTANCE: Final = 30
_ACROSS_DISTANCE: Final = 48
_TIME_DISTANCE: Final = 64
_ZONE: Final = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def middle(self) -> tuple[float, float]:
        """The centre."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


def root(*parts: Markup, chart_id: str, width: float, height: float, title: str, description: str, kind: str) -> Markup:
    """The outer element with its title and description. `chart_id` is unique on the page."""
    return el(
        "svg",
        el("title", title, id=f"{chart_id}-title"),
        el("desc", description, id=f"{chart_id}-desc"),
        *parts,
        id=chart_id,
        class_=f"chart {kind}",
        role="img",
        width=width,
        height=height,
        viewBox=f"0 0 {width:g} {height:g}",
        aria_labelledby=f"{chart_id}-title {chart_id}-desc",
    )


def text(
    x: float, y: float, words: str, *, width: float | None = None, anchor: str | None = None, **attributes: Attribute
) -> Markup:
    """A text with its baseline at `y`, shortened to `width`; what was shortened is whole in its title."""
    shown = words if width is None else fit(words, width)
    if not shown:
        return Markup("")
    full = () if shown == words else (el("title", words),)
    return el("text", shown, *full, x=x, y=y, text_anchor=anchor, **attributes)


def empty(*, chart_id: str, width: float, height: float, title: str, words: str, kind: str) -> Markup:
    """The frame of a chart without a figure, hatched, with the reason in words."""
    x, y, half = width / 2, height / 2, min(float(SIZE), height / 2)
    box = min(text_width(fit(words, width - 4 * EDGE)) + 2 * EDGE, width)
    return root(
        el("rect", class_="b-void", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=4),
        el("rect", class_="paper", x=x - box / 2, y=y - half, width=box, height=2 * half, rx=4),
        text(x, y + HALF_LINE, words, width=width - 4 * EDGE, anchor="middle"),
        chart_id=chart_id,
        width=width,
        height=height,
        title=title,
        description=words,
        kind=f"{kind} empty",
    )


def upright_ticks(length: float) -> int:
    """The most ticks of an upright axis; a scale made for as many ends at a tick."""
    return _room(length, _TICK_DISTANCE)


def across_ticks(length: float) -> int:
    """The most ticks of an axis across; a scale made for as many ends at a tick."""
    return _room(length, _ACROSS_DISTANCE)


def label_width(scale: Scale, unit: Unit, length: float) -> float:
    """The room that the labels of an upright axis need."""
    return max((text_width(unit.tick(tick)) for tick in scale.ticks(upright_ticks(length))), default=0.0)


def value_axis(scale: Scale, unit: Unit, area: Area) -> Markup:
    """Grid lines with labels left of them."""
    most = upright_ticks(area.height)
    lines = (
        el(
            "line",
            x1=area.left,
            x2=area.right,
            y1=(y := scale.at(tick)),
            y2=y,
            class_="base" if y == scale.start else None,
        )
        for tick in scale.grid(most)
    )
    ticks = scale.ticks(most)
    labels = (text(area.left - EDGE, scale.at(tick) + HALF_LINE, unit.tick(tick), anchor="end") for tick in ticks)
    return el("g", *lines, *labels, class_="grid")


def across_axis(scale: Scale, unit: Unit, area: Area) -> Markup:
    """Upright grid lines with labels below them, for values that lie across."""
    most = across_ticks(area.width)
    ticks = scale.ticks(most)
    spans = [_label_span(unit.tick(tick), scale.at(tick), area.left - EDGE, area.right + EDGE) for tick in ticks]
    shown = thinned(spans, gap=GAP)
    lines = (el("line", x1=(x := scale.at(tick)), x2=x, y1=area.top, y2=area.bottom) for tick in scale.grid(most))
    labels = (
        text(span[0], area.bottom + GAP + ASCENT, unit.tick(tick))
        for tick, span in list(zip(ticks, spans, strict=True))[::shown]
    )
    return el("g", *lines, *labels, class_="grid")


def time_axis(scale: TimeScale, area: Area) -> Markup:
    """Ticks and their times in UTC; `data-time` lets a script write them in the viewer's zone."""
    ticks = scale.ticks(_room(area.width, _TIME_DISTANCE))
    zone_width = text_width(_ZONE)
    left_of_axis = area.left - EDGE >= zone_width
    end = area.right if left_of_axis else area.right - zone_width - GAP
    spans = [(tick, _label_span(tick.text, scale.at(tick.at), area.left, end)) for tick in ticks]
    placed = [(tick, span) for tick, span in spans if span[1] < end + HALF_LINE]  # a narrow chart has no room for some
    zone_x = area.left - EDGE if left_of_axis else area.right
    zone = text(zone_x, area.bottom + GAP + ASCENT, _ZONE, anchor="end", class_="zone", data_zone=_ZONE)
    labels = (_time_label(tick, span, area) for tick, span in placed[:: thinned([span for _, span in placed], gap=GAP)])
    marks = (
        el("line", x1=(x := scale.at(tick.at)), x2=x, y1=area.bottom, y2=area.bottom + HALF_LINE) for tick in ticks
    )
    return el("g", *marks, *labels, zone, class_="axis")


def data(*, x: str, value: float | None, n: int | None, series: str) -> dict[str, Attribute]:
    """The attributes of a datum, for a script that reads out what the pointer is at."""
    return {
        "data_x": x,
        "data_value": None if value is None else repr(value),
        "data_n": None if n is None else str(n),
        "data_series": series,
    }


def counted(n: int | None) -> str:
    """The count behind a value, as it is written in titles."""
    return "n not known" if n is None else f"n {n:,}"


def lines_of(parts: Iterable[str]) -> str:
    """The words of a title, without those that are empty."""
    return " · ".join(part for part in parts if part)


def group(parts: Iterable[Markup], **attributes: Attribute) -> Markup:
    """The parts in one element; nothing if there are none."""
    inside = join(parts)
    return el("g", inside, **attributes) if inside else inside


def _time_label(tick: TimeTick, span: tuple[float, float], area: Area) -> Markup:
    return text(
        (span[0] + span[1]) / 2,
        area.bottom + GAP + ASCENT,
        tick.text,
        anchor="middle",
        data_time=iso(tick.at),
        data_form=tick.form,
    )


def _room(length: float, distance: float) -> int:
    """The number of ticks that an axis of this length has room for."""
    return max(1, int(length / distance))


def _label_span(words: str, x: float, start: float, end: float) -> tuple[float, float]:
    """Left and right of a label in the middle below `x`, moved so that it lies between `start` and `end`."""
    width = text_width(words)
    left = max(start, min(x - width / 2, end - width))
    return left, left + width
