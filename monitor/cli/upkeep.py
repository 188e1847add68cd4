"""The work of `providerwatch db`: migrate a store, read its contents, run housekeeping. Safe beside a daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from monitor.store import Info, Retention, Schema, Store, StoreError
from monitor.store.retention_clock import RetentionClock, horizon_to_restore

_NO_LEAP: Final = timedelta(days=1)
"""A clock ahead of the newest sample by at most this much is trusted."""
_BREATH_S: Final = 0.01
"""Pause between two slices, in which a daemon can write to the same store."""


async def upgrade(store: Store) -> Schema:
    """Run the missing migrations. Returns the schema as it was before."""
    try:
        schema = await store.schema()
        await store.open()
    finally:
        await store.close()
    return schema


async def look(store: Store) -> Info:
    """The store's contents; read-only. Raises StoreError if this version cannot read the store."""
    try:
        (await store.schema()).check_readable()
        return await store.info()
    finally:
        await store.close()


async def prune(
    store: Store,
    retention: Retention,
    now: Callable[[], datetime],
    progress: Callable[[int], None],
    *,
    trust_clock: bool = False,
) -> tuple[Info, Info]:
    """Run housekeeping until nothing is left to do. Returns the store's contents before and after.

    Calls `progress` after each slice with the number of slices. Raises StoreError if the clock is far ahead of the
    newest time in the store, unless `trust_clock` is set.
    """
    try:
        schema = await store.schema()
        if schema.found is None:
            schema.check_readable()
        await store.open()
        kept = retention if trust_clock else await _until_trusted(store, retention, now())
        before, slices, more = await store.info(), 0, True
        while more:
            more = await store.upkeep(now(), kept)
            slices += 1
            progress(slices)
            await asyncio.sleep(_BREATH_S)
        return before, await store.info()
    finally:
        await store.close()


async def _until_trusted(store: Store, retention: Retention, now: datetime) -> Retention:
    """Retention relative to the newest time in the store. Raises StoreError if the clock is far ahead of it."""
    times = await store.times()
    restored = horizon_to_restore(now, retention.raw, times)
    if restored is not None:
        await store.lower_horizon(restored)
    reading = RetentionClock().read(now, 0.0, times)
    if reading.ahead > _NO_LEAP:
        raise StoreError(
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but the newest time in the store is "
            f"{reading.until:%Y-%m-%d %H:%M} UTC: nothing was deleted. If the clock is wrong, set it. If the clock is "
            "right and nothing was probed since then, repeat with --trust-clock"
        )
    return replace(retention, until=reading.until)
