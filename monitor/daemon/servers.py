"""The daemon's servers, HTTP and HAProxy's agent checks: their addresses, and who may use them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from monitor.config.model import Config, Listen
from monitor.daemon.listening import Listener, OpenedAddress
from monitor.routing.haproxy_agent import HaproxyAgent
from monitor.routing.haproxy_agent import listen as listen_agent
from monitor.web.auth import Access, Authenticator, access_of
from monitor.web.context import Context
from monitor.web.server import listen, set_up


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAddresses:
    """The addresses of a configuration, opened but maybe not used yet."""

    http: OpenedAddress
    agent: OpenedAddress


class Servers:
    """Both servers. Requests are admitted by the conditions of the configuration that was applied last."""

    def __init__(self, config: Config, context: Context, agent: HaproxyAgent) -> None:
        self._authenticator = Authenticator(_access(config), time.monotonic)
        self._context = context
        self._agent = agent
        self._runner: web.AppRunner | None = None
        self._http = Listener("listen", self._listen)
        self._agents = Listener("publish.haproxy_agent", partial(listen_agent, agent))

    @property
    def url(self) -> str | None:
        """Where the HTTP server listens; None: it does not."""
        place = self._http.place
        return None if place is None else Listen(host=place[0], port=place[1]).url

    @asynccontextmanager
    async def serving(self, config: Config) -> AsyncIterator[None]:
        """Serve while the block runs. Raises OSError with the key if an address cannot be used."""
        self._runner = await set_up(self._authenticator, self._context)
        try:
            opened = await self.open(config)
            if opened is not None:
                self.use(config, opened)
            yield
        finally:
            self._agents.close()
            await self._agent.drained()
            self._http.close()
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def open(self, config: Config) -> OpenedAddresses | None:
        """Open the addresses of a configuration, as far as they are new. None: the servers do not run.

        Raises OSError with the key if one cannot be used; then none is opened.
        """
        if self._runner is None:
            return None
        http = await self._http.open(config.listen)
        try:
            return OpenedAddresses(http=http, agent=await self._agents.open(config.haproxy_agent))
        except BaseException:
            self._http.discard(http)
            raise

    def use(self, config: Config, opened: OpenedAddresses | None) -> bool:
        """Serve by this configuration from now on. Returns whether HTTP is served at another address."""
        self._authenticator.apply(_access(config))
        if opened is None:
            return False
        self._agents.use(opened.agent)
        return self._http.use(opened.http)

    def discard(self, opened: OpenedAddresses | None) -> None:
        """Close the addresses that were opened and are not used."""
        if opened is not None:
            self._http.discard(opened.http)
            self._agents.discard(opened.agent)

    async def _listen(self, address: Listen, *, reuse_port: bool) -> asyncio.Server:
        if self._runner is None:
            raise RuntimeError("the servers do not run")
        return await listen(self._runner, address, reuse_port=reuse_port)


def _access(config: Config) -> Access:
    return access_of(
        config.listen,
        config.token,
        rate_per_s=config.rate_limit,
        public=config.public,
        public_pages=config.pages and config.public_pages,
    )
