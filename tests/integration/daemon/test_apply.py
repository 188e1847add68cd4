"""A whole daemon that continues with another configuration: its probes, and its published data."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from monitor.config.model import Config, EndpointSpec, Listen, MetricsDetail, ProviderSpec
from monitor.daemon.app import Daemon
from monitor.domain.budget_unit import BudgetUnit
from monitor.scheduler.jobs import enabled_jobs
from monitor.scoreboard.board import Board
from monitor.sinks.ndjson import Ndjson
from monitor.store import Store, StoreError
from probes._model import ErrorClass, Sample, Secret
from tests.integration.daemon.parts import quick_config, sample_id, until
from tests.integration.probes.provider import STREAM, Act, Provider, head, serving
from tests.support.board_values import sample_at

NOWHERE = Listen(host="127.0.0.1", port=0)
RARE_S = 36_000.0
"""No tick comes while a test runs, or one at most."""


def config_of(*names: str, every_s: float = RARE_S, **fields: Any) -> Config:
    """Providers that refuse every connection."""
    return replace(quick_config(*names, every_s=every_s), **{"listen": NOWHERE, "grace_s": 20.0, **fields})


def renamed(config: Config, aliases: Mapping[str, str]) -> Config:
    """`aliases`: by present id."""
    specs = (
        replace(spec, aliases=(aliases[spec.endpoint.id],) if spec.endpoint.id in aliases else ())
        for spec in config.endpoints
    )
    return replace(config, endpoints=tuple(specs))


@asynccontextmanager
async def running(config: Config, store: Store) -> AsyncIterator[Daemon]:
    """A daemon that serves, until the block ends."""
    daemon = Daemon(config, store, {})
    task = asyncio.create_task(daemon.run())
    try:
        await until(lambda: task.done() or (daemon._servers.url and daemon._schedule.running))
        yield daemon
    finally:
        daemon._stop.set()
        await task


def _probed(daemon: Daemon, name: str) -> bool:
    return daemon._board.endpoint(name).health.measured_at is not None


async def row(daemon: Daemon, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await daemon._renderer.snapshot()).rows[name].body)
    return found


async def append_history(store: Store, name: str, errors: Iterable[ErrorClass | None], **fields: Any) -> None:
    """Samples of the last minutes, with the states and incidents that they led to."""
    config, now = config_of(name, every_s=60), datetime.now(UTC)
    board, ends = Board(config, enabled_jobs(config), now - timedelta(hours=1)), [*errors]
    for place, error in enumerate(ends):
        at = now - timedelta(seconds=10 * (len(ends) - place))
        sample = sample_at(at, error, name, id=sample_id(f"{name} {place}"), **fields)
        absorbed = board.absorb([sample])
        await store.append([sample], absorbed.states, absorbed.incidents)


@pytest.mark.alone
async def test_a_daemon_goes_on_with_another_configuration(store: Store) -> None:
    async with running(config_of("gone:x", "kept:x", every_s=1), store) as daemon:
        await until(lambda: _probed(daemon, "gone:x") and _probed(daemon, "kept:x"))
        kept = daemon._board.endpoint("kept:x")
        await daemon.apply(config_of("kept:x", "new:x", every_s=0.5))
        await until(lambda: _probed(daemon, "new:x"))
        snapshot = await daemon._renderer.snapshot()
        assert [*snapshot.rows] == ["kept:x", "new:x"]
        assert daemon._board.endpoint("kept:x") is kept
        assert daemon._schedule.next_due() is not None
        assert {job.spec.endpoint.id for job in enabled_jobs(daemon._config)} == {"kept:x", "new:x"}


# What the store knows


async def test_an_added_endpoint_begins_with_its_stored_history_before_its_first_sample(store: Store) -> None:
    await append_history(store, "new:x", [None] * 12)
    async with running(config_of("kept:x"), store) as daemon:
        await daemon.apply(config_of("kept:x", "new:x"))
        found = await row(daemon, "new:x")
        assert (found["status"], found["uptime"]["1h"]["ok"], found["ttft_s"]["count"]) == ("up", 12, 12)
        assert daemon._board.summary == "1 up, 1 unknown"


async def test_an_added_endpoint_goes_on_with_its_open_incident(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with running(config_of("kept:x"), store) as daemon:
        await append_history(store, "new:x", [ErrorClass.CONNECT] * 8)
        (before,) = await store.open_incidents()
        await daemon.apply(config_of("kept:x", "new:x"))
        assert (await row(daemon, "new:x"))["status"] == "down"
        assert [incident.id for incident in daemon._board.states().incidents] == [before.id]
        assert "incident_restored" in {getattr(record, "action", None) for record in caplog.records}
        assert "status_changed" not in {getattr(record, "action", None) for record in caplog.records}


async def test_a_renamed_endpoint_keeps_its_history_and_its_incident(store: Store) -> None:
    await append_history(store, "old:x", [None] * 4 + [ErrorClass.CONNECT] * 8)
    async with running(config_of("old:x"), store) as daemon:
        (before,) = await store.open_incidents()
        await daemon.apply(renamed(config_of("new:x"), {"new:x": "old:x"}))
        found = await row(daemon, "new:x")
        assert (found["status"], found["uptime"]["1h"]["ok"], found["uptime"]["1h"]["failed"]) == ("down", 4, 8)
        (after,) = await store.open_incidents()
        assert after == replace(before, endpoint="new:x")
        assert {sample.endpoint for sample in await store.samples(datetime.min.replace(tzinfo=UTC))} == {"new:x"}
        assert {*(await store.states())} == {"new:x"}


async def test_the_history_of_an_endpoint_that_was_merged_into_another_is_counted_there(store: Store) -> None:
    await append_history(store, "old:x", [None] * 5)
    await append_history(store, "kept:x", [None] * 3)
    async with running(config_of("old:x", "kept:x"), store) as daemon:
        assert (await row(daemon, "kept:x"))["uptime"]["1h"]["ok"] == 3
        await daemon.apply(renamed(config_of("kept:x"), {"kept:x": "old:x"}))
        assert (await row(daemon, "kept:x"))["uptime"]["1h"]["ok"] == 8


async def test_what_waits_for_the_store_under_the_former_id_is_stored_before_it_is_renamed(store: Store) -> None:
    async with running(config_of("old:x"), store) as daemon:
        now = datetime.now(UTC)
        daemon._recorder.put(sample_at(now, name="old:x", id=sample_id("early")))
        applying = asyncio.create_task(daemon.apply(renamed(config_of("new:x"), {"new:x": "old:x"})))
        number = 0
        while daemon._config.endpoints[0].endpoint.id == "old:x":
            daemon._recorder.put(sample_at(now, name="old:x", id=sample_id(str(number))))
            number += 1
            await asyncio.sleep(0.002)
        daemon._dispatcher._take(sample_at(now, name="old:x", id=sample_id("late")))
        await applying
        await until(lambda: not daemon._recorder.queue_length and not daemon._recorder.anything_waits)
        stored = await store.samples(now - timedelta(minutes=1))
        assert {sample.endpoint for sample in stored} == {"new:x"}
        put = ("early", "late", *map(str, range(number)))
        assert {sample.id for sample in stored} == {*map(sample_id, put)}
        await until(lambda: daemon._board.endpoint("new:x").first_seen is not None)
        await until(lambda: _counted(daemon, "new:x") == len(stored))


def _counted(daemon: Daemon, name: str) -> int:
    windows = daemon._board.endpoint(name).counts(datetime.now(UTC))
    return next(counts.ok for window, counts, _ in windows if window.name == "1h")


async def test_an_endpoint_that_is_removed_ends_its_incident_in_the_store(store: Store) -> None:
    await append_history(store, "gone:x", [ErrorClass.CONNECT] * 8)
    async with running(config_of("gone:x", "kept:x"), store) as daemon:
        assert len(await store.open_incidents()) == 1
        await daemon.apply(config_of("kept:x"))
        while await store.open_incidents():  # or the test hangs
            await asyncio.sleep(0.01)


async def test_a_new_provider_has_spent_what_its_probes_have_cost_today(store: Store) -> None:
    await append_history(store, "new:x", [None] * 4, prompt_tokens=100, output_tokens=25)
    budget = ProviderSpec(name="new", budget={BudgetUnit.TOKENS: 1_000})
    async with running(config_of("kept:x"), store) as daemon:
        await daemon.apply(config_of("kept:x", "new:x", providers={"new": budget}))
        shares = {name: share for name, _, share in daemon._budgets.shares(datetime.now(UTC))}
        assert shares == {"new": 0.5}
        await daemon.apply(config_of("kept:x"))
        await daemon.apply(config_of("kept:x", "new:x", providers={"new": budget}))
        assert {name: share for name, _, share in daemon._budgets.shares(datetime.now(UTC))} == shares


# What cannot be used changes nothing


class Refusing:
    """A store whose next call of a method fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failing: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name in self.failing:
            return self._refuse
        return getattr(self._store, name)

    async def _refuse(self, *_: object) -> None:
        raise StoreError("the disk is full")


