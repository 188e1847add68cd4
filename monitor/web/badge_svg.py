"""Badges: a label and a message as a small flat SVG in the usual style. Pure.

The viewer's fonts are unknown, so text widths are estimated and fixed with `textLength`: no text overflows the badge.
Only presentation attributes are used, which content security policies allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from html import escape
from math import floor
from typing import Final

from monitor.charts.text_width import SIZE, text_width
from monitor.domain.status import Status

SVG: Final = "image/svg+xml"
_HEIGHT: Final = 20
_MARGIN: Final = 6
_BASELINE: Final = 14


class BadgeKind(StrEnum):
    """The content of a badge, by kind."""

    UPTIME = "uptime"
    TTFT = "ttft"
    STATUS = "status"


class BadgeWindow(StrEnum):
    """The window that a badge covers."""

    MINUTES_5 = "5m"
    MINUTES_30 = "30m"
    HOUR = "1h"
    DAY = "1d"
    DAYS_7 = "7d"
    DAYS_30 = "30d"
    DAYS_90 = "90d"


class Colour(StrEnum):
    """Background of the message."""

    GREEN = "#4c1"
    LIGHT_GREEN = "#97ca00"
    YELLOW = "#dfb317"
    ORANGE = "#fe7d37"
    RED = "#e05d44"
    BLUE = "#007ec6"
    GREY = "#9f9f9f"


_BEHIND_LABEL: Final = "#555"
_OF_UPTIME: Final = (
    (0.99, Colour.GREEN),
    (0.95, Colour.LIGHT_GREEN),
    (0.9, Colour.YELLOW),
    (0.8, Colour.ORANGE),
)
"""Smallest ratio of each colour; below the last the badge is red. OpenRouter treats less than 0.95 as degraded, and
less than 0.8 as a last resort."""
_OF_STATUS: Final[Mapping[Status, Colour]] = {
    Status.UP: Colour.GREEN,
    Status.DEGRADED: Colour.YELLOW,
    Status.DOWN: Colour.RED,
    Status.UNKNOWN: Colour.GREY,
    Status.MAINTENANCE: Colour.BLUE,
    Status.PAUSED: Colour.GREY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """The content of a badge."""

    label: str
    message: str
    colour: Colour


def of_status(status: Status) -> Badge:
    """A badge with an endpoint's status."""
    message = "no data" if status is Status.UNKNOWN else status.value
    return Badge(label=BadgeKind.STATUS, message=message, colour=_OF_STATUS[status])


def of_uptime(window: str, ratio: float | None) -> Badge:
    """A badge with an uptime in percent, rounded down: one failure means less than 100 %."""
    if ratio is None:
        return _nothing(f"uptime {window}")
    percent = floor(ratio * 10_000 + 1e-6) / 100
    colour = next((colour for least, colour in _OF_UPTIME if ratio >= least), Colour.RED)
    return Badge(label=f"uptime {window}", message=f"{percent:g}%", colour=colour)


def of_ttft(window: str, median_s: float | None, status: Status) -> Badge:
    """A badge with a median TTFT in the colour of the status: which TTFT is too long depends on the endpoint's SLO."""
    if median_s is None:
        return _nothing(f"ttft {window}")
    return Badge(label=f"ttft {window}", message=_time(median_s), colour=_OF_STATUS[status])


def _nothing(label: str) -> Badge:
    return Badge(label=label, message="no data", colour=Colour.GREY)


def _time(seconds: float) -> str:
    """A duration with at most three digits."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:  # noqa: PLR2004
        return f"{milliseconds} ms"
    return f"{seconds:.3g} s" if seconds < 1000 else f"{seconds:.0f} s"  # noqa: PLR2004


@lru_cache(maxsize=4096)
def svg(badge: Badge) -> bytes:
    """The image. Cached, since many endpoints have equal badges."""
    left, right = (_Part(text) for text in (badge.label, badge.message))
    width = left.width + right.width
    title = escape(f"{badge.label}: {badge.message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" viewBox="0 0 {width} {_HEIGHT}"'
        f' role="img" aria-label="{title}"><title>{title}</title>'
        '<defs><linearGradient id="shine" x2="0" y2="1"><stop stop-color="#fff" stop-opacity=".12"/>'
        '<stop offset="1" stop-opacity=".1"/></linearGradient>'
        f'<clipPath id="edge"><rect width="{width}" height="{_HEIGHT}" rx="3"/></clipPath></defs>'
        f'<g clip-path="url(#edge)"><rect width="{left.width}" height="{_HEIGHT}" fill="{_BEHIND_LABEL}"/>'
        f'<rect x="{left.width}" width="{right.width}" height="{_HEIGHT}" fill="{badge.colour}"/>'
        f'<rect width="{width}" height="{_HEIGHT}" fill="url(#shine)"/></g>'
        f'<g font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="{SIZE}" fill="#fff">'
        f"{left.drawn(_MARGIN)}{right.drawn(left.width + _MARGIN)}</g></svg>\n"
    ).encode()


class _Part:
    """One half of a badge."""

    def __init__(self, text: str) -> None:
        self._text = escape(text)
        self._length = round(text_width(text), 1)
        self.width = round(self._length) + 2 * _MARGIN

    def drawn(self, x: float) -> str:
        """The text with its shadow."""
        length = f'textLength="{self._length:g}" lengthAdjust="spacingAndGlyphs"'
        shadow = f'<text x="{x:g}" y="{_BASELINE + 1}" fill="#010101" fill-opacity=".3" aria-hidden="true" {length}>'
        return f'{shadow}{self._text}</text><text x="{x:g}" y="{_BASELINE}" {length}>{self._text}</text>'
