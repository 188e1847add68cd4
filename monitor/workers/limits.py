"""Limits of concurrent probes: one for all providers together, and one per provider."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType


class ConcurrencyLimits:
    """The limits of concurrent probes."""

    def __init__(self, total: int, by_provider: Mapping[str, int]) -> None:
        self._total = _Limit(total)
        self._by_provider = {name: _Limit(limit) for name, limit in by_provider.items()}

    def apply(self, total: int, by_provider: Mapping[str, int]) -> None:
        """Use other limits from now on.

        A raised limit admits waiting probes at once. Under a lowered limit, running probes continue. If a provider has
        no limit any more, all of its waiting probes are admitted.
        """
        self._total.apply(total)
        for name, limit in by_provider.items():
            if name in self._by_provider:
                self._by_provider[name].apply(limit)
            else:
                self._by_provider[name] = _Limit(limit)
        for name in self._by_provider.keys() - by_provider.keys():
            former = self._by_provider.pop(name)
            former.apply(None)

    async def take(self, provider: str, stack: AsyncExitStack) -> None:
        """Wait for both limits, the provider's first, so that a slow provider does not block the others."""
        if provider in self._by_provider:
            await stack.enter_async_context(self._by_provider[provider])
        await stack.enter_async_context(self._total)


class _Limit:
    """A semaphore with a variable size. Admits waiting probes in the order of their arrival."""

    def __init__(self, most: int) -> None:
        self._most: int | None = most
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def apply(self, most: int | None) -> None:
        """None: no limit."""
        self._most = most
        self._admit()

    async def __aenter__(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._admit()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # the probe was admitted in the same iteration of the event loop
                self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        self._taken -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self._most is None or self._taken < self._most):
            place = self._waiting.popleft()
            if not place.done():  # otherwise the waiting probe was cancelled
                self._taken += 1
                place.set_result(None)