@pytest.mark.parametrize("method", ["states", "samples", "spent", "rename"])
async def test_a_store_that_fails_changes_nothing(store: Store, method: str) -> None:
    await append_history(store, "old:x", [None] * 3)
    refusing = Refusing(store)
    async with running(config_of("old:x", "kept:x"), refusing) as daemon:
        before = daemon._values, daemon._servers.url, await row(daemon, "old:x")
        refusing.failing = {method}
        other = renamed(config_of("new:x", "kept:x", listen=Listen(host="127.0.0.2", port=0)), {"new:x": "old:x"})
        with pytest.raises(StoreError, match="the disk is full"):
            await daemon.apply(replace(other, token=Secret("t0ken")))
        assert (daemon._values, daemon._servers.url, await row(daemon, "old:x")) == before
        assert {*(await store.states())} == {"old:x"}
        refusing.failing.clear()
        await daemon.apply(other)
        assert (await row(daemon, "new:x"))["uptime"]["1h"]["ok"] == 3


async def test_an_address_that_is_taken_changes_nothing(store: Store) -> None:
    async with running(config_of("kept:x"), store) as daemon:
        before = daemon._values, daemon._servers.url
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(OSError, match="in use") as raised:
                await daemon.apply(config_of("new:x", listen=Listen(port=port)))
        assert raised.value.filename == f"listen: 127.0.0.1:{port}"
        assert (daemon._values, daemon._servers.url) == before
        assert {job.spec.endpoint.id for job in daemon._schedule._jobs.values()} == {"kept:x"}
        async with ClientSession() as session, session.get(f"{daemon._servers.url}/v1/scores/kept:x") as response:
            assert response.status == 200


