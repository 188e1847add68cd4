"""When the main process collects garbage of all ages: at an interval, not while a request waits.

A full collection looks at every object that was made since the start: with 1,000 endpoints it holds the event loop for
60 ms. Python would run one whenever a quarter of these objects is new, which is during a scrape, when many rows are
rendered.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Final

EVERY_S: Final = 600.0
_NEVER: Final = 1 << 30


def stop_automatic_full_collections() -> None:
    """Let Python collect young objects only. `collect_at_intervals` collects the others."""
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)


async def collect_at_intervals(every_s: float = EVERY_S) -> None:
    """Collect garbage of all ages until cancelled."""
    while True:
        await asyncio.sleep(every_s)
        gc.collect()
