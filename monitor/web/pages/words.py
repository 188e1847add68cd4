"""Statuses, causes and account trouble in words and glyphs. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from monitor.domain.incident import Cause
from monitor.domain.status import Status
from probes._model import ErrorClass

GLYPHS: Final = {
    Status.UP: "●",
    Status.DEGRADED: "◐",
    Status.DOWN: "✕",
    Status.UNKNOWN: "○",
    Status.MAINTENANCE: "◇",
    Status.PAUSED: "‖",
}
_CAUSES: Final[dict[str, str]] = {
    Cause.SLO: "slow",
    Cause.HABIT: "slower than usual",
    Cause.PROVIDER: "provider in trouble",
    ErrorClass.DNS: "name not found",
    ErrorClass.CONNECT: "no connection",
    ErrorClass.TLS: "TLS failed",
    ErrorClass.TIMEOUT_TTFT: "no first token in time",
    ErrorClass.TIMEOUT_TOTAL: "answer not finished in time",
    ErrorClass.EMPTY: "empty answer",
    ErrorClass.STREAM_ERROR: "error in the stream",
    ErrorClass.WRONG_ANSWER: "wrong answer",
}
_REFUSED: Final[dict[str, tuple[str, str]]] = {
    ErrorClass.AUTH: ("refused", "Check the key in the configuration, and that it is valid at the provider."),
    ErrorClass.PAYMENT: ("payment needed", "Add credit to the account, or raise its spending limit."),
    ErrorClass.RATE_LIMITED: ("rate limited", "Probe less often, or ask the provider for a higher limit."),
    ErrorClass.NOT_FOUND: ("model not found", "Check the model's name in the configuration, and what the key may use."),
    ErrorClass.BAD_REQUEST: (
        "request refused",
        "Check the options of this endpoint: the provider refuses the request.",
    ),
    ErrorClass.CONTENT_FILTER: ("prompt filtered", "The account's content filter refuses the probe's prompt."),
    ErrorClass.GEO: ("region refused", "The provider does not serve this account in the region of this machine."),
}
_OTHER_REMEDY: Final = "Check the account at the provider."


def cause_words(cause: str) -> str:
    """The cause of an incident in the reader's words; an unknown one as it is."""
    return _CAUSES.get(cause, cause.replace("_", " "))


def refusal_words(error: str) -> tuple[str, str]:
    """What account trouble is, and what to do about it."""
    return _REFUSED.get(error, (error.replace("_", " "), _OTHER_REMEDY))


def span_words(length: timedelta) -> str:
    """A duration in its two largest units: `41 min`, `1 h 5 min`, `2 d 3 h`, `12 s`."""
    seconds = max(int(length.total_seconds()), 0)
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"
    if hours:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"
