"""What response headers say about waiting and about the provider's own time."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime

from probes._model import Headers

_LONGEST_S = 30 * 86400.0


def retry_after_s(headers: Headers) -> float | None:
    """How long the provider asks to be left alone (RFC 9110 `Retry-After`, or OpenAI's `retry-after-ms`).

    A date is taken relative to the response's own `Date`, so no clock of ours enters.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return _bounded(seconds)
    until, sent = _date_s(value), _date_s(headers.get("date"))
    return None if until is None or sent is None else _bounded(until - sent)


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
