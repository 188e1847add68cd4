"""The order of storing and publishing, with a real SQLite file and with a store that stalls, fails and rejects."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.config.model import Config, ProbeSpec
from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.pipeline.recorder import Recorder, RecorderCallbacks, RecorderIntervals
from monitor.pipeline.restore import restore
from monitor.pipeline.write_queue import QueueLimits
from monitor.scheduler.jobs import enabled_jobs
from monitor.score.serialize import state_from_text
from monitor.scoreboard.board import Board, StatusChange
from monitor.scoreboard.snapshot import Snapshot
from monitor.store import Retention, Store, StoreError, create_store
from monitor.traffic.counted import TrafficBatch
from probes._model import ErrorClass, Sample, Task
from tests.integration.daemon.parts import StubStore, breathe, end, locked, quick_config, until
from tests.support.board_values import sample_at
from tests.support.memory_store import MemoryStore

EVER = datetime(1970, 1, 1, tzinfo=UTC)
ONE, TWO = "a:one", "b:two"
CONFIG = quick_config(ONE, TWO, every_s=60)
QUICK = QueueLimits(patience_s=0.02, retry_s=0.01)
PATIENT = QueueLimits(patience_s=3600, retry_s=0.01)
QUIET = RecorderIntervals(longest_s=3600)
"""Without news nothing is published."""


def make_sample(number: int, error: ErrorClass | None = None, name: str = ONE) -> Sample:
    """Sample `number` of an endpoint, of the last seconds; its id depends on nothing else."""
    at = datetime.now(UTC) + timedelta(seconds=-5, milliseconds=number)
    return replace(sample_at(at, error, name), id=f"{number:015x}{0 if name == ONE else 1}")


@dataclass
class Bench:
    """A running recorder, and its recorded calls."""

    store: Store
    limits: QueueLimits = PATIENT
    config: Config = CONFIG
    board_type: type[Board] = Board
    intervals: RecorderIntervals = QUIET
    observed: list[Sample] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    changes: list[StatusChange] = field(default_factory=list)
    due: list[tuple[str, datetime]] = field(default_factory=list)
    dropped: int = 0

    def __post_init__(self) -> None:
        self.board = self.board_type(self.config, enabled_jobs(self.config), datetime.now(UTC))
        callbacks = RecorderCallbacks(
            observe=self.observed.append,
            published=self._published,
            due=lambda endpoint, at: self.due.append((endpoint, at)),
            dropped=self._drop,
        )
        self.recorder = Recorder(self.board, self.store, callbacks, self.limits, self.intervals)
        self.task = asyncio.create_task(self.recorder.run())

    def _published(self, changes: Sequence[StatusChange]) -> None:
        """Readers ask at once."""
        self.changes += changes
        self.snapshots.append(self.board.publish(datetime.now(UTC)))

    def _drop(self, number: int) -> None:
        self.dropped += number

    def put(self, *samples: Sample) -> None:
        for sample in samples:
            self.recorder.put(sample)

    @property
    def quiet(self) -> bool:
        """Whether everything that was put is stored."""
        return self.recorder.queue_length == 0 and self.recorder.store_error is None

    def visible(self, name: str = ONE) -> int:
        """How many samples of an endpoint readers see."""
        return seen(self.board.snapshot, name)


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the recorder logged."""
    return [vars(record)["action"] for record in caplog.records if record.name == "monitor.pipeline.write_queue"]


def seen(snapshot: Snapshot, name: str) -> int:
    counts = json.loads(snapshot.rows[name].body)["uptime"]["90d"]
    return sum(counts[kind] for kind in ("ok", "failed", "rate_limited", "account", "monitor", "network"))


Begin = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    made: list[Bench] = []

    async def make(
        store: Store,
        limits: QueueLimits = PATIENT,
        config: Config = CONFIG,
        intervals: RecorderIntervals = QUIET,
    ) -> Bench:
        made.append(Bench(store, limits, config, intervals=intervals))
        await breathe()
        return made[-1]

    yield make
    for bench in made:
        await end(bench.task)


