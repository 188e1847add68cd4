"""History in SQL: every sample, and the state behind every published score.

`create_store(url)` gives a `Store`; nothing else in this folder is for outside use.
"""

from monitor.domain.retention import Retention
from monitor.domain.stored_sample import StoredSample
from monitor.store._memory import MemoryStore
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
from monitor.store._urls import create_store

__all__ = [
    "Backlog",
    "Bucket",
    "Info",
    "MemoryStore",
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
]
