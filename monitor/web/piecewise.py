"""A large body sent to a client in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

_PIECE = 1 << 16
_PATIENCE_S = 30.0
"""How long a client may take to receive a large body, which stays in memory meanwhile."""


class PiecewiseResponse(web.StreamResponse):
    """A large body, written in pieces, so that the part that a client has not received is not copied."""

    def __init__(self, request: web.Request, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(headers=headers)
        self.content_length = len(body)
        self._transport = request.transport
        self._left = body

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the body; abort the connection of a client that is too slow."""
        body, self._left = self._left, b""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                for start in range(0, len(body), _PIECE):
                    await self.write(memoryview(body)[start : start + _PIECE])
                await super().write_eof(data)
        except TimeoutError:
            if self._transport is not None:
                self._transport.abort()
            raise ConnectionResetError("slow client disconnected: it did not receive the response in time") from None
