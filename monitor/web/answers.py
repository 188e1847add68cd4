"""A ready document as an answer: plain or gzipped, with its entity tag, or 304 for who has it already."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web

from monitor.web.documents import Document
from monitor.web.negotiation import accepts_gzip

_NOT_MODIFIED = HTTPStatus.NOT_MODIFIED.value
"""A plain number: who looks up the reason of an enum's member waits for its hash."""


def answer(request: web.Request, document: Document) -> web.Response:
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
    return web.Response(body=form.body, headers=form.headers)


def _is_known(request: web.Request, etag: str) -> bool:
    return any(known.value in {etag.strip('"'), "*"} for known in request.if_none_match or ())
