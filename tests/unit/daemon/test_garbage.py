"""Old garbage is collected at intervals, and by nothing else."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from monitor.daemon.garbage import collect_at_intervals, stop_automatic_full_collections


class Cycle:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _own_thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    stop_automatic_full_collections()
    yield
    gc.set_threshold(*before)


def an_old_cycle() -> weakref.ref[Cycle]:
    """Garbage in the oldest generation."""
    cycle = Cycle()
    gc.collect()
    return weakref.ref(cycle)


def test_many_new_objects_begin_no_full_collection() -> None:
    cycle = an_old_cycle()
    full = gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(200_000)]
    assert cycle() is not None
    assert gc.get_stats()[2]["collections"] == full
    assert len(kept) == 200_000


def test_young_garbage_is_collected_all_the_same() -> None:
    cycle = weakref.ref(Cycle())
    kept = [[number] for number in range(20_000)]
    assert cycle() is None
    assert len(kept) == 20_000


async def test_old_garbage_is_collected_at_the_interval() -> None:
    cycle = an_old_cycle()
    task = asyncio.create_task(collect_at_intervals(0.01))
    async with asyncio.timeout(30):
        while cycle() is not None:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
