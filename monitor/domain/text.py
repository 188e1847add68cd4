"""Numbers and untrusted text for people, in a terminal or on a page. Pure."""

from __future__ import annotations

import math
import unicodedata
from datetime import datetime

NOT_MEASURED = "\N{EN DASH}"
_LONGEST_TEXT = 120
_TENTHS_BELOW_S = 0.01
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, *, longest: int | None = _LONGEST_TEXT) -> str:
    """Untrusted text made safe to print: control, format and unassigned characters are replaced."""
    if text.isprintable() and (longest is None or len(text) <= longest):
        return text
    shown = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _UNPRINTABLE else character
        for character in text[:longest]
    )
    return shown if longest is None or len(text) <= longest else shown + "…"


def seconds(value: float | None) -> str:
    """A short duration with a unit: `0.4 ms`, `210 ms`, `1.25 s`."""
    if value is None:
        return NOT_MEASURED
    if round(value, 3) >= 1:
        return f"{value:.2f} s"
    return f"{value * 1000:.0f} ms" if round(value, 4) >= _TENTHS_BELOW_S else f"{value * 1000:.1f} ms"


def age(then: datetime | None, now: datetime) -> str:
    """The time since `then` in one unit, rounded down: `12 s`, `3 min`, `2 h`, `4 d`."""
    if then is None:
        return NOT_MEASURED
    elapsed_s = max(0.0, (now - then).total_seconds())
    for unit, unit_s in (("d", 86400), ("h", 3600), ("min", 60)):
        if elapsed_s >= unit_s:
            return f"{elapsed_s // unit_s:.0f} {unit}"
    return f"{math.floor(elapsed_s)} s"


def probability(value: float | None) -> str:
    """Two decimals, rounded down: `1.00` means certain."""
    return NOT_MEASURED if value is None else f"{_whole_steps(value, 100) / 100:.2f}"


def percent(value: float | None, *, decimals: int = 1) -> str:
    """A ratio in percent, rounded down: `100%` means all."""
    if value is None:
        return NOT_MEASURED
    return "100%" if value >= 1 else f"{_whole_steps(value, 100 * 10**decimals) / 10**decimals:.{decimals}f}%"


def plural(number: int, noun: str) -> str:
    """`1 probe`, `2 probes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def count(value: float) -> str:
    """A count in at most four characters, rounded down: `999`, `28k`, `3M`."""
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if value >= size:
            return f"{value // size:.0f}{unit}"
    return f"{value:.0f}"


def _whole_steps(value: float, steps: int) -> int:
    """The number of whole steps in `value`: 57 for 0.57 in hundredths, though the float is slightly smaller."""
    return math.floor(value * steps + 1e-9)