# While the store is healthy


async def test_nothing_is_visible_before_it_is_committed(begin: Begin) -> None:
    store = StubStore()
    store.gate.clear()
    bench = await begin(store)
    bench.put(make_sample(1))
    await until(lambda: store.attempts)
    await breathe(500)
    assert (bench.visible(), bench.snapshots, bench.observed) == (0, [], [])
    store.gate.set()
    await until(bench.visible)
    assert [sample.id for sample in bench.observed] == [*store.kept]
    assert bench.recorder.store_error is None


async def test_what_comes_during_a_commit_waits_for_its_own(begin: Begin) -> None:
    store = StubStore()
    store.gate.clear()
    bench = await begin(store)
    bench.put(make_sample(1))
    await until(lambda: store.attempts)
    bench.put(make_sample(2), make_sample(3, name=TWO))
    assert bench.recorder.queue_length == 3
    store.gate.set()
    await until(lambda: bench.visible(TWO))
    assert [len(samples) for samples, _ in store.appends] == [1, 2]
    assert [seen(snapshot, ONE) for snapshot in bench.snapshots] == [1, 2]
    assert bench.recorder.queue_length == 0


async def test_everything_visible_is_in_the_file_at_any_moment(store: Store, begin: Begin, path: Path) -> None:
    """Read by another connection at the very moment of each publication, as after a kill."""
    bench = await begin(store)
    ahead: list[tuple[str, int, int]] = []
    with sqlite3.connect(path) as reader:

        def check(_: Sequence[StatusChange]) -> None:
            snapshot = bench.board.publish(datetime.now(UTC))
            query = "SELECT e.id, count(*) FROM sample s JOIN endpoint e ON s.endpoint = e.key GROUP BY e.id"
            stored = dict(reader.execute(query).fetchall())
            found = [(name, seen(snapshot, name), stored.get(name, 0)) for name in (ONE, TWO)]
            ahead.extend(each for each in found if each[1] > each[2])
            bench.snapshots.append(snapshot)

        bench.recorder._callbacks = replace(bench.recorder._callbacks, published=check)
        dice = random.Random(1)
        for number in range(300):
            name, error = dice.choice([ONE, TWO]), dice.choice([None, None, *ErrorClass])
            bench.put(make_sample(number, error, name))
            await asyncio.sleep(dice.choice([0, 0, 0.001, 0.01]))
        await until(lambda: bench.visible(ONE) + bench.visible(TWO) == 300)
    reader.close()
    assert ahead == []
    assert len(bench.snapshots) > 3
    assert len(await store.samples(EVER)) == 300


async def test_a_burst_is_stored_in_portions_with_the_states_last(begin: Begin) -> None:
    """No state is ever stored ahead of a sample that it was judged by."""
    store = StubStore()
    bench = await begin(store)
    bench.put(*(make_sample(number, name=(ONE, TWO)[number % 2]) for number in range(1203)))
    await until(lambda: bench.visible(ONE) + bench.visible(TWO) == 1203)
    assert [(len(samples), sorted(states)) for samples, states in store.appends] == [
        (500, []),
        (500, []),
        (203, [ONE, TWO]),
    ]
    for name in (ONE, TWO):
        known = state_from_text(store.kept_states[name])
        assert known is not None
        assert known.health.measured_at == max(
            sample.started_at for sample in store.kept.values() if sample.endpoint == name
        )


async def test_the_due_times_of_the_next_probes_are_reported_at_once(begin: Begin) -> None:
    """Before the samples are stored: what a failure means is to be settled now."""
    store = StubStore()
    store.gate.clear()
    bench = await begin(store)
    failed, well = make_sample(1, ErrorClass.CONNECT, TWO), make_sample(2)
    bench.put(failed, well)
    await until(lambda: store.attempts)
    assert dict(bench.due) == {TWO: failed.started_at, ONE: well.started_at + timedelta(seconds=60)}
    assert bench.snapshots == []


