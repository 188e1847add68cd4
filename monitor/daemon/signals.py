"""Signal handlers: SIGTERM and SIGINT stop the daemon; SIGHUP is ignored, since reload is not supported yet."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set. SIGHUP is logged and ignored."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _ignore)
    return stop


def _ignore() -> None:
    words = "SIGHUP ignored: the configuration is read only at start; restart the daemon to apply changes"
    log.warning(words, extra={"action": "reload_ignored"})


async def done_before(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Run `work` until it ends or `stop` is set. False if it was cancelled by `stop`."""
    working, stopping = asyncio.create_task(work, name="start"), asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
            return True
        log.info("stopped before the start was complete", extra={"action": "stopped"})
        return False
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
