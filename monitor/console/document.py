"""Reads values of a JSON document that may come from another machine: an unexpected type is not measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from monitor.domain.text import NOT_MEASURED, printable

_TOO_LARGE = 1e9


def mapping(value: object) -> Mapping[str, object]:
    """An object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> Sequence[object]:
    """A list, else an empty one."""
    return value if isinstance(value, list) else ()


def number(value: object) -> float | None:
    """A number that fits a table: not negative and not too large."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _TOO_LARGE
    return float(value) if usable else None  # type: ignore[arg-type]


def text(value: object) -> str:
    """A text that is safe to print."""
    return printable(value) if isinstance(value, str) and value else NOT_MEASURED


def moment(value: object) -> datetime | None:
    """An RFC 3339 time; in UTC if it names no zone."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None


def bounds(value: object) -> tuple[float, float] | None:
    """Both bounds of an interval."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:  # noqa: PLR2004
        return None
    low, high = (number(bound) for bound in value)
    return None if low is None or high is None else (low, high)
