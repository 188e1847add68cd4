"""Incidents in every store: it keeps the newest value of each, returns them newest first, and deletes old ones."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.incident import Incident, incident_id
from monitor.domain.status import Status
from monitor.store import Retention, Store, StoreError, create_store
from tests.integration.store.asking import EVER, FOREVER, incident_pages, settle
from tests.unit.store.incidents import ended, make_incident
from tests.unit.store.incidents import incidents as any_incidents
from tests.unit.store.samples import START, make_sample

E, F = "steady:smollm2", "b:x"
HOUR = timedelta(hours=1)


async def every_one(store: Store) -> list[Incident]:
    return await store.incidents(endpoint=None, since=EVER, before=None, limit=10_000)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(any_incidents, min_size=1, max_size=5, unique_by=lambda each: each.id))
async def test_an_incident_comes_back_as_it_was(store: Store, drawn: list[Incident]) -> None:
    await store.append([], {}, drawn)
    found = {each.id: each for each in await every_one(store)}
    assert [found[each.id] for each in drawn] == drawn
    assert [[*found[each.id].causes] for each in drawn] == [[*incident.causes] for incident in drawn]


@pytest.mark.parametrize("incident", ["0000000000000000", "7fffffffffffffff", "8000000000000000", "ffffffffffffffff"])
async def test_any_id_of_64_bits_is_kept(store: Store, incident: str) -> None:
    await store.append([], {}, [make_incident(1, id=incident)])
    assert [each.id for each in await store.open_incidents()] == [incident]


async def test_an_incident_that_grows_is_kept_as_it_was_last(store: Store) -> None:
    name = incident_id(E, START)
    first = make_incident(0, id=name, worst=Status.DEGRADED, causes={"slo": 1})
    grown = make_incident(0, id=name, last_at=START + 2 * HOUR, causes={"slo": 1, "connect": 3})
    over = ended(0, 3, id=name, last_at=START + 2 * HOUR, causes={"slo": 1, "connect": 3})
    for value in (first, grown, over):
        await store.append([], {}, [value])
        assert await every_one(store) == [value]
    assert await store.open_incidents() == []


async def test_of_two_values_in_one_append_the_later_is_kept(store: Store) -> None:
    await store.append([], {}, [make_incident(0), ended(0)])
    assert await every_one(store) == [ended(0)]


async def test_an_incident_that_ended_may_be_open_again(store: Store) -> None:
    await store.append([], {}, [ended(0)])
    await store.append([], {}, [make_incident(0)])
    assert await store.open_incidents() == [make_incident(0)]


async def test_an_incident_of_an_endpoint_that_has_nothing_else_is_kept(store: Store) -> None:
    await store.append([], {}, [make_incident(1, endpoint="never:probed")])
    assert await store.open_incidents() == [make_incident(1, endpoint="never:probed")]
    assert (await store.first_seen(), await store.states()) == ({}, {})


async def test_samples_states_and_incidents_are_kept_together_or_not_at_all(store: Store) -> None:
    await store.append([make_sample(1)], {E: "before"}, [make_incident(1)])
    for samples, incidents in (
        ([make_sample(2)], [ended(1), make_incident(2, id="no id")]),
        ([make_sample(2), make_sample(3, id="no id")], [ended(1)]),
        ([make_sample(2)], [ended(1), make_incident(2, worst=Status.UP)]),
        ([make_sample(2)], [ended(1), make_incident(2, last_at=START.replace(tzinfo=None))]),
    ):
        with pytest.raises(StoreError):
            await store.append(samples, {E: "after"}, incidents)
        assert await store.samples(EVER) == [make_sample(1)]
        assert await store.states() == {E: "before"}
        assert await every_one(store) == [make_incident(1)]


async def test_incidents_alone_may_be_appended_and_none_as_well(store: Store) -> None:
    await store.append([], {}, [])
    assert await every_one(store) == []
    await store.append([], {}, [make_incident(1)])
    assert await every_one(store) == [make_incident(1)]


async def test_open_incidents_are_distinguished_from_ended_ones(store: Store) -> None:
    await store.append([], {}, [make_incident(3), ended(2), make_incident(5, endpoint=F), ended(9), make_incident(1)])
    assert await store.open_incidents() == [make_incident(5, endpoint=F), make_incident(3), make_incident(1)]


def year() -> list[Incident]:
    """Incidents of two endpoints over a year, newest first; every tenth is still open, some lasted for weeks."""
    chance = random.Random(5)
    found = []
    for number in range(160):
        name = f"{chance.getrandbits(64):016x}"
        hour, endpoint = chance.randrange(365) * 24, (E, F)[number // 10 % 2]
        if number % 10:
            found.append(ended(hour, chance.choice([0.5, 30, 700]), id=name, endpoint=endpoint))
        else:
            found.append(make_incident(hour, id=name, endpoint=endpoint))
    return sorted(found, key=lambda each: (each.began_at, each.id), reverse=True)


@pytest.mark.parametrize("limit", [1, 7, 500])
@pytest.mark.parametrize("endpoint", [None, E, "unknown:x"])
async def test_pages_give_every_incident_once_newest_first(store: Store, limit: int, endpoint: str | None) -> None:
    incidents = year()
    await store.append([], {}, random.Random(1).sample(incidents, len(incidents)))
    mine = [incident for incident in incidents if endpoint in (None, incident.endpoint)]
    assert await incident_pages(store, endpoint, limit) == mine


@pytest.mark.parametrize("limit", [1, 7, 500])
@pytest.mark.parametrize("endpoint", [None, F])
@pytest.mark.parametrize("days", [40, 200, 363, 400])
async def test_incidents_are_those_that_were_open_since_then(
    store: Store, limit: int, endpoint: str | None, days: int
) -> None:
    """Also those that began before, and no others."""
    incidents = year()
    await store.append([], {}, incidents)
    since = START + timedelta(days=days)
    wanted = [
        each
        for each in incidents
        if endpoint in (None, each.endpoint) and (each.ended_at is None or each.ended_at >= since)
    ]
    assert any(incident.began_at < since for incident in wanted)
    assert await incident_pages(store, endpoint, limit, since) == wanted


async def test_an_incident_that_ended_at_that_very_moment_was_open_then(store: Store) -> None:
    await store.append([], {}, [ended(0, 2)])
    moment = timedelta(microseconds=1)
    for since, found in ((START + 2 * HOUR, 1), (START + 2 * HOUR + moment, 0), (START, 1)):
        assert len(await store.incidents(endpoint=None, since=since, before=None, limit=9)) == found


@pytest.mark.parametrize("since", [EVER, START + HOUR])
async def test_incidents_that_began_together_are_paged_by_id(store: Store, since: object) -> None:
    chance = random.Random(3)
    ids = sorted(f"{chance.getrandbits(64):016x}" for _ in range(40))
    incidents = [make_incident(0, id=name) for name in ids]
    await store.append([], {}, chance.sample(incidents, 40))
    for limit in (1, 3, 8):
        assert [each.id for each in await incident_pages(store, None, limit, since)] == ids[::-1]  # type: ignore[arg-type]
    assert [incident.id for incident in await store.open_incidents()] == ids[::-1]


@pytest.mark.parametrize("joined", [False, True], ids=["renamed", "joined"])
async def test_a_renamed_endpoint_takes_its_incidents_along(store: Store, joined: bool) -> None:
    others = make_incident(3, endpoint=F)
    await store.append([make_sample(1, endpoint="old:x")], {}, [ended(1, endpoint="old:x"), others])
    if joined:
        await store.append([make_sample(2, endpoint="new:x")], {}, [make_incident(2, endpoint="new:x")])
    await store.rename({"old:x": "new:x"})
    expected = [make_incident(2, endpoint="new:x")] * joined + [ended(1, endpoint="new:x")]
    assert await incident_pages(store, "new:x", 10) == expected
    assert await incident_pages(store, "old:x", 10) == []
    assert await incident_pages(store, F, 10) == [others]


async def test_an_incident_that_ended_before_days_are_kept_is_deleted_and_no_other(store: Store) -> None:
    retention = Retention(raw=timedelta(days=2), hourly=timedelta(days=4), daily=timedelta(days=10))
    long_ago, long, open_still = ended(0), ended(1, 24 * 9), make_incident(2)
    await store.append([], {E: "{}"}, [long_ago, long, open_still])
    # A tier is kept by whole days of UTC: what ended on the 22nd goes when the 23rd is the first that is kept.
    newest_first = [open_still, long, long_ago]
    for days, count in ((10, 3), (11, 2), (19, 2), (20, 1), (900, 1)):
        await settle(store, START + timedelta(days=days), retention)
        assert await every_one(store) == newest_first[:count]
    assert await store.states() == {E: "{}"}


async def test_many_are_deleted_a_slice_at_a_time(store: Store) -> None:
    await store.append([], {}, [ended(0, id=f"{number:016x}") for number in range(450)])
    left = []
    more = True
    while more:
        more = await store.upkeep(START + timedelta(days=4000), Retention())
        left.append(len(await every_one(store)))
    assert left[-1] == 0
    assert max(before - after for before, after in zip([450, *left], left, strict=False)) <= (
        450 if (await store.info()).place == "memory" else 200
    )


async def test_housekeeping_changes_no_incident_within_retention(store: Store) -> None:
    await store.append([make_sample(number * 600) for number in range(144)], {}, year())
    for days in (1, 3, 30):
        await settle(store, START + timedelta(days=days), FOREVER)
        assert await every_one(store) == year()


async def test_incidents_survive_closing(url: str) -> None:
    for value in (make_incident(1), ended(1)):
        store = create_store(url)
        await store.open()
        await store.append([make_sample(1)], {}, [value, make_incident(2)])
        await store.close()
    again = create_store(url)
    await again.open()
    assert await every_one(again) == [make_incident(2), ended(1)]
    assert await again.open_incidents() == [make_incident(2)]
    await again.close()


async def test_a_store_says_how_many_it_holds(store: Store) -> None:
    await store.append([], {}, year())
    assert (await store.info()).rows["incident"] == len(year())


async def test_the_year_is_what_the_tests_are_about() -> None:
    counts = Counter(each.ended_at is None for each in year())
    assert counts == {False: 144, True: 16}
    assert any(each.id >= "8" for each in year())
    assert len({incident.began_at for incident in year()}) < len(year())
