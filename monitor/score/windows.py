"""Counts over sliding windows.

Windows up to an hour use buckets of a second, a day of five minutes, a week of an hour, longer ones of a day (UTC). A
bucket is dropped when all of it is outside, so a window may be longer than its name by less than one bucket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.score.outcomes import NOTHING, Counts, SampleOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A named span up to now, and its bucket size."""

    name: str
    length_s: int
    bucket_s: int


DAY = Window(name="1d", length_s=86_400, bucket_s=300)
WINDOWS = (
    Window(name="5m", length_s=300, bucket_s=1),
    Window(name="30m", length_s=1_800, bucket_s=1),
    Window(name="1h", length_s=3_600, bucket_s=1),
    DAY,
    Window(name="7d", length_s=7 * 86_400, bucket_s=3_600),
    Window(name="30d", length_s=30 * 86_400, bucket_s=86_400),
    Window(name="90d", length_s=90 * 86_400, bucket_s=86_400),
)


class SlidingCounts:
    """The counts of one window of one endpoint."""

    __slots__ = ("_buckets", "_starts", "_total", "window")

    def __init__(self, window: Window) -> None:
        self.window = window
        self._buckets: dict[int, int] = {}
        """By the bucket's start, the counts of all outcomes packed into one integer: there are many buckets, and
        integers are small, fast to add, and ignored by the garbage collector."""
        self._starts: deque[int] = deque()
        """Bucket starts in ascending order."""
        self._total = 0

    def add(self, at: datetime, outcome: SampleOutcome, count: int = 1) -> None:
        """Count samples that started at `at`, in any order."""
        self.add_packed(int(at.timestamp()), _packed(outcome, count))

    def add_packed(self, second: int, fresh: int) -> None:
        """Count samples that started in a second since 1970, packed as by `_packed`."""
        start = second - second % self.window.bucket_s
        held = self._buckets.get(start)
        if held is None:
            if self._starts and self._starts[-1] > start:
                self._insert(start)
            else:
                self._starts.append(start)
            self._buckets[start] = fresh
        else:
            self._buckets[start] = held + fresh
        self._total += fresh

    def counts(self, now: datetime) -> Counts:
        """The counts of the window that ends at `now`."""
        oldest = now.timestamp() - self.window.length_s - self.window.bucket_s
        while self._starts and self._starts[0] <= oldest:
            self._total -= self._buckets.pop(self._starts.popleft())
        if not self._starts:
            return NOTHING
        return Counts(**{name: self._total >> shift & _MOST for name, shift in _FIELDS})

    def forget_after(self, now: datetime) -> None:
        """Drop counts later than `now`."""
        while self._starts and self._starts[-1] > now.timestamp():
            self._total -= self._buckets.pop(self._starts.pop())

    def _insert(self, start: int) -> None:
        """Insert a late bucket in order."""
        place = len(self._starts)
        while place and self._starts[place - 1] > start:
            place -= 1
        self._starts.insert(place, start)


_BITS = 64
_MOST = (1 << _BITS) - 1
_FIELDS = tuple((outcome.name.lower(), _BITS * outcome) for outcome in SampleOutcome)


def _packed(outcome: SampleOutcome, count: int) -> int:
    """A count of one outcome, shifted to its place in the packed integer."""
    return count << _BITS * outcome


class Ledger:
    """All windows of one endpoint."""

    __slots__ = ("_windows",)

    def __init__(self) -> None:
        self._windows = tuple(SlidingCounts(window) for window in WINDOWS)

    def add(self, at: datetime, outcome: SampleOutcome, count: int = 1) -> None:
        """Count samples that started at `at` in every window."""
        second, fresh = int(at.timestamp()), _packed(outcome, count)
        for sliding in self._windows:
            sliding.add_packed(second, fresh)

    def restore(self, bucket_s: int, at: datetime, outcome: SampleOutcome, count: int = 1) -> None:
        """Count stored samples in the windows that count by `bucket_s`, and in no others."""
        second, fresh = int(at.timestamp()), _packed(outcome, count)
        for sliding in self._windows:
            if sliding.window.bucket_s == bucket_s:
                sliding.add_packed(second, fresh)

    def counts(self, now: datetime) -> Iterator[tuple[Window, Counts]]:
        """Each window with its counts at `now`; the shortest first."""
        for sliding in self._windows:
            yield sliding.window, sliding.counts(now)

    def forget_after(self, now: datetime) -> None:
        """Drop counts later than `now`."""
        for sliding in self._windows:
            sliding.forget_after(now)
