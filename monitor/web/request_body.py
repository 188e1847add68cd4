"""Request bodies: read with limits of size and time, decompressed, parsed as the type that the route declares."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from typing import Any, NoReturn

from aiohttp import hdrs, web

from monitor.schema.body import WrongBodyError, validated

MOST_BYTES = 1 << 20
"""Largest body, both compressed and decompressed."""
_PATIENCE_S = 10.0
"""How long a body may take to arrive."""
_GZIP = 16 + zlib.MAX_WBITS
_GZIPPED = frozenset({"gzip", "x-gzip"})
_PLAIN = frozenset({"", "identity"})


async def json_body(request: web.Request, kind: object) -> Any:  # noqa: ANN401  # a value of `kind`
    """The body as a `kind`. Raises HTTPBadRequest that names the wrong field, and the errors of `read_body`."""
    plain = parse_json(await read_body(request), parse_constant=_refuse)
    try:
        return validated(kind, plain)
    except WrongBodyError as error:
        raise web.HTTPBadRequest(text=str(error)) from None


def parse_json(raw: bytes, *, parse_constant: Callable[[str], object] | None = None) -> object:
    """The JSON value of a body. Raises HTTPBadRequest."""
    try:
        return json.loads(raw, parse_constant=parse_constant)
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="the body is not JSON; send an object, as UTF-8") from None


def _refuse(constant: str) -> NoReturn:
    """Refuses NaN and Infinity: they are not JSON, though Python parses them."""
    raise ValueError(constant)


async def read_body(request: web.Request) -> bytes:
    """The decompressed body. Errors that the headers show are raised before the body is read.

    Raises HTTPUnsupportedMediaType, HTTPRequestEntityTooLarge, HTTPBadRequest or HTTPRequestTimeout.
    """
    encoding = ",".join(request.headers.getall(hdrs.CONTENT_ENCODING, ())).strip().lower()
    if encoding not in _PLAIN | _GZIPPED:
        raise web.HTTPUnsupportedMediaType(
            text="the body's Content-Encoding is not supported; send the body without compression or with gzip",
            headers={hdrs.ACCEPT_ENCODING: "gzip"},
        )
    if (request.content_length or 0) > MOST_BYTES:
        raise _too_large()
    await _send_continue(request)
    raw = await _received(request)
    # In a thread, since zlib releases the GIL: a hostile mebibyte can take a quarter of a second.
    return raw if encoding in _PLAIN else await asyncio.to_thread(decompressed, raw)


def decompressed(raw: bytes) -> bytes:
    """The decompressed data. Stops at the size limit; raises the errors of `read_body`."""
    decompressor = zlib.decompressobj(_GZIP)
    try:
        body = decompressor.decompress(raw, MOST_BYTES + 1)
    except zlib.error:
        raise web.HTTPBadRequest(
            text="the body is not gzip, but its Content-Encoding is; compress it or remove the header"
        ) from None
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
    """Send "100 Continue" if the client waits for it."""
    if request.headers.get(hdrs.EXPECT) and not request.content.is_eof():
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun


async def _received(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await _read(request)
    except TimeoutError:  # an OSError, too
        raise web.HTTPRequestTimeout(text=f"the body did not arrive within {_PATIENCE_S:g} s") from None
    except (web.RequestPayloadError, OSError):
        raise web.HTTPBadRequest(text="the body is incomplete or does not match its headers") from None


async def _read(request: web.Request) -> bytes:
    """The whole body. Other tasks run after each piece: of a body in chunks of one byte, `request.read` reads for
    150 ms without a pause, and this for 15."""
    body = bytearray()
    while piece := await request.content.readany():
        body += piece
        if len(body) > MOST_BYTES:
            raise _too_large()
        await asyncio.sleep(0)
    return bytes(body)
