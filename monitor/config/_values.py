"""Checks and converts single values of the file. Pure functions that raise RefusedError.

A message contains `{value}` in place of the value, so that interpolated text can be hidden. Values that are probably
secrets are never part of a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from monitor.config._errors import RefusedError
from monitor.config.model import MetricsDetail
from probes._model import Blame, ErrorClass, Secret, Task

T = TypeVar("T", bound=Hashable)

DURATION = r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d|y)"
"""The regular expression of a duration."""

SIZE = r"[0-9]+(kB|MB|GB|KiB|MiB|GiB)?"
"""The regular expression of a file size."""

BLAMES = (Blame.PROVIDER, Blame.ACCOUNT)
"""The blame of an error class may be changed between these."""

MOVABLE = tuple(error for error in ErrorClass if error.blame in BLAMES)
"""The error classes whose blame may be changed."""

_JOINER = "\u200d"
"""Zero-width joiner: combines several emoji into one, and is not printable itself."""
_LONGEST = 200
_LONGEST_PROSE = 10_000
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "y": 365 * 86400.0}
_LONGEST_DURATION_S = 3650 * _SECONDS["d"]
_BYTES = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SMALLEST_FILE = 10**6
"""Bytes. A smaller limit would rotate files too often."""
_LARGEST_FILE = 10**12
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def text(value: str) -> str:
    """Check a text for users: one short line."""
    return line(value, _LONGEST)


def line(value: str, longest: int) -> str:
    """Check that a text is one line and not empty."""
    if not _not_empty(value).replace(_JOINER, "").isprintable():
        raise RefusedError("must not contain control characters or line breaks")
    if len(value) > longest:
        raise RefusedError(f"is too long; at most {longest} characters are allowed")
    return value


def prose(value: str) -> str:
    """Check a text for users that may have several lines."""
    if not all(character.isprintable() or character in {"\n", _JOINER} for character in _not_empty(value)):
        raise RefusedError("must not contain control characters other than line breaks")
    if len(value) > _LONGEST_PROSE:
        raise RefusedError(f"is too long; at most {_LONGEST_PROSE} characters are allowed")
    return value.strip()


def name(value: str) -> str:
    """Check a name: text without spaces."""
    if " " in text(value):
        raise RefusedError("{value} must not contain spaces")
    return value


def model_of_provider(value: str) -> str:
    """Check the provider's name of a model: one line without spaces at its ends."""
    if text(value) != value.strip():
        raise RefusedError("{value} must not begin or end with spaces")
    return value


def endpoint_id(provider: str, model: str) -> str:
    """The default id of an endpoint. Spaces in the model's name become `-`."""
    return f"{provider}:{'-'.join(model.split())}"


def provider_name(value: str) -> str:
    """Check the name of a provider. It must not contain `:`, which separates it from the model in ids."""
    if ":" in name(value):
        raise RefusedError("{value} must not contain ':', which ends the provider's name in ids")
    return value


def secret(value: str) -> Secret:
    """Check a key: it must be valid in an HTTP header."""
    if not re.fullmatch(r"[\x21-\x7e]+", _not_empty(value)):
        raise RefusedError("must be ASCII characters without spaces or line breaks; check for a stray one")
    return Secret(value)


def header_name(value: str) -> str:
    """Check the name of an HTTP header."""
    if not _HEADER_NAME.fullmatch(value):
        raise RefusedError("{value} is not the name of a header; use letters, digits and -")
    return value


def header_value(value: str) -> Secret:
    """Check the value of an HTTP header. It is handled as a secret, because it is often a key."""
    if not re.fullmatch(r"[\x20-\x7e]+", _not_empty(value)) or value != value.strip():
        raise RefusedError("must be ASCII characters without line breaks, and without spaces around them")
    return Secret(value)


def _not_empty(value: str) -> str:
    if not value.strip():
        raise RefusedError("is empty; write a value, or leave the key out")
    return value


def task(value: str) -> Task:
    """Parse the task of a probe."""
    if value not in list(Task):
        raise RefusedError(f"{{value}} is not a task; write {either(tuple(Task))}", options=tuple(Task))
    return Task(value)


def movable_class(value: str) -> ErrorClass:
    """Parse an error class whose blame may be changed: it is the provider's or the account's."""
    if value in MOVABLE:
        return ErrorClass(value)
    if value in set(ErrorClass):
        raise RefusedError("{value} is never the provider's nor the account's fault, so its blame cannot be moved")
    raise RefusedError(f"{{value}} is not an error class; known classes: {', '.join(MOVABLE)}", options=MOVABLE)


