"""How long a destination that takes nothing is left alone. Pure."""

from __future__ import annotations

from typing import Final

LONGEST_S: Final = 300.0
"""However often it failed, and whatever it asks for: a destination that is well again is found out within minutes."""
_FIRST_S: Final = 1.0
_DOUBLINGS: Final = 10
"""More would change nothing, and overflow in the end."""


def wait_s(failures: int, *, chance: float, retry_after_s: float | None = None) -> float:
    """How long to wait after so many failures in a row, the first being 1; never less than the destination asked for.

    `chance` is a random number 0..1 that spreads many senders over the second half of the wait.
    """
    longest_s = _FIRST_S * float(2 ** min(failures - 1, _DOUBLINGS))
    spread_s = min(longest_s, LONGEST_S) * (1 + chance) / 2
    return min(max(spread_s, retry_after_s or 0.0), LONGEST_S)
