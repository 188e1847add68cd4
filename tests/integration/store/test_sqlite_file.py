"""The store in an SQLite file: the file, its locks, its faults."""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from monitor.store import Retention, RollupTier, StoreError
from monitor.store._sql import SqlStore
from monitor.store._sqlite import SqliteDatabase, sqlite_store
from monitor.store._sqlite_engines import reader_engine, writer_engine
from monitor.store._statements import samples_since, tallies_since
from monitor.traffic.counted import TrafficBatch, TrafficKey
from tests.integration.store.asking import settle
from tests.unit.store.samples import START, make_sample

EVER = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
async def filled(path: Path) -> Path:
    """A closed store that holds some samples."""
    store = sqlite_store(path)
    await store.open()
    await store.append([make_sample(number, detail="x" * 100) for number in range(300)], {"steady:smollm2": "{}"})
    await store.close()
    return path


@pytest.fixture
def foreign_folder() -> Iterator[Path]:
    """A folder in which this process may not write: when run as root, it is another user for the while."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if root:
            folder.chmod(0o755)
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


def make_file(folder: Path, content: bytes) -> Path:
    path = folder / "store.db"
    path.write_bytes(content)
    return path


def contents(*paths: Path) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def forbid_writing(folder: Path, original: Path | None = None, mode: int = 0o555) -> Path:
    """The path of a store in a read-only folder, which may contain a copy of `original`."""
    path, user = folder / "store.db", os.geteuid()
    os.seteuid(os.getuid())
    if original is not None:
        path.write_bytes(original.read_bytes())
        path.chmod(0o444)
    folder.chmod(mode)
    os.seteuid(user)
    return path


async def refusal(path: Path) -> str:
    """Why a store at `path` cannot be opened: one line that names the path."""
    with pytest.raises(StoreError) as raised:
        await sqlite_store(path).open()
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


async def test_a_missing_folder_is_named_and_not_created(tmp_path: Path) -> None:
    message = await refusal(tmp_path / "missing" / "store.db")
    assert f"{tmp_path / 'missing'} is not a folder: create it" in message
    assert not (tmp_path / "missing").exists()


async def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is not a folder" in await refusal(tmp_path / "file" / "store.db")


async def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    assert "is a folder: name a file" in await refusal(tmp_path)


@pytest.mark.parametrize("notes", [b"precious notes " * 100, b"x"])
async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, notes: bytes) -> None:
    path = make_file(tmp_path, notes)
    assert "file is not a database: move it away, or name another in `store`" in await refusal(path)
    assert contents(path) == [notes]


async def test_a_folder_that_may_not_be_written_is_named(foreign_folder: Path) -> None:
    message = await refusal(forbid_writing(foreign_folder))
    assert "unable to open database file: let this user write to the file and its folder" in message


async def test_a_file_that_may_not_be_written_is_named(filled: Path, foreign_folder: Path) -> None:
    path = forbid_writing(foreign_folder, filled)
    assert "let this user write to the file and its folder" in await refusal(path)


async def test_a_folder_that_may_not_be_entered_is_named(foreign_folder: Path) -> None:
    path = forbid_writing(foreign_folder, mode=0o000)
    assert "Permission denied" in await refusal(path / "store.db")


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    store = sqlite_store(make_file(tmp_path, b""))
    await store.open()
    await store.append([make_sample(1)], {})
    assert await store.samples(EVER) == [make_sample(1)]
    await store.close()


async def test_a_damaged_file_is_reported_in_one_line(filled: Path) -> None:
    with filled.open("r+b") as file:
        file.seek(4096 * 12)
        file.write(b"\xff" * 4096 * 8)
    store = sqlite_store(filled)
    await store.open()
    with pytest.raises(StoreError, match=r"malformed: restore it from a backup") as raised:
        await store.samples(EVER)
    assert "\n" not in str(raised.value)
    await store.close()


async def test_a_store_that_was_never_opened_is_not_usable_and_makes_no_file(path: Path) -> None:
    store = sqlite_store(path)
    with pytest.raises(StoreError, match="unable to open database file"):
        await store.append([make_sample(1)], {})
    assert not path.exists()
    await store.close()


async def test_the_file_is_set_up_to_be_shared_and_to_give_space_back(path: Path) -> None:
    store = sqlite_store(path)
    await store.open()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    await store.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_every_connection_is_set_up(path: Path) -> None:
    path.touch()
    for engine, query_only in ((writer_engine(path, 1.5), 0), (reader_engine(path, 1.5), 1)):
        with engine.connect() as connection:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("foreign_keys", "synchronous", "busy_timeout", "query_only", "journal_mode")
            }
        assert found == {
            "foreign_keys": 1,
            "synchronous": 1,
            "busy_timeout": 1500,
            "query_only": query_only,
            "journal_mode": "wal",
        }
        engine.dispose()


async def test_a_writer_that_has_not_committed_holds_no_reader_up(filled: Path) -> None:
    store = sqlite_store(filled, lock_wait_s=0)  # who has to wait fails at once
    await store.open()
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM sample")
        assert len(await store.samples(EVER)) == 300
        assert len(await store.tallies(EVER, 60)) == 5
        other.execute("ROLLBACK")
    await store.close()


async def test_an_append_waits_for_another_programs_lock(filled: Path) -> None:
    store = sqlite_store(filled)
    await store.open()
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        append = asyncio.create_task(store.append([make_sample(1000)], {}))
        await asyncio.sleep(0.1)
        assert not append.done()
        other.execute("ROLLBACK")
        await append
    assert len(await store.samples(EVER)) == 301
    await store.close()


async def test_a_lock_held_too_long_is_an_error_and_then_forgotten(filled: Path) -> None:
    store = sqlite_store(filled, lock_wait_s=0.05)
    await store.open()
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for call in (store.append([make_sample(1000)], {}), store.check_writable()):
            with pytest.raises(StoreError, match="database is locked: stop the other process"):
                await call
        other.execute("ROLLBACK")
    await store.check_writable()
    await store.append([make_sample(1000)], {})
    assert len(await store.samples(EVER)) == 301
    await store.close()


async def test_asking_whether_it_is_writable_writes_nothing(filled: Path) -> None:
    store = sqlite_store(filled)
    await store.open()
    log = filled.with_name(f"{filled.name}-wal")
    before = contents(filled, log)
    await store.check_writable()
    assert contents(filled, log) == before
    await store.close()


async def test_closing_waits_for_a_call_under_way(filled: Path) -> None:
    store = sqlite_store(filled)
    await store.open()
    append = asyncio.create_task(store.append([make_sample(1000)], {}))
    await asyncio.sleep(0)
    append.cancel()
    await store.close()
    with closing(sqlite3.connect(filled)) as other:
        assert other.execute("SELECT count(*) FROM sample").fetchone() == (301,)


async def test_an_append_order_number_is_never_given_twice(filled: Path) -> None:
    """Or a sink's cursor, which is such a number, would pass over samples that follow an emptied table."""
    with closing(sqlite3.connect(filled)) as other, other:
        (newest,) = other.execute("SELECT max(seq) FROM sample").fetchone()
        other.execute("DELETE FROM sample")
    store = sqlite_store(filled)
    await store.open()
    await store.append([make_sample(1)], {})
    await store.close()
    with closing(sqlite3.connect(filled)) as other:
        assert other.execute("SELECT min(seq) FROM sample").fetchone() > (newest,)