async def test_of_a_burst_the_newest_sample_says_once_when_the_next_probe_is_due(begin: Begin) -> None:
    store = StubStore()
    bench = await begin(store)
    samples = [make_sample(number) for number in range(4)]
    bench.put(*samples)
    await until(lambda: bench.visible() == 4)
    assert bench.due == [(ONE, samples[-1].started_at + timedelta(seconds=60))]


async def test_what_does_not_count_and_what_is_not_configured_is_due_at_no_time(begin: Begin) -> None:
    bench = await begin(StubStore())
    bench.put(make_sample(1, ErrorClass.AUTH), make_sample(2, ErrorClass.BUDGET), make_sample(3, name="gone:x"))
    await until(lambda: bench.visible() == 2)
    assert bench.due == []


async def test_samples_of_endpoints_that_are_not_configured_are_kept_all_the_same(begin: Begin) -> None:
    store = StubStore()
    bench = await begin(store)
    bench.put(make_sample(1, name="gone:model"))
    await until(lambda: store.kept)
    await until(lambda: bench.quiet)
    assert store.kept_states == {}


async def test_time_passes_for_endpoints_without_news_on_a_busy_monitor(begin: Begin) -> None:
    """News of one endpoint must not keep the others from becoming stale."""
    probes = {"chat": ProbeSpec(name="chat", task=Task.CHAT, every_s=0.01, ttft_timeout_s=0.1, timeout_s=0.1)}
    config = replace(CONFIG, probes=probes)
    bench = await begin(StubStore(), PATIENT, config)
    bench.put(replace(make_sample(0, name=TWO), started_at=datetime.now(UTC)))
    await until(lambda: bench.visible(TWO))
    numbers = itertools.count(1)
    # Whenever something was published, there is news again.

    def published(changes: Sequence[StatusChange]) -> None:
        bench._published(changes)
        bench.put(make_sample(next(numbers)))

    bench.recorder._callbacks = replace(bench.recorder._callbacks, published=published)
    bench.put(make_sample(0))
    await until(lambda: bench.snapshots[-1].rows[TWO].status is Status.UNKNOWN)
    assert bench.visible(ONE) > 1


async def test_a_status_that_time_alone_changes_is_published_without_news_and_without_readers(begin: Begin) -> None:
    probes = {"chat": ProbeSpec(name="chat", task=Task.CHAT, every_s=0.05, ttft_timeout_s=0.1, timeout_s=0.1)}
    bench = await begin(StubStore(), PATIENT, replace(CONFIG, probes=probes))
    bench.put(replace(make_sample(0), started_at=datetime.now(UTC)))
    await until(lambda: len(bench.changes) == 2)
    assert [(change.endpoint, change.before, change.after) for change in bench.changes] == [
        (ONE, Status.UNKNOWN, Status.UP),
        (ONE, Status.UP, Status.UNKNOWN),
    ]


async def test_nothing_is_published_where_nothing_came_and_no_status_can_change(begin: Begin) -> None:
    bench = await begin(StubStore())
    await breathe(500)
    assert bench.snapshots == []


async def test_a_clock_that_is_stepped_is_noticed_before_the_next_sample(begin: Begin) -> None:
    bench = await begin(StubStore(), intervals=RecorderIntervals(longest_s=0.01))
    await until(lambda: len(bench.snapshots) >= 3)
    assert bench.observed == []


# A store that stalls


