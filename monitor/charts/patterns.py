"""Patterns of states, shared by all charts of a page. A pattern and a colour show each state. Pure."""

from __future__ import annotations

from markupsafe import Markup

from monitor.charts.markup import el


def shared_patterns() -> Markup:
    """Definitions that `charts.css` names (`fill: url(#hatch)`). Once on each page, before the first chart."""
    return el(
        "svg",
        el("defs", _hatch(), _rows(), _cross(), _columns(), _dots()),
        width=0,
        height=0,
        class_="patterns",
        aria_hidden="true",
        focusable="false",
    )


def _pattern(name: str, size: float, *parts: Markup, turn: int | None = None) -> Markup:
    ground = el("rect", width=size, height=size, class_=f"ground-{name}")
    return el(
        "pattern",
        ground,
        *parts,
        id=name,
        width=size,
        height=size,
        patternUnits="userSpaceOnUse",
        patternTransform=None if turn is None else f"rotate({turn})",
    )


def _hatch() -> Markup:
    """Not measured: thin slanted lines."""
    return _pattern("hatch", 5, el("line", x1=0, y1=0, x2=0, y2=5, class_="ink-hatch"), turn=45)


def _rows() -> Markup:
    """Some failed: level stripes."""
    return _pattern("rows", 4, el("line", x1=0, y1=3, x2=4, y2=3, class_="ink-rows"))


def _cross() -> Markup:
    """Failing: a net of slanted lines."""
    slanted = (
        el("line", x1=2, y1=0, x2=2, y2=4, class_="ink-cross"),
        el("line", x1=0, y1=2, x2=4, y2=2, class_="ink-cross"),
    )
    return _pattern("cross", 4, *slanted, turn=45)


def _columns() -> Markup:
    """Maintenance: upright stripes."""
    return _pattern("columns", 4, el("line", x1=1, y1=0, x2=1, y2=4, class_="ink-columns"))


def _dots() -> Markup:
    """The monitor's own network: dots."""
    return _pattern("dots", 4, el("circle", cx=2, cy=2, r=1, class_="ink-dots"))
