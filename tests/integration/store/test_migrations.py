"""The schema: made by migrations, exactly as the program knows it, and never guessed at."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

from monitor.store import StoreError
from monitor.store._connections import writer_engine
from monitor.store._migrate import _SCRIPTS as SCRIPTS
from monitor.store._migrate import migrate
from monitor.store._sqlite import sqlite_store
from monitor.store._tables import metadata
from probes._model import Task
from tests.unit.store.samples import make_sample


async def test_migrations_from_nothing_make_the_tables_that_the_program_knows(path: Path) -> None:
    def compare(connection: Connection) -> list[object]:
        migrate(connection, "here")
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    engine = writer_engine(path, 1)
    async with engine.begin() as connection:
        assert await connection.run_sync(compare) == []
    await engine.dispose()


def test_migrations_number_samples_as_the_program_does(path: Path) -> None:
    """What compare_metadata does not see: AUTOINCREMENT."""
    assert metadata.tables["sample"].dialect_options["sqlite"]["autoincrement"] is True


async def test_a_migration_that_fails_leaves_nothing(path: Path) -> None:
    def fail(connection: Connection) -> None:
        migrate(connection, "here")
        assert inspect(connection).get_table_names()
        raise RuntimeError

    engine = writer_engine(path, 1)
    with pytest.raises(RuntimeError):
        async with engine.begin() as connection:
            await connection.run_sync(fail)
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == []
    await engine.dispose()


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
        "install the providerwatch that wrote it or a later one, or name another store"
    )
    assert contents(path) == before


async def test_another_programs_database_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE dashboard (id INTEGER)")
    with pytest.raises(StoreError, match="is another program's database: name another file"):
        await sqlite_store(path).open()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("dashboard",)]


async def test_opening_configures_no_logging(path: Path) -> None:
    before = (list(logging.root.handlers), logging.root.level, logging.getLogger("alembic").level)
    store = sqlite_store(path)
    await store.open()
    await store.close()
    assert (list(logging.root.handlers), logging.root.level, logging.getLogger("alembic").level) == before


async def test_a_database_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it(path: Path) -> None:
    def first_version(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(SCRIPTS))
        command.upgrade(config, "0001")

    engine = writer_engine(path, 1)
    async with engine.begin() as connection:
        await connection.run_sync(first_version)
    await engine.dispose()
    samples = [make_sample(number, task=task) for number, task in enumerate(Task)]
    old = sqlite_store(path)
    await old._append(samples, {"a:one": "{}"})
    await old.close()
    store = sqlite_store(path)
    await store.open()
    assert await store.samples(samples[0].started_at) == samples
    assert await store.states() == {"a:one": "{}"}
    assert {tally.task for tally in await store.tallies(samples[0].started_at, 60)} == set(Task)
    await store.close()
