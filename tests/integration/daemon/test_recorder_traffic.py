"""Real traffic in the recorder: stored before it is published, counted once, and not delayed by a slow store."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.domain.incident import Incident
from monitor.domain.maintenance import MaintenanceWindow
from monitor.pipeline.outcomes import OutcomeCallbacks, OutcomeReceiver, reader_of, spans_of
from monitor.pipeline.restore import restore
from monitor.pipeline.write_queue import QueueLimits
from monitor.scheduler.jobs import enabled_jobs
from monitor.scoreboard.board import Board
from monitor.store import Store, StoreError
from monitor.traffic.calls import Call, Receipt, StoppingError
from monitor.traffic.counted import TrafficBatch
from monitor.traffic.known import REMEMBERED, KnownIds, TooManyError
from probes._model import ErrorClass, Sample
from tests.integration.daemon.parts import PATIENT_S, StubStore, breathe, end, locked, until
from tests.integration.daemon.test_recorder import CONFIG, ONE, PATIENT, QUICK, Bench, make_sample
from tests.support.board_values import make_config, make_spec
from tests.support.memory_store import MemoryStore
from tests.unit.traffic.values import make_call, reported

Begin = Callable[..., Bench]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    made: list[Bench] = []

    def make(store: Store, limits: QueueLimits = PATIENT) -> Bench:
        made.append(Bench(store, limits))
        return made[-1]

    yield make
    for bench in made:
        await end(bench.task)


def calls(count: int, error: ErrorClass | None = None) -> list[Call]:
    """That began now."""
    now = datetime.now(UTC)
    return [replace(make_call(), at=now, endpoint=ONE, error=error) for _ in range(count)]


def published(bench: Bench, kind: str = "ok") -> int:
    found = json.loads(bench.board.snapshot.rows[ONE].body)["traffic"]
    return int(found["5m"][kind]) if found else 0


def stored(store: StubStore) -> int:
    return sum(sum(batch.counts.values()) for batch in store.kept_traffic.values())


async def test_what_was_taken_is_published_and_stored(begin: Begin) -> None:
    store = StubStore()
    bench = begin(store)
    await bench.recorder.take(calls(3))
    assert (published(bench), stored(store)) == (3, 3)
    assert list(store.kept_states) == [ONE]


async def test_no_calls_are_taken_at_once(begin: Begin) -> None:
    store = StubStore(error=locked())
    await begin(store).recorder.take([])
    assert store.attempts == 0


async def test_nothing_is_published_before_it_is_stored(begin: Begin) -> None:
    store = StubStore()
    store.gate.clear()
    bench = begin(store)
    taking = asyncio.create_task(bench.recorder.take(calls(2)))
    await until(lambda: store.attempts)
    await breathe()
    assert (published(bench), taking.done()) == (0, False)
    store.gate.set()
    await taking
    assert (published(bench), stored(store)) == (2, 2)


async def test_calls_that_come_while_others_are_stored_wait_for_their_own_turn(begin: Begin) -> None:
    store = StubStore()
    store.gate.clear()
    bench = begin(store)
    first = asyncio.create_task(bench.recorder.take(calls(1)))
    await until(lambda: store.attempts)
    second = asyncio.create_task(bench.recorder.take(calls(1)))
    await until(lambda: bench.recorder._calls)
    store.gate.set()
    await first
    assert published(bench) == 1
    await second
    assert (published(bench), stored(store)) == (2, 2)


async def test_a_store_that_stalls_or_fails_holds_up_no_outcome(begin: Begin) -> None:
    stalled, failing = StubStore(), StubStore(error=locked())
    stalled.gate.clear()
    for store in (stalled, failing):
        bench = begin(store, replace(QUICK, patience_s=0.01))
        for _ in range(3):
            await bench.recorder.take(calls(5))
        assert (published(bench), stored(store)) == (15, 0)


async def test_once_the_store_is_back_all_is_counted_once(begin: Begin) -> None:
    store = StubStore(error=locked())
    bench = begin(store, replace(QUICK, patience_s=0.01))
    for _ in range(4):
        await bench.recorder.take(calls(2))
    bench.put(make_sample(1))
    store.error = None
    await until(lambda: stored(store) == 8 and bench.quiet)
    keys = [key for batch in store.kept_traffic.values() for key in batch.keys]
    assert len(keys) == len(set(keys)) == 8
    assert not bench.recorder.anything_waits


class Losing(MemoryStore):
    """Commits, and loses its answer the first times: what a cut connection to a database is like."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses

    async def append(self, *parts: object) -> int:
        expired = await super().append(*parts)  # type: ignore[arg-type]
        self.losses -= 1
        if self.losses >= 0:
            raise locked()
        return expired


