"""Reads response headers: waiting times and the provider's processing time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from probes._model import Headers

_LONGEST_S = 30 * 86400.0
_REMAINING = re.compile(
    r"x-ratelimit-remaining-(?P<openai>[a-z-]+)|anthropic-ratelimit-(?P<anthropic>[a-z-]+)-remaining"
)
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_SPAN_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def retry_after_s(headers: Headers) -> float | None:
    """The time that the provider asks to wait, in seconds.

    From `Retry-After` (RFC 9110) or OpenAI's `retry-after-ms`; otherwise the time until the last exhausted limit in the
    rate-limit headers resets. A date is compared with the response's `Date`, so the local clock has no effect.
    """
    explicit_s = _retry_after_header_s(headers)
    return explicit_s if explicit_s is not None else max(_resets_s(headers), default=None)


def span_s(text: str) -> float | None:
    """A duration in the form of Go, OpenAI and Google: `12ms`, `6m0s`, `1.5s`. None for other text."""
    if not _SPAN.fullmatch(text):
        return None
    return _bounded(sum(float(number) * _UNITS_S[unit] for number, unit in _SPAN_PART.findall(text)))


def _retry_after_header_s(headers: Headers) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return _bounded(seconds)
    return _since_sent_s(headers, _date_s(value))


def _resets_s(headers: Headers) -> Iterator[float]:
    """The remaining time of each exhausted limit."""
    for name, value in headers.items():
        found = _REMAINING.fullmatch(name)
        if found is None or _number(value) != 0:
            continue
        openai, anthropic = found["openai"], found["anthropic"]
        if openai is not None:
            lasts_s = span_s(headers.get(f"x-ratelimit-reset-{openai}", ""))
        else:
            until_s = _timestamp_s(headers.get(f"anthropic-ratelimit-{anthropic}-reset"))
            lasts_s = _since_sent_s(headers, until_s)
        if lasts_s is not None:
            yield lasts_s


def _since_sent_s(headers: Headers, until_s: float | None) -> float | None:
    sent_s = _date_s(headers.get("date"))
    return None if until_s is None or sent_s is None else _bounded(until_s - sent_s)


def server_s(headers: Headers) -> float | None:
    """The provider's own processing time, from OpenAI's `openai-processing-ms`."""
    milliseconds = _number(headers.get("openai-processing-ms"))
    return None if milliseconds is None else _bounded(milliseconds / 1000)


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_S)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _date_s(text: str | None) -> float | None:
    try:
        at = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _timestamp_s(text: str | None) -> float | None:
    """The timestamp of an RFC 3339 time, as Anthropic sends it."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo else None
