"""What the routes of stored history are made from: the store, and by what the configuration judges what is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.history.buckets import Judge
from monitor.store import Store
from monitor.web.store_reads import Reads
from probes._model import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The stored history, and what is needed to tell of it."""

    store: Store
    now: Callable[[], datetime]
    task: Callable[[str], Task | None]
    """Whose times and speeds an endpoint is judged by, by its id; None of one that is not probed."""
    judge: Judge
    raw: Callable[[], timedelta]
    """How long samples are kept."""
    reads: Reads
