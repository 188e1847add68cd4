"""The outbox of every store: each sink reads all samples from its own cursor."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from monitor.store import Retention, Store, create_store
from tests.integration.store.asking import EVER, settle
from tests.unit.store.samples import START, make_sample

SAMPLES = [make_sample(number * 900) for number in range(100)]
LATER = START + timedelta(days=3)


async def drain(store: Store, sink: str, limit: int) -> list[str]:
    """Deliver all that waits; the ids in the order in which they came."""
    found: list[str] = []
    while batch := await store.waiting(sink, limit):
        assert len(batch) <= limit
        found += [stored.sample.id for stored in batch]
        await store.delivered(sink, batch[-1].seq, {}, START)
    return found


async def waiting_for(store: Store) -> dict[str, int]:
    """How many samples wait for each sink; the count that a whole look at the store gives is the same."""
    backlogs = await store.backlogs()
    assert (await store.info()).sinks == backlogs
    return {name: backlog.waiting for name, backlog in backlogs.items()}


async def expired_for(store: Store) -> dict[str, int]:
    """How many samples retention deleted before each sink was given them."""
    return {name: backlog.expired for name, backlog in (await store.backlogs()).items()}


async def test_a_sink_gets_every_sample_once_in_the_order_of_appending(store: Store) -> None:
    mixed = random.Random(4).sample(SAMPLES, 100)
    await store.subscribe(["influx"])
    await store.append(mixed[:40], {})
    assert [stored.sample for stored in await store.waiting("influx", 3)] == mixed[:3]
    found = await drain(store, "influx", 7)
    await store.append(mixed[:60], {})
    found += await drain(store, "influx", 7)
    await store.append(mixed[60:], {})
    found += await drain(store, "influx", 1000)
    assert found == [each.id for each in mixed]
    assert await store.waiting("influx", 10) == []


async def test_numbers_rise(store: Store) -> None:
    await store.subscribe(["influx"])
    for cut in range(0, 100, 10):
        await store.append(SAMPLES[: cut + 10], {})
    numbers = [stored.seq for stored in await store.waiting("influx", 1000)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 0


async def test_what_was_not_confirmed_comes_again(store: Store) -> None:
    await store.subscribe(["influx"])
    await store.append(SAMPLES[:5], {})
    first = await store.waiting("influx", 3)
    assert await store.waiting("influx", 3) == first
    await store.delivered("influx", first[1].seq, {}, START)
    assert [stored.sample for stored in await store.waiting("influx", 3)] == SAMPLES[2:5]


async def test_a_cursor_never_goes_back(store: Store) -> None:
    await store.subscribe(["influx"])
    await store.append(SAMPLES[:5], {})
    numbers = [stored.seq for stored in await store.waiting("influx", 5)]
    await store.delivered("influx", numbers[3], {}, START)
    await store.delivered("influx", numbers[1], {}, START)
    assert [each.sample for each in await store.waiting("influx", 5)] == [SAMPLES[4]]


async def test_sinks_move_on_their_own(store: Store) -> None:
    await store.subscribe(["influx", "ndjson"])
    await store.append(SAMPLES[:10], {})
    await drain(store, "influx", 4)
    assert await waiting_for(store) == {"influx": 0, "ndjson": 10}
    assert len(await drain(store, "ndjson", 4)) == 10


async def test_a_sink_that_is_new_begins_with_what_is_there_and_one_that_is_gone_is_forgotten(store: Store) -> None:
    await store.append(SAMPLES[:10], {})
    await store.subscribe(["influx"])
    assert len(await drain(store, "influx", 100)) == 10
    await store.subscribe(["influx", "ndjson"])
    assert await waiting_for(store) == {"influx": 0, "ndjson": 10}
    await store.subscribe(["ndjson"])
    assert await waiting_for(store) == {"ndjson": 10}
    await store.subscribe([])
    assert await waiting_for(store) == {}
    await store.subscribe(["influx"])
    assert await waiting_for(store) == {"influx": 10}


@pytest.mark.parametrize("sealed", [False, True])
async def test_a_sample_waits_for_every_sink_however_old_it_is(store: Store, sealed: bool) -> None:
    await store.subscribe(["influx", "ndjson"])
    await store.append(SAMPLES, {})
    await drain(store, "influx", 100)
    (*_, last) = await store.waiting("ndjson", 50)
    await store.delivered("ndjson", last.seq, {}, START)
    if sealed:
        await settle(store, LATER)
    assert await waiting_for(store) == {"influx": 0, "ndjson": 50}
    assert await drain(store, "ndjson", 9) == [each.id for each in SAMPLES[50:]]
    await settle(store, LATER)
    assert {each.id for each in await store.samples(EVER)} == {sample.id for sample in SAMPLES}


async def test_a_late_sample_of_a_sealed_hour_is_delivered_too(store: Store) -> None:
    await store.subscribe(["influx"])
    await store.append(SAMPLES, {})
    await drain(store, "influx", 100)
    await settle(store, LATER)
    late = make_sample(1, id="e" * 16)
    await store.append([late, SAMPLES[0]], {})
    await settle(store, LATER + timedelta(hours=3))
    assert await drain(store, "influx", 100) == [late.id]


async def test_what_retention_took_from_a_sink_is_counted(store: Store) -> None:
    retention = Retention(raw=timedelta(days=2))
    await store.subscribe(["fast", "slow"])
    await store.append(SAMPLES, {})
    await drain(store, "fast", 100)
    (*_, last) = await store.waiting("slow", 30)
    await store.delivered("slow", last.seq, {}, START)
    assert await expired_for(store) == {"fast": 0, "slow": 0}
    await settle(store, START + timedelta(days=2, hours=12), retention)
    assert await expired_for(store) == {"fast": 0, "slow": 18}
    assert await waiting_for(store) == {"fast": 0, "slow": 52}
    await settle(store, START + timedelta(days=9), retention)
    assert await expired_for(store) == {"fast": 0, "slow": 70}
    assert await store.waiting("slow", 10) == []
    await store.append([make_sample(9 * 86_400)], {})
    assert await waiting_for(store) == {"fast": 1, "slow": 1}
    await store.subscribe(["slow"])
    assert await expired_for(store) == {"slow": 70}


async def test_what_a_sink_refused_is_set_aside_once(store: Store) -> None:
    await store.subscribe(["influx"])
    await store.append(SAMPLES[:3], {})
    batch = await store.waiting("influx", 3)
    for _ in range(2):
        await store.delivered("influx", batch[-1].seq, {SAMPLES[1].id: "bad line\0\ud800"}, START)
    assert await store.waiting("influx", 3) == []


async def test_set_aside_cursors_and_counts_outlive_the_program(url: str) -> None:
    store = create_store(url)
    await store.open()
    await store.subscribe(["influx", "ndjson"])
    await store.append(SAMPLES[:9], {})
    batch = await store.waiting("influx", 4)
    await store.delivered("influx", batch[-1].seq, {stored.sample.id: "no" for stored in batch[:2]}, START)
    await store.close()
    again = create_store(url)
    await again.open()
    await again.subscribe(["influx", "ndjson"])
    rows = (await again.info()).rows
    assert (await waiting_for(again), rows["set_aside"], rows["sink"]) == ({"influx": 5, "ndjson": 9}, 2, 2)
    await again.subscribe(["ndjson"])
    assert (await again.info()).rows["set_aside"] == 0
    await again.close()


async def test_what_a_sink_refused_is_kept_for_as_long_as_raw_samples(url: str) -> None:
    """And not for ever: a sink may refuse every sample."""
    retention = Retention(raw=timedelta(days=2))
    store = create_store(url)
    await store.open()
    await store.subscribe(["influx"])
    for hour in range(3):
        refused = {f"{hour * 1000 + number:016x}": "no" for number in range(300)}
        await store.delivered("influx", hour, refused, START + timedelta(hours=hour, minutes=1))
    rows = []
    for hours in (0, 47, 49, 50, 51, 52):
        await settle(store, START + timedelta(hours=hours), retention)
        rows.append((await store.info()).rows["set_aside"])
    assert rows == [900, 900, 600, 300, 0, 0]
    await store.close()


async def test_an_order_number_is_never_given_twice(url: str) -> None:
    """Or a cursor would pass over samples that follow a table which retention emptied."""
    store = create_store(url)
    await store.open()
    await store.subscribe(["influx"])
    await store.append(SAMPLES[:9], {})
    await drain(store, "influx", 100)
    await settle(store, LATER + timedelta(days=30), Retention(raw=timedelta(days=1)))
    assert (await store.info()).rows["sample"] == 0
    await store.close()
    again = create_store(url)
    await again.open()
    await again.append([make_sample(40 * 86_400)], {})
    assert len(await again.waiting("influx", 10)) == 1
    await again.close()
