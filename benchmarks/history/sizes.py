"""Sizes of the parts of a store, as its database reports them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.history.data import Plan
from monitor.store import Info
from tests.support.postgres import Postgres

_PARTS = ("sample", "block", "hourly", "daily")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a store, with its indexes."""

    name: str
    bytes: int
    items: int
    per: str
    """Name of one item."""

    @property
    def per_item(self) -> float:
        """Bytes per item."""
        return round(self.bytes / self.items, 1) if self.items else 0.0


def sqlite_tables(path: Path) -> dict[str, int]:
    """Bytes of each table with its indexes, after a checkpoint of the write-ahead log."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        # In aggregate mode `pgsize` overflows at 32 bits; `pageno` is the number of pages.
        rows = connection.execute(
            "SELECT coalesce(m.tbl_name, s.name), sum(s.pageno) * ? FROM dbstat('main', 1) s "
            "LEFT JOIN sqlite_master m ON m.name = s.name GROUP BY 1",
            (page_size,),
        )
        return dict(rows.fetchall())


def postgres_tables(server: Postgres, database: str) -> dict[str, int]:
    """Bytes of each table with its indexes and its out-of-line storage."""
    lines = server.sql("SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables", database).splitlines()
    return {name: int(size) for name, _, size in (line.partition("|") for line in lines)}


def parts(tables: Mapping[str, int], info: Info, plan: Plan) -> list[Part]:
    """The parts of a store, per sample and per day of an endpoint."""
    rows, sealed = info.rows["sample"], info.samples - info.rows["sample"]
    days = plan.endpoints * plan.days
    raw = tables["sample"] + tables["block"]
    rest = sum(size for name, size in tables.items() if name not in _PARTS)
    return [
        Part(name="samples in rows (the newest 26 h)", bytes=tables["sample"], items=rows, per="sample"),
        Part(name="samples in blocks", bytes=tables["block"], items=sealed, per="sample"),
        Part(name="raw samples in all", bytes=raw, items=info.samples, per="sample"),
        Part(name="hourly rollups", bytes=tables["hourly"], items=days, per="day of an endpoint"),
        Part(name="daily rollups", bytes=tables["daily"], items=days, per="day of an endpoint"),
        Part(name="all else", bytes=rest, items=plan.endpoints, per="endpoint"),
        Part(name="the database", bytes=info.size.total_bytes, items=days, per="day of an endpoint"),
    ]
