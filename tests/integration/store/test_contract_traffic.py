"""Real traffic in every store: each batch counts once, in every span; counts that no window needs are deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.domain.status import Status
from monitor.store import Retention, Store, StoreError, create_store
from monitor.traffic.counted import Activity, Tokens, TrafficBatch, TrafficTally
from probes._model import ErrorClass
from tests.integration.store.asking import EVER, FOREVER, settle
from tests.unit.store.incidents import make_incident
from tests.unit.store.samples import START, make_sample

A, B = "a:x", "b:x"
SPANS = (10, 300, 3_600, 86_400)
USED = Tokens(requests=2, prompt_tokens=30, output_tokens=4, reasoning_tokens=1)
TODAY = START.date()
LONG_AGO = date(2000, 1, 1)


def second(at: datetime) -> int:
    return int(at.timestamp()) // 10 * 10


def batch(
    number: int = 1, *, at: datetime = START, counts: Mapping[tuple[str, ErrorClass | None], int] | None = None,
    activity: Mapping[tuple[str, str], Tokens] | None = None, keys: tuple[int, ...] = (1, 2**64 - 1),
) -> TrafficBatch:  # fmt: skip
    return TrafficBatch(
        id=f"{number:016x}",
        at=at,
        keys=keys,
        counts={(name, second(at), error): n for (name, error), n in (counts or {(A, None): 2}).items()},
        activity={(at.date(), name, app): used for (name, app), used in (activity or {(A, "search"): USED}).items()},
    )


async def put(store: Store, *batches: TrafficBatch) -> None:
    for each in batches:
        await store.append([], {}, (), each)


async def counted(store: Store, span_s: int = 86_400) -> dict[tuple[str, ErrorClass | None], int]:
    found: dict[tuple[str, ErrorClass | None], int] = {}
    for tally in await store.traffic(EVER, span_s):
        found[tally.endpoint, tally.error] = found.get((tally.endpoint, tally.error), 0) + tally.count
    return found


@pytest.mark.parametrize("span_s", SPANS)
async def test_calls_are_counted_in_every_span(store: Store, span_s: int) -> None:
    later = START + timedelta(days=1)
    await put(store, batch(1, counts={(B, None): 3, (A, ErrorClass.DNS): 1, (A, None): 2}), batch(2, at=later))
    begin = datetime.fromtimestamp(int(START.timestamp()) // span_s * span_s, UTC)
    tallies = [
        TrafficTally(endpoint=A, start=begin, error=None, count=2),
        TrafficTally(endpoint=A, start=begin, error=ErrorClass.DNS, count=1),
        TrafficTally(endpoint=B, start=begin, error=None, count=3),
        TrafficTally(endpoint=A, start=begin + timedelta(days=1), error=None, count=2),
    ]
    assert await store.traffic(START, span_s) == tallies
    assert await store.traffic(later, span_s) == tallies[3:]
    assert await store.traffic(later + timedelta(days=1), span_s) == []


async def test_a_batch_that_is_appended_again_is_not_counted_again(store: Store) -> None:
    await put(store, batch(1), batch(1), batch(2))
    assert await counted(store) == {(A, None): 4}
    (found,) = await store.activity(LONG_AGO)
    assert found.tokens == USED + USED
    assert [keys for _, keys in await store.counted_keys(EVER)] == [(1, 2**64 - 1)] * 2


async def test_it_is_all_or_nothing_with_what_it_is_appended_with(store: Store) -> None:
    await store.append([make_sample(1)], {A: "state"}, [make_incident(1)], batch())
    assert await store.states() == {A: "state"}
    assert await counted(store) == {(A, None): 2}
    with pytest.raises(StoreError):
        await store.append([], {}, [replace(make_incident(2), worst=Status.UP)], batch(2))
    assert await counted(store) == {(A, None): 2}
    assert len(await store.counted_keys(EVER)) == 1


async def test_activity_comes_newest_day_first_and_of_those_that_are_asked_for(store: Store) -> None:
    apps = {(B, "z"): USED, (A, "é"): USED, (A, ""): USED, (A, "Z"): USED}
    await put(store, batch(1, activity=apps), batch(2, at=START + timedelta(days=1)))
    order = [(TODAY + timedelta(days=1), A, "search"), *((TODAY, A, app) for app in ("", "Z", "é")), (TODAY, B, "z")]
    found = await store.activity(LONG_AGO)
    assert found == [Activity(day=day, endpoint=name, app=app, tokens=USED) for day, name, app in order]
    assert await store.activity(TODAY, [B]) == found[-1:]
    assert await store.activity(TODAY, []) == []
    assert await store.activity(TODAY + timedelta(days=1)) == found[:1]


@pytest.mark.parametrize("size", [1, 2, 3, 9])
async def test_activity_comes_page_by_page_too(store: Store, size: int) -> None:
    apps = {(B, "z"): USED, (A, "é"): USED, (A, ""): USED, (A, "Z"): USED, (A, "日"): USED}
    await put(store, batch(1, activity=apps), batch(2, at=START + timedelta(days=1), activity={(B, ""): USED}))
    whole, after, pages = await store.activity(LONG_AGO), None, []
    while page := await store.activity(LONG_AGO, after=after, limit=size):
        pages += page
        after = (page[-1].day, page[-1].endpoint, page[-1].app)
    assert pages == whole
    assert len(whole) == 6


async def test_a_page_begins_behind_a_place_where_nothing_is(store: Store) -> None:
    await put(store, batch(1, activity={(A, "a"): USED, (A, "c"): USED}))
    (found,) = await store.activity(LONG_AGO, after=(TODAY, A, "b"))
    assert found.app == "c"
    assert await store.activity(LONG_AGO, after=(LONG_AGO, A, "b")) == []
    assert len(await store.activity(LONG_AGO, after=(date.max, "", ""))) == 2
    assert await store.activity(LONG_AGO, [B], after=(TODAY, A, "b")) == []


@pytest.mark.parametrize("app", ["'; DROP TABLE activity", "日本", "\u2028", "x" * 64, "(others)"])
async def test_an_application_of_any_name_is_kept(store: Store, app: str) -> None:
    await put(store, batch(1, activity={(A, app): USED}), batch(2, activity={(A, app): USED}))
    assert [(usage.app, usage.tokens.requests) for usage in await store.activity(LONG_AGO)] == [(app, 4)]


async def test_keys_are_returned_from_a_time_on_and_deleted_within_the_hour(store: Store) -> None:
    later = START + timedelta(minutes=20)
    await put(store, batch(1, keys=(7,)), batch(2, at=later, keys=()))
    assert await store.counted_keys(START) == [(START, (7,)), (later, ())]
    assert await store.counted_keys(later) == [(later, ())]
    await put(store, batch(3, at=START + timedelta(minutes=33), keys=(8,)))
    assert [keys for _, keys in await store.counted_keys(EVER)] == [(), (8,)]


async def test_a_batch_of_keys_alone_is_kept(store: Store) -> None:
    await put(store, TrafficBatch(id="f" * 16, at=START, keys=(5,), counts={}, activity={}))
    assert await store.counted_keys(EVER) == [(START, (5,))]


@pytest.mark.parametrize(
    ("age", "left"),
    [
        (timedelta(hours=1, minutes=50), {10, 300, 3_600, 86_400}),
        (timedelta(hours=3), {300, 3_600, 86_400}),
        (timedelta(hours=28), {3_600, 86_400}),
        (timedelta(days=10), {86_400}),
        (timedelta(days=94), set()),
    ],
)
async def test_counts_are_kept_as_long_as_a_window_asks_for_them(store: Store, age: timedelta, left: set[int]) -> None:
    await put(store, batch(1))
    await settle(store, START + age)
    assert {span_s for span_s in SPANS if await store.traffic(EVER, span_s)} == left
    assert len(await store.activity(LONG_AGO)) == 1


async def test_activity_is_kept_as_long_as_days_are(store: Store) -> None:
    await put(store, batch(1), batch(2, at=START + timedelta(days=3)))
    short = Retention(raw=timedelta(days=1), hourly=timedelta(days=1), daily=timedelta(days=3))
    await settle(store, START + timedelta(days=5), short)
    assert [usage.day for usage in await store.activity(LONG_AGO)] == [TODAY + timedelta(days=3)]
    await settle(store, START + timedelta(days=300), FOREVER)
    assert len(await store.activity(LONG_AGO)) == 1


@pytest.mark.parametrize("both", [True, False])
async def test_a_renamed_endpoint_keeps_its_traffic(store: Store, both: bool) -> None:
    await put(store, batch(1, counts={(A, None): 2, (A, ErrorClass.DNS): 1}))
    if both:
        await put(store, batch(2, counts={(B, None): 5}, activity={(B, "search"): USED, (B, ""): USED}))
    await store.rename({A: B})
    await store.rename({A: B})
    assert await counted(store, 10) == {(B, None): 2 + 5 * both, (B, ErrorClass.DNS): 1}
    found = {(usage.endpoint, usage.app): usage.tokens for usage in await store.activity(LONG_AGO)}
    assert found == ({(B, "search"): USED + USED, (B, ""): USED} if both else {(B, "search"): USED})


async def test_it_outlives_the_program(url: str) -> None:
    first = create_store(url)
    await first.open()
    await put(first, batch())
    await first.close()
    again = create_store(url)
    await again.open()
    await put(again, batch())
    assert await counted(again) == {(A, None): 2}
    assert await again.counted_keys(EVER) == [(START, (1, 2**64 - 1))]
    await again.close()
