"""The schema: migrations create exactly the tables of the program, and unknown schemas are refused."""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

from monitor.store import Schema, StoreError, create_store
from monitor.store._codes import TASKS
from monitor.store._migrate import _SCRIPTS as SCRIPTS
from monitor.store._migrate import migrate
from monitor.store._sql import SqlStore
from monitor.store._sqlite import sqlite_store
from monitor.store._sqlite_engines import writer_engine
from monitor.store._tables import metadata
from probes._model import Sample, Task
from tests.integration.store.asking import EVER, buckets, settle
from tests.unit.store.samples import START, make_sample


def compare(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


async def test_migrations_from_nothing_make_the_tables_that_the_program_knows(url: str) -> None:
    store = create_store(url)
    assert isinstance(store, SqlStore)
    await store.open()
    with store._database.writer.begin() as connection:
        assert compare(connection) == []
    await store.close()


def test_migrations_number_samples_as_the_program_does(path: Path) -> None:
    """What compare_metadata does not see: AUTOINCREMENT."""
    assert metadata.tables["sample"].dialect_options["sqlite"]["autoincrement"] is True


def test_a_migration_that_fails_leaves_nothing(path: Path) -> None:
    def fail(connection: Connection) -> None:
        migrate(connection, "here")
        assert inspect(connection).get_table_names()
        raise RuntimeError

    path.touch()
    engine = writer_engine(path, 1)
    with pytest.raises(RuntimeError), engine.begin() as connection:
        fail(connection)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


def contents(path: Path) -> bytes:
    return path.read_bytes()


async def test_a_newer_schema_is_refused_with_the_remedy_and_left_alone(path: Path) -> None:
    store = sqlite_store(path)
    await store.open()
    await store.append([make_sample(1)], {})
    await store.close()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    before = contents(path)
    with pytest.raises(StoreError) as refusal:
        await sqlite_store(path).open()
    assert str(refusal.value) == (
        f"{path}: its schema (9999) is newer than this program: "
        "install the providerwatch version that wrote it or a later one, or use another `store`"
    )
    assert contents(path) == before


async def test_another_programs_database_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE dashboard (id INTEGER)")
    with pytest.raises(StoreError, match="is another program's database: use another file"):
        await sqlite_store(path).open()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("dashboard",)]


async def test_opening_configures_no_logging(path: Path) -> None:
    before = (list(logging.root.handlers), logging.root.level, logging.getLogger("alembic").level)
    store = sqlite_store(path)
    await store.open()
    await store.close()
    assert (list(logging.root.handlers), logging.root.level, logging.getLogger("alembic").level) == before


def sql_of_a_sample(seq: int, sample: Sample) -> str:
    """As the programs of the first four versions wrote one, with the keys of `OLD_ROWS`."""
    started = (sample.started_at - EVER) // timedelta(microseconds=1)
    columns = "seq, id, endpoint, vantage, probe, task, scheduled_at, started_at, ttft_s, cold"
    return (
        f"INSERT INTO sample ({columns}) VALUES "
        f"({seq}, {int(sample.id, 16)}, 1, 1, 1, {TASKS[sample.task]}, {started}, {started}, 123456, true)"
    )


OLD_ROWS = (
    "INSERT INTO endpoint (key, id) VALUES (1, 'steady:smollm2'), (2, 'a:one')",
    "INSERT INTO vantage (key, id) VALUES (1, 'local')",
    "INSERT INTO probe (key, id) VALUES (1, 'chat')",
    "INSERT INTO state (endpoint, state) VALUES (2, '{}')",
)


ROLLUPS_TO_MAKE = (
    "UPDATE endpoint SET first_at = (SELECT min(started_at) FROM sample WHERE sample.endpoint = endpoint.key)",
    "INSERT INTO stale_hour (endpoint, task, vantage, bucket) "
    "SELECT DISTINCT endpoint, task, vantage, started_at / 3600000000 FROM sample",
)
"""What programs from version 0003 on wrote beside its samples."""


@pytest.mark.parametrize("version", ["0001", "0002", "0003", "0004"])
async def test_a_database_of_an_earlier_version_is_brought_up_to_date_with_all_that_is_in_it(
    url: str, version: str
) -> None:
    samples = [
        make_sample(number * 1800, task=task, ttft_s=0.123456, cold=True) for number, task in enumerate(Task, start=1)
    ]

    def old_version(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(SCRIPTS))
        command.upgrade(config, version)
        for statement in (*OLD_ROWS, *(sql_of_a_sample(seq, sample) for seq, sample in enumerate(samples, start=1))):
            connection.exec_driver_sql(statement)
        for statement in ROLLUPS_TO_MAKE if version >= "0003" else ():
            connection.exec_driver_sql(statement)

    old = create_store(url)
    assert isinstance(old, SqlStore)
    old._database.check_place()
    with old._database.writer.begin() as connection:
        old_version(connection)
    assert await old.schema() == Schema(found=version, known="0006")
    await old.close()

    store = create_store(url)
    await store.open()
    assert await store.schema() == Schema(found="0006", known="0006")
    assert await store.samples(EVER) == samples
    assert await store.states() == {"a:one": "{}"}
    assert await store.open_incidents() == []
    assert await store.first_seen() == {"steady:smollm2": samples[0].started_at}
    assert {tally.task for tally in await store.tallies(EVER, 60)} == set(Task)
    for tidied in (False, True):
        if tidied:
            await settle(store, START + timedelta(days=3))
            assert (await store.info()).rows["sample"] == 0
        found = await buckets(store, "steady:smollm2")
        assert Counter(bucket.task for bucket in found) == Counter(Task)
        assert [bucket.rollup.count for bucket in found] == [1] * len(samples)
        assert await store.samples(EVER) == samples
    assert (await store.info()).rows["hourly"] == len(samples)
    await store.close()
