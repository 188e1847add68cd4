"""The contract of every store, for any database. Add a backend in conftest.py."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.store import SampleTally, Spent, Store, StoreError, create_store
from probes._model import ErrorClass, Sample, Task
from tests.unit.store import samples as any_samples
from tests.unit.store.samples import START, make_sample

EVER = datetime(1970, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(any_samples.samples, min_size=1, max_size=5))
async def test_a_sample_comes_back_as_it_was(store: Store, drawn: list[Sample]) -> None:
    samples = [replace(sample, id=f"{next(_numbers):016x}") for sample in drawn]
    await store.append(samples, {})
    assert (await store.samples(EVER))[-len(samples) :] == samples


@pytest.mark.parametrize("sample_id", ["0000000000000000", "7fffffffffffffff", "8000000000000000", "ffffffffffffffff"])
async def test_any_id_of_64_bits_is_kept(store: Store, sample_id: str) -> None:
    await store.append([make_sample(1, id=sample_id)], {})
    assert [sample.id for sample in await store.samples(EVER)] == [sample_id]


async def test_figures_are_kept_to_the_microsecond(store: Store) -> None:
    await store.append([make_sample(1, ttft_s=0.123_456_789, output_tps=57.123_456_789_012)], {})
    (sample,) = await store.samples(EVER)
    assert sample.ttft_s == 0.123_457
    assert sample.output_tps == 57.123_456_789_012


async def test_what_no_database_holds_does_not_stop_history(store: Store) -> None:
    hostile = make_sample(1, prompt_tokens=10**30, retry_after_s=float("inf"), detail="\ud800\0")
    await store.append([hostile], {})
    assert await store.samples(EVER) == [make_sample(1, detail="\ufffd\ufffd")]


async def test_samples_come_in_the_order_of_appending(store: Store) -> None:
    samples = [make_sample(number, endpoint=f"provider:{number % 3}") for number in (5, 2, 9, 1)]
    await store.append(samples[:2], {})
    await store.append(samples[2:], {})
    assert await store.samples(EVER) == samples


async def test_since_is_the_earliest_moment_of_beginning(store: Store) -> None:
    await store.append([make_sample(number) for number in range(5)], {})
    found = await store.samples(START + timedelta(seconds=3))
    assert found == [make_sample(3), make_sample(4)]
    assert await store.samples(START + timedelta(seconds=3, microseconds=1)) == [make_sample(4)]


async def test_until_is_the_moment_before_which_they_began(store: Store) -> None:
    await store.append([make_sample(number) for number in range(5)], {})
    found = await store.samples(START + timedelta(seconds=1), START + timedelta(seconds=3))
    assert found == [make_sample(1), make_sample(2)]
    assert await store.samples(START + timedelta(seconds=3), START + timedelta(seconds=3)) == []


async def test_many_samples_are_read(store: Store) -> None:
    samples = [make_sample(number) for number in range(1200)]
    await store.append(samples, {})
    assert await store.samples(EVER) == samples


async def test_a_repeated_sample_is_ignored(store: Store) -> None:
    first, second = make_sample(1), make_sample(2)
    await store.append([first, first], {})
    await store.append([replace(first, endpoint="other:x", status_code=500), second], {})
    await store.append([first, second], {})
    assert await store.samples(EVER) == [first, second]


async def test_the_newest_state_of_each_endpoint_is_kept(store: Store) -> None:
    await store.append([], {"groq:llama": '{"p": 1}', "vllm:llama": "{}"})
    await store.append([make_sample(1, endpoint="groq:llama")], {"groq:llama": '{"p": 0}'})
    assert await store.states() == {"groq:llama": '{"p": 0}', "vllm:llama": "{}"}


async def test_an_append_that_fails_keeps_nothing_of_itself(store: Store) -> None:
    await store.append([make_sample(1)], {"steady:smollm2": "before"})
    with pytest.raises(StoreError):
        await store.append([make_sample(2), make_sample(3, id="no id")], {"steady:smollm2": "after"})
    assert await store.samples(EVER) == [make_sample(1)]
    assert await store.states() == {"steady:smollm2": "before"}
    await store.append([make_sample(2)], {})
    assert await store.samples(EVER) == [make_sample(1), make_sample(2)]


async def test_appending_nothing_does_nothing(store: Store) -> None:
    await store.append([], {})
    assert await store.samples(EVER) == []
    assert await store.states() == {}


async def test_tallies_count_by_endpoint_bucket_task_and_error(store: Store) -> None:
    dns = ErrorClass.DNS
    await store.append(
        [
            make_sample(0),
            make_sample(59),
            make_sample(60),
            make_sample(60, id=f"{77:016x}", task=Task.TOOL_CALL),
            make_sample(61, error=dns),
            make_sample(62, error=dns, endpoint="b:x"),
            make_sample(119, error=ErrorClass.AUTH),
        ],
        {},
    )
    minute = START + timedelta(seconds=60)
    found = await store.tallies(START + timedelta(seconds=59), 60)
    assert Counter(found) == Counter(
        [
            SampleTally(endpoint="steady:smollm2", bucket=START, task=Task.CHAT, error=None, count=1),
            SampleTally(endpoint="steady:smollm2", bucket=minute, task=Task.CHAT, error=None, count=1),
            SampleTally(endpoint="steady:smollm2", bucket=minute, task=Task.TOOL_CALL, error=None, count=1),
            SampleTally(endpoint="steady:smollm2", bucket=minute, task=Task.CHAT, error=dns, count=1),
            SampleTally(endpoint="b:x", bucket=minute, task=Task.CHAT, error=dns, count=1),
            SampleTally(endpoint="steady:smollm2", bucket=minute, task=Task.CHAT, error=ErrorClass.AUTH, count=1),
        ]
    )
    assert [tally.bucket for tally in found] == sorted(tally.bucket for tally in found)


async def test_buckets_begin_at_multiples_of_their_length_since_1970(store: Store) -> None:
    await store.append([make_sample(100)], {})
    (tally,) = await store.tallies(EVER, 7 * 86_400)
    assert (tally.bucket - EVER) % timedelta(days=7) == timedelta(0)
    assert tally.bucket <= make_sample(100).started_at < tally.bucket + timedelta(days=7)


async def test_first_seen_is_the_earliest_beginning_however_late_it_was_appended(store: Store) -> None:
    await store.append([make_sample(5), make_sample(9, endpoint="b:x")], {"never:probed": "{}"})
    await store.append([make_sample(2)], {})
    assert await store.first_seen() == {
        "steady:smollm2": START + timedelta(seconds=2),
        "b:x": START + timedelta(seconds=9),
    }


async def test_an_empty_store_answers_every_question(store: Store) -> None:
    assert await store.samples(EVER) == []
    assert await store.tallies(EVER, 60) == []
    assert await store.states() == {}
    assert await store.first_seen() == {}
    await store.check_writable()


async def test_history_survives_closing(url: str) -> None:
    for number in (1, 2):
        store = create_store(url)
        await store.open()
        await store.append([make_sample(number)], {"steady:smollm2": str(number)})
        await store.close()
    again = create_store(url)
    await again.open()
    assert await again.samples(EVER) == [make_sample(1), make_sample(2)]
    assert await again.states() == {"steady:smollm2": "2"}
    await again.close()


async def test_closing_twice_or_unopened_is_harmless(url: str) -> None:
    store = create_store(url)
    await store.close()
    await store.open()
    await store.close()
    await store.close()


async def test_two_programs_may_open_a_new_store_at_once(url: str) -> None:
    stores = [create_store(url) for _ in range(3)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.append([make_sample(n)], {"e": str(n)}) for n, store in enumerate(stores)))
    assert len(await stores[0].samples(EVER)) == 3
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_reader_sees_whole_appends_only(store: Store) -> None:
    async def write() -> None:
        for batch in range(40):
            await store.append([make_sample(batch * 7 + n) for n in range(7)], {"steady:smollm2": str(batch)})

    writing = asyncio.create_task(write())
    seen = []
    while not writing.done():
        seen.append(len(await store.samples(EVER)))
    await writing
    assert [count % 7 for count in seen] == [0] * len(seen)
    assert seen == sorted(seen)
    assert len(await store.samples(EVER)) == 280


async def test_appends_at_once_all_arrive(store: Store) -> None:
    await asyncio.gather(*(store.append([make_sample(n)], {"steady:smollm2": "{}"}) for n in range(30)))
    assert Counter(sample.id for sample in await store.samples(EVER)) == Counter(make_sample(n).id for n in range(30))


async def test_a_cancelled_append_may_be_repeated(store: Store) -> None:
    chance = random.Random(7)
    samples = [make_sample(number) for number in range(200)]
    for sample in samples:
        task = asyncio.create_task(store.append([sample], {"steady:smollm2": sample.id}))
        await asyncio.sleep(chance.uniform(0, 0.003))
        task.cancel()
        await asyncio.wait([task])
        await store.append([sample], {"steady:smollm2": sample.id})
    assert await store.samples(EVER) == samples
    assert await store.states() == {"steady:smollm2": samples[-1].id}


async def test_what_was_spent_is_summed_by_endpoint_from_the_moment_asked_for(store: Store) -> None:
    await store.append(
        [
            make_sample(9, prompt_tokens=1_000, output_tokens=1_000, cost_usd=1.0),
            make_sample(10, prompt_tokens=100, output_tokens=20, cost_usd=0.25),
            make_sample(11, prompt_tokens=100, output_tokens=None, cost_usd=None),
            make_sample(12, prompt_tokens=None, output_tokens=7, cost_usd=0.5),
            make_sample(13, endpoint="b:x", prompt_tokens=3, output_tokens=4, reasoning_tokens=2, cached_tokens=3),
            make_sample(14, endpoint="c:x", error=ErrorClass.DNS),
        ],
        {},
    )
    spent = await store.spent(START + timedelta(seconds=10))
    assert spent.pop("c:x", Spent(tokens=0, cost_usd=0.0)) == Spent(tokens=0, cost_usd=0.0)
    assert spent == {"steady:smollm2": Spent(tokens=227, cost_usd=0.75), "b:x": Spent(tokens=7, cost_usd=0.0)}


async def test_an_empty_store_spent_nothing(store: Store) -> None:
    await store.append([make_sample(1, prompt_tokens=5)], {"b:x": "{}"})
    assert await store.spent(START + timedelta(days=1)) == {}


async def test_counts_of_a_provider_that_lies_can_be_summed(store: Store) -> None:
    await store.append([make_sample(number, prompt_tokens=2**63 - 1, cost_usd=1e300) for number in range(3)], {})
    (spent,) = (await store.spent(EVER)).values()
    assert spent.tokens == pytest.approx(3 * 2**63)
    assert spent.cost_usd == pytest.approx(3e300)
