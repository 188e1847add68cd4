"""What `providerwatch db` shows of a store."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table

from monitor.store import Info

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024


def as_plain(info: Info) -> dict[str, object]:
    """The store's contents as plain data for JSON."""
    return {
        "store": info.place,
        "schema": info.schema,
        "size_bytes": info.size.total_bytes,
        "free_bytes": info.size.free_bytes,
        "samples": info.samples,
        "raw_since": None if info.raw_since is None else info.raw_since.isoformat(),
        "oldest": None if info.oldest is None else info.oldest.isoformat(),
        "rows": dict(info.rows),
        "sinks": {name: asdict(backlog) for name, backlog in info.sinks.items()},
    }


def show(info: Info) -> RenderableType:
    """The store's contents as tables."""
    facts = Table(show_header=False, box=None)
    facts.add_row("store", info.place)
    facts.add_row("schema", info.schema)
    facts.add_row("size", f"{size(info.size.total_bytes)}, {size(info.size.free_bytes)} of it free")
    facts.add_row("samples", _samples(info))
    for name, backlog in sorted(info.sinks.items()):
        expired = f", {backlog.expired:,} deleted before delivery" if backlog.expired else ""
        facts.add_row(f"sink {name}", f"{backlog.waiting:,} samples waiting{expired}")
    rows = Table("table", "rows", box=None)
    rows.columns[1].justify = "right"
    for name, count in sorted(info.rows.items()):
        rows.add_row(name, f"{count:,}")
    return Group(facts, "", rows)


def _samples(info: Info) -> str:
    words = f"{info.samples:,}"
    if info.raw_since is None:
        words += " (all raw samples kept)"
    return words if info.oldest is None else f"{words}, since {info.oldest:%Y-%m-%d %H:%M} UTC"


def size(count: int) -> str:
    """A number of bytes with a unit: 1536 → `1.5 KiB`."""
    amount = float(count)
    for unit in _UNITS[:-1]:
        if amount < _STEP:
            return f"{amount:.1f} {unit}" if unit != "B" else f"{count} B"
        amount /= _STEP
    return f"{amount:.1f} {_UNITS[-1]}"
