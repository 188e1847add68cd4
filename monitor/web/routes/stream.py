"""`/v1/scores/stream`: a snapshot of the scores, then each change, as server-sent events.

Events are not queued for clients. A slow client gets the newest state of the changed rows when it can receive more; a
client that receives nothing for too long is disconnected. While clients are connected, one task polls for changes and
wakes all of them.
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
"""A position before all others, and not adjacent to any."""
_HEADERS: Mapping[str, str] = {
    **SAFE,
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",  # otherwise nginx buffers events
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """Limits and intervals of the streams."""

    streams: int = 2_000
    look_s: float = 0.05
    """Poll interval: changes in one interval are sent together."""
    beat_s: float = 5.0
    """Interval at which clients are checked without changes: some may have disconnected."""
    silence_s: float = 15.0
    """A client gets a keep-alive comment after so long without an event."""
    patience_s: float = 30.0
    """A client that receives nothing for so long is disconnected."""


def routes(context: Context, limits: StreamLimits = StreamLimits()) -> Sequence[Route]:
    """The routes of this file."""
    hub = Hub(context, limits)
    return (
        Route(
            path="/v1/scores/stream",
            handler=hub.stream,
            parameters=[MODEL, PROVIDER],
            answers=[
                Answer(about="Events `snapshot` and `change`, without end.", content_type="text/event-stream"),
                refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Too many streams; try again after `Retry-After`."),
            ],
            close=hub.close,
            password=True,
        ),
    )


class Hub:
    """All streams, and the task that polls for changes."""

    def __init__(self, context: Context, limits: StreamLimits) -> None:
        self._context = context
        self._limits = limits
        self._epoch = secrets.token_hex(4)  # so that a client does not resume at a position of another process
        self._snapshot = context.snapshot()
        self._changes = Changes(self._snapshot)
        self._ready: dict[RowFilter, tuple[bytes, ...]] = {}
        """The newest change, for clients that have all earlier ones."""
        self._wake = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._closing = False
        self.streams = 0
        """The number of connected clients."""

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: a `snapshot` of the scores, then `change` events with the changed rows.

        The data of both is a scores document. With the header `Last-Event-ID` a client resumes at its last event if the
        daemon still has that position; else it gets a snapshot. A row is sent at once when its status, account error,
        maintenance or newest sample changes, or its score changes by 0.01. Other changes are sent within a minute.
        """
        wanted = RowFilter(model=MODEL.read(request), provider=PROVIDER.read(request))
        if self.streams >= self._limits.streams or self._closing:
            raise web.HTTPServiceUnavailable(text="too many streams; try again later", headers={hdrs.RETRY_AFTER: "10"})
        response = web.StreamResponse(headers=_HEADERS)
        self.streams += 1
        try:
            await response.prepare(request)
            if request.method != hdrs.METH_HEAD:
                await self._follow()
                self._watch = self._watch or asyncio.create_task(self._look_for_news(), name="score-streams")
                await self._serve(request, response, wanted)
        except ConnectionError:
            pass  # the client disconnected
        except asyncio.CancelledError:
            if request.transport is not None:
                request.transport.abort()  # the client received nothing until the end
            raise
        finally:
            self.streams -= 1
        return response

    async def close(self) -> None:
        """End all streams; clients reconnect."""
        self._closing = True
        watch = self._watch
        if watch is not None:
            watch.cancel()  # it wakes the readers at its end
            await asyncio.gather(watch, return_exceptions=True)
        self._wake_all()

    async def _look_for_news(self) -> None:
        """Wake the clients at each change, and at intervals without changes, while any are connected."""
        clock = asyncio.get_running_loop().time
        beat_at_s = clock() + self._limits.beat_s
        try:
            while self.streams and not self._closing:
                await asyncio.sleep(self._limits.look_s)
                if await self._follow() or clock() >= beat_at_s:
                    self._wake_all()
                    beat_at_s = clock() + self._limits.beat_s
        except Exception:  # ends all streams, which would wait for ever; the next client starts a new task
            log.exception("streams of scores ended: unexpected error", extra={"action": "stream_failed"})
        finally:
            self._watch = None
            self._wake_all()

    async def _follow(self) -> bool:
        """Read the newest snapshot. Returns whether it has changes."""
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
        """Write events until the client disconnects or all streams end."""
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
        """The position of a client that resumes; `_NOWHERE` if it has to start with a snapshot."""
        epoch, _, position = request.headers.get("Last-Event-ID", "").partition("-")
        known = epoch == self._epoch and position.isascii() and position.isdecimal() and len(position) <= _DIGITS
        return int(position) if known and self._changes.since(int(position)) is not None else _NOWHERE

    def _pending(self, position: int, wanted: RowFilter) -> Iterable[bytes]:
        """The event that a client at this position has not received."""
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
    """Writes to one client, which may be slow but has to receive something from time to time."""

    def __init__(self, response: web.StreamResponse, transport: asyncio.Transport | None, limits: StreamLimits) -> None:
        self._response = response
        self._transport = transport
        self._limits = limits
        self._clock = asyncio.get_running_loop().time
        self._written_s = self._clock()

    @property
    def silent(self) -> bool:
        """Whether a keep-alive comment is due."""
        return self._clock() - self._written_s >= self._limits.silence_s

    async def write(self, pieces: Iterable[bytes]) -> None:
        """Write all pieces. Raises ConnectionError if the client is disconnected or receives nothing."""
        for piece in pieces:
            try:
                async with asyncio.timeout(self._limits.patience_s):
                    await self._response.write(piece)
            except TimeoutError:
                log.info("slow SSE client disconnected", extra={"action": "stream_cut"})
                if self._transport is not None:
                    self._transport.abort()  # a graceful close would wait for the buffered data
                raise ConnectionAbortedError("the client receives nothing") from None
            self._written_s = self._clock()
