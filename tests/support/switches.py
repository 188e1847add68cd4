"""Fault switches: providers of the demo's fault proxy, in front of a real model, that fail on demand."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from urllib.parse import urlsplit

from monitor.demo.fault_proxy import serving
from monitor.demo.faults import InjectedFault


class Switch:
    """One backend. Well at first."""

    def __init__(self) -> None:
        self.weights: dict[InjectedFault, int] = dict.fromkeys(InjectedFault, 0)
        """What the proxy reads at every request."""
        self.url = ""
        """Scheme, host, port."""
        self.heal()

    @property
    def address(self) -> str:
        """What goes between `http://` and `/v1`."""
        return f"{urlsplit(self.url).netloc}/flaky"

    def fail(self, fault: InjectedFault) -> None:
        """Each request that comes from now on fails in this way."""
        self._set(fault)

    def heal(self) -> None:
        self._set(InjectedFault.NONE)

    def _set(self, wanted: InjectedFault) -> None:
        # The new one first: at no moment may a request, which another thread takes, find weights that are all zero.
        self.weights[wanted] = 1
        for other in InjectedFault:
            if other is not wanted:
                self.weights[other] = 0


@contextmanager
def switches(upstreams: Sequence[str]) -> Iterator[list[Switch]]:
    """One switch in front of each address, served by a thread, so that callers may block."""
    made = [Switch() for _ in upstreams]
    ready, loop = threading.Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            for switch, upstream in zip(made, upstreams, strict=True):
                proxy = serving(upstream, chance=random.Random(0), weights=switch.weights)
                switch.url = await stack.enter_async_context(proxy)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        assert ready.wait(60), "the switches do not serve"
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(60)
        loop.close()
