"""Work on the scoreboard that is due by time alone: status changes, and old rows. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice

_DRIFT_LEAST, _DRIFT_MOST = timedelta(seconds=5), timedelta(seconds=30)
_DRIFT_EACH = timedelta(milliseconds=3)
"""Multiplied by the number of rows. A row takes about 0.2 ms to render, so rendering takes a few percent of a core."""
_SLICE = 25


def drift(rows: int) -> timedelta:
    """The maximum age of a row that only time changes, while clients read."""
    return min(max(_DRIFT_LEAST, rows * _DRIFT_EACH), _DRIFT_MOST)


class DueTimes:
    """The next due time of each name."""

    __slots__ = ("_heap", "_next")

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str]] = []
        self._next: dict[str, datetime] = {}

    def put(self, name: str, at: datetime | None) -> None:
        """Set the next due time of a name.

        An earlier pending time stays; when it is due, the caller sets the right one. So a time that every sample
        postpones costs nothing.
        """
        waits = self._next.get(name)
        if at is not None and (waits is None or at < waits):
            self._next[name] = at
            heapq.heappush(self._heap, (at, name))

    @property
    def earliest(self) -> datetime | None:
        """The earliest due time; None: there is none."""
        heap = self._heap
        while heap and self._next.get(heap[0][1]) != heap[0][0]:  # an earlier one took its place
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def take(self, now: datetime) -> Iterator[str]:
        """Take the names that are due."""
        while (at := self.earliest) is not None and at <= now:
            name = heapq.heappop(self._heap)[1]
            del self._next[name]
            yield name


class RowAges:
    """Which rows have to be rendered again for a request for all rows."""

    __slots__ = ("_drift", "_rendered", "_swept_at", "_touched", "_turns")

    def __init__(self, names: Iterable[str], now: datetime) -> None:
        self._rendered = dict.fromkeys(names, now)
        self._turns = cycle(self._rendered)
        self._drift = drift(len(self._rendered))
        self._touched: dict[str, None] = {}
        self._swept_at = now

    @property
    def touched(self) -> list[str]:
        """The rows that changed."""
        return [*self._touched]

    def touch(self, name: str) -> None:
        """A row changed."""
        self._touched[name] = None

    def rendered(self, name: str, now: datetime) -> None:
        """A row was rendered."""
        self._touched.pop(name, None)
        self._rendered[name] = now

    def is_overdue(self, name: str, now: datetime) -> bool:
        """Whether a row has to be rendered again."""
        return name in self._touched or not timedelta() <= now - self._rendered[name] < self._drift

    def overdue(self, now: datetime) -> list[str]:
        """The rows to render: changed rows, and a share of all rows in turn, in proportion to the time passed.

        With frequent requests these are a few rows at a time, after a long pause all of them. They are neighbours, so
        that most blocks of a document keep their compressed form.
        """
        found = self.touched
        number = len(self._rendered)
        passed = (now - self._swept_at) / self._drift
        share = number if not 0 <= passed < 1 else int(number * passed)  # below 0 the wall clock was set back
        if share >= min(_SLICE, number):
            self._swept_at = now
            found += [name for name in islice(self._turns, share) if name not in self._touched]
        return found
