"""Renamed endpoints in every store: one history under the new name."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from monitor.store import Retention, RollupTier, Store
from probes._model import Sample
from tests.integration.store.asking import END, EVER, answers, buckets, pages, settle
from tests.unit.store.samples import START, make_sample

OLD, NEW = "old:x", "new:x"
NOW = START + timedelta(days=1)
STAGES = (0, 5, 30, 72)
"""Hours after `START` at which all is tidied before names are joined: rolled up later, and in the end sealed."""


def day_of(endpoint: str, first: int = 0, step: int = 1) -> list[Sample]:
    """Two days' worth of a sample every half hour."""
    return [
        make_sample(number * 1800, id=f"{number + (1 << 40):016x}", endpoint=endpoint, ttft_s=0.1, cost_usd=1.0)
        for number in range(first, 96, step)
    ]


@pytest.mark.parametrize("hours", STAGES)
async def test_an_endpoint_takes_its_history_to_a_new_name(store: Store, hours: int) -> None:
    await store.append(day_of(OLD), {OLD: "{}"})
    await store.append([make_sample(1, endpoint="b:x")], {"b:x": "b"})
    await settle(store, START + timedelta(hours=hours))
    before = await answers(store, [OLD], NOW)
    await store.rename({OLD: NEW, "never:seen": "b:x"})
    after = await answers(store, [NEW], NOW)
    assert after["states"] == {NEW: "{}", "b:x": "b"}
    assert after["first"] == {NEW: START, "b:x": START + timedelta(seconds=1)}
    for name in ("points of {}", "RollupTier.HOUR of {}", "RollupTier.DAY of {}"):
        assert after[name.format(NEW)] == before[name.format(OLD)]
    assert await pages(store, NEW, 10) == day_of(NEW)[::-1]
    assert await pages(store, OLD, 10) == []
    assert await buckets(store, OLD) == []


@pytest.mark.parametrize("hours", STAGES)
@pytest.mark.parametrize("later", [0, 60])
async def test_two_names_become_one_history(store: Store, hours: int, later: int) -> None:
    """Every other sample came under each name, so that hours, days, rollups and blocks of both meet."""
    everything = day_of(NEW)
    await store.append(day_of(OLD, 0, 2), {OLD: "old"})
    await store.append(day_of(NEW, 1, 2), {NEW: "new"})
    await settle(store, START + timedelta(hours=hours))
    await store.append([make_sample(7, id="a" * 16, endpoint=OLD)], {})
    everything.insert(1, make_sample(7, id="a" * 16, endpoint=NEW))
    await store.rename({OLD: NEW})
    for _ in range(2):
        assert await pages(store, NEW, 17) == everything[::-1]
        assert Counter(await store.samples(EVER)) == Counter(everything)
        assert await store.states() == {NEW: "new"}
        assert await store.first_seen() == {NEW: START}
        for tier, count in ((RollupTier.HOUR, 48), (RollupTier.DAY, 3)):
            found = await buckets(store, NEW, tier)
            assert len(found) == count
            assert sum(bucket.rollup.count for bucket in found) == 97
            assert sum(bucket.rollup.cost_usd for bucket in found) == 96
            assert await buckets(store, OLD, tier) == []
        assert sum(tally.count for tally in await store.tallies(EVER, 3_600)) == 97
        await settle(store, START + timedelta(hours=hours + later))


async def test_names_are_joined_when_only_rollups_are_left(store: Store) -> None:
    retention = Retention(raw=timedelta(days=1))
    await store.append(day_of(OLD, 0, 2), {})
    await store.append(day_of(NEW, 1, 2), {})
    await settle(store, START + timedelta(days=30), retention)
    await store.rename({OLD: NEW})
    await settle(store, START + timedelta(days=31), retention)
    assert await store.samples(EVER) == []
    for tier in RollupTier:
        found = await store.rollups(NEW, tier, EVER, END, ["ttft_s"])
        assert sum(bucket.rollup.count for bucket in found) == 96
        assert sum(bucket.rollup.sketches["ttft_s"].count for bucket in found) == 96


async def test_several_names_are_joined_to_one_and_again_without_effect(store: Store) -> None:
    names = ("one:x", "two:x", "three:x")
    for number, name in enumerate(names):
        await store.append(day_of(name, number, 3), {name: name})
    await settle(store, START + timedelta(hours=60))
    for _ in range(2):
        await store.rename(dict.fromkeys(names, "now:x"))
        await store.rename({})
        assert await pages(store, "now:x", 30) == day_of("now:x")[::-1]
        assert await store.first_seen() == {"now:x": START}


async def test_a_name_that_is_its_own_alias_stays(store: Store) -> None:
    await store.append(day_of(NEW), {NEW: "{}"})
    await store.rename({NEW: NEW})
    assert await pages(store, NEW, 30) == day_of(NEW)[::-1]
    assert await store.states() == {NEW: "{}"}


async def test_a_state_goes_with_a_name_that_is_joined_to_one_without(store: Store) -> None:
    await store.append([*day_of(OLD, 0, 2), *day_of(NEW, 1, 2)], {OLD: "old"})
    await store.rename({OLD: NEW})
    assert await store.states() == {NEW: "old"}


async def test_sinks_get_what_waits_under_the_new_name(store: Store) -> None:
    await store.subscribe(["influx"])
    await store.append(day_of(OLD, 0, 2), {})
    await store.append(day_of(NEW, 1, 2), {})
    await store.rename({OLD: NEW})
    assert {stored.sample.endpoint for stored in await store.waiting("influx", 1000)} == {NEW}
    assert (await store.backlogs())["influx"].waiting == 96


async def test_what_comes_after_is_joined_as_usual(store: Store) -> None:
    """Hours that were to be sealed under the old name when it went are sealed under the new one."""
    await store.append(day_of(OLD, 0, 2), {})
    await store.append(day_of(NEW, 1, 2), {})
    now = START + timedelta(hours=80)
    for _ in range(100):  # some are rolled up and sealed, others wait
        await store.upkeep(now, Retention())
    await store.rename({OLD: NEW})
    await settle(store, now)
    await store.append(day_of(NEW), {})
    await settle(store, now + timedelta(hours=2))
    assert await pages(store, NEW, 30) == day_of(NEW)[::-1]
    assert sum(bucket.rollup.count for bucket in await buckets(store, NEW, RollupTier.DAY)) == 96


async def test_an_append_that_follows_a_rename_at_once_knows_that_the_old_name_is_gone(store: Store) -> None:
    await store.append([make_sample(1, id="a" * 16, endpoint=OLD), make_sample(2, id="b" * 16, endpoint=NEW)], {})
    late = make_sample(3, id="c" * 16, endpoint=OLD)
    await asyncio.gather(store.rename({OLD: NEW}), store.append([late], {OLD: "{}"}))
    assert [(each.id[0], each.endpoint) for each in await store.samples(EVER)] == [("a", NEW), ("b", NEW), ("c", OLD)]
    assert await store.states() == {OLD: "{}"}
