"""Writes lines to a server over HTTP with InfluxDB's client library. Imported only if such a sink is configured."""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from aiohttp import ClientError, ClientResponse
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException

from monitor.sinks._protocol import SinkError
from monitor.sinks._replies import Accepted, Reply, reply

_MICROSECONDS: Final[Any] = "us"
"""The client's `WritePrecision.US`, a string although its types say otherwise."""
_LONGEST_ANSWER: Final = 64 * 1024


class InfluxClient:
    """A connection to one bucket. Belongs to the event loop in which it is used first."""

    def __init__(self, *, url: str, org: str, bucket: str, token: str | None, timeout_s: float) -> None:
        self._url = url
        self._org = org
        self._bucket = bucket
        self._token = token
        self._timeout_s = timeout_s
        self._client: InfluxDBClientAsync | None = None

    async def write(self, body: bytes) -> Reply:
        """Write lines. Network errors become SinkError."""
        try:
            # The client's own timeout starts when it has a connection of its pool.
            async with asyncio.timeout(self._timeout_s):
                writes = self._connected().write_api()
                taken = await writes.write(self._bucket, self._org, body, write_precision=_MICROSECONDS)
        except ApiException as error:
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            return reply(error.status, headers, error.body or b"", self._token)
        except TimeoutError:
            return SinkError(f"no answer within {self._timeout_s:g} s")
        except OSError as error:
            return SinkError(f"connection failed: {_why(error)}")
        except ClientError as error:
            return SinkError(f"incomplete answer: {type(error).__name__}")
        return Accepted() if taken else SinkError("the server did not answer with HTTP 204; check `url`")

    def _connected(self) -> InfluxDBClientAsync:
        """The client; it belongs to the running event loop."""
        if self._client is None:
            self._client = InfluxDBClientAsync(
                url=self._url,
                token=self._token or "",  # an empty token is not sent
                org=self._org,
                timeout=int(self._timeout_s * 1000),
                enable_gzip=True,
                allow_redirects=False,  # the token must be sent to the configured URL only
                client_session_kwargs={"response_class": _ShortResponse, "auto_decompress": False},
            )
        return self._client

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()  # type: ignore[no-untyped-call]
            self._client = None


class _ShortResponse(ClientResponse):
    """A response whose body is read only up to the maximum length."""

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
    return error.strerror or type(error).__name__  # failed name resolution has other error numbers
