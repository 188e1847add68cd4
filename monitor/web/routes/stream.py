"""`/v1/scores/stream`: a snapshot of the scores, then each change, as server-sent events.

Nothing is queued for a reader. One that is slow is told the newest of what changed when it can take more, and one that
takes nothing for too long is cut off. While anybody reads, one task looks for news and wakes all readers.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import hdrs, web

from monitor.scoreboard.changes import Changes
from monitor.scoreboard.snapshot import RowFilter, opening
from monitor.web.context import Context
from monitor.web.responses import SAFE
from monitor.web.route import Answer, Route, refusal
from monitor.web.routes.scores import MODEL, PROVIDER
from monitor.web.sse import BEGIN, KEEP_ALIVE, EventKind, event

log = logging.getLogger(__name__)

_BUFFER_BYTES = 16_384
_DIGITS = 15
_NOWHERE = -2
"""Before any position, and not next to one."""
_HEADERS: Mapping[str, str] = {
    **SAFE,
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How many streams there may be, and how they are kept."""

    streams: int = 2_000
    look_s: float = 0.05
    """From one look for news to the next: what changes between is told together."""
    beat_s: float = 5.0
    """From one look at the readers to the next, should there be no news: some may be gone."""
    silence_s: float = 15.0
    """After so long without news a reader gets a sign of life."""
    patience_s: float = 30.0
    """How long a reader may take nothing."""


def routes(context: Context, limits: StreamLimits = StreamLimits()) -> Sequence[Route]:
    """The routes of this file."""
    hub = Hub(context, limits)
    return (
        Route(
            path="/v1/scores/stream",
            handler=hub.stream,
            parameters=[MODEL, PROVIDER],
            answers=[
                Answer(about="Events `snapshot` and `change`, for ever.", content_type="text/event-stream"),
                refusal(HTTPStatus.SERVICE_UNAVAILABLE, "There are too many streams; `Retry-After` says when to come."),
            ],
            close=hub.close,
        ),
    )


