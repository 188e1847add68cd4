"""InfluxDB, and servers that take its v2 line protocol: VictoriaMetrics, Telegraf, QuestDB.

A server rejects a whole batch for one bad line, so a rejected batch is halved until the bad line is alone. That line is
set aside and the rest is delivered. A line counts as bad only when the server takes other lines, if need be a test
line: a server that takes no line at all is misconfigured, and then every sample waits.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiohttp import ClientError, ClientResponse
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException

from monitor.config.model import InfluxSpec
from monitor.sinks._lines import LineOrigin, line
from monitor.sinks._protocol import Delivery, SinkError
from monitor.sinks._replies import Accepted, Refused, Reply, TooLarge, reply
from monitor.store import StoredSample

_BATCH: Final = 500
_MICROSECONDS: Final[Any] = "us"
"""The client's `WritePrecision.US`, a string although its types say otherwise."""
_LINES_AT_A_TIME: Final = 50
"""A few milliseconds."""
_REQUESTS_A_TURN: Final = 100
"""After this many requests the cursor is stored before the rest is delivered."""
_LONGEST_ANSWER: Final = 64 * 1024
_CANARY: Final = b"providerwatch_sink ok=1i"
"""A valid test line. The server adds its own time."""


class InfluxSink:
    """A `Sink` that writes over HTTP."""

    def __init__(self, spec: InfluxSpec, origins: Mapping[str, LineOrigin]) -> None:
        self.name = spec.name
        self.batch = _BATCH
        self._spec = spec
        self._origins = origins
        self._client: InfluxDBClientAsync | None = None

    async def deliver(self, batch: Sequence[StoredSample]) -> Delivery:
        """See `Sink.deliver`."""
        writing = _Writing(self._written, await self._lines(batch))
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
        if self._client is not None:
            await self._client.close()  # type: ignore[no-untyped-call]
            self._client = None

    async def _lines(self, batch: Sequence[StoredSample]) -> dict[int, bytes]:
        """The lines of a batch by number. Yields to the event loop in between."""
        lines = {}
        for place, each in enumerate(batch, 1):
            text = line(each.sample, self._origins.get(each.sample.endpoint))
            lines[each.seq] = text.encode("utf-8", "replace")
            if place % _LINES_AT_A_TIME == 0:
                await asyncio.sleep(0)
        return lines

    async def _written(self, body: bytes) -> Reply:
        """Write lines. Network errors become SinkError."""
        spec = self._spec
        try:
            # The client's own timeout starts when it has a connection of its pool.
            async with asyncio.timeout(spec.timeout_s):
                writes = self._connected().write_api()
                taken = await writes.write(spec.bucket, spec.org, body, write_precision=_MICROSECONDS)
        except ApiException as error:
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            return reply(error.status, headers, error.body or b"", _revealed(spec))
        except TimeoutError:
            return SinkError(f"no answer within {spec.timeout_s:g} s")
        except OSError as error:
            return SinkError(f"connection failed: {_why(error)}")
        except ClientError as error:
            return SinkError(f"incomplete answer: {type(error).__name__}")
        return Accepted() if taken else SinkError("the server did not answer 204: check that `url` is its write URL")

    def _connected(self) -> InfluxDBClientAsync:
        """The client; it belongs to the running event loop."""
        if self._client is None:
            self._client = InfluxDBClientAsync(
                url=self._spec.url,
                token=_revealed(self._spec) or "",  # then it sends none
                org=self._spec.org,
                timeout=int(self._spec.timeout_s * 1000),
                enable_gzip=True,
                allow_redirects=False,  # the token goes where the configuration says
                client_session_kwargs={"response_class": _ShortResponse, "auto_decompress": False},
            )
        return self._client


class _Writing:
    """One batch, halved where the server rejects a part. Parts are written in order."""

    def __init__(self, written: Callable[[bytes], Awaitable[Reply]], lines: Mapping[int, bytes]) -> None:
        self._written = written
        self._lines = lines
        self._requests = 0
        self._trusted = False
        self.seq: int | None = None
        """The last handled sample."""
        self.refused: dict[str, str] = {}
        self.largest = _BATCH
        """The largest batch that the server takes."""

    async def write(self, part: Sequence[StoredSample]) -> None:
        """Write a part, or as much of it as one turn allows. Raises SinkError when the server takes nothing now."""
        if self._requests >= _REQUESTS_A_TURN:
            return
        match await self._ask(b"\n".join(self._lines[each.seq] for each in part)):
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
        self.refused |= dict.fromkeys((each.sample.id for each in part), reason)


class _ShortResponse(ClientResponse):
    """A response of which no more is read than is shown."""

    async def read(self) -> bytes:
        """The beginning of the body. Raises as usual when the body is cut."""
        body = bytearray()
        try:
            while len(body) < _LONGEST_ANSWER and (piece := await self.content.read(_LONGEST_ANSWER)):
                body += piece
        except BaseException:
            self.close()
            raise
        if not self.content.at_eof():
            self.close()
        return bytes(body[:_LONGEST_ANSWER])


def _why(error: OSError) -> str:
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__  # failed name resolution has error numbers of its own


def _revealed(spec: InfluxSpec) -> str | None:
    return None if spec.token is None else spec.token.reveal()
