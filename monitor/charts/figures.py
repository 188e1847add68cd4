"""Units of figures: the text of a value, of a tick and of a time. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from monitor.domain.text import NOT_MEASURED, percent, probability, seconds

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LARGEST_PLAIN: Final = 1e6
_SMALLEST_PLAIN: Final = 1e-4
_SMALLEST_TENTHS: Final = 10
_SIZES: Final = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))
_LARGEST: Final = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How the values of a chart are written."""

    shown: Callable[[float | None], str]
    """A value with its unit: `210 ms`."""
    bare: Callable[[float | None], str]
    """A value where `word` stands near: `118`."""
    tick: Callable[[float], str]
    """A round value at an axis: `250 ms`."""
    word: str = ""
    """The unit where ticks do not say it: `tokens/s`."""


def drawable(value: float | None) -> float | None:
    """The value, or None if there is none to draw."""
    return value if value is not None and math.isfinite(value) else None


def plain(value: float) -> str:
    """A number as short as it can be: `0`, `0.25`, `1500`, `2e+09`."""
    if value == 0 or _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return f"{value:.6g}"
    return f"{value:.2g}"


def short_count(value: float | None) -> str:
    """A count: `999`, `28.1 k`, `4.1 M`."""
    if value is None:
        return NOT_MEASURED
    if abs(value) >= _LARGEST:
        return plain(value)
    for unit, size in _SIZES:
        if abs(value) >= size:
            return f"{math.floor(value / size * 10) / 10:g} {unit}"
    return plain(value) if value != int(value) else f"{value:.0f}"


def usd(value: float | None) -> str:
    """An amount with two decimals at least, three digits that count: `$0.027`, `$3.00`."""
    if value is None:
        return NOT_MEASURED
    if value == 0 or abs(value) >= 0.1:  # noqa: PLR2004 - two decimals tell enough from ten cents on
        return f"${value:,.2f}" if abs(value) < _LARGEST else f"${plain(value)}"
    return f"${value:.3g}"


def _rate(value: float | None) -> str:
    if value is None:
        return NOT_MEASURED
    return f"{value:.1f}" if value < _SMALLEST_TENTHS else plain(round(value))


def _with(bare: Callable[[float | None], str], after: str) -> Callable[[float | None], str]:
    """The text of a value, and what follows it if there is one."""
    return lambda value: bare(value) if value is None else f"{bare(value)}{after}"


def _ratio(value: float | None) -> str:
    return percent(value, decimals=2)


def _second_tick(value: float) -> str:
    if value == 0:
        return "0"
    return f"{plain(value)} s" if abs(value) >= 1 else f"{plain(value * 1000)} ms"


SECONDS: Final = Unit(shown=seconds, bare=seconds, tick=_second_tick)
TOKENS_PER_SECOND: Final = Unit(shown=_with(_rate, " tokens/s"), bare=_rate, tick=plain, word="tokens/s")
RATIO: Final = Unit(shown=_ratio, bare=_ratio, tick=lambda value: f"{plain(value * 100)}%")
SCORE: Final = Unit(shown=probability, bare=probability, tick=plain)
USD: Final = Unit(shown=usd, bare=usd, tick=lambda value: f"${plain(value)}")
USD_PER_MILLION: Final = Unit(
    shown=_with(usd, "/M"), bare=usd, tick=lambda value: f"${plain(value)}", word="USD per million tokens"
)


def count_of(word: str) -> Unit:
    """Counts of something, say `tokens`."""
    return Unit(shown=_with(short_count, f" {word}"), bare=short_count, tick=short_count, word=word)


@lru_cache(maxsize=4096)
def iso(at: datetime) -> str:
    """`2026-11-22T06:00:00Z`, for scripts."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment(at: datetime) -> str:
    """`2026-11-22 06:00 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@lru_cache(maxsize=4096)
def window(at: datetime, step: timedelta) -> str:
    """The half-open span that a value covers: `2026-11-22 06:00 to 06:30 UTC`."""
    start, end = at.astimezone(UTC), (at + step).astimezone(UTC)
    if step == timedelta(days=1) and start.hour == start.minute == 0:
        return f"{start:%Y-%m-%d} UTC"
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {last} UTC"
