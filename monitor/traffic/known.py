"""The ids that were counted already, for as long as a request of that id could be reported again. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from monitor.traffic.calls import AHEAD, OLDEST

REMEMBERED: Final = OLDEST + AHEAD
"""A request that its reporter's clock puts ahead of ours can be reported for that much longer."""
MOST: Final = 500_000
"""About 500 a second, and 45 MB."""
_STEP: Final = timedelta(seconds=30)


class TooManyError(Exception):
    """There is no room for as many ids."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("more outcomes than are remembered")
        self.wait_s = wait_s
        """When there will be room again, as far as it is known."""


class KnownIds:
    """Keys of ids by when they came, the oldest first; forgotten by the half minute."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._keys: set[int] = set()
        self._came: deque[tuple[datetime, list[int]]] = deque()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: int) -> bool:
        return key in self._keys

    def make_room(self, count: int, now: datetime) -> None:
        """Forget what is old enough. Raises TooManyError where then there is no room for as many."""
        if self._came and self._came[-1][0] > now:  # a clock that was ahead has come back
            self._came = deque((min(at, now), keys) for at, keys in self._came)
        while self._came and self._came[0][0] + _STEP + REMEMBERED < now:
            self._keys.difference_update(self._came.popleft()[1])
        if len(self._keys) + count > self._most:
            oldest = self._came[0][0] if self._came else now
            raise TooManyError(max((oldest + _STEP + REMEMBERED - now).total_seconds(), 1.0))

    def add(self, keys: Iterable[int], at: datetime) -> None:
        """Remember keys that came at a time."""
        if not self._came or at - self._came[-1][0] >= _STEP:
            self._came.append((at, []))
        fresh = [key for key in dict.fromkeys(keys) if key not in self._keys]
        self._keys.update(fresh)
        self._came[-1][1].extend(fresh)