async def test_what_was_committed_though_the_answer_was_lost_is_counted_once(begin: Begin) -> None:
    store = Losing(losses=3)
    bench = begin(store, replace(QUICK, patience_s=0.01))
    for _ in range(5):
        await bench.recorder.take(calls(2))
    await until(lambda: not bench.recorder.anything_waits)
    assert sum(tally.count for tally in await store.traffic(datetime.now(UTC) - timedelta(days=1), 86_400)) == 10


@pytest.mark.parametrize("known", [True, False])
async def test_traffic_that_no_store_takes_is_given_up_and_holds_up_nothing(begin: Begin, known: bool) -> None:
    store = StubStore(refused={ONE} if known else set(), poison=set() if known else {ONE})
    bench = begin(store, replace(QUICK, patience_s=0.001))
    await bench.recorder.take(calls(1))
    bench.put(make_sample(1))
    await until(lambda: make_sample(1).id in store.kept)
    store.refused.clear()
    store.poison.clear()
    await bench.recorder.take(calls(1))
    await until(lambda: not bench.recorder.anything_waits)
    assert stored(store) >= 1


class WithoutTraffic(StubStore):
    """Takes everything but real traffic, and says so."""

    async def append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident] = (),
        traffic: TrafficBatch | None = None,
    ) -> int:
        if traffic is not None:
            self.attempts += 1
            raise StoreError("store /x: a value out of range")
        return await super().append(samples, states, incidents)


async def report(bench: Bench, samples: Iterator[int]) -> None:
    """Report a call with every turn, and put a sample with each while there are any."""
    while True:
        for number in itertools.islice(samples, 1):
            bench.put(make_sample(number))
        await bench.recorder.take(calls(1))


async def test_refused_traffic_under_constant_reports_holds_up_no_sample_and_is_counted_as_dropped(
    begin: Begin,
) -> None:
    store = WithoutTraffic()
    bench = begin(store, replace(QUICK, patience_s=0.001))
    reporting = asyncio.create_task(report(bench, itertools.count()))
    await until(lambda: len(store.kept) > 40 and bench.dropped >= 2)
    await end(reporting)
    assert bench.recorder.queue_length < 40


async def test_traffic_alone_that_a_full_disk_refuses_is_kept(begin: Begin) -> None:
    """SQLite says of a full disk that it is writable: only what is stored meanwhile proves that it is."""
    store = StubStore(error=locked())
    bench = begin(store, replace(QUICK, patience_s=0.001, retry_s=0.001))
    reporting = asyncio.create_task(report(bench, iter([])))
    await until(lambda: store.attempts > 100)
    await end(reporting)
    store.error = None
    await until(lambda: 0 < stored(store) == published(bench) and not bench.recorder.anything_waits)
    assert bench.dropped == 0


async def test_more_counts_than_may_wait_are_given_up_and_counted(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        "monitor.traffic.counted.PendingTraffic.shed", lambda self, now: sum(len(keys) for _, keys in self.keys)
    )
    bench = begin(StubStore())
    await bench.recorder.take(calls(3))
    assert bench.dropped == 3
    assert any(getattr(record, "action", "") == "store_drop" for record in caplog.records)


async def test_what_waits_when_all_ends_is_stored(begin: Begin) -> None:
    store = StubStore()
    bench = begin(store)
    await end(bench.task)
    taking = asyncio.create_task(bench.recorder.take(calls(2)))
    await breathe()
    await bench.recorder.flush(5)
    await taking
    assert stored(store) == 2


