"""A database file that is deleted or replaced under the daemon is noticed, and published data is stored again."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.domain.incident import Incident
from monitor.pipeline.write_queue import QueueLimits
from monitor.store import Store, StoreReplacedError, create_store
from monitor.traffic.counted import TrafficBatch
from probes._model import ErrorClass, Sample
from tests.integration.daemon.parts import StubStore, end, locked, until
from tests.integration.daemon.test_recorder import EVER, ONE, TWO, Begin, Bench, actions, begin, make_sample

__all__ = ["begin"]

QUICK = QueueLimits(look_s=0.01, retry_s=0.01)


def delete_all(path: Path) -> None:
    for file in path.parent.glob("store.db*"):
        file.unlink()


def delete_file(path: Path) -> None:
    path.unlink()


def delete_log(path: Path) -> None:
    path.with_name("store.db-wal").unlink()
    path.with_name("store.db-shm").unlink()


def empty_it(path: Path) -> None:
    """As `mv`, then `touch`."""
    path.rename(path.with_name("old.db"))
    path.touch()


def restore_a_backup(path: Path) -> None:
    """Of a daemon that ran before: another database with another history."""
    shutil.move(path.with_name("backup.db"), path)


def write_over(path: Path) -> None:
    """The same file with another database in it."""
    shutil.copyfile(path.with_name("backup.db"), path)


def truncate(path: Path) -> None:
    path.write_bytes(b"")


WAYS = [delete_all, delete_file, delete_log, empty_it, restore_a_backup, write_over, truncate]


async def make_backup(path: Path) -> None:
    store = create_store(f"sqlite:///{path.with_name('backup.db')}")
    await store.open()
    await store.append([replace(make_sample(900, name=TWO), id="f" * 16)], {ONE: "{}", TWO: "{}"})
    await store.close()


async def fill(bench: Bench) -> None:
    for number in range(20):
        bench.put(make_sample(number), make_sample(number, ErrorClass.CONNECT if number > 10 else None, name=TWO))
    await until(lambda: bench.quiet and bench.visible(ONE) == bench.visible(TWO) == 20)


@pytest.mark.parametrize("change", WAYS)
async def test_a_file_that_is_deleted_or_replaced_is_noticed_and_nothing_of_states_is_lost(
    store: Store, begin: Begin, path: Path, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Though nothing new is to be written."""
    caplog.set_level(logging.INFO)
    await make_backup(path)
    bench = await begin(store, QUICK)
    await fill(bench)
    change(path)
    await until(lambda: "store_recovered" in actions(caplog))
    await until(lambda: bench.quiet)
    assert actions(caplog) == ["store_failed", "store_recovered"]
    assert "while the daemon had it open" in caplog.text
    bench.put(make_sample(20))
    await until(lambda: bench.quiet and bench.visible() == 21)
    await end(bench.task)
    await store.close()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    again = create_store(f"sqlite:///{path}")
    await again.open()
    held = bench.board.states()
    assert await again.states() == held.states
    assert await again.open_incidents() == held.incidents
    found = {sample.id for sample in await again.samples(EVER)}
    assert len(found - {"f" * 16}) == 41
    assert ("f" * 16 in found) == (change in (restore_a_backup, write_over))
    await again.close()


async def test_a_sink_is_given_what_a_new_file_holds(store: Store, begin: Begin, path: Path) -> None:
    bench = await begin(store, QUICK)
    await store.subscribe(["influx"])
    await fill(bench)
    await store.delivered("influx", 40, {}, datetime.now(UTC))
    delete_all(path)
    bench.put(make_sample(20))
    await until(lambda: bench.quiet and path.exists())
    waiting = await store.waiting("influx", 100)
    assert len(waiting) == 41
    await store.delivered("influx", waiting[-1].seq, {}, datetime.now(UTC))
    assert await store.waiting("influx", 100) == []


async def test_another_file_in_place_of_the_store_is_not_changed_and_stays_a_failure(
    store: Store, begin: Begin, path: Path
) -> None:
    bench = await begin(store, QUICK)
    await fill(bench)
    delete_all(path)
    notes = b"precious notes " * 100
    path.write_bytes(notes)
    await until(lambda: "not a database" in str(bench.recorder.store_error))
    bench.put(make_sample(20))
    await until(lambda: bench.visible() == 21)
    assert path.read_bytes() == notes
    path.unlink()
    await until(lambda: bench.quiet)
    assert len(await store.samples(EVER - timedelta(days=1))) == 41


class RestoredInTheMiddle(StubStore):
    """Refuses a few times, and is then replaced by an empty store, which it reports once."""

    def __init__(self, replaced_at: int) -> None:
        super().__init__()
        self.replaced_at = replaced_at
        self.refusing = 0
        """The append from which on all are refused; 0: none is."""

    async def append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident] = (),
        traffic: TrafficBatch | None = None,
    ) -> int:
        number = self.attempts + 2 - self.refusing
        self.error = None
        if self.refusing and number < self.replaced_at:
            self.error = locked()
        elif self.refusing and number == self.replaced_at:
            self.kept.clear()
            self.kept_states.clear()
            self.error = StoreReplacedError("store /x: the file was replaced")
        return await super().append(samples, states, incidents, traffic)


@pytest.mark.parametrize("replaced_at", [1, 5, 6])
async def test_a_store_that_is_replaced_while_it_refuses_what_comes_is_filled_again_all_the_same(
    begin: Begin, replaced_at: int
) -> None:
    """Also when a batch is tried part by part: from its fifth refusal on."""
    store = RestoredInTheMiddle(replaced_at)
    bench = await begin(store, QueueLimits(retry_s=0.001))
    await fill(bench)
    store.refusing = store.attempts + 1
    bench.put(make_sample(20))
    await until(lambda: bench.quiet and bench.visible() == 21)
    assert (len(store.kept), store.kept_states) == (41, bench.board.states().states)
    assert bench.dropped == 0
