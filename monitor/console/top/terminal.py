"""A terminal as a whole screen: its mode, its size, its lines. It is restored whatever happens."""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style

from monitor.console.text import in_ascii, isolated
from monitor.console.top.screen import Line, ScreenSize

_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
"""Alternate screen, no cursor, no automatic wrap, empty."""
_LEAVE: Final = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
_ERASE_LINE: Final = "\x1b[0m\x1b[2K"
"""Before its text: after a full line the cursor stands on its last character, which erasing the rest would erase."""
_USUAL: Final = ScreenSize(width=80, height=24)
_COLOR_SYSTEMS: Final = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}
_READ_BYTES: Final = 4096


class TopTerminal:
    """The terminal on stdout, and on stdin if that is one, too."""

    def __init__(self, console: Console) -> None:
        self._out = sys.stdout.fileno()
        self.keyboard = sys.stdin.fileno() if sys.stdin.isatty() else None
        """The file descriptor that keys come from; None: there is no keyboard."""
        self._ascii = console.options.ascii_only
        self._color = None if console.no_color else _COLOR_SYSTEMS.get(console.color_system or "")
        self._mode: list[Any] | None = None
        self._taken = False
        self._shown: list[str] = []

    def __enter__(self) -> Self:
        if self.keyboard is not None:
            self._mode = termios.tcgetattr(self.keyboard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Restore the screen and the mode."""
        if not self._taken:
            return
        self._taken = False
        with suppress(OSError, termios.error):  # the terminal is gone
            self._write(_LEAVE)
            if self.keyboard is not None and self._mode is not None:
                termios.tcsetattr(self.keyboard, termios.TCSADRAIN, self._mode)

    def lose(self) -> None:
        """Take the terminal again before the next lines: a shell had it meanwhile."""
        self._taken = False

    def forget(self) -> None:
        """Draw every line the next time."""
        self._shown = []

    def size(self) -> ScreenSize:
        """The size now; 80 by 24 if the terminal does not say."""
        found = os.get_terminal_size(self._out)
        return ScreenSize(width=found.columns or _USUAL.width, height=found.lines or _USUAL.height)

    def read(self) -> bytes:
        """What the keyboard sent; nothing if the terminal is gone."""
        try:
            return b"" if self.keyboard is None else os.read(self.keyboard, _READ_BYTES)
        except OSError:
            return b""

    def show(self, lines: Sequence[Line]) -> bool:
        """Draw the lines that changed. False: not now, as the terminal is slow, or this is a background job."""
        if not self._in_foreground():
            return False
        if not self._taken:
            self._take()
        drawn = [self._drawn(line) for line in lines]
        changed = [
            f"\x1b[{row + 1};1H{_ERASE_LINE}{text}"
            for row, text in enumerate(drawn)
            if row >= len(self._shown) or self._shown[row] != text
        ]
        if not changed and len(drawn) >= len(self._shown):
            return True
        if not select.select([], [self._out], [], 0)[1]:
            return False
        erased = f"\x1b[{len(drawn) + 1};1H\x1b[J" if len(drawn) < len(self._shown) else ""
        self._write(f"{''.join(changed)}\x1b[0m{erased}")
        self._shown = drawn
        return True

    def _in_foreground(self) -> bool:
        """Whether the terminal is this process's: the shell would stop a background job that changes its mode."""
        try:
            return os.tcgetpgrp(self._out) == os.getpgrp()
        except OSError:
            return True  # it is not the terminal that controls this process

    def _take(self) -> None:
        """Take the whole screen, and keys without Enter."""
        if self.keyboard is not None and self._mode is not None:
            mode = [*self._mode[:6], [*self._mode[6]]]
            mode[0] &= ~termios.IXON  # after Ctrl-S a write would wait for Ctrl-Q, and a signal for the write
            mode[3] &= ~(termios.ECHO | termios.ICANON)
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self.keyboard, termios.TCSANOW, mode)
        self._taken = True
        self._write(_ENTER)
        self.forget()

    def _drawn(self, line: Line) -> str:
        return "".join(self._styled(text, style) for text, style in line)

    def _styled(self, text: str, style: str) -> str:
        text = in_ascii(text) if self._ascii else isolated(text)
        if not style:
            return text
        parsed = Style.parse(style)
        if self._color is None:
            return parsed.without_color.render(text, color_system=ColorSystem.STANDARD)
        return parsed.render(text, color_system=self._color)

    def _write(self, text: str) -> None:
        left = memoryview(text.encode(errors="replace"))
        while left:
            left = left[os.write(self._out, left) :]
