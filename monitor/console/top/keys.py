"""Keys from the bytes that a terminal sends. Pure."""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from typing import Final


class SpecialKey(StrEnum):
    """Keys that are no character. A key is one of these, or a text of one character."""

    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    HOME = "home"
    END = "end"
    ENTER = "enter"
    ESCAPE = "escape"
    BACKSPACE = "backspace"
    ERASE_LINE = "ctrl-u"
    REDRAW = "ctrl-l"
    QUIT = "ctrl-c"


_CONTROLS: Final = {
    "\r": SpecialKey.ENTER,
    "\n": SpecialKey.ENTER,
    "\x7f": SpecialKey.BACKSPACE,
    "\b": SpecialKey.BACKSPACE,
    "\x15": SpecialKey.ERASE_LINE,
    "\x0c": SpecialKey.REDRAW,
    "\x03": SpecialKey.QUIT,
    "\x1b": SpecialKey.ESCAPE,
}
_BY_FINAL: Final = {
    "A": SpecialKey.UP,
    "B": SpecialKey.DOWN,
    "H": SpecialKey.HOME,
    "F": SpecialKey.END,
}
_BY_NUMBER: Final = {
    "1": SpecialKey.HOME,
    "7": SpecialKey.HOME,
    "4": SpecialKey.END,
    "8": SpecialKey.END,
    "5": SpecialKey.PAGE_UP,
    "6": SpecialKey.PAGE_DOWN,
}
_SEQUENCE: Final = re.compile(r"\x1b(?:\[(?P<number>[0-?]*)[ -/]*(?P<final>[@-~])|O(?P<short>[@-~])|[^\x1b\[O])")
"""A control sequence (CSI), a short one (SS3), or Alt with a character."""
_LONGEST: Final = 32
"""A longer sequence without an end is none."""


class KeyDecoder:
    """Makes keys of bytes, which may arrive in any portions."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    @property
    def waits(self) -> bool:
        """Whether the bytes so far may be the beginning of a sequence, or the key Escape alone."""
        return bool(self._rest)

    def keys(self, received: bytes) -> list[str]:
        """The keys that are complete after these bytes."""
        self._rest += self._decoder.decode(received)
        found: list[str] = []
        while self._rest:
            length, key = _first(self._rest)
            if not length:
                break
            self._rest = self._rest[length:]
            if key is not None:
                found.append(key)
        return found

    def flush(self) -> list[str]:
        """The keys when no more bytes came: a beginning is then the key Escape."""
        rest, self._rest = self._rest, ""
        return [SpecialKey.ESCAPE] if rest else []


def _first(text: str) -> tuple[int, str | None]:
    """Length and key of the beginning of a text; length 0: incomplete. A sequence without a meaning has no key."""
    if not text.startswith("\x1b"):
        key = _CONTROLS.get(text[0], text[0])
        return 1, key if len(key) > 1 or key.isprintable() else None
    if text.startswith("\x1b\x1b") or (len(text) > _LONGEST and not _SEQUENCE.match(text)):
        return 1, SpecialKey.ESCAPE
    match = _SEQUENCE.match(text)
    return (match.end(), _special(match)) if match else (0, None)


def _special(match: re.Match[str]) -> str | None:
    """The key of a sequence; modifiers such as Shift are ignored."""
    if match["final"] == "~":
        return _BY_NUMBER.get(match["number"].partition(";")[0])
    return _BY_FINAL.get(match["final"] or match["short"] or "")