class Hub:
    """All streams, and the one task that looks for news for them."""

    def __init__(self, context: Context, limits: StreamLimits) -> None:
        self._context = context
        self._limits = limits
        self._epoch = secrets.token_hex(4)  # so that nobody goes on at a position of another process
        self._snapshot = context.snapshot()
        self._changes = Changes(self._snapshot)
        self._ready: dict[RowFilter, tuple[bytes, ...]] = {}
        """The newest change, for readers who know all others."""
        self._wake = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._closing = False
        self.streams = 0
        """How many there are."""

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: a `snapshot` of the scores, then a `change` with the rows that changed, as they do.

        The data of both is a scores document. With the header `Last-Event-ID` a reader goes on where it stopped, if
        that is known; else it gets a snapshot. A row is told of at once when its status, its account's trouble, its
        maintenance or its newest sample changes, or its score moves by 0.01; what only time changed is told within a
        minute of the last time.
        """
        wanted = RowFilter(model=MODEL.read(request), provider=PROVIDER.read(request))
        if self.streams >= self._limits.streams or self._closing:
            raise web.HTTPServiceUnavailable(text="there are too many streams", headers={hdrs.RETRY_AFTER: "10"})
        response = web.StreamResponse(headers=_HEADERS)
        self.streams += 1
        try:
            await response.prepare(request)
            if request.method != hdrs.METH_HEAD:
                await self._follow()
                self._watch = self._watch or asyncio.create_task(self._look_for_news(), name="score-streams")
                await self._serve(request, response, wanted)
        except ConnectionError:
            pass  # the reader went away
        except asyncio.CancelledError:
            if request.transport is not None:
                request.transport.abort()  # it took nothing up to the last
            raise
        finally:
            self.streams -= 1
        return response

    async def close(self) -> None:
        """End all streams; their readers come again to whoever answers then."""
        self._closing = True
        watch = self._watch
        if watch is not None:
            watch.cancel()  # it wakes the readers at its end
            await asyncio.gather(watch, return_exceptions=True)
        self._wake_all()

    async def _look_for_news(self) -> None:
        """Wake the readers when there is any, and from time to time without, while there are readers."""
        clock = asyncio.get_running_loop().time
        beat_at_s = clock() + self._limits.beat_s
        try:
            while self.streams and not self._closing:
                await asyncio.sleep(self._limits.look_s)
                if await self._follow() or clock() >= beat_at_s:
                    self._wake_all()
                    beat_at_s = clock() + self._limits.beat_s
        except Exception:  # its readers would wait for ever; the next one begins anew
            log.exception("the scores cannot be followed", extra={"action": "stream_failed"})
        finally:
            self._watch = None
            self._wake_all()

    async def _follow(self) -> bool:
        """Take in the newest snapshot; whether there is news in it."""
        snapshot = await self._context.newest()
        if snapshot is self._snapshot:
            return False
        self._snapshot = snapshot
        news = self._changes.follow(snapshot)
        if news:
            self._ready.clear()
        return news

    def _wake_all(self) -> None:
        self._wake.set()
        self._wake = asyncio.Event()

    async def _serve(self, request: web.Request, response: web.StreamResponse, wanted: RowFilter) -> None:
        """Write until the reader is gone, or all streams end."""
        transport = request.transport
        if transport is not None:
            transport.set_write_buffer_limits(high=_BUFFER_BYTES)
        reader = _Reader(response, transport, self._limits)
        await reader.write((BEGIN,))
        position = self._known_position(request)
        while self._watch is not None and not (self._closing or transport is None or transport.is_closing()):
            if position != self._changes.position:
                pieces, position = self._pending(position, wanted), self._changes.position
                await reader.write(pieces)
            elif reader.silent:
                await reader.write((KEEP_ALIVE,))
            else:
                await self._wake.wait()

    def _known_position(self, request: web.Request) -> int:
        """Where a reader stopped; `_NOWHERE` where it has to begin."""
        epoch, _, position = request.headers.get("Last-Event-ID", "").partition("-")
        known = epoch == self._epoch and position.isascii() and position.isdecimal() and len(position) <= _DIGITS
        return int(position) if known and self._changes.since(int(position)) is not None else _NOWHERE

    def _pending(self, position: int, wanted: RowFilter) -> Iterable[bytes]:
        """What a reader at this position has not heard yet."""
        if position != self._changes.position - 1:
            return self._event(position, wanted)
        if wanted not in self._ready:
            self._ready[wanted] = tuple(self._event(position, wanted))
        return self._ready[wanted]

    def _event(self, position: int, wanted: RowFilter) -> Iterable[bytes]:
        changed = self._changes.since(position)
        kind = EventKind.SNAPSHOT if changed is None else EventKind.CHANGE
        rows = self._snapshot.rows.values() if changed is None else changed
        passing = [row for row in rows if wanted.passes(row)]
        if kind is EventKind.CHANGE and not passing:
            return ()
        head = opening(self._snapshot.vantage, self._snapshot.generated_at)
        return event(kind, f"{self._epoch}-{self._changes.position}", head, passing)


class _Reader:
    """Writes to one reader, who may be slow but has to take something from time to time."""

    def __init__(self, response: web.StreamResponse, transport: asyncio.Transport | None, limits: StreamLimits) -> None:
        self._response = response
        self._transport = transport
        self._limits = limits
        self._clock = asyncio.get_running_loop().time
        self._written_s = self._clock()

    @property
    def silent(self) -> bool:
        """Whether it has heard nothing for long."""
        return self._clock() - self._written_s >= self._limits.silence_s

    async def write(self, pieces: Iterable[bytes]) -> None:
        """Write all of it. Raises ConnectionError where the reader is gone, or takes nothing."""
        for piece in pieces:
            try:
                async with asyncio.timeout(self._limits.patience_s):
                    await self._response.write(piece)
            except TimeoutError:
                log.info("a reader of the scores takes nothing and is cut off", extra={"action": "stream_cut"})
                if self._transport is not None:
                    self._transport.abort()  # what is buffered would hold up the end as well
                raise ConnectionAbortedError("the reader takes nothing") from None
            self._written_s = self._clock()
