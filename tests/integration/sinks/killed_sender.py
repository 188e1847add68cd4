"""An outbox that is killed after its first delivery, before the cursor moves: called with URLs of store and server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from monitor.pipeline.outbox import Outbox
from monitor.sinks import Delivery
from monitor.store import create_store
from tests.integration.sinks import delivering


async def main(store_url: str, server_url: str) -> None:
    store = create_store(store_url)
    await store.open()
    sink = delivering.influx(server_url)
    deliver = sink.deliver

    async def and_die(batch: object) -> Delivery:
        delivery = await deliver(batch)  # type: ignore[arg-type]
        if delivery.stopped is None:
            print("delivered", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return delivery

    sink.deliver = and_die  # type: ignore[method-assign]
    await Outbox([sink], store).run()


asyncio.run(main(*sys.argv[1:]))
