"""Reported requests, and the receipt for a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from probes._model import ErrorClass

OLDEST = timedelta(minutes=15)
"""Reported requests that began longer ago are rejected."""
AHEAD = timedelta(seconds=60)
"""How far the reporter's clock may be ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One reported request."""

    key: int
    """A 64-bit hash of its id."""
    endpoint: str
    at: datetime
    """Start of the request."""
    error: ErrorClass | None = None
    """None: it succeeded."""
    status_code: int | None = None
    ttft_s: float | None = None
    e2e_s: float | None = None
    prompt_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    app: str = ""
    """The application; empty: not reported."""
    judges: bool = True
    """False: it began during maintenance of its endpoint, so it counts as activity only."""


class StoppingError(Exception):
    """The monitor is stopping, so reported requests would not be counted."""

    def __init__(self) -> None:
        super().__init__("the monitor is stopping; send the same batch again after it has restarted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A rejected outcome."""

    index: int
    """Its index in the batch."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The result of a batch."""

    accepted: int
    duplicates: int
    rejected: Sequence[Rejected]