@pytest.mark.parametrize("error", [None, locked()], ids=["stalled", "failing"])
async def test_a_caller_that_waits_at_shutdown_gets_an_answer(begin: Begin, error: Exception | None) -> None:
    """Some wait for a turn that the end cuts short, some for the next, one comes while the last is being stored."""
    store = StubStore(error=error)
    store.gate.clear()
    bench = begin(store)
    cut = [asyncio.create_task(bench.recorder.take(calls(1))) for _ in range(3)]
    await until(lambda: store.attempts)
    late = [asyncio.create_task(bench.recorder.take(calls(1))) for _ in range(3)]
    await until(lambda: len(bench.recorder._calls) == 3)
    await end(bench.task)
    late.append(asyncio.create_task(bench.recorder.take(calls(1))))
    await breathe()
    assert not any(waiting.done() for waiting in (*cut, *late))
    flushing = asyncio.create_task(bench.recorder.flush(0.05))
    await breathe()
    with pytest.raises(StoppingError):
        await bench.recorder.take(calls(1))
    await flushing
    async with asyncio.timeout(PATIENT_S):
        await asyncio.gather(*cut, *late)
    assert published(bench) == 7


async def test_a_batch_that_comes_while_the_daemon_stops_is_refused_however_often_it_is_sent(begin: Begin) -> None:
    """A repeated batch that was all duplicates would be answered as if it were counted."""
    bench = begin(StubStore())
    await end(bench.task)
    await bench.recorder.flush(5)
    counted: list[int] = []
    callbacks = OutcomeCallbacks(
        now=lambda: datetime.now(UTC), take=bench.recorder.take, count=lambda _, count: counted.append(count)
    )
    outcomes = OutcomeReceiver(reader_of(CONFIG), callbacks)
    at = datetime.now(UTC).isoformat()
    for batch in ([reported("a", endpoint=ONE, at=at)],) * 3 + ([],):
        with pytest.raises(StoppingError):
            await outcomes.take({"outcomes": batch})
    assert counted == []


# Reported outcomes


class Desk:
    """A receiver of outcomes with a clock that the test sets."""

    def __init__(self, known: KnownIds | None = None, *maintenance: MaintenanceWindow) -> None:
        self.now = datetime(2026, 11, 22, 7, tzinfo=UTC)
        self.taken: list[Call] = []
        self.counted: dict[str, int] = {}
        callbacks = OutcomeCallbacks(now=lambda: self.now, take=self._take, count=self._count)
        config = make_config(make_spec("groq:llama", maintenance=maintenance))
        self.outcomes = OutcomeReceiver(reader_of(config), callbacks, known, spans_of(config))

    async def _take(self, calls: object) -> None:
        assert isinstance(calls, list)
        self.taken += calls

    def _count(self, result: str, count: int) -> None:
        self.counted[result] = self.counted.get(result, 0) + count

    async def report(self, *outcomes: object) -> Receipt:
        return await self.outcomes.take({"outcomes": list(outcomes)})


async def test_an_id_is_taken_once_within_a_batch_and_from_batch_to_batch() -> None:
    desk = Desk()
    first = await desk.report(reported("a", status_code=200), reported("a", status_code=201), 7, reported("b"))
    assert (first.accepted, first.duplicates, [each.index for each in first.rejected]) == (2, 1, [2])
    assert [call.status_code for call in desk.taken] == [200, None]
    again = await desk.report(reported("a"), reported("b"), reported("c"))
    assert (again.accepted, again.duplicates) == (1, 2)
    assert desk.counted == {"accepted": 3, "duplicate": 3, "rejected": 1}


async def test_a_batch_that_there_is_no_room_for_changes_nothing() -> None:
    desk = Desk(KnownIds(most=2))
    await desk.report(reported("a"))
    with pytest.raises(TooManyError):
        await desk.report(reported("b"), reported("c"))
    assert len(desk.taken) == 1
    assert (await desk.report(reported("b"))).accepted == 1
    desk.now += 2 * REMEMBERED
    assert (await desk.report(*(reported(name, at=desk.now.isoformat()) for name in "cd"))).accepted == 2


