"""The text of the key `?`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

HELP: Final[Sequence[tuple[str, str]]] = (
    ("s  S", "sort by the next column, by the one before"),
    ("1 to 9", "sort by that column; again: reverse"),
    ("r", "reverse. Each order begins with what needs attention"),
    ("/", "filter by words of id, provider, model or status"),
    ("Esc", "clear the filter"),
    ("g", "group by provider, by model, not at all"),
    ("↑ ↓ j k", "scroll by a line"),
    ("PgUp PgDn", "scroll by a page; also Space"),
    ("Home End", "to the beginning, to the end"),
    ("Ctrl-L", "draw the screen again"),
    ("q", "quit; also Ctrl-C"),
    ("", ""),
    ("score, 95 %", "probability that the next request succeeds within its SLO, and the interval of that estimate"),
    ("up 24h, n", "share of counted samples of a day that succeeded, and their number"),
    ("TTFT, end", "time to the first content, and to the end: median / 90th percentile of half an hour"),
    ("!, refused", "the provider refuses your account; that lowers no score"),
    ("age", "since the newest sample began; yellow: too old to rely on"),
)
