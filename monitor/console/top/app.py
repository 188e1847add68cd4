"""Connects the feed, the keys and the terminal."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from rich.console import Console

from monitor.console.remote import session_for
from monitor.console.top.feed import TopFeed
from monitor.console.top.keys import KeyDecoder, SpecialKey
from monitor.console.top.screen import frame, plain
from monitor.console.top.terminal import TopTerminal
from monitor.console.top.view import ScreenPlace, TopView, pressed

_TICK_S: Final = 1.0
"""Ages are redrawn so often."""
_BETWEEN_S: Final = 0.5
"""At least so long between two redraws for new data. Keys are answered at once."""
_ESCAPE_S: Final = 0.1
"""How long after Escape the rest of a sequence may come."""
_BY_SIGNAL: Final = 128
"""A process that a signal ended has this and the signal's number as its exit code."""


async def run_top(url: str, token: str | None, console: Console) -> int:
    """Show the daemon at `url` until the user quits; the exit code. Without a terminal: one table.

    Raises ScoresUnavailableError if there is no daemon at the start.
    """
    async with session_for(token) as session:
        if not _can_be_redrawn(console):
            feed = TopFeed(session, url, lambda: None)
            await feed.load()
            width = console.width if sys.stdout.isatty() or "COLUMNS" in os.environ else None
            now_s = asyncio.get_running_loop().time()
            sys.stdout.write(plain(feed.data, now_s, width, ascii_only=console.options.ascii_only))
            return 0
        app = TopApp(TopTerminal(console))
        feed = TopFeed(session, url, app.news)
        await feed.load()
        return await app.run(feed)


def _can_be_redrawn(console: Console) -> bool:
    """Whether stdout is a terminal with a cursor. The console alone takes a pipe for one where FORCE_COLOR is set."""
    is_dumb = console.is_dumb_terminal or not os.environ.get("TERM")
    return sys.stdout.isatty() and console.is_terminal and not is_dumb


class TopApp:
    """The screen and its keys."""

    def __init__(self, terminal: TopTerminal) -> None:
        self._terminal = terminal
        self._loop = asyncio.get_running_loop()
        self._decoder = KeyDecoder()
        self._view = TopView()
        self._place = ScreenPlace()
        self._wake = asyncio.Event()
        self._drawn_s = -math.inf
        self._due_s = 0.0
        self._escape: asyncio.TimerHandle | None = None
        self._code = 0
        self._signals: Mapping[signal.Signals, Callable[[], None]] = {
            signal.SIGINT: self._quit,
            signal.SIGTERM: lambda: self._quit(_BY_SIGNAL + signal.SIGTERM),
            signal.SIGHUP: lambda: self._quit(_BY_SIGNAL + signal.SIGHUP),
            signal.SIGWINCH: self._redraw,
            signal.SIGTSTP: self._stop,
            signal.SIGCONT: self._resume,
        }

    def news(self) -> None:
        """Draw soon: the data changed."""
        self._due_by(self._drawn_s + _BETWEEN_S)

    async def run(self, feed: TopFeed) -> int:
        """Show the feed until the user quits; the exit code."""
        following = asyncio.create_task(feed.follow(), name="top-feed")
        following.add_done_callback(lambda _: self._quit(self._code))
        self._listen()
        try:
            with self._terminal:
                while not self._view.quit:
                    self._draw(feed)
                    await self._until_due()
        finally:
            self._deafen()
            following.cancel()
        with suppress(asyncio.CancelledError):
            await following  # raises what ended it
        return self._code

    def _draw(self, feed: TopFeed) -> None:
        now_s = self._loop.time()
        found = frame(feed.data, self._view, self._terminal.size(), now_s)
        self._place = found.place
        self._view = replace(self._view, offset=found.place.offset)
        self._terminal.show(found.lines)
        self._drawn_s, self._due_s = now_s, now_s + _TICK_S

    async def _until_due(self) -> None:
        """Wait until the screen is to be drawn, or the user quits."""
        while not self._view.quit and (left_s := self._due_s - self._loop.time()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._wake.wait()
            self._wake.clear()

    def _due_by(self, at_s: float) -> None:
        self._due_s = min(self._due_s, at_s)
        self._wake.set()

    # Keys and signals

    def _listen(self) -> None:
        for number, act in self._signals.items():
            self._loop.add_signal_handler(number, act)
        if self._terminal.keyboard is not None:
            self._loop.add_reader(self._terminal.keyboard, self._read)

    def _deafen(self) -> None:
        for number in self._signals:
            self._loop.remove_signal_handler(number)
        if self._terminal.keyboard is not None:
            self._loop.remove_reader(self._terminal.keyboard)

    def _read(self) -> None:
        received = self._terminal.read()
        if not received:
            self._quit(_BY_SIGNAL + signal.SIGHUP)  # the terminal is gone
            return
        if self._escape is not None:
            self._escape.cancel()
        self._press(self._decoder.keys(received))
        if self._decoder.waits:
            self._escape = self._loop.call_later(_ESCAPE_S, lambda: self._press(self._decoder.flush()))

    def _press(self, keys: list[str]) -> None:
        for key in keys:
            if key == SpecialKey.REDRAW:
                self._terminal.forget()
            self._view = pressed(self._view, key, self._place)
            self._place = replace(self._place, offset=self._view.offset)
        self._due_by(self._loop.time())

    def _quit(self, code: int = 0) -> None:
        self._code = code
        self._view = replace(self._view, quit=True)
        self._wake.set()

    def _redraw(self) -> None:
        self._terminal.forget()
        self._due_by(self._loop.time())

    def _stop(self) -> None:
        """Give the terminal back and stop, as Ctrl-Z asks; go on when continued."""
        self._terminal.leave()
        self._loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
        self._loop.add_signal_handler(signal.SIGTSTP, self._stop)
        self._resume()

    def _resume(self) -> None:
        """Draw everything: the shell has changed the mode and the screen."""
        self._terminal.lose()
        self._redraw()
