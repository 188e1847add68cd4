"""Ready responses, plain and gzipped, with their headers: made once per change for all clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from aiohttp import hdrs, web
from multidict import CIMultiDict, istr

from monitor.scoreboard.compression import digest, gzipped
from monitor.web.piecewise import PiecewiseResponse

JSON = "application/json"
_REVALIDATE = "no-cache"
"""Caches may keep the response but have to revalidate it: a 304 is cheap, and old scores mislead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """A document in one encoding."""

    body: bytes
    etag: str
    """In quotes. Each encoding has its own, since a strong tag identifies bytes."""
    headers: CIMultiDict[str]
    unchanged: CIMultiDict[str]
    """The headers of a 304."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A response that is sent until its content changes."""

    plain: Representation
    gzipped: Representation | None
    """None if compression saves nothing."""

    @property
    def size_bytes(self) -> int:
        """Memory of the bodies in bytes."""
        return len(self.plain.body) + (0 if self.gzipped is None else len(self.gzipped.body))


def ready(
    body: bytes, content_type: str = JSON, *, etag: str | None = None, cache_control: str = _REVALIDATE
) -> Document:
    """A document with this body. A known tag saves its computation."""
    return with_gzip(body, gzipped(body), content_type, etag=etag or digest(body), cache_control=cache_control)


def with_gzip(
    body: bytes, gzip: bytes | None, content_type: str = JSON, *, etag: str, cache_control: str = _REVALIDATE
) -> Document:
    """A document with a body that is already compressed."""
    headers: dict[str, str] = {hdrs.CACHE_CONTROL: cache_control, hdrs.VARY: hdrs.ACCEPT_ENCODING}
    whole = {**SAFE, **headers, hdrs.CONTENT_TYPE: content_type}
    return Document(
        plain=_form(body, f'"{etag}"', headers, whole),
        gzipped=None
        if gzip is None
        else _form(gzip, f'"{etag}-gzip"', headers, {**whole, hdrs.CONTENT_ENCODING: "gzip"}),
    )


def _form(body: bytes, etag: str, headers: dict[str, str], whole: dict[str, str]) -> Representation:
    return Representation(
        body=body,
        etag=etag,
        headers=CIMultiDict({**whole, hdrs.ETAG: etag}),
        unchanged=CIMultiDict({**_OF_UNCHANGED, **headers, hdrs.ETAG: etag}),
    )


SAFE: Mapping[str, str] = {
    istr("X-Content-Type-Options"): "nosniff",
    istr("Referrer-Policy"): "no-referrer",
    istr("Content-Security-Policy"): "default-src 'none'; frame-ancestors 'none'",
    istr("Cross-Origin-Resource-Policy"): "same-origin",
    istr("Server"): "providerwatch",
}
SURE = next(iter(SAFE))
"""A response with this header has the others, too."""
_OF_UNCHANGED: Mapping[str, str] = {name: value for name, value in SAFE.items() if name in {SURE, "Server"}}
"""Security headers of a 304. The client has kept the others with the body."""


def make_safe(headers: CIMultiDict[str]) -> None:
    """Add the security headers; values set by the handler stay."""
    for name, value in SAFE.items():
        headers.setdefault(name, value)


@lru_cache(maxsize=64)
def accepts_gzip(header: str) -> bool:
    """Whether an `Accept-Encoding` accepts gzip and does not prefer identity."""
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip()] = _weight(parameters)
    gzip = max(weights.get(name, 0.0) for name in ("gzip", "x-gzip"))
    if not weights.keys() & {"gzip", "x-gzip"}:
        gzip = weights.get("*", 0.0)
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


_NOT_MODIFIED = HTTPStatus.NOT_MODIFIED.value
"""A plain number: aiohttp looks up the reason faster than for an enum member."""


_LARGE = 1 << 18


def answer(request: web.Request, document: Document) -> web.StreamResponse:
    """The response to a GET or HEAD of this document.

    `If-None-Match` is compared with the encoding that the client would get now, so that no cache mixes encodings.
    """
    asked, form = request.headers, document.plain
    if document.gzipped is not None and accepts_gzip(asked.get(hdrs.ACCEPT_ENCODING, "")):
        form = document.gzipped
    known = asked.get(hdrs.IF_NONE_MATCH)
    if known is not None and (known == form.etag or _is_known(request, form.etag)):
        return web.Response(status=_NOT_MODIFIED, headers=form.unchanged)
    if len(form.body) >= _LARGE and request.method == hdrs.METH_GET:
        return PiecewiseResponse(request, form.headers, form.body)
    return web.Response(body=form.body, headers=form.headers)


def _is_known(request: web.Request, etag: str) -> bool:
    return any(known.value in {etag.strip('"'), "*"} for known in request.if_none_match or ())
