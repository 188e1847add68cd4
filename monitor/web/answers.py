"""A ready document as an answer: plain or gzipped, with its entity tag, or 304 for who has it already."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web

from monitor.publish.documents import Document
from monitor.web.negotiation import wants_gzip

REVALIDATE = "no-cache"
"""May be kept, and is asked for again before it is used: a 304 costs nothing, and old scores mislead."""


def answer(request: web.Request, document: Document, cache_control: str = REVALIDATE) -> web.Response:
    """What a GET or HEAD of this document gets.

    The two forms have two strong tags, since their bytes differ; one that a client has kept is compared with that of
    the form it would get now, so that a cache never puts the one in the other's place.
    """
    body, etag, packed = document.body, document.etag, False
    if document.gzipped is not None and wants_gzip(request.headers):
        body, etag, packed = document.gzipped, f"{document.etag}-gzip", True
    headers = {hdrs.ETAG: f'"{etag}"', hdrs.CACHE_CONTROL: cache_control, hdrs.VARY: hdrs.ACCEPT_ENCODING}
    if hdrs.IF_NONE_MATCH in request.headers and _is_known(request, etag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers[hdrs.CONTENT_TYPE] = document.content_type
    if packed:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=body, headers=headers)


def _is_known(request: web.Request, etag: str) -> bool:
    return any(known.value in {etag, "*"} for known in request.if_none_match or ())
