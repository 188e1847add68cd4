"""InfluxDB, and servers that accept its v2 line protocol: VictoriaMetrics, Telegraf, QuestDB.

A server rejects a whole batch for one bad line, so a rejected batch is halved until the bad line is alone. That line is
set aside and the rest is delivered. A line counts as bad only if the server accepts other lines, or a test line. A
server that accepts no line is misconfigured; then all samples wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from monitor.config.options import Duration, Key, Maybe, SinkUrl, Text, seconds
from monitor.domain.stored_sample import StoredSample
from monitor.sinks._lines import line
from monitor.sinks._protocol import Delivery, SampleOrigin, SinkError, SinkOptions
from monitor.sinks._replies import Accepted, Refused, Reply, TooLarge

if TYPE_CHECKING:
    from monitor.sinks._influx_client import InfluxClient

_BATCH: Final = 500
_LINES_AT_A_TIME: Final = 50
"""A few milliseconds."""
_REQUESTS_A_TURN: Final = 100
"""After this many requests the cursor is stored before the rest is delivered."""
_CANARY: Final = b"providerwatch_sink ok=1i"
"""A valid test line. The server adds its own time."""


class Influx(SinkOptions):
    """A server that accepts InfluxDB's v2 line protocol."""

    url: SinkUrl
    """Base URL of the server, such as http://127.0.0.1:8086."""
    org: Text = ""
    """Organisation. InfluxDB 2 requires it; other servers ignore it."""
    bucket: Text
    token: Maybe[Key] = None
    """The token, preferably as a reference: ${env:NAME}, ${file:/path} or ${credential:NAME}."""
    timeout_s: Duration = seconds("timeout", "10s")
    """Timeout of one write."""

    def create(self, name: str, origins: Mapping[str, SampleOrigin]) -> InfluxSink:
        """See `SinkOptions.create`."""
        from monitor.sinks._influx_client import InfluxClient  # noqa: PLC0415  # takes time and memory

        client = InfluxClient(
            url=self.url,
            org=self.org,
            bucket=self.bucket,
            token=None if self.token is None else self.token.reveal(),
            timeout_s=self.timeout_s,
        )
        return InfluxSink(name, client, origins)


class InfluxSink:
    """A `Sink` that writes over HTTP."""

    def __init__(self, name: str, client: InfluxClient, origins: Mapping[str, SampleOrigin]) -> None:
        self.name = name
        self.batch = _BATCH
        self._origins = origins
        self._client = client

    async def deliver(self, batch: Sequence[StoredSample]) -> Delivery:
        """See `Sink.deliver`."""
        writing = _Writing(self._client.write, await self._lines(batch))
        stopped = None
        try:
            await writing.write(batch)
        except SinkError as error:
            if writing.seq is None:
                raise
            stopped = error
        finally:
            self.batch = min(self.batch, writing.largest)
        return Delivery(seq=writing.seq, set_aside=writing.refused, stopped=stopped)

    async def close(self) -> None:
        """See `Sink.close`."""
        await self._client.close()

    async def _lines(self, batch: Sequence[StoredSample]) -> dict[int, bytes]:
        """The lines of a batch by number. Yields to the event loop in between."""
        lines = {}
        for place, stored in enumerate(batch, 1):
            text = line(stored.sample, self._origins.get(stored.sample.endpoint))
            lines[stored.seq] = text.encode("utf-8", "replace")
            if place % _LINES_AT_A_TIME == 0:
                await asyncio.sleep(0)
        return lines


class _Writing:
    """One batch, halved if the server rejects a part. Parts are written in order."""

    def __init__(self, written: Callable[[bytes], Awaitable[Reply]], lines: Mapping[int, bytes]) -> None:
        self._written = written
        self._lines = lines
        self._requests = 0
        self._trusted = False
        self.seq: int | None = None
        """The last handled sample."""
        self.refused: dict[str, str] = {}
        self.largest = _BATCH
        """The largest batch that the server accepts."""

    async def write(self, part: Sequence[StoredSample]) -> None:
        """Write a part, or as much of it as one turn allows. Raises SinkError if the server accepts no lines now."""
        if self._requests >= _REQUESTS_A_TURN:
            return
        match await self._ask(b"\n".join(self._lines[stored.seq] for stored in part)):
            case Accepted():
                self._trusted = True
                self.seq = part[-1].seq
            case Refused(reason, dropped) if len(part) == 1 or (dropped is not None and dropped >= len(part)):
                await self._set_aside(part, reason)
            case TooLarge(reason) if len(part) == 1:
                await self._set_aside(part, reason)
            case answer:
                middle = len(part) // 2
                if isinstance(answer, TooLarge):
                    self.largest = min(self.largest, middle)
                await self.write(part[:middle])
                await self.write(part[middle:])

    async def _ask(self, body: bytes) -> Accepted | Refused | TooLarge:
        self._requests += 1
        answer = await self._written(body)
        if isinstance(answer, SinkError):
            raise answer
        return answer

    async def _set_aside(self, part: Sequence[StoredSample], reason: str) -> None:
        if not self._trusted and not isinstance(await self._ask(_CANARY), Accepted):
            raise SinkError(f"the server rejects every line; check `org` and `bucket`: {reason}")
        self._trusted = True
        self.seq = part[-1].seq
        self.refused |= dict.fromkeys((stored.sample.id for stored in part), reason)
