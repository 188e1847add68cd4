"""What `providerwatch db` does: migrate a store, say what it holds, tidy it now. All of it may run beside a daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table

from monitor.store import Info, Retention, Schema, Store

_BREATH_S: Final = 0.01
"""Between two slices: a daemon that writes to the same store gets its turn."""
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024


async def upgrade(store: Store) -> Schema:
    """Run the missing migrations. What was found before, and what there is now."""
    try:
        schema = await store.schema()
        await store.open()
    finally:
        await store.close()
    return schema


async def look(store: Store) -> Info:
    """What a store holds; changes nothing. `StoreError` when there is nothing that this program could read."""
    try:
        (await store.schema()).check_readable()
        return await store.info()
    finally:
        await store.close()


async def prune(
    store: Store, retention: Retention, now: Callable[[], datetime], progress: Callable[[int], None]
) -> tuple[Info, Info]:
    """Tidy until there is no more to do. What the store held before, and what it holds now.

    `progress` is told after each slice how many there were.
    """
    try:
        await store.open()
        before, slices, more = await store.info(), 0, True
        while more:
            more = await store.tidy(now(), retention)
            slices += 1
            progress(slices)
            await asyncio.sleep(_BREATH_S)
        return before, await store.info()
    finally:
        await store.close()


def as_plain(info: Info) -> dict[str, object]:
    """What a store holds, for JSON."""
    return {
        "store": info.place,
        "schema": info.schema,
        "size_bytes": info.size.total_bytes,
        "free_bytes": info.size.free_bytes,
        "samples": info.samples,
        "raw_since": None if info.raw_since is None else info.raw_since.isoformat(),
        "rows": dict(info.rows),
        "sinks": {name: asdict(backlog) for name, backlog in info.sinks.items()},
    }


def show(info: Info) -> RenderableType:
    """The same, for people."""
    facts = Table(show_header=False, box=None)
    since = "all there were" if info.raw_since is None else f"since {info.raw_since:%Y-%m-%d %H:%M} UTC"
    facts.add_row("store", info.place)
    facts.add_row("schema", info.schema)
    facts.add_row("size", f"{size(info.size.total_bytes)}, {size(info.size.free_bytes)} of it free")
    facts.add_row("samples", f"{info.samples:,}, {since}")
    for name, backlog in sorted(info.sinks.items()):
        expired = f", {backlog.expired:,} were deleted before it took them" if backlog.expired else ""
        facts.add_row(f"sink {name}", f"{backlog.waiting:,} samples wait{expired}")
    rows = Table("table", "rows", box=None)
    rows.columns[1].justify = "right"
    for name, count in sorted(info.rows.items()):
        rows.add_row(name, f"{count:,}")
    return Group(facts, "", rows)


def size(count: int) -> str:
    """Bytes for people: 1536 → `1.5 KiB`."""
    amount = float(count)
    for unit in _UNITS[:-1]:
        if amount < _STEP:
            return f"{amount:.1f} {unit}" if unit != "B" else f"{count} B"
        amount /= _STEP
    return f"{amount:.1f} {_UNITS[-1]}"
