"""When time alone asks for work on the scoreboard: statuses that change by it, rows that became old. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice

_DRIFT_LEAST, _DRIFT_MOST = timedelta(seconds=5), timedelta(seconds=30)
_DRIFT_EACH = timedelta(milliseconds=3)
"""Times the number of rows, each of which takes about 0.2 ms: so rendering them takes some percent of a core."""
_SLICE = 25


def drift(rows: int) -> timedelta:
    """How old a row may get that only time changes, while clients read."""
    return min(max(_DRIFT_LEAST, rows * _DRIFT_EACH), _DRIFT_MOST)


class DueTimes:
    """The next moment of each name. Nothing is done about a name until its moment has come."""

    __slots__ = ("_heap", "_next")

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str]] = []
        self._next: dict[str, datetime] = {}

    def put(self, name: str, at: datetime | None) -> None:
        """A name's next moment is `at`.

        Where an earlier one waits, that one stays: who is woken too early puts the right one. So a moment that every
        sample moves on costs nothing until it would have come.
        """
        waits = self._next.get(name)
        if at is not None and (waits is None or at < waits):
            self._next[name] = at
            heapq.heappush(self._heap, (at, name))

    @property
    def earliest(self) -> datetime | None:
        """When the first moment comes; None: there is none."""
        heap = self._heap
        while heap and self._next.get(heap[0][1]) != heap[0][0]:  # an earlier one took its place
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def take(self, now: datetime) -> Iterator[str]:
        """The names whose moments have come; they have no moment any more."""
        while (at := self.earliest) is not None and at <= now:
            name = heapq.heappop(self._heap)[1]
            del self._next[name]
            yield name


class RowAges:
    """Which rows have to be rendered again for a request for all of them."""

    __slots__ = ("_drift", "_rendered", "_swept_at", "_touched", "_turns")

    def __init__(self, names: Iterable[str], now: datetime) -> None:
        self._rendered = dict.fromkeys(names, now)
        self._turns = cycle(self._rendered)
        self._drift = drift(len(self._rendered))
        self._touched: dict[str, None] = {}
        self._swept_at = now

    @property
    def touched(self) -> list[str]:
        """The rows that are not what they were."""
        return [*self._touched]

    def touch(self, name: str) -> None:
        """A row is not what it was."""
        self._touched[name] = None

    def rendered(self, name: str, now: datetime) -> None:
        """A row was rendered."""
        self._touched.pop(name, None)
        self._rendered[name] = now

    def is_overdue(self, name: str, now: datetime) -> bool:
        """Whether one row has to be rendered anew."""
        return name in self._touched or not timedelta() <= now - self._rendered[name] < self._drift

    def overdue(self, now: datetime) -> list[str]:
        """The rows to render: those that were touched, and of all in turn as many as time has passed for.

        Who asks all the time gets them a few at a time; who has not asked for long, all of them. They are neighbours,
        so that most blocks of a document stay packed as they are.
        """
        found = self.touched
        number = len(self._rendered)
        passed = (now - self._swept_at) / self._drift
        share = number if not 0 <= passed < 1 else int(number * passed)  # below 0 the wall clock was set back
        if share >= min(_SLICE, number):
            self._swept_at = now
            found += [name for name in islice(self._turns, share) if name not in self._touched]
        return found
