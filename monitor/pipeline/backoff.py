"""Backoff after a failed delivery. Pure."""

from __future__ import annotations

from typing import Final

LONGEST_S: Final = 300.0
"""The longest wait, even if the destination asks for more, so that a recovery is noticed within minutes."""
_FIRST_S: Final = 1.0
_DOUBLINGS: Final = 10
"""More doublings would not change the result, and would finally overflow."""


def wait_s(failures: int, *, chance: float, retry_after_s: float | None = None) -> float:
    """The wait after `failures` (1 or more) failures in a row: at least `retry_after_s`, at most the longest wait.

    `chance`: a random number 0..1 that spreads senders over the second half of the wait.
    """
    longest_s = _FIRST_S * float(2 ** min(failures - 1, _DOUBLINGS))
    spread_s = min(longest_s, LONGEST_S) * (1 + chance) / 2
    return min(max(spread_s, retry_after_s or 0.0), LONGEST_S)
