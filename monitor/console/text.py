"""Text for terminals: signs of statuses, ASCII, and text of an exact width in cells. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Final

from rich.cells import cell_len, get_character_cell_size

STATUS_SIGNS: Final[Mapping[str, tuple[str, str]]] = {
    "up": ("●", "green"),
    "degraded": ("◐", "yellow"),
    "down": ("✗", "bold red"),
    "unknown": ("?", "dim"),
    "maintenance": ("⚙", "blue"),
    "paused": ("‖", "dim"),
}
"""Sign and style of each status: the sign is for terminals without colour."""
_ASCII = str.maketrans("\N{EN DASH}●◐✗⚙‖…·▼▲↑↓", "-*~xm=~|v^^v")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_LEFT_TO_RIGHT_MARK = "\N{LEFT-TO-RIGHT MARK}"


def in_ascii(text: str) -> str:
    """`text` in ASCII, as wide as before; characters without a substitute become question marks."""
    return "".join(
        character if character.isascii() else "?" * get_character_cell_size(character)
        for character in text.translate(_ASCII)
    )


def fitted(text: str, width: int, *, middle: bool = False) -> str:
    """`text` in at most `width` cells. Cut at its end, or in its middle, where an ellipsis stands."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 2 if middle else 0
    return f"{_head(text, width - 1 - tail)}…{_tail(text, tail)}"


def padded(text: str, width: int, *, right: bool = False) -> str:
    """`text` with spaces to `width` cells, on its left if it is to stand at the right."""
    spaces = " " * (width - cell_len(text))
    return spaces + text if right else text + spaces


def isolated(text: str) -> str:
    """`text` with a mark at its end if it holds right-to-left letters: a terminal then reorders nothing after it."""
    if text.isascii() or not any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return text
    return text + _LEFT_TO_RIGHT_MARK


def _head(text: str, width: int) -> str:
    """The longest beginning of at most `width` cells, with its combining characters."""
    return text[: _fitting(text, width)]


def _tail(text: str, width: int) -> str:
    """The longest end of at most `width` cells that begins with a character that has a width."""
    tail = text[len(text) - _fitting(reversed(text), width) :]
    while tail and not get_character_cell_size(tail[0]):
        tail = tail[1:]
    return tail


def _fitting(characters: Iterable[str], width: int) -> int:
    """How many characters fit into `width` cells."""
    return sum(used <= width for used in accumulate(map(get_character_cell_size, characters)))
