"""The body of a request: read within bounds of size and time, unpacked, taken as the type that its route declares."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import Any, NoReturn

from aiohttp import hdrs, web

from monitor.schema.strict import WrongBodyError, read

MOST_BYTES = 1 << 20
"""Of a body, as it is sent and as it is unpacked."""
_PATIENCE_S = 10.0
"""How long a body may take to arrive."""
_GZIP = 16 + zlib.MAX_WBITS
_GZIPPED = frozenset({"gzip", "x-gzip"})
_PLAIN = frozenset({"", "identity"})


async def json_body(request: web.Request, kind: object) -> Any:  # noqa: ANN401  # a value of `kind`
    """The body as a `kind`. Raises HTTPBadRequest that names the field which is wrong, and what `read_body` raises."""
    raw = await read_body(request)
    try:
        return read(kind, json.loads(raw, parse_constant=_refuse))
    except WrongBodyError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="the body is not JSON; send an object, as UTF-8") from None


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity are no JSON, whatever Python reads."""
    raise ValueError(constant)


async def read_body(request: web.Request) -> bytes:
    """The body, unpacked. What shows in the headers is refused before any of it is read.

    Raises HTTPUnsupportedMediaType, HTTPRequestEntityTooLarge, HTTPBadRequest or HTTPRequestTimeout.
    """
    encoding = ",".join(request.headers.getall(hdrs.CONTENT_ENCODING, ())).strip().lower()
    if encoding not in _PLAIN | _GZIPPED:
        raise web.HTTPUnsupportedMediaType(
            text="the body has a Content-Encoding that is not supported; send it plain or with gzip",
            headers={hdrs.ACCEPT_ENCODING: "gzip"},
        )
    if (request.content_length or 0) > MOST_BYTES:
        raise _too_large()
    await _send_continue(request)
    raw = await _received(request)
    # In a thread, since zlib lets others run meanwhile: a mebibyte can be made to take a quarter of a second.
    return raw if encoding in _PLAIN else await asyncio.to_thread(decompressed, raw)


def decompressed(raw: bytes) -> bytes:
    """What was gzipped. Stops where it grows too large; raises as `read_body` does."""
    decompressor = zlib.decompressobj(_GZIP)
    try:
        body = decompressor.decompress(raw, MOST_BYTES + 1)
    except zlib.error:
        raise web.HTTPBadRequest(text="the body is not gzip, though its Content-Encoding says so") from None
    if len(body) > MOST_BYTES:
        raise _too_large()
    if not decompressor.eof or decompressor.unused_data:
        raise web.HTTPBadRequest(text="the body must be exactly one complete gzip member")
    return body


def _too_large() -> web.HTTPRequestEntityTooLarge:
    return web.HTTPRequestEntityTooLarge(
        MOST_BYTES, text=f"the body is larger than {MOST_BYTES} bytes, compressed or uncompressed; send less at once"
    )


async def _send_continue(request: web.Request) -> None:
    """Ask for the body, where the client waits for that."""
    if request.headers.get(hdrs.EXPECT) and not request.content.is_eof():
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun


async def _received(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await request.read()
    except TimeoutError:  # an OSError, too
        raise web.HTTPRequestTimeout(text=f"the body did not arrive within {_PATIENCE_S:g} s") from None
    except (web.RequestPayloadError, OSError):
        raise web.HTTPBadRequest(text="the body ends too early, or is not in the form that its headers say") from None
