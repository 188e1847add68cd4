"""Every store returns the times that it holds, and can lower a horizon that a wrong clock has set."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.store import Bucket, Retention, RollupTier, Store, Times
from probes._model import Sample
from tests.unit.store.samples import make_sample

NOW = datetime(2026, 12, 1, 7, 30, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WEEK = Retention()
AHEAD = NOW + 30 * DAY


def at(n: int, moment: datetime) -> Sample:
    return make_sample(n, started_at=moment, scheduled_at=moment)


async def tidied(store: Store, now: datetime, retention: Retention = WEEK) -> None:
    while await store.upkeep(now, retention):
        pass


async def test_a_store_returns_the_times_that_it_holds(store: Store) -> None:
    assert await store.times() == Times(newest=None, counted_from=None, horizon=None)
    await store.append([at(1, NOW), at(2, NOW - MINUTE)], {})
    assert (await store.times()).newest == NOW
    await tidied(store, NOW)
    horizon = (NOW - 7 * DAY).replace(minute=0)
    assert await store.times() == Times(newest=NOW, counted_from=NOW, horizon=horizon)


async def test_info_has_the_start_of_the_oldest_sample_not_the_end_of_deletions(store: Store) -> None:
    assert (await store.info()).oldest is None
    await store.append([at(1, NOW - MINUTE), at(2, NOW)], {})
    await tidied(store, NOW)
    assert (await store.info()).oldest == NOW - MINUTE


async def test_what_is_kept_until_a_time_that_is_trusted_outlives_a_clock_that_is_ahead(store: Store) -> None:
    samples = [at(n, NOW - n * MINUTE) for n in range(1, 6)]
    await store.append(samples, {})
    await tidied(store, AHEAD, Retention(until=NOW))
    assert await store.samples(NOW - DAY) == samples
    assert (await store.times()).counted_from == NOW


async def test_a_sample_older_than_what_was_deleted_is_counted_not_taken(store: Store) -> None:
    await tidied(store, NOW)
    assert await store.append([at(1, NOW - 9 * DAY), at(2, NOW)], {}) == 1
    assert await store.samples(NOW - 10 * DAY) == [at(2, NOW)]
    assert await store.append([at(2, NOW)], {}) == 0


async def test_a_horizon_in_the_future_is_lowered_and_samples_are_taken_again(store: Store) -> None:
    await store.append([at(1, NOW)], {})
    await tidied(store, AHEAD)
    assert await store.append([at(2, NOW + MINUTE)], {}) == 1
    await store.lower_horizon(NOW - 7 * DAY)
    assert await store.append([at(2, NOW + MINUTE)], {}) == 0
    assert await store.samples(NOW) == [at(2, NOW + MINUTE)]


async def test_a_horizon_is_never_raised_by_lowering(store: Store) -> None:
    await tidied(store, NOW)
    before = await store.times()
    await store.lower_horizon(NOW)
    assert await store.times() == before


async def test_counts_of_an_hour_outlive_its_samples_though_more_come(store: Store) -> None:
    await store.append([at(n, NOW + n * timedelta(seconds=1)) for n in range(5)], {})
    await tidied(store, AHEAD)
    await store.lower_horizon(NOW - 7 * DAY)
    await store.append([replace(at(9, NOW), id="f" * 16)], {})
    assert _counts(await _hours(store)) == [5]
    await tidied(store, NOW + DAY)
    assert _counts(await _hours(store)) == [5]


async def _hours(store: Store) -> list[Bucket]:
    (name,) = await store.first_seen()
    return await store.rollups(name, RollupTier.HOUR, NOW - DAY, NOW + DAY, ())


def _counts(buckets: list[Bucket]) -> list[int]:
    return [bucket.rollup.count for bucket in buckets]