async def test_applications_beyond_the_bound_are_taken_together() -> None:
    desk = Desk()
    await desk.report(*(reported(f"{n}", app=f"app {n}") for n in range(300)))
    assert len({call.app for call in desk.taken}) == 201


async def test_an_outcome_from_a_maintenance_is_accepted_but_does_not_count() -> None:
    begin = datetime(2026, 11, 22, 7, tzinfo=UTC)
    desk = Desk(None, MaintenanceWindow(begin=begin, end=begin + timedelta(seconds=2)))
    desk.now += timedelta(seconds=2)  # what is ahead is taken for now
    moments = [(begin + timedelta(seconds=second)).isoformat() for second in (-1, 0, 1, 2)]
    assert (await desk.report(*(reported(at, at=at) for at in moments))).accepted == 4
    assert [call.judges for call in desk.taken] == [True, False, False, True]


async def test_many_reports_of_one_moment_make_one_turn(begin: Begin) -> None:
    store = StubStore()
    bench = begin(store)
    await asyncio.gather(*(bench.recorder.take(calls(1)) for _ in range(20)))
    assert (store.attempts, stored(store), len(bench.snapshots)) == (1, 20, 1)


async def test_the_order_of_a_batch_is_kept() -> None:
    desk = Desk()
    moments = [(desk.now - timedelta(seconds=9 - n)).isoformat() for n in range(9)]
    await desk.report(*(reported(at, at=at) for at in moments))
    assert all(one.at < other.at for one, other in itertools.pairwise(desk.taken))


# A restart


async def test_after_a_restart_a_batch_that_is_sent_again_is_known_and_windows_are_as_they_were(store: Store) -> None:
    """The windows that count by the second know their traffic to ten seconds."""
    now = datetime.now(UTC)
    bench = Bench(store, PATIENT)
    callbacks = OutcomeCallbacks(now=lambda: datetime.now(UTC), take=bench.recorder.take, count=lambda *_: None)
    batch = {
        "outcomes": [
            reported(f"{n}", endpoint=ONE, at=(now - timedelta(seconds=n)).isoformat(), app=f"app {n}",
                     outcome="ok" if n % 3 else "overloaded", prompt_tokens=n)
            for n in range(100)
        ]
    }  # fmt: skip
    before = await OutcomeReceiver(reader_of(CONFIG), callbacks).take(batch)
    row = json.loads(bench.board.snapshot.rows[ONE].body)
    await end(bench.task)

    board = Board(CONFIG, enabled_jobs(CONFIG), now)
    await restore(board, store, datetime.now(UTC))
    again = OutcomeReceiver(reader_of(CONFIG), replace(callbacks, take=_nobody))
    await again.restore(store)
    assert (before.accepted, (await again.take(batch)).duplicates) == (100, 100)
    assert "app 99" in again._apps._days[now.date()] | again._apps._days.get((now - timedelta(days=1)).date(), set())
    after = json.loads(board.publish(datetime.now(UTC), sweep=True).rows[ONE].body)
    assert after["traffic"] == row["traffic"]
    assert (after["source"], after["status"], after["uptime"]) == (row["source"], row["status"], row["uptime"])
    assert sum(usage.tokens.prompt_tokens for usage in await store.activity((now - timedelta(days=2)).date())) == 4950


async def _nobody(calls: object) -> None:
    assert calls == []


async def test_reports_are_read_for_other_endpoints_from_then_on() -> None:
    desk = Desk()
    await desk.report(reported("one"))
    window = MaintenanceWindow(begin=desk.now - timedelta(hours=1), end=desk.now + timedelta(hours=1))
    config = make_config(make_spec("new:one", aliases=("groq:llama",), maintenance=(window,)))
    desk.outcomes.apply(reader_of(config), spans_of(config))
    receipt = await desk.report(reported("one"), reported("two"), reported("three", endpoint="gone:x"))
    assert (receipt.accepted, receipt.duplicates, len(receipt.rejected)) == (1, 1, 1)
    assert [(call.endpoint, call.judges) for call in desk.taken] == [("groq:llama", True), ("new:one", False)]
