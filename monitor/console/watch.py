"""The scores of a running daemon, refreshed every second."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from monitor.console.remote import ScoresUnavailableError, fetch_document
from monitor.console.scores_table import ScoresTable, scores_table
from monitor.console.text import in_ascii
from monitor.domain.text import printable

_POLL_S = 1.0
_POLL_TIMEOUT_S = 5.0
_LOG_EVERY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchFrame:
    """The screen at one moment: address, files, time, and the table."""

    url: str
    page: str | None = None
    """The address of the overview page, if there is one to look at."""
    files: tuple[Path, ...] = ()
    elapsed_s: float = 0.0
    duration_s: float | None = None
    table: ScoresTable | None = None
    problem: str | None = None
    """Why the last poll failed; the table then shows the last successful one."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw header and table."""
        spelled = in_ascii if options.ascii_only else str
        live = console.is_terminal
        if self.page is not None:
            yield Text.assemble("Open ", (spelled(printable(self.page, longest=None)), "bold cyan"), " in a browser")
        for place in (self.url, *map(str, self.files)):
            address = spelled(printable(place, longest=None))
            yield Text(address, "cyan", overflow="fold" if live else "ignore", no_wrap=not live)
        left = "" if self.duration_s is None else f", {max(0.0, self.duration_s - self.elapsed_s):.0f} s left"
        end = "; stop with Ctrl-C" if live else ""
        yield Text(f"{self.elapsed_s:.0f} s elapsed{left}{end}\n", "dim")
        if self.problem is not None:
            yield Text(spelled(f"cannot read the scores: {self.problem}\n"), "bold red")
        if self.table is not None:
            yield self.table
        yield Text()  # the terminal echoes ^C on this line; after a full line the echo would scroll the screen


async def watch_scores(
    url: str,
    console: Console,
    *,
    duration_s: float | None = None,
    page: str | None = None,
    files: Sequence[Path] = (),
    token: str | None = None,
) -> None:
    """Show the scores at `url` for `duration_s`, or until cancelled.

    A terminal shows one table that is refreshed. A file or pipe gets a table every ten seconds and one at the end.
    """
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    frame = WatchFrame(url=url, page=page, files=tuple(files), duration_s=duration_s)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with ClientSession(timeout=ClientTimeout(total=_POLL_TIMEOUT_S), headers=headers) as session:
        with _screen(console) as show:
            while True:
                frame = replace(await _polled(session, frame), elapsed_s=loop.time() - start_s)
                show(frame)
                left_s = math.inf if duration_s is None else duration_s - frame.elapsed_s
                if left_s <= 0:
                    return
                await asyncio.sleep(min(_POLL_S, left_s))


async def _polled(session: ClientSession, frame: WatchFrame) -> WatchFrame:
    """The frame with the newest table, or with the reason why there is none."""
    try:
        document = await fetch_document(session, frame.url)
    except ScoresUnavailableError as error:
        return replace(frame, problem=str(error))
    return replace(frame, table=scores_table(document, now=datetime.now(UTC)), problem=None)


@contextmanager
def _screen(console: Console) -> Iterator[Callable[[WatchFrame], None]]:
    """A function that shows a frame on this kind of console. The last frame stays on the screen."""
    if console.is_terminal and not console.is_dumb_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda frame: live.update(frame, refresh=True)
        return
    log = _Log(console)
    try:
        yield log.show
    finally:
        log.close()


class _Log:
    """Prints a frame every ten seconds, and the last frame."""

    __slots__ = ("_console", "_due_s", "_held_back")

    def __init__(self, console: Console) -> None:
        self._console = console
        self._due_s = 0.0
        self._held_back: WatchFrame | None = None

    def show(self, frame: WatchFrame) -> None:
        """Print the frame if one is due, else keep it for `close`."""
        self._held_back = frame
        if frame.elapsed_s >= self._due_s:
            self.close()
            self._due_s = frame.elapsed_s + _LOG_EVERY_S

    def close(self) -> None:
        """Print the newest frame if it was not printed."""
        if self._held_back is not None:
            self._console.print(self._held_back, crop=False)  # addresses stay whole
        self._held_back = None
