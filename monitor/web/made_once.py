"""A document that never changes and takes long to make."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from monitor.web.responses import Document


class MadeOnce:
    """Makes the document in a thread, when the first client asks for it.

    The schemas take half a second, which the start of the daemon does not have, and few clients ask for them.
    """

    def __init__(self, make: Callable[[], Document]) -> None:
        self._make = make
        self._turn = asyncio.Lock()
        self._document: Document | None = None

    async def document(self) -> Document:
        """The document."""
        async with self._turn:
            if self._document is None:
                self._document = await asyncio.to_thread(self._make)
        return self._document
