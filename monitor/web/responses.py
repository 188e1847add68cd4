"""Bytes that are ready to be sent, plain and gzipped, with their headers: made once per change, for every reader."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import hdrs
from multidict import CIMultiDict

from monitor.scoreboard.compression import digest, gzipped
from monitor.web.safety import OF_UNCHANGED, SAFE

JSON = "application/json"
REVALIDATE = "no-cache"
"""May be kept, and is asked for again before it is used: a 304 costs nothing, and old scores mislead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One of the forms that a document is sent in."""

    body: bytes
    etag: str
    """In quotes. Each form has its own, since a strong tag is of bytes."""
    headers: CIMultiDict[str]
    unchanged: CIMultiDict[str]
    """The headers of a 304."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a route answers with until something changes."""

    plain: Form
    gzipped: Form | None
    """None where that would not be worth it."""

    @property
    def size_bytes(self) -> int:
        """How much memory it takes."""
        return len(self.plain.body) + (0 if self.gzipped is None else len(self.gzipped.body))


def ready(
    body: bytes, content_type: str = JSON, *, etag: str | None = None, cache_control: str = REVALIDATE
) -> Document:
    """A document of this body. A tag that is known need not be made of the body."""
    return packed(body, gzipped(body), content_type, etag=etag or digest(body), cache_control=cache_control)


def packed(
    body: bytes, gzip: bytes | None, content_type: str = JSON, *, etag: str, cache_control: str = REVALIDATE
) -> Document:
    """A document of a body that was gzipped already."""
    headers: dict[str, str] = {hdrs.CACHE_CONTROL: cache_control, hdrs.VARY: hdrs.ACCEPT_ENCODING}
    whole = {**SAFE, **headers, hdrs.CONTENT_TYPE: content_type}
    return Document(
        plain=_form(body, f'"{etag}"', headers, whole),
        gzipped=None
        if gzip is None
        else _form(gzip, f'"{etag}-gzip"', headers, {**whole, hdrs.CONTENT_ENCODING: "gzip"}),
    )


def _form(body: bytes, etag: str, headers: dict[str, str], whole: dict[str, str]) -> Form:
    return Form(
        body=body,
        etag=etag,
        headers=CIMultiDict({**whole, hdrs.ETAG: etag}),
        unchanged=CIMultiDict({**OF_UNCHANGED, **headers, hdrs.ETAG: etag}),
    )
