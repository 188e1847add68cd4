"""A chart as a person sees it: the places of its elements and texts, and what every chart has to keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

from markupsafe import Markup

from monitor.charts import frame, text_width

START = datetime(2026, 11, 21, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOSTILE = (
    "<script>alert(1)</script>",
    "\"quotes\" & 'apostrophes'",
    "ספק שירות בעברית ארוך מאוד מאוד",
    "x" * 200,
    "模型提供商模型提供商模型提供商",
    "\N{RIGHT-TO-LEFT OVERRIDE}turned\x00\x1b[31m",
    "",
)
CSS = (Path(frame.__file__).parent / "charts.css").read_text(encoding="utf-8")
STYLED = frozenset(re.findall(r"\.([a-z][\w-]*)", re.sub(r"/\*.*?\*/", "", CSS)))
KINDS = frozenset(
    {"chart", "keys", "lines", "bars", "strip", "interval", "now", "boxes", "scatter", "heat", "spark", "empty"}
)
GROUPS = frozenset(
    {"series", "shades", "marks", "ends", "key", "step", "zone", "unit", "bar", "foot", "cap", "failed", "good"}
)
"""Classes for scripts and readers of the markup, which need no rule."""
GEOMETRY = ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "width", "height", "points", "viewBox")
_SLACK = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text and the rectangle that it covers, by the estimate of its width."""

    words: str
    whole: str
    area: frame.Area
    element: ElementTree.Element


def parse(markup: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(str(markup))


def title_of(element: ElementTree.Element) -> str:
    found = element.find("title")
    return "" if found is None else found.text or ""


def number(element: ElementTree.Element, name: str) -> float:
    return float(element.get(name, "0"))


def with_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if name in element.get("class", "").split()]


def texts(root: ElementTree.Element) -> list[Text]:
    found = []
    for element in root.iter("text"):
        words = element.text or ""
        width, x, y = text_width.text_width(words), number(element, "x"), number(element, "y")
        left = x - {"start": 0, "middle": width / 2, "end": width}[element.get("text-anchor", "start")]
        area = frame.Area(left=left, top=y - text_width.ASCENT, right=left + width, bottom=y + text_width.DESCENT)
        found.append(Text(words=words, whole=title_of(element) or words, area=area, element=element))
    return found


def corners(element: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", element.get("points", ""))]


def area_of(element: ElementTree.Element) -> frame.Area | None:
    """The rectangle around a shape; None for what has no shape."""
    match element.tag:
        case "rect":
            x, y = number(element, "x"), number(element, "y")
            return frame.Area(left=x, top=y, right=x + number(element, "width"), bottom=y + number(element, "height"))
        case "circle":
            x, y, r = (number(element, name) for name in ("cx", "cy", "r"))
            return frame.Area(left=x - r, top=y - r, right=x + r, bottom=y + r)
        case "line":
            xs, ys = ([number(element, f"{axis}{end}") for end in (1, 2)] for axis in "xy")
        case "polyline" | "polygon":
            xs, ys = ([place[axis] for place in corners(element)] for axis in (0, 1))
        case _:
            return None
    return frame.Area(left=min(xs), top=min(ys), right=max(xs), bottom=max(ys))


def assert_sound(markup: Markup, chart_id: str = "c") -> ElementTree.Element:
    """What every chart keeps, whatever its figures are."""
    root = parse(markup)
    assert "style" not in {name for element in root.iter() for name in element.attrib}
    assert not re.search(r"(?i)<script|[\x00-\x08]", str(markup))
    assert all(finite(element.get(name)) for element in root.iter() for name in GEOMETRY)
    assert_named(root, chart_id)
    assert_inside(root)
    assert_apart(texts(root))
    for element in root.iter():
        assert set(element.get("class", "").split()) <= STYLED | KINDS | GROUPS, element.attrib
    return root


def finite(value: str | None) -> bool:
    """Whether an attribute is missing or holds only numbers that can be drawn."""
    return value is None or re.fullmatch(r"[-\d., ]*", value) is not None


def assert_named(root: ElementTree.Element, chart_id: str) -> None:
    assert (root.tag, root.get("role")) == ("svg", "img")
    assert root.get("viewBox") == f"0 0 {number(root, 'width'):g} {number(root, 'height'):g}"
    ids = [element.get("id") for element in root.iter() if element.get("id") is not None]
    assert ids == [chart_id, f"{chart_id}-title", f"{chart_id}-desc"]
    assert root.get("aria-labelledby") == f"{chart_id}-title {chart_id}-desc"
    assert [child.tag for child in root][:2] == ["title", "desc"]


def assert_inside(root: ElementTree.Element) -> None:
    width, height = number(root, "width"), number(root, "height")
    areas = [(element, area_of(element)) for element in root.iter()]
    shown = [(text.element, text.area) for text in texts(root)]
    for element, area in [*areas, *shown]:
        if area is not None:
            inside = area.left >= -_SLACK and area.top >= -_SLACK
            assert inside, (element.attrib, element.text, area)
            assert area.right <= width + _SLACK, (element.attrib, element.text, area, width)
            assert area.bottom <= height + _SLACK, (element.attrib, element.text, area, height)


def assert_apart(shown: list[Text]) -> None:
    for one, other in combinations(shown, 2):
        apart = one.area.right <= other.area.left + _SLACK or other.area.right <= one.area.left + _SLACK
        apart = apart or one.area.bottom <= other.area.top + _SLACK or other.area.bottom <= one.area.top + _SLACK
        assert apart, (one.words, one.area, other.words, other.area)


def moving(root: ElementTree.Element, axis: str) -> Iterator[tuple[str, float]]:
    """The labels of an axis and where they point to: the grid lines of the upright one, the texts of the other."""
    for text in texts(root):
        if axis == "y" and text.element.get("text-anchor") == "end" and text.element.get("class") is None:
            yield text.words, number(text.element, "y") - frame.HALF_LINE
        if axis == "time" and text.element.get("data-time"):
            yield text.element.get("data-time", ""), number(text.element, "x")


def rising(values: list[float]) -> bool:
    return all(before < after for before, after in pairwise(values))
