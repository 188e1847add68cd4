"""The words of real traffic: a request that somebody else made, and what came of a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from probes._model import ErrorClass

OLDEST = timedelta(minutes=15)
"""Of requests that began longer ago nothing is taken any more."""
AHEAD = timedelta(seconds=60)
"""By how much a reporter's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a deployment's own traffic, as it was reported."""

    key: int
    """What its id is remembered by: 64 bits."""
    endpoint: str
    at: datetime
    """When it began."""
    error: ErrorClass | None = None
    """None: it succeeded."""
    status_code: int | None = None
    ttft_s: float | None = None
    e2e_s: float | None = None
    prompt_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    app: str = ""
    """Which application it was for; empty: that was not said."""
    judges: bool = True
    """False: it began in a maintenance of its endpoint, and so is activity and no more."""


class StoppingError(Exception):
    """The monitor is stopping: what is reported now would not be counted."""

    def __init__(self) -> None:
        super().__init__("the monitor is stopping; send the same batch again after it has restarted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A reported request that is not taken."""

    index: int
    """Its place in the batch."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of a batch."""

    accepted: int
    duplicates: int
    rejected: Sequence[Rejected]
