"""The store: samples, rollups, states and incidents in SQLite or PostgreSQL.

`create_store(url)` returns a `Store`. The private modules of this folder are not for use outside of it.
"""

from monitor.domain.retention import Retention
from monitor.domain.stored_sample import StoredSample
from monitor.store._protocol import (
    Backlog,
    Bucket,
    Info,
    PageKey,
    Point,
    RollupTier,
    SampleTally,
    Schema,
    Size,
    Spent,
    Store,
    StoreError,
    StoreReplacedError,
    StoreTakenError,
    Times,
)
from monitor.store._threads import is_store_thread
from monitor.store._urls import create_store

__all__ = [
    "Backlog",
    "Bucket",
    "Info",
    "PageKey",
    "Point",
    "Retention",
    "RollupTier",
    "SampleTally",
    "Schema",
    "Size",
    "Spent",
    "Store",
    "StoreError",
    "StoreReplacedError",
    "StoreTakenError",
    "StoredSample",
    "Times",
    "create_store",
    "is_store_thread",
]
