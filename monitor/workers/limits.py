"""How many probes run at once, in all and of each provider."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack


class ConcurrencyLimits:
    """How many probes may run at once: in all, and at each provider."""

    def __init__(self, total: int, by_provider: Mapping[str, int]) -> None:
        self._total = asyncio.Semaphore(total)
        self._by_provider = {name: asyncio.Semaphore(limit) for name, limit in by_provider.items()}

    async def take(self, provider: str, stack: AsyncExitStack) -> None:
        """Wait for both limits, the provider's first, so that a slow provider does not block the others."""
        if provider in self._by_provider:
            await stack.enter_async_context(self._by_provider[provider])
        await stack.enter_async_context(self._total)
