"""A program on a terminal of its own: what its screen shows, what is typed, how it leaves the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyte

from tests.support.daemon import PATIENCE_S

_LEFT_TO_RIGHT_MARK = "\N{LEFT-TO-RIGHT MARK}"
_LINE_MODES = termios.ECHO | termios.ICANON | termios.ISIG


class PtyProgram:
    """A running program and its terminal, as `pyte` draws it."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, width: int, height: int) -> None:
        self.process = process
        self._terminal = terminal
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)
        self.output = b""
        """All that the program wrote."""

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def resize(self, width: int, height: int) -> None:
        self._screen.resize(height, width)
        set_size(self._terminal, width, height)

    def hang_up(self) -> None:
        """Take the terminal away, as the end of a connection does."""
        self.close()

    def close(self) -> None:
        if self._terminal >= 0:
            os.close(self._terminal)
        self._terminal = -1

    def lines(self) -> list[str]:
        """The screen, after what came until now."""
        self._pump(0.05)
        return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        return "\n".join(self.lines())

    def wait_for(self, text: str) -> list[str]:
        """Wait until the screen shows a text; its lines."""
        return self._wait(text, wanted=True)

    def wait_without(self, text: str) -> list[str]:
        """Wait until the screen no longer shows a text; its lines."""
        return self._wait(text, wanted=False)

    def line_modes(self) -> int:
        """Which of echo, line editing and signals by keys the terminal has."""
        modes: int = termios.tcgetattr(self._terminal)[3]
        return modes & _LINE_MODES

    def wait(self) -> int:
        """The exit code."""
        deadline_s = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline_s, f"still running:\n{self.text()}"
            self._pump(0.05)
        self._pump(0.05)
        return self.process.returncode

    def _wait(self, text: str, *, wanted: bool) -> list[str]:
        deadline_s = time.monotonic() + PATIENCE_S
        while (text in self.text()) != wanted:
            assert time.monotonic() < deadline_s, f"{'never' if wanted else 'still'} shown: {text}\n{self.text()}"
        return self.lines()

    def _pump(self, for_s: float) -> None:
        """Draw what comes, until nothing comes for so long."""
        while select.select([self._terminal], [], [], for_s)[0]:
            try:
                received = os.read(self._terminal, 65_536)
            except OSError:  # the program has ended
                return
            self.output += received
            # pyte leaves out what follows the mark on its line
            self._stream.feed(received.replace(_LEFT_TO_RIGHT_MARK.encode(), b""))


@contextmanager
def on_terminal(
    command: Sequence[str], *, width: int = 80, height: int = 24, env: Mapping[str, str] | None = None
) -> Iterator[PtyProgram]:
    """A program as the foreground of a new terminal, until the block ends."""
    terminal, inside = pty.openpty()
    set_size(terminal, width, height)
    process = subprocess.Popen(
        ("setsid", "--ctty", *command),  # it does not fork, as it leads no group yet
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(env or {})},
    )
    program = PtyProgram(process, terminal, width, height)
    try:
        yield program
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(inside)
        program.close()


def set_size(terminal: int, width: int, height: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
