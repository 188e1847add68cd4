"""A server of a showcase that can be stopped and started again at its address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from monitor.config.model import Listen
from monitor.web.auth import Authenticator, access_of
from monitor.web.server import listen, set_up
from probes._model import Secret
from tests.support.showcase import Showcase


class Site:
    """The server."""

    def __init__(self, showcase: Showcase, token: str | None, *, public_pages: bool) -> None:
        self.showcase = showcase
        self._access = access_of(Listen(port=0), None if token is None else Secret(token), public_pages=public_pages)
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        self._runner = await set_up(Authenticator(self._access, time.monotonic), self.showcase.context())
        self._server = await listen(self._runner, Listen(host="127.0.0.1", port=self._port))
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None and self._runner is not None:
            self._server.close()
            await self._runner.cleanup()
        self._server = self._runner = None


@asynccontextmanager
async def serving(showcase: Showcase, token: str | None = None, *, public_pages: bool = False) -> AsyncIterator[Site]:
    site = Site(showcase, token, public_pages=public_pages)
    await site.start()
    try:
        yield site
    finally:
        await site.stop()
