"""Follows a running daemon: its scores by the stream, or by polling where there is none; its incidents and health."""

from __future__ import annotations

import asyncio
import json
from asyncio import get_running_loop
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from monitor.console.document import mapping
from monitor.console.remote import ScoresUnavailableError, fetch_document
from monitor.console.top.rows import MonitorReport, TopData, monitor_report, open_incidents, received
from monitor.console.top.server_events import EventDecoder, ServerEvent

_EVENT_STREAM: Final = "text/event-stream"
_MOST_INCIDENTS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedIntervals:
    """Seconds between requests, and until a stream counts as lost."""

    retry_s: float = 2.0
    """Also between two polls while there is no stream."""
    stream_again_s: float = 30.0
    """After the daemon, or a proxy before it, refused the stream."""
    silence_s: float = 30.0
    """The daemon sends at least a comment every 20 s."""
    begin_s: float = 10.0
    """Until the stream begins: a proxy that buffers never sends it."""
    incidents_s: float = 15.0
    health_s: float = 5.0


class TopFeed:
    """The newest data of a daemon. Calls `changed` after each change."""

    def __init__(
        self, session: ClientSession, url: str, changed: Callable[[], None], intervals: FeedIntervals = FeedIntervals()
    ) -> None:
        self._session = session
        self._url = url
        self._changed = changed
        self._intervals = intervals
        self._last_event = ""
        self._ask_incidents = asyncio.Event()
        self.data = TopData()

    async def load(self) -> None:
        """Everything once. Raises ScoresUnavailableError if the daemon sends no scores."""
        document = await fetch_document(self._session, f"{self._url}/v1/scores")
        self._keep(received(self.data, document, _clock_s()))
        await self._load_incidents()
        await self._load_health()

    async def follow(self) -> None:
        """Keep the data current until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_scores(), name="top-scores")
            group.create_task(self._follow_incidents(), name="top-incidents")
            group.create_task(self._follow_health(), name="top-health")

    async def _follow_scores(self) -> None:
        stream_at_s = 0.0
        while True:
            if _clock_s() >= stream_at_s and not await self._stream():
                stream_at_s = _clock_s() + self._intervals.stream_again_s
            await self._poll()
            await asyncio.sleep(self._intervals.retry_s)

    async def _poll(self) -> None:
        try:
            document = await fetch_document(self._session, f"{self._url}/v1/scores")
        except ScoresUnavailableError as error:
            self._keep(replace(self.data, problem=str(error)))
        else:
            self._keep(received(self.data, document, _clock_s()))

    async def _stream(self) -> bool:
        """Follow the stream to its end. False: there is none, and it is not to be asked for soon."""
        headers = {"Last-Event-ID": self._last_event} if self._last_event else {}
        timeout = ClientTimeout(total=None, sock_read=self._intervals.silence_s)
        begin = asyncio.timeout(self._intervals.begin_s)
        try:
            async with (
                begin,
                self._session.get(f"{self._url}/v1/scores/stream", headers=headers, timeout=timeout) as response,
            ):
                if response.status != HTTPStatus.OK or response.content_type != _EVENT_STREAM:
                    return False
                decoder = EventDecoder()
                async for chunk in response.content.iter_any():
                    begin.reschedule(None)
                    self._take(decoder.events(chunk))
        except (ClientError, TimeoutError, OSError, ValueError, RecursionError):
            return not begin.expired()  # the poll that follows finds out why, and says it
        return True

    def _take(self, events: Sequence[ServerEvent]) -> None:
        """Take what a stream sent, be it a comment. Raises ValueError if the data of an event is no JSON."""
        before = self.data
        self.data = replace(before, contact_s=_clock_s())
        for event in events:
            if event.kind in {"snapshot", "change"}:
                document = mapping(json.loads(event.data))
                self._keep(received(self.data, document, _clock_s(), partial=event.kind == "change"))
                self._last_event = event.id
        if {key: row.status for key, row in before.rows.items()} != {
            key: row.status for key, row in self.data.rows.items()
        }:
            self._ask_incidents.set()

    async def _follow_incidents(self) -> None:
        while True:
            await self._load_incidents()
            await asyncio.sleep(self._intervals.retry_s)  # however often a status changes
            with suppress(TimeoutError):
                async with asyncio.timeout(self._intervals.incidents_s):
                    await self._ask_incidents.wait()
            self._ask_incidents.clear()

    async def _load_incidents(self) -> None:
        """Keep what was known where the daemon has no answer: the figures say how old they are."""
        now = self.data.daemon_time(_clock_s())
        if now is None:
            return
        query = urlencode({"since": now.isoformat(), "limit": _MOST_INCIDENTS})
        try:
            document = await fetch_document(self._session, f"{self._url}/v1/incidents?{query}", "a list of incidents")
        except ScoresUnavailableError:
            return
        self._keep(replace(self.data, incidents=open_incidents(document)))

    async def _follow_health(self) -> None:
        while True:
            await self._load_health()
            await asyncio.sleep(self._intervals.health_s)

    async def _load_health(self) -> None:
        self._keep(replace(self.data, report=await self._health()))

    async def _health(self) -> MonitorReport | None:
        """What `/readyz` says, whether the daemon is ready or not; None: it does not answer."""
        try:
            async with self._session.get(f"{self._url}/readyz") as response:
                document = json.loads(await response.read())
        except (ClientError, TimeoutError, OSError, ValueError, RecursionError):
            return None
        return monitor_report(document) if isinstance(document, Mapping) and "ready" in document else None

    def _keep(self, data: TopData) -> None:
        if data != self.data:
            self.data = data
            self._changed()


def _clock_s() -> float:
    return get_running_loop().time()
