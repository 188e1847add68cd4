"""A drawing of new endpoints' first minutes: score, interval, samples and status over time, one panel each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Final, TypeAlias

from benchmarks.scoring.newcomer_lives import Point

Panel: TypeAlias = tuple[str, Sequence[Point]]
"""Title and points of one new endpoint."""

_WIDTH, _LEFT, _RIGHT = 760, 44, 16
_PLOT, _TOP, _STRIP, _BELOW = 108, 30, 18, 34
_PANEL: Final = _TOP + _PLOT + _STRIP + _BELOW
_NARROW: Final = 62
"""A bar narrower than this has no room for the name of its status."""
_STYLE: Final = """
svg { color-scheme: light dark; font: 12px system-ui, sans-serif; }
.paper { fill: #ffffff } .word { fill: #24292f } .faint { fill: #57606a } .line { stroke: #d0d7de }
.band { fill: #0969da; opacity: .18 } .score { stroke: #0969da; fill: none; stroke-width: 2 } .true { stroke: #57606a }
.good { fill: #1a7f37 } .bad { stroke: #cf222e; stroke-width: 2 }
.up { fill: #2da44e } .degraded { fill: #d4a72c } .down { fill: #cf222e } .unknown { fill: #8c959f }
.on { fill: #ffffff; font-weight: 600 } .degraded-on { fill: #24292f; font-weight: 600 }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117 } .word { fill: #e6edf3 } .faint { fill: #9da7b1 } .line { stroke: #30363d }
.band { fill: #58a6ff; opacity: .25 } .score { stroke: #58a6ff } .true { stroke: #9da7b1 }
.good { fill: #3fb950 } .bad { stroke: #ff7b72 }
.up { fill: #238636 } .degraded { fill: #bb8009 } .down { fill: #da3633 } .unknown { fill: #6e7681 }
.degraded-on { fill: #0d1117 }
}
"""


def chart(panels: Sequence[Panel], until_s: float) -> str:
    """The SVG, legible on light and dark pages."""
    height = _PANEL * len(panels) + 36
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img"'
        ' aria-label="Score, 95 % interval and status of new endpoints over their first minutes">',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="6"/>',
    ]
    for place, (title, points) in enumerate(panels):
        lines += _panel(title, points, until_s, place * _PANEL + 4)
    lines.append(
        f'<text class="faint" x="{_LEFT}" y="{height - 10}">line: score; band: 95 % interval; dashed: true success'
        " rate; dot: success; cross: failure; bar: status</text>"
    )
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(title: str, points: Sequence[Point], until_s: float, top: float) -> Iterator[str]:
    def x(at_s: float) -> float:
        return _LEFT + at_s / until_s * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return top + _TOP + (1 - value) * _PLOT

    yield f'<text class="word" x="{_LEFT}" y="{top + 18}" font-weight="600">{title}</text>'
    for value in (0.0, 0.5, 1.0):
        yield f'<line class="line" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        yield f'<text class="faint" x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1f}</text>'
    steps = [*pairwise(points), (points[-1], None)]
    ends = [until_s if later is None else later.at_s for _, later in steps]
    for point, end_s in zip(points, ends, strict=True):
        width, rise = x(end_s) - x(point.at_s), y(point.low) - y(point.high)
        span = f'x="{x(point.at_s):.1f}" y="{y(point.high):.1f}" width="{width:.1f}" height="{rise:.1f}"'
        yield f'<rect class="band" {span}/>'
    true = y(points[0].true)
    across = f'x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{true:.1f}" y2="{true:.1f}"'
    yield f'<line class="true" stroke-dasharray="5 4" {across}/>'
    path = " ".join(
        f"{x(at_s):.1f},{y(point.score):.1f}"
        for point, end_s in zip(points, ends, strict=True)
        for at_s in (point.at_s, end_s)
    )
    yield f'<polyline class="score" points="{path}"/>'
    for point in sorted(points, key=lambda point: not point.good):  # failures on top
        yield _mark(x(point.at_s), top + _TOP + _PLOT + 11, good=point.good)
    yield from _statuses(points, ends, x, top + _TOP + _PLOT + 18)
    for minute in range(int(until_s // 60) + 1):
        place = f'x="{x(60 * minute):.1f}" y="{top + _PANEL - 2}"'
        unit = " min" if minute == 1 else ""
        yield f'<text class="faint" {place} text-anchor="middle">{minute}{unit}</text>'


def _mark(x: float, y: float, *, good: bool) -> str:
    if good:
        return f'<circle class="good" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    return f'<path class="bad" d="M{x - 3:.1f} {y - 3:.1f}l6 6m0-6l-6 6"/>'


def _statuses(points: Sequence[Point], ends: Sequence[float], x: Callable[[float], float], top: float) -> Iterator[str]:
    stretches = [(point.status.value, point.at_s, end_s) for point, end_s in zip(points, ends, strict=True)]
    for status, stretch in groupby(stretches, key=itemgetter(0)):
        spans = list(stretch)
        begin, end = x(spans[0][1]), x(spans[-1][2])
        yield f'<rect class="{status}" x="{begin:.1f}" y="{top}" width="{end - begin:.1f}" height="14">'
        yield f"<title>{status}</title></rect>"
        if end - begin > _NARROW:
            on = "degraded-on" if status == "degraded" else "on"
            yield f'<text class="{on}" x="{begin + 6:.1f}" y="{top + 11}" font-size="11">{status}</text>'
