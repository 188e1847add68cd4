"""The metrics document, shared by all clients: made at most once a second, compressed in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

from monitor.web.responses import Document, ready

_FRESH_S = 1.0


class Exposition(Protocol):
    """`Metrics.text`."""

    async def __call__(self, *, openmetrics: bool) -> bytes:
        """See `Metrics.text`."""


class Scrapes:
    """The newest document of each format."""

    def __init__(self, text: Exposition, clock: Callable[[], float]) -> None:
        self._text = text
        self._clock = clock
        self._turn = asyncio.Lock()
        self._kept: dict[bool, tuple[float, Document]] = {}

    async def document(self, accept: str) -> Document:
        """The document for an `Accept` header."""
        openmetrics = _wants_openmetrics(accept)
        async with self._turn:
            kept = self._kept.get(openmetrics)
            if kept is None or self._clock() - kept[0] >= _FRESH_S:
                kept = self._kept[openmetrics] = await self._made(openmetrics=openmetrics)
        return kept[1]

    async def _made(self, *, openmetrics: bool) -> tuple[float, Document]:
        made_s = self._clock()
        body = await self._text(openmetrics=openmetrics)
        content_type = CONTENT_TYPE_LATEST if openmetrics else CONTENT_TYPE_PLAIN_0_0_4
        return made_s, await asyncio.to_thread(ready, body, content_type)


def _wants_openmetrics(accept: str) -> bool:
    try:
        return choose_encoder(accept)[1].startswith("application/openmetrics-text")
    except TypeError:  # raised for a version that is not numeric
        return False
