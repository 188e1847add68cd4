"""A ready document as an answer: plain or gzipped, with its entity tag, or 304 for who has it already."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import hdrs, web

from monitor.web.negotiation import accepts_gzip
from monitor.web.responses import Document, Form

_NOT_MODIFIED = HTTPStatus.NOT_MODIFIED.value
"""A plain number: who looks up the reason of an enum's member waits for its hash."""


_LARGE = 1 << 18
_PIECE = 1 << 16
_PATIENCE_S = 30.0
"""How long a client may take for a large body, which is kept for it meanwhile."""


class PiecewiseResponse(web.StreamResponse):
    """A large body, written piece by piece: what a client has not taken yet is not copied for it."""

    def __init__(self, request: web.Request, form: Form) -> None:
        super().__init__(headers=form.headers)
        self.content_length = len(form.body)
        self._transport = request.transport
        self._left: bytes | None = form.body

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the body; end the connection with a client that does not take it in time."""
        body, self._left = self._left, None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                for start in range(0, len(body or b""), _PIECE):
                    await self.write(memoryview(body or b"")[start : start + _PIECE])
                await super().write_eof(data)
        except TimeoutError:
            if self._transport is not None:
                self._transport.abort()
            raise ConnectionResetError("the client takes nothing") from None


def answer(request: web.Request, document: Document) -> web.StreamResponse:
    """What a GET or HEAD of this document gets.

    What a client has kept is compared with the form that it would get now, so that no cache ever puts the one in the
    other's place.
    """
    asked, form = request.headers, document.plain
    if document.gzipped is not None and accepts_gzip(asked.get(hdrs.ACCEPT_ENCODING, "")):
        form = document.gzipped
    known = asked.get(hdrs.IF_NONE_MATCH)
    if known is not None and (known == form.etag or _is_known(request, form.etag)):
        return web.Response(status=_NOT_MODIFIED, headers=form.unchanged)
    if len(form.body) >= _LARGE and request.method == hdrs.METH_GET:
        return PiecewiseResponse(request, form)
    return web.Response(body=form.body, headers=form.headers)


def _is_known(request: web.Request, etag: str) -> bool:
    return any(known.value in {etag.strip('"'), "*"} for known in request.if_none_match or ())
