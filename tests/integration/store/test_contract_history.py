"""History queries of every store, before and after rollup and sealing."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from monitor.store import Retention, RollupTier, SampleTally, Store
from monitor.store.rollup import FIGURES, RecordedEnding, merged
from monitor.store.sketch import RELATIVE_ERROR
from probes._model import Blame, ErrorClass, Sample, Task
from tests.integration.store.asking import END, EVER, FOREVER, answers, buckets, pages, settle, shown
from tests.unit.store.samples import START, make_sample

E = "steady:smollm2"
HOUR = timedelta(hours=1)
LATER = START + timedelta(days=3)
"""By then all that began around `START` is rolled up and sealed."""


def a_day(**fields: object) -> list[Sample]:
    """A sample every ten minutes for a day, every fifth one failed."""
    return [
        make_sample(
            number * 600,
            error=ErrorClass.OVERLOADED if number % 5 == 4 else None,
            blame=Blame.PROVIDER if number % 5 == 4 else None,
            ttft_s=None if number % 5 == 4 else round(0.1 + number / 1000, 3),
            output_tokens=10,
            cost_usd=0.5,
            **fields,
        )
        for number in range(144)
    ]


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize("sealed", [False, True])
async def test_pages_give_every_sample_once_newest_first(store: Store, limit: int, sealed: bool) -> None:
    samples = a_day()[: 20 if limit == 1 else 144]
    await store.append([*samples, make_sample(1, id="f" * 16, endpoint="b:x")], {})
    if sealed:
        await settle(store, LATER)
    assert await pages(store, E, limit) == samples[::-1]
    assert await pages(store, E, limit, since=samples[9].started_at) == samples[:8:-1]
    assert await store.page("unknown:x", since=EVER, before=None, limit=5) == []


@pytest.mark.parametrize("sealed", [False, True])
async def test_samples_that_began_together_are_paged_by_id(store: Store, sealed: bool) -> None:
    chance = random.Random(3)
    ids = sorted(f"{chance.getrandbits(64):016x}" for _ in range(40))
    samples = [make_sample(number // 8, id=name) for number, name in enumerate(ids)]
    await store.append(chance.sample(samples, 40), {})
    if sealed:
        await settle(store, LATER)
    for limit in (1, 3, 8):
        assert [sample.id for sample in await pages(store, E, limit)] == ids[::-1]


async def test_a_page_spans_what_is_sealed_and_what_is_not(store: Store) -> None:
    samples = a_day()
    await store.append(samples, {})
    await settle(store, START + timedelta(hours=36))
    late = [make_sample(number * 600 + 1, id=f"{number + 900_000:016x}") for number in range(0, 144, 7)]
    await store.append(late, {})
    expected = sorted([*samples, *late], key=lambda each: each.started_at, reverse=True)
    for limit in (5, 50, 500):
        assert await pages(store, E, limit) == expected


@pytest.mark.parametrize("hours", [0, 30, 72])
async def test_a_page_of_one_task_leaves_out_the_others(store: Store, hours: int) -> None:
    samples = a_day()
    rare = [make_sample(number * 9_000, id=f"{number + 5000:016x}", task=Task.TOOL_CALL) for number in range(9)]
    await store.append([*samples, *rare], {})
    await settle(store, START + timedelta(hours=hours))
    for limit in (1, 4, 100):
        assert await pages(store, E, limit, task=Task.TOOL_CALL) == rare[::-1]
    assert await pages(store, E, 50, task=Task.CHAT) == samples[::-1]
    assert await pages(store, E, 50, task=Task.TOOL_CALL, since=rare[4].started_at) == rare[:3:-1]
    assert await pages(store, E, 50, task=Task.EMBEDDING) == []


@pytest.mark.parametrize("hours", [0, 30, 72])
async def test_points_are_one_figure_of_one_task_within_a_span(store: Store, hours: int) -> None:
    samples = a_day()
    await store.append([*samples, *(make_sample(0, id=f"{n + 5000:016x}", task=Task.REACH) for n in range(3))], {})
    await settle(store, START + timedelta(hours=hours))
    since, until = samples[3].started_at, samples[140].started_at
    points = await store.points(E, Task.CHAT, "ttft_s", since, until)
    assert [(point.at, point.error, point.value) for point in points] == [
        (sample.started_at, sample.error, sample.ttft_s) for sample in samples[3:140]
    ]
    assert len(await store.points(E, Task.REACH, "ttft_s", EVER, END)) == 3
    assert len(await store.points(E, None, "ttft_s", EVER, END)) == 144 + 3
    assert await store.points(E, Task.CHAT, "ttft_s", since, since) == []
    assert await store.points("unknown:x", Task.CHAT, "ttft_s", EVER, END) == []


@pytest.mark.parametrize("hours", [0, 72])
async def test_points_that_began_together_come_in_the_order_of_appending(store: Store, hours: int) -> None:
    samples = [make_sample(n // 4, id=f"{(n * 7 + 3) % 16:016x}", ttft_s=n / 8) for n in range(16)]
    await store.append(samples[:9], {})
    await store.append(samples[9:], {})
    await settle(store, START + timedelta(hours=hours))
    points = await store.points(E, Task.CHAT, "ttft_s", EVER, END)
    assert [point.value for point in points] == [n / 8 for n in range(16)]


@pytest.mark.parametrize("hours", [0, 5, 30, 72])
async def test_rollups_say_what_the_samples_say(store: Store, hours: int) -> None:
    samples = a_day()
    await store.append(samples, {})
    await settle(store, START + timedelta(hours=hours))
    found = await buckets(store, E)
    assert [bucket.start for bucket in found] == [START + hour * HOUR for hour in range(24)]
    for bucket in found:
        mine = [each for each in samples if bucket.start <= each.started_at < bucket.start + HOUR]
        assert bucket.rollup.counts == Counter(RecordedEnding(sample.error, sample.blame) for sample in mine)
        assert (bucket.rollup.output_tokens, bucket.rollup.cost_usd) == (60, 3.0)
    days = await buckets(store, E, RollupTier.DAY)
    assert [(day.start.day, day.rollup.count) for day in days] == [(22, 17 * 6), (23, 7 * 6)]
    assert await store.rollups("unknown:x", RollupTier.HOUR, EVER, END, FIGURES) == []


async def test_rollups_begin_within_the_span_that_is_asked_for(store: Store) -> None:
    await store.append(a_day(), {})
    for tidied in (False, True):
        if tidied:
            await settle(store, LATER)
        odd = timedelta(minutes=1)
        for since, until, count in (
            (START, START + 3 * HOUR, 3),
            (START + odd, START + 3 * HOUR, 2),
            (START, START + 3 * HOUR + odd, 4),
            (START, START, 0),
        ):
            assert len(await store.rollups(E, RollupTier.HOUR, since, until, ())) == count
        day = START.replace(hour=0)
        assert len(await store.rollups(E, RollupTier.DAY, day, day + timedelta(days=1), ())) == 1
        assert await store.rollups(E, RollupTier.DAY, START, START + HOUR, ()) == []


async def test_only_the_sketches_asked_for_are_given(store: Store) -> None:
    await store.append([make_sample(1, ttft_s=0.1, e2e_s=0.2)], {})
    for tidied in (False, True):
        if tidied:
            await settle(store, LATER)
        for tier in RollupTier:
            (bucket,) = await store.rollups(E, tier, EVER, END, ["e2e_s", "tls_s"])
            assert bucket.rollup.sketches.keys() == {"e2e_s"}


async def test_tasks_and_vantages_are_rolled_up_apart(store: Store) -> None:
    kinds = [(task, vantage) for task in (Task.CHAT, Task.REACH) for vantage in ("fra1", "local")]
    samples = [make_sample(n, id=f"{n:016x}", task=kinds[n % 4][0], vantage=kinds[n % 4][1]) for n in range(4 * 3)]
    await store.append(samples, {})
    for tidied in (False, True):
        if tidied:
            await settle(store, LATER)
        for tier in RollupTier:
            found = await buckets(store, E, tier)
            assert Counter((bucket.task, bucket.vantage) for bucket in found) == Counter(kinds)
            assert {bucket.rollup.count for bucket in found} == {3}


@pytest.mark.parametrize("hours", [0, 5, 30, 72])
async def test_hours_that_lie_apart_are_those_of_the_rollups(store: Store, hours: int) -> None:
    await store.append(a_day(), {})
    await settle(store, START + timedelta(hours=hours))
    wanted = [START + hour * HOUR for hour in (17, 3, 4, 23)]
    found = await store.hours(E, Task.CHAT, [*wanted, START - HOUR, START + 24 * HOUR], FIGURES)
    expected = [bucket for bucket in await buckets(store, E) if bucket.start in wanted]
    assert [shown(bucket) for bucket in found] == [shown(bucket) for bucket in expected]
    assert [bucket.start for bucket in found] == sorted(wanted)


async def test_hours_are_of_one_task_and_every_vantage_with_the_sketches_asked_for(store: Store) -> None:
    kinds = [(task, vantage) for task in (Task.CHAT, Task.REACH) for vantage in ("fra1", "local")]
    samples = [
        make_sample(n, id=f"{n:016x}", task=kinds[n % 4][0], vantage=kinds[n % 4][1], ttft_s=0.5, e2e_s=1.0)
        for n in range(4 * 3)
    ]
    await store.append([*samples, make_sample(0, id="f" * 16, endpoint="b:x")], {})
    for tidied in (False, True):
        if tidied:
            await settle(store, LATER)
        found = await store.hours(E, Task.REACH, [START], ["e2e_s", "tls_s"])
        assert [(bucket.task, bucket.vantage) for bucket in found] == [(Task.REACH, "fra1"), (Task.REACH, "local")]
        assert {bucket.rollup.count for bucket in found} == {3}
        assert {name for bucket in found for name in bucket.rollup.sketches} == {"e2e_s"}


async def test_a_late_sample_is_in_its_hour_at_once(store: Store) -> None:
    await store.append(a_day(), {})
    await settle(store, LATER)
    await store.append([make_sample(3 * 3600 + 1, id="f" * 16), make_sample(1, id="e" * 16, task=Task.REACH)], {})
    found = await store.hours(E, Task.CHAT, [START, START + 3 * HOUR], ())
    assert [bucket.rollup.count for bucket in found] == [6, 7]


async def test_hours_that_are_not_there_are_left_out(store: Store) -> None:
    await store.append(a_day(), {})
    assert await store.hours(E, Task.CHAT, [], FIGURES) == []
    assert await store.hours(E, Task.CHAT, [START + timedelta(minutes=1)], FIGURES) == []
    assert await store.hours(E, Task.EMBEDDING, [START], FIGURES) == []
    assert await store.hours("unknown:x", Task.CHAT, [START], FIGURES) == []


@pytest.mark.parametrize("length", [3_600, 7_200, 86_400, 7 * 86_400])
async def test_tallies_of_hours_and_more_outlive_the_samples(store: Store, length: int) -> None:
    samples = a_day()
    await store.append(samples, {})
    before = Counter(await store.tallies(EVER, length))
    assert sum(tally.count for tally in before) == 144
    await settle(store, START + timedelta(days=30), Retention(raw=timedelta(days=7)))
    assert await store.samples(EVER) == []
    assert Counter(await store.tallies(EVER, length)) == before
    assert await store.tallies(EVER, 60) == []


async def test_tallies_begin_with_the_whole_hour(store: Store) -> None:
    await store.append(a_day(), {})
    for tidied in (False, True):
        if tidied:
            await settle(store, LATER)
        found = await store.tallies(START + HOUR + timedelta(minutes=25), 3_600)
        assert found[0].bucket == START + HOUR
        assert sum(tally.count for tally in found) == 138


async def test_tallies_shorter_than_an_hour_are_of_samples_wherever_they_lie(store: Store) -> None:
    await store.append(a_day(), {})
    before = Counter(await store.tallies(START + timedelta(minutes=45), 600))
    await settle(store, LATER)
    assert Counter(await store.tallies(START + timedelta(minutes=45), 600)) == before
    assert sum(tally.count for tally in before) == 139


@pytest.mark.parametrize("tidied", ["never", "rolled", "sealed", "sealed between"])
async def test_late_repeated_and_disordered_samples_are_counted_once(store: Store, tidied: str) -> None:
    samples = a_day()
    chance = random.Random(5)
    first, late = samples[::2], samples[1::2]
    await store.append(chance.sample(first, len(first)), {})
    if tidied != "never":
        await settle(store, LATER if tidied.startswith("sealed") else START + timedelta(hours=25))
    mixed = chance.sample([*late, *chance.sample(first, 30)], len(late) + 30)
    for cut in range(0, len(mixed), 10):
        await store.append(mixed[cut : cut + 10], {})
        if tidied == "sealed between":
            await settle(store, LATER + cut * HOUR)
    await store.append(samples, {})
    for _ in range(2):
        assert Counter(each.id for each in await store.samples(EVER)) == Counter(sample.id for sample in samples)
        assert await pages(store, E, 20) == samples[::-1]
        assert sum(bucket.rollup.count for bucket in await buckets(store, E)) == 144
        assert sum(bucket.rollup.count for bucket in await buckets(store, E, RollupTier.DAY)) == 144
        assert sum(tally.count for tally in await store.tallies(EVER, 3_600)) == 144
        assert (await store.info()).samples == 144
        await settle(store, LATER + timedelta(days=60))


async def test_samples_keep_the_order_of_appending_when_they_are_sealed(store: Store) -> None:
    samples = [make_sample(n, endpoint=f"p:{n % 3}") for n in range(0, 3600 * 20, 613)]
    samples = random.Random(1).sample(samples, len(samples))
    await store.append(samples[:50], {})
    await settle(store, LATER)
    await store.append(samples[50:], {})
    assert await store.samples(EVER) == samples
    await settle(store, LATER + timedelta(hours=2))
    assert await store.samples(EVER) == samples


async def test_any_percentile_over_any_window_is_one_merge_within_one_percent(store: Store) -> None:
    chance = random.Random(2)
    samples = [
        make_sample(n * 97, ttft_s=round(chance.lognormvariate(-1, 1.5), 6), output_tps=chance.uniform(0.5, 300))
        for n in range(1500)
    ]
    await store.append(samples, {})
    for tidied in (False, True):
        if tidied:
            await settle(store, LATER)
        for first, last in ((0, 1), (3, 9), (0, 40), (17, 18)):
            since, until = START + first * HOUR, START + last * HOUR
            found = await store.rollups(E, RollupTier.HOUR, since, until, ("ttft_s", "output_tps"))
            mine = [sample for sample in samples if since <= sample.started_at < until]
            window = merged(bucket.rollup for bucket in found)
            for figure in ("ttft_s", "output_tps"):
                values = sorted(getattr(each, figure) for each in mine)
                shares = (0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0)
                for share, near in zip(shares, window.quantiles(figure, shares), strict=True):
                    assert_near(near, values, share)


def assert_near(found: float | None, values: Sequence[float], share: float) -> None:
    true = values[max(math.ceil(share * len(values) - 1e-9), 1) - 1]
    assert found is not None
    assert abs(found - true) <= RELATIVE_ERROR * true * (1 + 1e-9)


async def test_each_tier_is_deleted_when_its_time_has_come(store: Store) -> None:
    retention = Retention(raw=timedelta(days=2), hourly=timedelta(days=4), daily=timedelta(days=10))
    await store.append(a_day(), {E: "{}"})
    begin = START
    for days, raw, hours, daily in ((1, 144, 24, 2), (4, 0, 24, 2), (7, 0, 0, 2), (20, 0, 0, 0)):
        await settle(store, begin + timedelta(days=days), retention)
        assert len(await store.samples(EVER)) == raw
        assert len(await buckets(store, E)) == hours
        assert len(await buckets(store, E, RollupTier.DAY)) == daily
    assert await store.states() == {E: "{}"}
    assert await store.first_seen() == {E: START}


async def test_what_retention_deleted_is_not_taken_again(store: Store) -> None:
    retention = Retention(raw=timedelta(days=2))
    samples = a_day()
    await store.append(samples, {})
    now = START + timedelta(days=2, hours=12, minutes=30)
    await settle(store, now, retention)
    raw_since = (await store.info()).raw_since
    assert raw_since == START + timedelta(hours=12)
    before = [shown(bucket) for bucket in await buckets(store, E)]
    await store.append(samples, {})
    await settle(store, now, retention)
    assert len(await store.samples(EVER)) == 72
    assert [shown(bucket) for bucket in await buckets(store, E)] == before


async def test_a_clock_that_is_set_back_brings_the_horizon_back_no_more(store: Store) -> None:
    retention = Retention(raw=timedelta(days=2))
    samples = a_day()
    await store.append(samples, {})
    await settle(store, START + timedelta(days=2, hours=12), retention)
    await settle(store, START + timedelta(days=2, hours=2), retention)
    await store.append(samples, {})
    assert (await store.info()).raw_since == START + timedelta(hours=12)
    assert len(await store.samples(EVER)) == 72


async def test_a_late_sample_does_not_cost_its_day_the_hours_that_were_deleted(store: Store) -> None:
    retention = Retention(raw=timedelta(days=2), hourly=timedelta(hours=1), daily=timedelta(hours=1))
    await store.append(a_day(), {})
    for hours in range(24, 24 * 3, 5):
        now = START + timedelta(hours=hours)
        await settle(store, now, retention)
        await store.append([make_sample(86_399, id=f"{hours + 7000:016x}")], {})
        days = {day.start.day: day.rollup.count for day in await buckets(store, E, RollupTier.DAY)}
        assert days[23] >= 42


async def test_history_of_an_endpoint_that_is_probed_no_more_stays_until_retention(store: Store) -> None:
    await store.append(a_day(endpoint="gone:x"), {"gone:x": "{}"})
    for day in range(1, 12):
        await store.append([make_sample(day * 86_400, id=f"{day:016x}")], {E: "{}"})
        await settle(store, START + timedelta(days=day, hours=23), Retention(raw=timedelta(days=5)))
    assert sum(bucket.rollup.count for bucket in await buckets(store, "gone:x", RollupTier.DAY)) == 144
    assert (await store.first_seen())["gone:x"] == START
    assert (await store.states())["gone:x"] == "{}"


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=-2)])
async def test_a_wall_clock_that_is_stepped_changes_no_count(store: Store, step: timedelta) -> None:
    now, sent = START, 0
    for tick in range(60):
        if tick == 20:
            now += step
        if tick == 40:
            now -= step
        await store.append([make_sample(0, id=f"{tick:016x}", started_at=now, scheduled_at=now)], {})
        sent += 1
        if tick % 5 == 4:
            await settle(store, now)
        now += timedelta(minutes=7)
        assert len(await store.samples(EVER)) == sent
    for later in (0, 1, 100):
        await settle(store, now + later * HOUR)
        for length in (60, 3_600, 86_400):
            assert sum(tally.count for tally in await store.tallies(EVER, length)) == sent
        for tier in RollupTier:
            assert sum(bucket.rollup.count for bucket in await buckets(store, E, tier)) == sent
        assert len(await pages(store, E, 9)) == sent


@pytest.mark.parametrize("night", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
async def test_a_night_of_daylight_saving_has_24_hours_like_any_other(store: Store, night: datetime) -> None:
    times = [night + timedelta(minutes=5 * number) for number in range(-72, 288 + 72)]
    samples = [make_sample(0, id=f"{n:016x}", started_at=at, scheduled_at=at) for n, at in enumerate(times)]
    for cut in range(0, len(samples), 50):
        await store.append(samples[cut : cut + 50], {})
        await settle(store, samples[cut].started_at)
    for later in (0, 72):
        await settle(store, times[-1] + later * HOUR)
        hours = {bucket.start: bucket.rollup.count for bucket in await buckets(store, E)}
        assert hours == {night + hour * HOUR: 12 for hour in range(-6, 30)}
        days = {bucket.start: bucket.rollup.count for bucket in await buckets(store, E, RollupTier.DAY)}
        assert days[night] == 288


async def test_housekeeping_changes_no_answer(store: Store) -> None:
    now = START + timedelta(hours=24)
    await store.append(
        [*a_day(), *(make_sample(n * 500, id=f"{n + 800:016x}", endpoint="b:x") for n in range(170))], {}
    )
    before = await answers(store, [E, "b:x"], now)
    for hours in (0, 2, 30, 60):
        while await store.upkeep(now + hours * HOUR, FOREVER):
            pass
        assert await answers(store, [E, "b:x"], now) == before


async def test_a_store_says_what_it_holds(store: Store) -> None:
    await store.append(a_day(), {})
    before = await store.info()
    await settle(store, LATER)
    after = await store.info()
    assert (before.samples, after.samples) == (144, 144)
    assert before.rows["sample"] == 144
    assert after.raw_since is not None
    assert before.place == after.place
    assert "pw:" not in after.place
    assert after.size.total_bytes >= after.size.free_bytes >= 0


async def test_tallies_of_every_error_are_kept(store: Store) -> None:
    samples = [make_sample(n, error=error, blame=error.blame) for n, error in enumerate(ErrorClass)]
    await store.append([*samples, make_sample(99)], {})
    for tidied in (False, True):
        if tidied:
            await settle(store, LATER)
        expected = [
            SampleTally(endpoint=E, bucket=START, task=Task.CHAT, error=error, count=1) for error in (None, *ErrorClass)
        ]
        assert Counter(await store.tallies(EVER, 3_600)) == Counter(expected)