class Exploding(Ndjson):
    """A sink of others that cannot be created."""

    def create(self, name: str, origins: object) -> Any:
        raise RuntimeError("no such library")


async def test_a_sink_that_cannot_be_created_changes_nothing(store: Store, tmp_path: Path) -> None:
    async with running(config_of("kept:x"), store) as daemon:
        before = daemon._values
        options = Exploding.model_validate({"kind": "ndjson", "path": str(tmp_path / "x")})
        with pytest.raises(RuntimeError, match="no such library"):
            await daemon.apply(config_of("new:x", sinks={"bad": options}))
        assert daemon._values is before


async def test_another_store_is_said_to_need_a_restart(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    async with running(config_of("kept:x"), store) as daemon:
        await daemon.apply(config_of("kept:x", store="sqlite:elsewhere.db"))
        assert [record.levelname for record in caplog.records if vars(record)["action"] == "restart_needed"] == [
            "WARNING"
        ]
        await daemon.apply(config_of("kept:x"))
        assert len([record for record in caplog.records if vars(record)["action"] == "restart_needed"]) == 1


async def test_a_daemon_that_ends_or_does_not_serve_yet_takes_no_harm(store: Store) -> None:
    daemon = Daemon(config_of("old:x"), store, {})
    await daemon.apply(config_of("new:x", token=Secret("t0ken")))
    task = asyncio.create_task(daemon.run())
    await until(lambda: daemon._servers.url)
    async with ClientSession() as session, session.get(f"{daemon._servers.url}/v1/scores") as response:
        assert response.status == 401
    assert [*(await daemon._renderer.snapshot()).rows] == ["new:x"]
    daemon._stop.set()
    await daemon.apply(config_of("late:x"))
    await task
    assert daemon._values.providers == {"new:x": "new"}


# Everything at once


class Subscriber:
    """A client of the stream of scores."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.seen: set[str] = set()
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        document = b""
        async for line in self.response.content:
            if line.startswith(b"data:"):
                document += line.removeprefix(b"data:")
            elif document and not line.strip():
                self.seen |= {row["id"] for row in json.loads(document)["endpoints"]}
                document = b""


def _at(provider: Provider, name: str, **fields: Any) -> EndpointSpec:
    (spec,) = quick_config(name).endpoints
    return replace(spec, endpoint=replace(spec.endpoint, base_url=provider.base_url), **fields)


def _measured(samples: Iterable[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.lag_s is not None]


@pytest.mark.alone
async def test_everything_changes_at_once_while_probes_run_and_a_subscriber_listens(
    store: Store, tmp_path: Path
) -> None:
    """No sample is lost, no probe is sent twice, and the subscriber stays connected."""
    script = (Act.ASKED, 0.15, head(), STREAM)
    async with AsyncExitStack() as stack:
        names = ("kept", "moved", "gone", "new")
        providers = {name: stack.enter_context(serving(*script)) for name in names}
        agent_port = _free_port()
        first, second = _configs(providers, tmp_path, agent_port)
        daemon = await stack.enter_async_context(running(first, store))
        session = await stack.enter_async_context(ClientSession())
        auth = {"Authorization": "Bearer first"}
        stream = await session.get(f"{daemon._servers.url}/v1/scores/stream", headers=auth)
        subscriber = Subscriber(stream)
        await until(lambda: all(_probed(daemon, name) for name in ("kept:x", "moved:x", "gone:x")))
        await _apply_while_probing(daemon, second)
        await until(lambda: _probed(daemon, "new:x") and "new:x" in subscriber.seen and "present:x" in subscriber.seen)
        assert not subscriber.task.done()
        _, agent = await asyncio.open_connection("127.0.0.1", agent_port)
        agent.close()
        async with session.get(f"{daemon._servers.url}/metrics", headers=auth) as refused:
            assert refused.status == 401
        async with session.get(f"{daemon._servers.url}/metrics", headers={"Authorization": "Bearer second"}) as shown:
            assert 'providerwatch_probe_duration_seconds_count{endpoint="new:x"' in await shown.text()
        await _apply_while_probing(daemon, replace(second, vantage="elsewhere"))
        await until(lambda: any(sample.vantage == "elsewhere" for sample in daemon._recorder._queue._stored))
        stored = {sample.id for sample in await store.samples(datetime.min.replace(tzinfo=UTC))}
        await until(lambda: stored <= _ids(tmp_path / "a") and stored <= _ids(tmp_path / "b") | _ids(tmp_path / "c"))
        assert not subscriber.task.done()
        subscriber.task.cancel()
        stream.close()
        daemon._stop.set()
        await until(lambda: not daemon._schedule.running)
    await _nothing_lost(store, providers)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _configs(providers: Mapping[str, Provider], folder: Path, agent_port: int) -> tuple[Config, Config]:
    kinds = {name: Ndjson.model_validate({"kind": "ndjson", "path": str(folder / name)}) for name in ("a", "b", "c")}
    first = config_of(every_s=0.5, token=Secret("first"), sinks={"kept": kinds["a"], "changed": kinds["b"]})
    first = replace(first, endpoints=tuple(_at(providers[name], f"{name}:x") for name in ("kept", "moved", "gone")))
    second = config_of(
        every_s=0.4,
        token=Secret("second"),
        sinks={"kept": kinds["a"], "changed": kinds["c"]},
        metrics=MetricsDetail.FULL,
        haproxy_agent=Listen(port=agent_port),
        listen=Listen(host="127.0.0.2", port=0),
        rate_limit=1_000,
        max_concurrent=128,
    )
    endpoints = (
        _at(providers["new"], "new:x"),
        _at(providers["moved"], "present:x", aliases=("moved:x",)),
        _at(providers["kept"], "kept:x", labels={"region": "eu"}),
    )
    return first, replace(second, endpoints=endpoints)


async def _apply_while_probing(daemon: Daemon, config: Config) -> None:
    await until(lambda: daemon._dispatcher.runner.running_until_s)
    await daemon.apply(config)


def _ids(path: Path) -> set[str]:
    """Of the samples in a file; the last line may be half written."""
    return {json.loads(line)["id"] for line in path.read_bytes().split(b"\n")[:-1]}


async def _nothing_lost(store: Store, providers: Mapping[str, Provider]) -> None:
    samples = await store.samples(datetime.min.replace(tzinfo=UTC))
    ids = {"kept": "kept:x", "moved": "present:x", "gone": "gone:x", "new": "new:x"}
    probed = Counter(sample.endpoint for sample in _measured(samples))
    assert {name: len(provider.visits) for name, provider in providers.items()} == {
        name: probed[ids[name]] for name in providers
    }
    ticks = Counter((sample.endpoint, sample.vantage, sample.scheduled_at) for sample in samples)
    assert {count for key, count in ticks.items() if key[0] != "present:x"} == {1}
    assert {sample.error for sample in _measured(samples)} == {None}
