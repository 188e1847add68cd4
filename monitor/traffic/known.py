"""Ids of counted requests, for as long as they could be reported again. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from monitor.traffic.calls import AHEAD, OLDEST

REMEMBERED: Final = OLDEST + AHEAD
"""How long an id is kept. A reporter whose clock is ahead can report an outcome for that much longer."""
MOST: Final = 500_000
"""About 500 requests a second, and 45 MB."""
_STEP: Final = timedelta(seconds=30)


class TooManyError(Exception):
    """The table of known ids is full."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("too many outcomes in a short time; send fewer, or wait")
        self.wait_s = wait_s
        """Seconds until there is probably room again."""


class KnownIds:
    """Keys by their time of arrival; dropped in steps of half a minute."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._keys: set[int] = set()
        self._came: deque[tuple[datetime, list[int]]] = deque()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: int) -> bool:
        return key in self._keys

    def make_room(self, count: int, now: datetime) -> None:
        """Drop old keys. Raises TooManyError when there is no room for `count` more."""
        if self._came and self._came[-1][0] > now:  # the clock was ahead and has been set back
            self._came = deque((min(at, now), keys) for at, keys in self._came)
        while self._came and self._came[0][0] + _STEP + REMEMBERED < now:
            self._keys.difference_update(self._came.popleft()[1])
        if len(self._keys) + count > self._most:
            oldest = self._came[0][0] if self._came else now
            raise TooManyError(max((oldest + _STEP + REMEMBERED - now).total_seconds(), 1.0))

    def add(self, keys: Iterable[int], at: datetime) -> None:
        """Keep keys that arrived at a time."""
        if not self._came or at - self._came[-1][0] >= _STEP:
            self._came.append((at, []))
        fresh = [key for key in dict.fromkeys(keys) if key not in self._keys]
        self._keys.update(fresh)
        self._came[-1][1].extend(fresh)