def blamed(value: str) -> Blame:
    """Parse a blame: provider or account."""
    if value not in BLAMES:
        raise RefusedError(f"{{value}} cannot be blamed; write {' or '.join(BLAMES)}", options=BLAMES)
    return Blame(value)


def metrics_detail(value: str) -> MetricsDetail:
    """Parse how many series `/metrics` has for each endpoint: basic or full."""
    if value not in list(MetricsDetail):
        known = tuple(MetricsDetail)
        raise RefusedError(f"{{value}} is not known; write {either(known)}", options=known)
    return MetricsDetail(value)


def known_word(value: str, wrong: str, known: Sequence[str]) -> str:
    """Check that a value is one of the known words. `wrong` is part of the message."""
    if value not in known:
        raise RefusedError(f"{{value}} {wrong}; write {either(known)}", options=known)
    return value


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """A function that checks that a value is one of some words."""

    def read(value: str) -> str:
        if value not in choices:
            raise RefusedError(f"{{value}} is not known; write one of {', '.join(choices)}", options=choices)
        return value

    return read


def size_bytes(value: object) -> int:
    """Parse a file size: `100MB` → 100000000. At least 1 MB."""
    found = None if isinstance(value, bool) else re.fullmatch(SIZE, str(value))
    if not found:
        shown = "{value} " if isinstance(value, str) else ""
        raise RefusedError(f"{shown}is not a size; write for example 500kB, 100MB or 1GB")
    size = int(str(value).removesuffix(found[1] or "")) * _BYTES[found[1] or ""]
    if not SMALLEST_FILE <= size <= _LARGEST_FILE:
        raise RefusedError("must be at least 1MB, and at most 1000GB")
    return size


def either(words: Sequence[str]) -> str:
    """The words as a list in a message: `a, b or c`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def distinct(values: list[T]) -> list[T]:
    """Check that a list has no duplicates."""
    if len(set(values)) < len(values):
        raise RefusedError("names something twice; keep one")
    return values


def duration_s(value: object) -> float:
    """Parse a duration: `1.5s` → 1.5."""
    found = re.fullmatch(DURATION, str(value))
    if found:
        return _bounded(float(str(value).removesuffix(found[2])) * _SECONDS[found[2]])
    if re.fullmatch(r"[0-9.]+", str(value)):
        raise RefusedError("{value} needs a unit; write it with ms, s, m, h, d or y, such as 15s")
    shown = "{value} " if isinstance(value, str) else ""
    raise RefusedError(f"{shown}is not a duration; write for example 500ms, 15s, 5m, 2h, 7d or 1y")


def moment(value: object) -> datetime:
    """Parse a date and time with a zone, and convert it to UTC: `2026-12-01T03:00+01:00` → 02:00 UTC of that day."""
    shown = "{value} " if isinstance(value, str) else ""
    try:
        at = datetime.fromisoformat(str(value))
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedError(f"{shown}is not a date and time; write for example 2026-12-01T02:00Z") from None
    raise RefusedError(f"{shown}needs a zone; write for example 2026-12-01T02:00Z, or 2026-12-01T03:00+01:00")


def day(value: object) -> datetime:
    """Parse a day or a time: `2024-09-25` → 00:00 UTC of that day; a date and time needs a zone."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value)):
        try:
            return datetime.fromisoformat(f"{value}T00:00Z")
        except ValueError:
            raise RefusedError("{value} is not a date; write for example 2024-09-25") from None
    return moment(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An interval in seconds, fixed or within limits."""

    longest_s: float
    shortest_s: float | None = None
    """None: the interval is fixed at `longest_s`."""


def interval(value: object) -> Interval:
    """Parse an interval: `60s`, or `15s..5m`."""
    first, dots, second = str(value).partition("..")
    if not dots:
        return Interval(longest_s=_interval_s(duration_s(value)))
    shortest_s, longest_s = (_interval_s(duration_s(part.strip())) for part in (first, second))
    if shortest_s >= longest_s:
        raise RefusedError("{value} is not a range; the shorter interval comes first, such as 15s..5m")
    return Interval(longest_s=longest_s, shortest_s=shortest_s)


def _interval_s(seconds: float) -> float:
    """Check an interval: at least one second."""
    if seconds < 1:
        raise RefusedError("must be at least 1s")
    return seconds


def _bounded(seconds: float) -> float:
    if not 0 < seconds <= _LONGEST_DURATION_S:
        raise RefusedError("must be more than 0s, and at most 3650d")
    return seconds


def as_duration(seconds: float) -> str:
    """Seconds in the notation of the file: 1.5 → `1.5s`; whole days → `7d`."""
    days, rest = divmod(seconds, _SECONDS["d"])
    return f"{days:g}d" if days and not rest else f"{seconds:g}s"