async def test_a_stalled_store_holds_publishing_up_only_for_so_long(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    store = StubStore()
    store.gate.clear()
    bench = await begin(store, QUICK)
    bench.put(make_sample(1))
    await until(bench.visible)
    assert store.kept == {}
    bench.put(make_sample(2))
    await until(lambda: bench.visible() == 2)
    store.gate.set()
    await until(lambda: bench.quiet)
    assert [*store.kept] == [make_sample(1).id, make_sample(2).id]
    assert bench.visible() == 2
    assert actions(caplog) == ["store_slow"]


async def test_a_stall_is_a_failure_once_it_is_long_and_over_when_all_is_written(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = StubStore()
    store.gate.clear()
    bench = await begin(store, replace(PATIENT, stalled_s=0.05))
    bench.put(make_sample(1))
    await until(lambda: bench.recorder.store_error)
    assert bench.recorder.store_error == "no answer for 0.05 s"
    await until(bench.visible)
    store.gate.set()
    await until(lambda: bench.quiet)
    assert [*store.kept] == [make_sample(1).id]
    assert actions(caplog) == ["store_failed", "store_recovered"]


async def test_a_busy_loop_is_not_read_as_a_slow_store(
    store: Store, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread has committed long ago; its answer waits for the loop like everything else."""
    bench = await begin(store, QueueLimits(patience_s=0.2, stalled_s=0.4))
    for number in range(5):
        bench.put(make_sample(number))
        await breathe(3)
        time.sleep(1)
        await until(lambda: bench.visible() == number + 1)  # noqa: B023
    assert actions(caplog) == []
    assert len(await store.samples(EVER)) == 5


async def test_a_store_that_fails_while_nothing_is_to_be_written_is_noticed_and_its_recovery_too(begin: Begin) -> None:
    store = StubStore(unwritable=locked())
    bench = await begin(store, QueueLimits(look_s=0.01, retry_s=0.01))
    await until(lambda: bench.recorder.store_error == str(locked()))
    store.unwritable = None
    await until(lambda: bench.recorder.store_error is None)
    assert store.attempts == 0


async def test_verdicts_do_not_depend_on_a_store_that_never_answers(begin: Begin) -> None:
    """The best known false outage of a peer: a stalled pool that was read as a hundred outages."""
    store = StubStore()
    store.gate.clear()
    bench = await begin(store, QUICK)
    for number in range(20):
        bench.put(make_sample(number), make_sample(number, ErrorClass.CONNECT, TWO))
    await until(lambda: bench.visible(ONE) == bench.visible(TWO) == 20)
    rows = bench.board.snapshot.rows
    assert (rows[ONE].status, rows[TWO].status) == (Status.UP, Status.DOWN)
    assert bench.recorder.queue_length == 40


# A store that fails


async def test_a_failing_store_is_a_problem_until_it_takes_samples_again(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = StubStore(error=locked())
    bench = await begin(store, replace(PATIENT, patience_s=0.02))
    bench.put(make_sample(1))
    await until(bench.visible)
    await until(lambda: store.attempts > 3)
    assert bench.recorder.store_error == str(locked())
    bench.put(make_sample(2, ErrorClass.CONNECT))
    await until(lambda: bench.visible() == 2)
    store.error = None
    await until(lambda: bench.quiet)
    assert [*store.kept] == [make_sample(1).id, make_sample(2).id]
    known = state_from_text(store.kept_states[ONE])
    assert known is not None
    assert known.health.failures == 1
    assert actions(caplog) == ["store_failed", "store_recovered"]


async def test_a_store_that_fails_at_once_holds_nothing_up(begin: Begin) -> None:
    bench = await begin(StubStore(error=locked()), PATIENT)
    bench.put(make_sample(1))
    await until(bench.visible)
    assert bench.recorder.store_error == str(locked())


async def test_a_state_that_came_while_an_older_one_failed_is_the_one_that_is_kept(begin: Begin) -> None:
    store = StubStore()
    store.gate.clear()
    bench = await begin(store, QUICK)
    bench.put(make_sample(1))
    await until(lambda: store.attempts)
    bench.put(make_sample(2, ErrorClass.CONNECT))
    await until(lambda: bench.visible() == 2)
    store.error = locked()
    store.gate.set()
    await until(lambda: bench.recorder.store_error == str(locked()))
    store.error = None
    await until(lambda: bench.quiet)
    known = state_from_text(store.kept_states[ONE])
    assert known is not None
    assert known.health.failures == 1


async def test_after_a_failure_commits_come_before_publications_again(begin: Begin) -> None:
    store = StubStore(error=locked())
    bench = await begin(store, replace(PATIENT, patience_s=0.02))
    bench.put(make_sample(1))
    await until(bench.visible)
    store.error = None
    await until(lambda: bench.quiet)
    bench.recorder._queue._limits = PATIENT
    store.gate.clear()
    bench.put(make_sample(2))
    await until(lambda: store.attempts and bench.recorder.queue_length)
    await breathe(500)
    assert bench.visible() == 1
    store.gate.set()
    await until(lambda: bench.visible() == 2)


async def test_the_problem_lasts_until_all_that_waits_is_written(begin: Begin) -> None:
    """Else readers would be made to wait for a long backlog, and the problem would come and go."""
    told: list[tuple[int, bool]] = []

    class Telling(StubStore):
        async def append(
            self,
            samples: Sequence[Sample],
            states: Mapping[str, str],
            incidents: Sequence[Incident] = (),
            traffic: TrafficBatch | None = None,
        ) -> int:
            await super().append(samples, states, incidents, traffic)
            told.append((len(self.kept), bench.recorder.store_error is None))
            return 0

    store = Telling(error=locked())
    bench = await begin(store, replace(QUICK, patience_s=0.001))
    bench.put(*(make_sample(number) for number in range(2500)))
    await until(bench.visible)
    store.error = None
    await until(lambda: bench.quiet)
    assert told == [(number, False) for number in (500, 1000, 1500, 2000, 2500)]


async def test_the_backlog_is_bounded_and_what_is_given_up_is_the_oldest_and_counted(begin: Begin) -> None:
    store = StubStore(error=locked())
    bench = await begin(store, replace(QUICK, backlog=10))
    for number in range(25):
        bench.put(make_sample(number))
    await until(lambda: bench.visible() == 25)
    assert (bench.dropped, bench.recorder.queue_length) == (15, 10)
    store.error = None
    await until(lambda: bench.quiet)
    assert [*store.kept] == [make_sample(number).id for number in range(15, 25)]
    assert ONE in store.kept_states


async def test_what_was_given_up_during_a_commit_does_not_confuse_the_queue(begin: Begin) -> None:
    store = StubStore()
    store.gate.clear()
    bench = await begin(store, replace(QUICK, backlog=3))
    bench.put(*(make_sample(number) for number in range(3)))
    await until(bench.visible)
    bench.put(make_sample(3), make_sample(4))
    await until(lambda: bench.visible() == 5)
    assert bench.dropped == 2
    store.gate.set()
    await until(lambda: bench.quiet)
    assert [*store.kept] == [make_sample(number).id for number in range(5)]


async def test_a_full_queue_logs_what_it_drops_once_in_a_while_and_all_of_it(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    """At the full backlog every new sample drops an old one, for as long as the store fails."""

    def logged() -> list[object]:
        records = [record for record in caplog.records if vars(record).get("action") == "store_drop"]
        assert all("dropped because the store is failing" in record.getMessage() for record in records)
        return [record.args[-1] for record in records if isinstance(record.args, tuple)]

    store = StubStore(error=locked())
    bench = await begin(store, replace(QUICK, backlog=10, slow_warning_every_s=3600))
    for number in range(40):
        bench.put(make_sample(number))
        await until(lambda: bench.visible() == number + 1)  # noqa: B023
    assert (bench.dropped, logged()) == (30, [1])
    store.error = None
    await until(lambda: bench.quiet)
    assert logged() == [1, 29]


# Samples that every store rejects


async def test_a_sample_that_no_store_takes_is_set_aside_and_all_others_are_kept(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    store = StubStore(poison={make_sample(2).id, make_sample(5).id})
    bench = await begin(store)
    bench.put(*(make_sample(number) for number in range(8)))
    await until(lambda: bench.visible() == 8)
    assert [*store.kept] == [make_sample(number).id for number in (0, 1, 3, 4, 6, 7)]
    assert (bench.dropped, bench.recorder.store_error, bench.recorder.queue_length) == (2, None, 0)
    assert ONE in store.kept_states
    bench.put(make_sample(9))
    await until(lambda: bench.visible() == 9)
    assert make_sample(9).id in store.kept
    given_up = [record for record in caplog.records if vars(record).get("action") == "store_drop"]
    assert [make_sample(number).id in record.getMessage() for number, record in zip((2, 5), given_up, strict=True)] == [
        True,
        True,
    ]


async def test_a_sample_alone_that_no_store_takes_is_set_aside(begin: Begin) -> None:
    bench = await begin(StubStore(poison={make_sample(1).id}))
    bench.put(make_sample(1))
    await until(bench.visible)
    assert (bench.dropped, bench.quiet) == (1, True)


async def test_a_state_that_no_store_takes_costs_no_sample_and_no_other_state(begin: Begin) -> None:
    store = StubStore(poison={ONE})
    bench = await begin(store)
    bench.put(make_sample(1), make_sample(2, name=TWO))
    await until(bench.visible)
    assert (len(store.kept), [*store.kept_states], bench.dropped) == (2, [TWO], 0)
    assert bench.quiet


async def test_a_failure_amid_the_parts_gives_nothing_up_and_is_tried_again(begin: Begin) -> None:
    class Flaky(StubStore):
        async def append(
            self,
            samples: Sequence[Sample],
            states: Mapping[str, str],
            incidents: Sequence[Incident] = (),
            traffic: TrafficBatch | None = None,
        ) -> int:
            if self.attempts == 6:
                self.attempts += 1
                raise locked()
            return await super().append(samples, states, incidents, traffic)

    store = Flaky(poison={make_sample(3).id})
    bench = await begin(store, replace(PATIENT, patience_s=0.02))
    bench.put(*(make_sample(number) for number in range(6)))
    await until(lambda: bench.quiet)
    assert [*store.kept] == [make_sample(number).id for number in (0, 1, 2, 4, 5)]
    assert bench.dropped == 1
    assert ONE in store.kept_states


async def test_a_store_that_is_broken_itself_costs_no_sample(begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it raises: only where it says that it could write is the sample at fault."""
    broken = RuntimeError("can't start new thread")
    store = StubStore(error=broken, unwritable=broken)
    bench = await begin(store, QUICK)
    bench.put(make_sample(1), make_sample(2))
    await until(lambda: bench.visible() == 2 and store.attempts > 3)
    assert bench.recorder.store_error == "RuntimeError inside the store"
    assert (bench.dropped, bench.recorder.queue_length) == (0, 2)
    assert caplog.text.count("can't start new thread") >= 1
    store.error = store.unwritable = None
    await until(lambda: bench.quiet)
    assert len(store.kept) == 2


async def test_a_store_that_cannot_be_written_to_costs_no_sample(begin: Begin) -> None:
    store = StubStore(error=TypeError("odd"), unwritable=locked())
    bench = await begin(store, QUICK)
    bench.put(make_sample(1))
    await until(lambda: store.attempts > 3)
    assert (bench.recorder.store_error, bench.dropped) == (str(locked()), 0)
    store.error = store.unwritable = None
    await until(lambda: bench.quiet)
    assert len(store.kept) == 1


async def test_a_poison_that_was_given_up_for_want_of_room_is_counted_once(begin: Begin) -> None:
    store = StubStore(poison={make_sample(0).id})
    store.gate.clear()
    bench = await begin(store, replace(QUICK, backlog=3))
    bench.put(*(make_sample(number) for number in range(3)))
    await until(bench.visible)
    bench.put(make_sample(3))
    await until(lambda: bench.visible() == 4)
    store.gate.set()
    await until(lambda: bench.quiet)
    assert (bench.dropped, len(store.kept)) == (1, 3)


async def test_what_a_store_refuses_while_it_takes_the_rest_is_given_up_after_a_while(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that says in its own words that it cannot take a value must not be asked for ever."""
    store = StubStore(refused={make_sample(2).id, make_sample(5).id})
    bench = await begin(store, QUICK)
    bench.put(*(make_sample(number) for number in range(8)))
    await until(lambda: bench.visible() == 8)
    await until(lambda: bench.quiet)
    assert [*store.kept] == [make_sample(number).id for number in (0, 1, 3, 4, 6, 7)]
    assert bench.dropped == 2
    assert ONE in store.kept_states
    given_up = [record for record in caplog.records if vars(record).get("action") == "store_drop"]
    assert sorted(record.getMessage().split(" ")[0] for record in given_up) == [make_sample(2).id, make_sample(5).id]


async def test_a_sample_alone_that_a_store_refuses_is_given_up_too(begin: Begin) -> None:
    store = StubStore(refused={make_sample(1).id})
    bench = await begin(store, QUICK)
    bench.put(make_sample(1))
    await until(lambda: bench.dropped)
    await until(lambda: bench.quiet)
    assert (bench.dropped, [*store.kept_states]) == (1, [ONE])


async def test_a_state_that_a_store_refuses_costs_no_sample_and_no_other_state(begin: Begin) -> None:
    store = StubStore(refused={ONE})
    bench = await begin(store, QUICK)
    bench.put(make_sample(1), make_sample(2, name=TWO))
    await until(lambda: bench.visible(TWO))
    await until(lambda: len(store.kept) == 2 and TWO in store.kept_states)
    assert bench.dropped == 0


async def test_a_full_disk_that_claims_to_be_writable_costs_no_sample(begin: Begin) -> None:
    """SQLite finds out only when it commits, and may have room for one sample and none for the next."""

    class Full(StubStore):
        room = 0

        async def append(
            self,
            samples: Sequence[Sample],
            states: Mapping[str, str],
            incidents: Sequence[Incident] = (),
            traffic: TrafficBatch | None = None,
        ) -> int:
            needed = len(samples) + len(states) + len(incidents)
            if self.room < needed:
                self.attempts += 1
                raise StoreError("store /x: database or disk is full: free space on its disk")
            await super().append(samples, states, incidents, traffic)
            self.room -= needed
            return 0

    store = Full()
    bench = await begin(store, QUICK)
    bench.put(*(make_sample(number) for number in range(40)))
    await until(lambda: store.attempts > 100)
    for _ in range(20):
        store.room, attempts = 1, store.attempts
        await until(lambda: store.attempts > attempts + 60)  # noqa: B023
    assert 1 < len(store.kept) < 40
    store.room = 1_000_000
    await until(lambda: bench.quiet)
    assert [*store.kept] == [make_sample(number).id for number in range(40)]
    assert bench.dropped == 0


async def test_a_store_that_locks_amid_the_parts_costs_no_sample(begin: Begin) -> None:
    class Locking(StubStore):
        async def check_writable(self) -> None:
            self.unwritable = None if self.attempts < 20 else self.error
            await super().check_writable()

    store = Locking(error=locked())
    bench = await begin(store, QUICK)
    bench.put(*(make_sample(number) for number in range(30)))
    await until(lambda: store.attempts > 60)
    store.error = store.unwritable = None
    await until(lambda: bench.quiet)
    assert (len(store.kept), bench.dropped) == (30, 0)


async def test_sinks_are_notified_of_stored_samples_after_the_commit(begin: Begin) -> None:
    store = StubStore()
    bench = await begin(store)
    told: list[int] = []
    bench.recorder._queue._callbacks = replace(
        bench.recorder._queue._callbacks, stored=lambda: told.append(len(store.kept))
    )
    bench.put(*(make_sample(number) for number in range(700)))
    await until(lambda: bench.visible() == 700)
    assert told == [500, 700]


# Stopping


async def test_flushing_stores_and_publishes_what_is_left(store: Store, begin: Begin) -> None:
    bench = await begin(store)
    await end(bench.task)
    bench.put(*(make_sample(number) for number in range(1200)))
    await bench.recorder.flush(60)
    assert bench.visible() == len(await store.samples(EVER)) == len(bench.observed) == 1200
    assert [*await store.states()] == [ONE]
    assert bench.recorder.queue_length == 0


async def test_flushing_nothing_publishes_once_more(begin: Begin) -> None:
    bench = await begin(StubStore())
    await end(bench.task)
    await bench.recorder.flush(60)
    assert len(bench.snapshots) == 1


async def test_flushing_finishes_what_was_interrupted(begin: Begin) -> None:
    """Stopped in the middle of a commit: it is repeated, published and observed."""
    store = StubStore()
    store.gate.clear()
    bench = await begin(store)
    bench.put(make_sample(1))
    await until(lambda: store.attempts)
    await end(bench.task)
    bench.put(make_sample(2))
    store.gate.set()
    await bench.recorder.flush(60)
    assert [*store.kept] == [sample.id for sample in bench.observed] == [make_sample(1).id, make_sample(2).id]
    assert bench.visible() == 2
    assert ONE in store.kept_states


async def test_flushing_tries_again_while_there_is_time(begin: Begin) -> None:
    store = StubStore(error=locked())
    bench = await begin(store, QUICK)
    await end(bench.task)
    bench.put(make_sample(1))
    flushing = asyncio.create_task(bench.recorder.flush(60))
    await until(lambda: store.attempts > 2)
    store.error = None
    await flushing
    assert [*store.kept] == [make_sample(1).id]


@pytest.mark.parametrize("error", [locked(), RuntimeError("odd"), None], ids=["fails", "is broken", "stalls"])
async def test_flushing_gives_up_on_a_store_and_publishes_all_the_same(
    error: Exception | None, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    store = StubStore(error=error, unwritable=error)
    store.gate.clear()
    bench = await begin(store, QUICK)
    await end(bench.task)
    if error:
        store.gate.set()
    bench.put(make_sample(1))
    await bench.recorder.flush(0.1)
    assert (bench.visible(), store.kept) == (1, {})
    (record,) = [record for record in caplog.records if vars(record).get("action") == "flush_failed"]
    assert record.getMessage().startswith("1 samples not stored before shutdown: ")


# Going on after a restart


async def test_a_restart_publishes_what_was_published_before(store: Store, begin: Begin) -> None:
    """From the real file, whole rows: counts of every window, figures, scores, statuses, troubles."""
    bench = await begin(store)
    begun = datetime.now(UTC)
    dice = random.Random(3)
    day_s = 86_400
    edges = [3599.5, 3600.2, day_s - 1, day_s + 30, day_s + 59.9, 6.9 * day_s, 30 * day_s + 60]
    edges += [90 * day_s + late_s for late_s in (1, 1800, 3599)]
    for place, age in enumerate(sorted((*range(0, 7200, 97), *edges), reverse=True)):
        for name in (ONE, TWO):
            at = begun - timedelta(seconds=age)
            error = dice.choice([None, None, None, ErrorClass.RATE_LIMITED, ErrorClass.STALLED, ErrorClass.OVERRUN])
            bench.put(replace(sample_at(at, error, name), id=f"{place:015x}{0 if name == ONE else 1}"))
    await until(lambda: bench.quiet and bench.snapshots)
    await end(bench.task)
    now = datetime.now(UTC)
    fresh = Board(CONFIG, enabled_jobs(CONFIG), now)
    await restore(fresh, store, now)
    for later in (timedelta(0), timedelta(seconds=40), timedelta(hours=3), timedelta(days=2)):
        old, new = (board.publish(now + later, sweep=True) for board in (bench.board, fresh))
        for name in (ONE, TWO):
            assert json.loads(new.rows[name].body) == json.loads(old.rows[name].body)


async def test_a_store_error_is_raised_when_nothing_can_be_restored(tmp_path: Path) -> None:
    store = create_store(f"sqlite:///{tmp_path}/nowhere/store.db")
    with pytest.raises(StoreError):
        await store.open()
    await store.close()


async def test_samples_too_old_for_the_store_are_counted_and_told_of(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    """A clock that was ahead has moved the horizon beyond them."""
    store = MemoryStore()
    await store.upkeep(datetime.now(UTC) + timedelta(days=30), Retention())
    bench = await begin(store)
    bench.put(make_sample(1), make_sample(2))
    await until(lambda: bench.dropped == 2)
    assert [getattr(record, "action", None) for record in caplog.records] == ["store_drop"]