@pytest.mark.slow
async def test_space_of_what_was_deleted_is_given_back_a_slice_at_a_time(path: Path) -> None:
    store = sqlite_store(path)
    await store.open()
    for cut in range(0, 30_000, 3_000):
        await store.append([make_sample(n, detail="x" * 1000) for n in range(cut, cut + 3_000)], {})
    full = await store.info()
    later = START + timedelta(days=30)
    sizes = [full.size.total_bytes]
    while await store.upkeep(later, Retention()):
        sizes.append((await store.size()).total_bytes)
    kept = await store.info()
    assert kept.rows["sample"] == 0
    assert kept.size.total_bytes < full.size.total_bytes / 3
    assert kept.size.free_bytes <= 9 * 2**20
    assert max(before - after for before, after in pairwise(sizes)) <= 2**20 + 2**14  # and maps of pages
    await store.close()
    assert path.stat().st_size < full.size.total_bytes / 3


@pytest.mark.parametrize("analysed", [False, True])
async def test_a_span_of_time_is_read_without_the_rest_of_history(filled: Path, analysed: bool) -> None:
    with closing(sqlite3.connect(filled)) as other:
        if analysed:
            other.execute("ANALYZE")
        later = START + timedelta(hours=1)
        for query in (samples_since(START), samples_since(START, later), tallies_since(START, 60)):
            text = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
            steps = [row[3] for row in other.execute(f"EXPLAIN QUERY PLAN {text}")]
            assert any("SEARCH sample USING COVERING INDEX ix_sample_span" in step for step in steps)
            assert "SCAN sample" not in " ".join(steps)


