"""Accepts HTTP answers with both `Content-Length` and chunked transfer coding, as clients other than aiohttp do.

By RFC 9112 the coding overrides the length, so the length is removed from the head before parsing.
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
"""The heads at the start of an answer, up to the blank line of the last."""
_CHUNKED = re.compile(rb"^transfer-encoding:[ \t]*+chunked[ \t]*+\r?$", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^content-length:[ \t]*+\d++[ \t]*+\r\n", re.IGNORECASE | re.MULTILINE)


class Connector(aiohttp.TCPConnector):
    """aiohttp's connector, with `_Handler` as its response handler."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  # as in the class it overrides
        super().__init__(**options)
        kind: type[ResponseHandler] = _Handler
        self._factory = partial(kind, loop=asyncio.get_running_loop())


class _Handler(ResponseHandler):
    """Reads the answers of one connection. A head that arrives in several pieces is not changed."""

    _began = False

    def data_received(self, data: bytes) -> None:
        """Handle received bytes."""
        if not self._began and data:
            self._began = True
            data = without_length_beside_chunks(data)
        super().data_received(data)


def without_length_beside_chunks(data: bytes) -> bytes:
    """The first bytes of an answer, without `Content-Length` if the body is chunked."""
    head = _HEADS.match(data)
    if head is None or not _CHUNKED.search(head["fields"]):
        return data
    fields = _LENGTH.sub(b"", head["fields"])
    return head["interim"] + head["status"] + fields + data[head.end() :]
