"""At most one daemon uses a store: a second one is refused. Other programs may use the store at the same time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.store import Retention, Store, StoreError, StoreReplacedError, StoreTakenError, create_store
from tests.support.postgres import Postgres, postgres
from tests.unit.store.samples import make_sample

CLAIMING = """
import asyncio, sys
from monitor.store import create_store

async def main():
    store = create_store(sys.argv[1])
    await store.claim()
    await store.open()
    print("claimed", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """A server that may be stopped."""
    with postgres() as server:
        yield server


async def claimed(url: str) -> Store:
    store = create_store(url)
    await store.claim()
    await store.open()
    return store


async def test_a_second_daemon_is_refused_until_the_first_is_gone(url: str) -> None:
    first = await claimed(url)
    second = create_store(url)
    with pytest.raises(StoreTakenError, match=r"another daemon uses it .* stop that daemon, or name another `store`"):
        await second.claim()
    await second.close()
    await first.append([make_sample(1)], {})
    await first.close()
    await (await claimed(url)).close()


async def test_what_is_no_daemon_may_use_a_claimed_store(url: str) -> None:
    daemon, other = await claimed(url), create_store(url)
    await daemon.append([make_sample(1)], {})
    await other.open()
    await other.upkeep(datetime.now(UTC), Retention())
    assert (await other.info()).samples == 1
    await other.append([make_sample(2)], {})
    await other.close()
    await daemon.append([make_sample(3)], {})
    assert (await daemon.info()).samples == 3
    await daemon.close()


async def test_a_killed_daemon_leaves_no_claim(url: str) -> None:
    command = [sys.executable, "-c", CLAIMING, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"claimed\n"
        other = create_store(url)
        with pytest.raises(StoreTakenError):
            await other.claim()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    await other.claim()
    await other.close()


async def test_a_deleted_lock_file_is_created_and_locked_again(path: Path) -> None:
    url = f"sqlite:///{path}"
    first, second = await claimed(url), create_store(url)
    path.with_name(f"{path.name}-lock").unlink()
    await first.append([make_sample(1)], {})
    with pytest.raises(StoreTakenError, match=f"process {os.getpid()}"):
        await second.claim()
    await first.close()
    await second.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_claim_is_taken_again_when_its_session_was_lost(server: Postgres) -> None:
    url = server.create("lost_claim")
    first, second = await claimed(url), create_store(url)
    end_sessions(server, "lost_claim")
    await after_a_look(first)
    with pytest.raises(StoreTakenError):
        await second.claim()
    await first.close()
    await second.close()


async def test_a_daemon_whose_claim_another_took_meanwhile_writes_nothing_until_that_one_is_gone(
    server: Postgres,
) -> None:
    url = server.create("taken_claim")
    first, second = await claimed(url), create_store(url)
    end_sessions(server, "taken_claim")
    await second.claim()
    with pytest.raises(StoreTakenError):
        await after_a_look(first)
    await second.close()
    await first.append([make_sample(2)], {})
    assert (await first.info()).samples == 1
    await first.close()


async def test_a_database_that_is_dropped_and_made_anew_is_noticed_and_made_ready(server: Postgres) -> None:
    url = server.create("dropped")
    store = await claimed(url)
    await store.append([make_sample(1)], {})
    await store.subscribe(["influx"])
    server.sql("DROP DATABASE dropped WITH (FORCE)", "postgres")
    with pytest.raises(StoreError, match="does not exist"):
        await after_a_look(store)
    server.create("dropped")
    with pytest.raises(StoreReplacedError, match="dropped or replaced while the daemon used them"):
        await after_a_look(store)
    await store.append([make_sample(2)], {})
    assert [stored.sample for stored in await store.waiting("influx", 9)] == [make_sample(2)]
    await store.close()


async def after_a_look(store: Store) -> None:
    """Append when it is time to look at the session again."""
    await asyncio.sleep(1.1)
    await store.append([make_sample(1)], {})


def end_sessions(server: Postgres, database: str) -> None:
    """As a server does that restarts, or one that hands over to another."""
    server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'", "postgres")


@pytest.mark.slow
async def test_a_server_that_hangs_holds_no_store_open(own_server: Postgres) -> None:
    store = await claimed(own_server.create("hanging"))
    with own_server.hanging():
        appends = [asyncio.create_task(store.append([make_sample(n)], {})) for n in range(3)]
        reads = [asyncio.create_task(store.states()) for _ in range(6)]
        await asyncio.sleep(0)
        await store.close()
        for ended in await asyncio.gather(*appends, *reads, return_exceptions=True):
            assert isinstance(ended, StoreError)
