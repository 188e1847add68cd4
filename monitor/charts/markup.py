"""Elements of SVG, every text and attribute escaped. Pure.

Only presentation attributes and classes are written: a strict content security policy forbids `style`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup, escape

from monitor.domain.text import printable

Attribute = str | float | None


def el(name: str, /, *children: str, **attributes: Attribute) -> Markup:
    """One element. An underscore in an attribute's name stands for a dash; None leaves the attribute out.

    Control characters, which no XML may hold, and characters that turn the direction of a text are replaced.
    """
    written = name
    for key, value in attributes.items():
        if value is not None:
            shown = _safe(value) if isinstance(value, str) else number(value)
            written += f' {_attribute(key)}="{shown}"'
    if not children:
        return Markup(f"<{written}/>")  # noqa: S704 - the attributes are escaped above
    inside = "".join([child if isinstance(child, Markup) else _safe(child) for child in children])
    return Markup(f"<{written}>{inside}</{name}>")  # noqa: S704 - the children are escaped above


def join(parts: Iterable[Markup]) -> Markup:
    """Elements one after the other."""
    return Markup("".join(parts))  # noqa: S704 - every part is markup


def number(value: float) -> str:
    """A coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def points(corners: Iterable[tuple[float, float]]) -> str:
    """The `points` of a polyline or polygon."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in corners)


@lru_cache(maxsize=8192)
def _safe(text: str) -> str:
    """Cached, since a page repeats its classes, names and times thousands of times."""
    return str(escape(text if text.isprintable() else printable(text, longest=None)))


@lru_cache(maxsize=256)
def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
