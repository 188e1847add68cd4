"""Housekeeping of the store runs while the daemon runs, and pauses while the store fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.pipeline.housekeeper import Housekeeper, HousekeeperCallbacks, HousekeepingIntervals
from monitor.store import Retention, Size, Store, StoreError, create_store
from monitor.store.retention_clock import ClockReading
from tests.integration.daemon.parts import breathe, end, locked, until
from tests.support.memory_store import MemoryStore
from tests.unit.store.samples import make_sample

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
QUICK = HousekeepingIntervals(breath_s=0.0, every_s=0.005)


class Slices(MemoryStore):
    """A store with a number of slices to do, which fails on demand."""

    def __init__(self, more: int = 0) -> None:
        super().__init__()
        self.more = more
        self.slices: list[tuple[datetime, Retention]] = []
        self.error: Exception | None = None

    async def upkeep(self, now: datetime, retention: Retention) -> bool:
        await asyncio.sleep(0)
        self.slices.append((now, retention))
        if self.error is not None:
            raise self.error
        self.more -= 1
        return self.more > 0


@dataclass
class House:
    """A running housekeeper, and its recorded calls."""

    store: Store
    intervals: HousekeepingIntervals = QUICK
    troubled: bool = False
    now: datetime = NOW
    durations_s: list[float] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    readings: list[ClockReading] = field(default_factory=list)

    def __post_init__(self) -> None:
        told = HousekeeperCallbacks(
            now=lambda: self.now,
            troubled=lambda: self.troubled,
            slice_done=self.durations_s.append,
            measured=self.sizes.append,
            clock_read=self.readings.append,
        )
        self.keeper = Housekeeper(self.store, Retention(), told, self.intervals)
        self.task = asyncio.create_task(self.keeper.run())


Begin = Callable[..., Awaitable[House]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    made: list[House] = []

    async def make(store: Store, intervals: HousekeepingIntervals = QUICK, *, troubled: bool = False) -> House:
        made.append(House(store, intervals, troubled))
        await breathe()
        return made[-1]

    yield make
    for house in made:
        await end(house.task)


async def test_slices_follow_each_other_until_there_is_no_more_to_do(begin: Begin) -> None:
    store = Slices(more=7)
    house = await begin(store, HousekeepingIntervals(breath_s=0.0, every_s=3600))
    await until(lambda: house.sizes)
    await breathe(500)
    assert store.slices == [(NOW, Retention())] * 7
    assert len(house.durations_s) == 7


async def test_it_looks_again_after_a_while(begin: Begin) -> None:
    store = Slices()
    await begin(store)
    await until(lambda: len(store.slices) >= 3)


async def test_the_store_is_measured_each_time_that_it_was_tidied(begin: Begin) -> None:
    store = Slices(more=3)
    house = await begin(store)
    await until(lambda: len(house.sizes) >= 3)
    assert len(store.slices) >= 5


async def test_a_failing_store_is_not_used(begin: Begin) -> None:
    store = Slices()
    house = await begin(store, troubled=True)
    await asyncio.sleep(0.05)
    assert store.slices == []
    house.troubled = False
    await until(lambda: store.slices)


async def test_it_stands_back_amid_its_work_when_trouble_comes(begin: Begin) -> None:
    store = Slices(more=1_000_000)
    house = await begin(store, HousekeepingIntervals(breath_s=0.0, every_s=3600))
    await until(lambda: len(store.slices) > 3)
    house.troubled = True
    await breathe()
    done = len(store.slices)
    await breathe(500)
    assert len(store.slices) == done


@pytest.mark.parametrize(
    ("error", "told"), [(locked(), str(locked())), (RuntimeError("odd"), "RuntimeError inside the store")]
)
async def test_a_failure_is_logged_once_and_tried_again(
    error: Exception, told: str, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = Slices()
    store.error = error
    house = await begin(store)
    await until(lambda: len(store.slices) > 4)
    assert house.keeper.error == told
    store.error = None
    await until(lambda: house.keeper.error is None)
    actions = [vars(record).get("action") for record in caplog.records if record.name == "monitor.pipeline.housekeeper"]
    unknown = not isinstance(error, StoreError)
    assert actions == ["tidy_failed"] * (1 + unknown) + ["tidy_recovered"]


async def test_a_real_store_is_sealed_and_pruned_and_nothing_young_is_lost(begin: Begin, tmp_path: Path) -> None:
    store = create_store(f"sqlite:///{tmp_path}/store.db")
    await store.open()
    try:
        ages = {1: timedelta(hours=1), 2: timedelta(hours=50), 3: timedelta(days=6), 4: timedelta(days=8)}
        old = [make_sample(number, started_at=NOW - age, scheduled_at=NOW - age) for number, age in ages.items()]
        await store.append(old, {})
        house = await begin(store, HousekeepingIntervals(breath_s=0.0, every_s=3600))
        await until(lambda: house.sizes)
        info = await store.info()
        assert house.sizes == [info.size]
        assert (info.samples, info.rows["block"], info.rows["sample"], info.rows["hourly"]) == (3, 2, 1, 4)
        assert {sample.id for sample in await store.samples(NOW - timedelta(days=30))} == {
            sample.id for sample in old[:3]
        }
    finally:
        await end(house.task)
        await store.close()


async def test_a_forward_clock_step_deletes_nothing_and_is_logged_once(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    await store.append([make_sample(1)], {})
    house = await begin(store)
    house.now += timedelta(days=30)
    looked = len(house.readings)
    await until(lambda: len(house.readings) > looked + 2)
    assert await store.samples(NOW - timedelta(days=1)) == [make_sample(1)]
    assert house.readings[-1].ahead > timedelta(days=29)
    assert [record.action for record in caplog.records if record.levelno >= logging.WARNING] == ["clock_leap"]  # type: ignore[attr-defined]


async def test_a_horizon_that_a_clock_ahead_left_is_taken_back_when_it_is_looked_at(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    await store.upkeep(NOW + timedelta(days=30), Retention())
    await begin(store)
    assert "horizon_restored" in {getattr(record, "action", None) for record in caplog.records}
    assert await store.append([make_sample(1)], {}) == 0


async def test_a_look_that_is_asked_for_does_not_wait_for_its_turn(begin: Begin) -> None:
    house = await begin(Slices(), HousekeepingIntervals(breath_s=0.0, every_s=3600.0))
    looked = len(house.readings)
    house.keeper.look()
    await until(lambda: len(house.readings) > looked)


async def test_another_retention_is_kept_to_at_once(begin: Begin) -> None:
    store = Slices()
    house = await begin(store, HousekeepingIntervals(every_s=3600))
    await until(lambda: house.sizes)
    shorter = Retention(raw=timedelta(days=2))
    house.keeper.apply(shorter)
    await until(lambda: len(house.sizes) == 2)
    assert [retention for _, retention in store.slices] == [Retention(), shorter]
