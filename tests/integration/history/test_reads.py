"""Reads of the store: a limited number at once, each with a deadline, and one read for equal requests."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web

from monitor.store import StoreError
from monitor.web.responses import Document, ready
from monitor.web.store_reads import ReadLimits, StoreReads
from tests.integration.daemon.parts import PATIENT_S, breathe, until

HASTY = ReadLimits(deadline_s=0.05, at_once=2, waiting=4, kept_s=3600)
PATIENT = ReadLimits(deadline_s=PATIENT_S, kept_s=3600)


class SlowStore:
    """What reads bring, when they are let go."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.began = 0
        self.under_way = 0
        self.most = 0
        self.error: Exception | None = None
        self.body = b"{}"

    async def read(self) -> Document:
        self.began += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        if self.error is not None:
            raise self.error
        return ready(self.body)


@pytest.fixture
async def store() -> SlowStore:
    return SlowStore()


async def refused(reads: StoreReads, question: str, store: SlowStore) -> str:
    with pytest.raises(web.HTTPServiceUnavailable) as caught:
        await reads.document(question, store.read)
    assert caught.value.headers["Retry-After"].isdecimal()
    return caught.value.text or ""


async def test_all_who_ask_the_same_get_what_one_read_brings(store: SlowStore) -> None:
    reads = StoreReads(PATIENT)
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(reads.document("q", store.read)) for _ in range(20)]
        await breathe()
        store.gate.set()
    assert store.began == 1
    assert len({id(each.result()) for each in asking}) == 1
    await reads.document("q", store.read)
    assert store.began == 1


async def test_an_answer_is_kept_for_its_time_and_no_longer(store: SlowStore) -> None:
    store.gate.set()
    reads = StoreReads(ReadLimits(deadline_s=PATIENT_S, kept_s=0))
    for _ in range(3):
        await reads.document("q", store.read)
    assert store.began == 3
    assert len(reads._kept) == 0


async def test_no_more_than_a_few_read_at_once(store: SlowStore) -> None:
    reads = StoreReads(ReadLimits(deadline_s=PATIENT_S, at_once=2))
    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(reads.document(number, store.read))
        await breathe()
        assert (store.began, store.most) == (2, 2)
        store.gate.set()
    assert (store.began, store.most) == (10, 2)


async def test_a_store_that_does_not_answer_delays_no_client(store: SlowStore) -> None:
    reads = StoreReads(HASTY)
    assert "does not answer in time" in await refused(reads, "q", store)
    assert "does not answer in time" in await refused(reads, "q", store)
    assert store.began == 1
    store.gate.set()
    await until(lambda: reads._kept)
    assert (await reads.document("q", store.read)).plain.body == b"{}"
    assert store.began == 1


async def test_a_read_that_is_late_holds_its_place_and_a_full_queue_sends_away_at_once(store: SlowStore) -> None:
    reads = StoreReads(HASTY)
    for number in range(4):
        assert "in time" in await refused(reads, str(number), store)
    assert store.began == 2
    assert "too many requests are waiting" in await refused(reads, "one more", store)
    store.gate.set()
    await until(lambda: not reads._running)
    assert (await reads.document("one more", store.read)).plain.body == b"{}"
    assert store.most == 2


async def test_what_the_store_says_is_logged_once_and_not_shown(
    store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.gate.set()
    store.error = StoreError("/secret/place.db: disk I/O error")
    reads = StoreReads(PATIENT)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            message = await refused(reads, "q", store)
            assert "secret" not in message
            assert "the store cannot be read" in message
        told = [record for record in caplog.records if vars(record).get("action") == "history_failed"]
        assert len(told) == 1
        assert "disk I/O error" in told[0].getMessage()
        assert store.began == 3
        store.error = None
        await reads.document("q", store.read)
        store.error = StoreError("again")
        await refused(reads, "other", store)
    assert [vars(record)["action"] for record in caplog.records] == [
        "history_failed",
        "history_recovered",
        "history_failed",
    ]


async def test_a_fault_of_ours_is_no_excuse(store: SlowStore) -> None:
    store.gate.set()
    store.error = ZeroDivisionError("ours")
    with pytest.raises(ZeroDivisionError):
        await StoreReads(PATIENT).document("q", store.read)


async def test_a_fault_of_ours_is_logged_though_its_reader_left(
    store: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    reads = StoreReads(HASTY)
    await refused(reads, "q", store)
    store.error = ZeroDivisionError("ours")
    store.gate.set()
    await until(lambda: not reads._running)
    (record,) = caplog.records
    assert vars(record)["action"] == "history_failed"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)


async def test_a_reader_who_leaves_takes_nothing_from_the_others(store: SlowStore) -> None:
    reads = StoreReads(PATIENT)
    leaving = asyncio.create_task(reads.document("q", store.read))
    staying = asyncio.create_task(reads.document("q", store.read))
    await breathe()
    leaving.cancel()
    await breathe()
    store.gate.set()
    assert (await staying).plain.body == b"{}"
    assert store.began == 1


async def test_what_is_kept_is_bounded_in_bytes_and_the_oldest_goes_first(store: SlowStore) -> None:
    store.gate.set()
    reads = StoreReads(ReadLimits(deadline_s=PATIENT_S, kept_s=3600, kept_bytes=40_000))
    store.body = b"x" * 900
    for number in range(100):
        await reads.document(number, store.read)
    assert reads._bytes <= 40_000
    assert reads._bytes == sum(kept.size_bytes + 2048 for _, kept in reads._kept.values())
    assert [*reads._kept][-1] == 99
    store.body = b"x" * 50_000
    assert len((await reads.document("huge", store.read)).plain.body) == 50_000
    assert (len(reads._kept), reads._bytes) == (0, 0)


async def test_at_the_end_no_client_waits_and_no_read_begins(store: SlowStore) -> None:
    reads = StoreReads(ReadLimits(deadline_s=PATIENT_S, at_once=1))
    asking = [asyncio.create_task(reads.document(number, store.read)) for number in range(3)]
    await breathe()
    await reads.close()
    for each in asking:
        with pytest.raises(web.HTTPServiceUnavailable):
            await each
    assert (store.began, store.under_way) == (1, 0)
