"""History in SQL: every sample, and the state behind every published score.

`create_store(url)` gives a `Store`; nothing else in this folder is for outside use.
"""

from monitor.store._memory import MemoryStore
from monitor.store._protocol import (
    Backlog,
    Bucket,
    Info,
    Numbered,
    Place,
    Point,
    Retention,
    Schema,
    Size,
    Spent,
    Store,
    StoreError,
    StoreReplacedError,
    StoreTakenError,
    Tally,
    Tier,
    Times,
)
from monitor.store._urls import create_store

__all__ = [
    "Backlog",
    "Bucket",
    "Info",
    "MemoryStore",
    "Numbered",
    "Place",
    "Point",
    "Retention",
    "Schema",
    "Size",
    "Spent",
    "Store",
    "StoreError",
    "StoreReplacedError",
    "StoreTakenError",
    "Tally",
    "Tier",
    "Times",
    "create_store",
]