async def test_a_connection_that_fails_for_want_of_descriptors_leaves_none_open(filled: Path) -> None:
    """However far it came: the file, its log, the index of that, the look at its header."""
    database = SqliteDatabase(filled, lock_wait_s=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    failed = 0
    for spare in range(6):
        before = _open_files()
        free = (number for number in itertools.count() if number not in before)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next(itertools.islice(free, spare, None)), hard))
        try:
            with database.store_errors(), database.writer.connect() as connection:
                connection.exec_driver_sql("SELECT count(*) FROM sample")
        except StoreError:
            failed += 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            database.dispose()
        assert _open_files() == before
    assert 0 < failed < 6


def _open_files() -> set[int]:
    """Their numbers; the one by which they are looked up is closed by then."""
    return {int(each.name) for each in [*Path("/proc/self/fd").iterdir()] if each.exists()}


NEWER: dict[str, tuple[str, Callable[[SqlStore], Awaitable[object]]]] = {
    "traffic": ("UPDATE traffic SET error = 99", lambda store: store.traffic(EVER, 86_400)),
    "blame": ("UPDATE sample SET error = 1, blame = 99", lambda store: store.samples(EVER)),
    "rollup": (
        "UPDATE hourly SET counts = '{\"99\": 1}'",
        lambda store: store.rollups("steady:smollm2", RollupTier.HOUR, EVER, START + timedelta(days=9), []),
    ),
    "tally": ("UPDATE hourly SET counts = '{\"99\": 1}'", lambda store: store.tallies(EVER, 3600)),
    "task": (
        "UPDATE sample SET task = 99",
        lambda store: store.rollups("steady:smollm2", RollupTier.HOUR, EVER, START + timedelta(days=9), []),
    ),
}


@pytest.mark.parametrize("what", NEWER)
async def test_a_number_of_a_newer_version_is_refused_with_the_remedy_wherever_it_is(path: Path, what: str) -> None:
    change, read = NEWER[what]
    store = sqlite_store(path)
    await store.open()
    await store.append([make_sample(0)], {}, (), counted_now())
    await settle(store, START + timedelta(hours=3))
    await store.append([make_sample(7_200)], {})
    with closing(sqlite3.connect(path)) as other, other:
        assert other.execute(change).rowcount > 0
    with pytest.raises(StoreError, match="unknown code 99, written by a newer providerwatch: install that version"):
        await read(store)
    await store.close()


def counted_now() -> TrafficBatch:
    """One real request."""
    counts: dict[TrafficKey, int] = {("steady:smollm2", int(START.timestamp()) // 10 * 10, None): 1}
    return TrafficBatch(id="ab" * 8, at=START, keys=(1,), counts=counts, activity={})
