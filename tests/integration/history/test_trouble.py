"""A store that is missing, does not answer, or is damaged: history routes fail, all other routes work."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pg8000 import native

from monitor.store import Store, create_store
from monitor.web.store_reads import ReadLimits
from tests.integration.daemon.parts import PATIENT_S
from tests.integration.history.serving import NAME, NOW, SLASHED, Begin, Served, fill, make_history, path_of, samples
from tests.integration.store.asking import settle
from tests.support.postgres import Postgres, postgres
from tests.unit.store.incidents import ended

HASTY = ReadLimits(deadline_s=0.2, kept_s=0)
READS = (
    path_of(NAME, "samples"),
    path_of(NAME, "samples?task=chat"),
    path_of(NAME, "series?window=1d"),
    path_of(NAME, "series?window=90d&metric=uptime"),
    "/v1/incidents",
    "/v1/incidents.atom",
    "/v1/activity",
    f"/badges/{NAME}/ttft.svg?window=7d",
)
LOCKED = "activity, sample, block, hourly, daily, stale_hour, stale_day"
OTHERS = ("/healthz", "/v1/scores", f"/badges/{NAME}/status.svg", f"/badges/{NAME}/ttft.svg", f"/v1/check/{NAME}")


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """A server that may be killed."""
    with postgres() as server:
        yield server


@pytest.fixture
async def on_server(own_server: Postgres) -> AsyncIterator[Store]:
    store = create_store(own_server.create("trouble"))
    await store.open()
    await fill(store, samples(30), [ended(0, endpoint=NAME)])
    yield store
    await store.close()
    own_server.sql("DROP DATABASE trouble WITH (FORCE)", "postgres")


async def check_unavailable(served: Served, path: str, message: str) -> None:
    response, body = await served.get(path)
    assert (response.status, body["error"]["code"]) == (503, "service_unavailable")
    assert message in body["error"]["message"]
    assert response.headers["Retry-After"].isdecimal()
    for other in OTHERS:
        assert (await served.ask(other))[0].status == 200


async def answers(served: Served, path: str) -> bool:
    return (await served.ask(path))[0].status == 200


async def until_it_answers(served: Served, path: str) -> None:
    async with asyncio.timeout(PATIENT_S):
        while not await answers(served, path):
            await asyncio.sleep(0.05)


async def test_a_server_that_is_gone_costs_history_alone_and_comes_back(
    own_server: Postgres, on_server: Store, begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    served = await begin(make_history(on_server))
    for path in READS:
        assert await answers(served, path)
    own_server.kill()
    with caplog.at_level(logging.WARNING, logger="monitor.web.store_reads"):
        for path in READS:
            await check_unavailable(served, path, "the store cannot be read; the daemon's log has the details")
    assert [vars(record)["action"] for record in caplog.records if record.name == "monitor.web.store_reads"] == [
        "history_failed"
    ]
    own_server.start()
    for path in READS:
        await until_it_answers(served, path)


async def test_a_server_that_does_not_answer_is_not_waited_for(
    own_server: Postgres, on_server: Store, begin: Begin
) -> None:
    """Another program holds what is read locked, and the other connections stay free for the daemon."""
    served = await begin(make_history(on_server, limits=HASTY))
    with native.Connection(
        "pw", host="127.0.0.1", port=own_server.port, database="trouble", ssl_context=False
    ) as other:
        other.run("BEGIN")
        other.run(f"LOCK TABLE {LOCKED} IN ACCESS EXCLUSIVE MODE")
        for path in READS[:4]:
            await check_unavailable(served, path, "the store does not answer in time")
        async with asyncio.timeout(PATIENT_S):
            assert await on_server.states() == {}
    for path in READS:
        await until_it_answers(served, path)


async def test_what_is_damaged_spoils_nothing_else(tmp_path: Path, begin: Begin) -> None:
    file = tmp_path / "store.db"
    store = create_store(f"sqlite:///{file}")
    await store.open()
    try:
        await fill(
            store, [*samples(30), *(replace(sample, id=f"f{sample.id[1:]}") for sample in samples(30, name=SLASHED))]
        )
        await settle(store, NOW + timedelta(days=3))
        with closing(sqlite3.connect(file)) as database:
            key = database.execute("SELECT key FROM endpoint WHERE id = ?", [NAME]).fetchone()[0]
            assert database.execute("UPDATE block SET data = x'00' WHERE endpoint = ?", [key]).rowcount > 0
            database.commit()
        served = await begin(make_history(store))
        await check_unavailable(served, path_of(NAME, "samples"), "the store cannot be read")
        assert await answers(served, path_of(SLASHED, "samples"))
        assert await answers(served, path_of(NAME, "series?window=90d"))
    finally:
        await store.close()
