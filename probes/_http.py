"""HTTP answers that aiohttp refuses and clients read: `Content-Length` beside chunked transfer, where RFC 9112 lets the
coding win. The length is taken out of the head before it is parsed.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

_HEADS = re.compile(
    rb"(?P<interim>(?:HTTP/1\.\d 1\d\d[^\r\n]*+\r\n(?:[^\r\n]++\r\n)*+\r\n)*+)"
    rb"(?P<status>HTTP/1\.\d [2-9]\d\d[^\r\n]*+\r\n)(?P<fields>(?:[^\r\n]++\r\n)*+)(?=\r\n)"
)
"""The heads that an answer begins with, up to the blank line of the last."""
_CHUNKED = re.compile(rb"^transfer-encoding:[ \t]*+chunked[ \t]*+\r?$", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^content-length:[ \t]*+\d++[ \t]*+\r\n", re.IGNORECASE | re.MULTILINE)


class Connector(aiohttp.TCPConnector):
    """aiohttp's, for answers that clients read."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  # as in the class it overrides
        super().__init__(**options)
        kind: type[ResponseHandler] = _Handler
        self._factory = partial(kind, loop=asyncio.get_running_loop())


class _Handler(ResponseHandler):
    """Reads the answers of one connection. A head that comes in several pieces is read as strictly as aiohttp does."""

    _began = False

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        if not self._began and data:
            self._began = True
            data = without_length_beside_chunks(data)
        super().data_received(data)


def without_length_beside_chunks(data: bytes) -> bytes:
    """The first bytes of an answer; where its body comes in chunks, without what the head says of its length."""
    head = _HEADS.match(data)
    if head is None or not _CHUNKED.search(head["fields"]):
        return data
    fields = _LENGTH.sub(b"", head["fields"])
    return head["interim"] + head["status"] + fields + data[head.end() :]
