"""Pages of raw samples: where a page begins, how far back it searches, and its next cursor. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from typing_extensions import TypedDict

from monitor.domain.epoch import EPOCH
from monitor.history.pagination import before, to_cursor
from monitor.store import PageKey
from probes._model import Sample, Task
from probes._serialize import sample_to_plain

_SELDOM: Final = timedelta(days=7)
"""How far back one page searches for a single task, which may be rare."""
_LEEWAY: Final = timedelta(days=1)
"""How much longer than its retention a sample may exist, and how far clocks may be ahead."""


class SampleList(TypedDict):
    """Raw samples, newest first."""

    data: Sequence[Sample]
    next: str | None
    """The `cursor` of the next page; null on the last page. A short page may have one, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleQuery:
    """Which samples to return."""

    endpoint: str
    since: datetime | None
    until: datetime | None
    task: Task | None
    limit: int
    cursor: PageKey | None

    def page(self, now: datetime, raw: timedelta) -> Page:
        """The store query for a page; `raw` is the retention of samples."""
        bounds = [self.cursor, None if self.until is None else before(self.until)]
        newest = min((bound for bound in bounds if bound is not None), default=None)
        since = EPOCH if self.since is None else self.since
        if self.task is None:  # every block that is read has samples for the page
            return Page(since=since, reach=since, before=newest)
        oldest = max(since, now - raw - _LEEWAY)
        begin = now + _LEEWAY if newest is None else min(newest.at, now + _LEEWAY)
        return Page(since=oldest, reach=max(oldest, max(begin, oldest) - _SELDOM), before=newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The store query for a page."""

    since: datetime
    """The earliest time of the whole query."""
    reach: datetime
    """The earliest time that this page searches."""
    before: PageKey | None

    def next(self, found: Sequence[Sample], limit: int) -> str | None:
        """The cursor of the next page. `found` holds up to one sample more than `limit`."""
        if len(found) > limit:
            last = found[limit - 1]
            return to_cursor(PageKey(at=last.started_at, id=last.id))
        return to_cursor(before(self.reach)) if self.reach > self.since else None


def portions(samples: Sequence[Sample], size: int) -> Iterator[bytes]:
    """The JSON of samples separated by commas, `size` samples at a time."""
    rows = iter(samples)
    while portion := list(islice(rows, size)):
        yield b",".join(json.dumps(sample_to_plain(sample), separators=(",", ":")).encode() for sample in portion)
