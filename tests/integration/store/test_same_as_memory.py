"""After any sequence of appends and housekeeping SQLite gives the same answers as the store in memory."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.store import Retention, Store
from monitor.store._sqlite import sqlite_store
from monitor.traffic.counted import Tokens, TrafficBatch
from probes._model import ErrorClass, Sample, Task
from tests.integration.store.asking import FOREVER, answers, settle
from tests.support.memory_store import MemoryStore
from tests.unit.store.samples import make_sample

BEGIN = datetime(2026, 3, 28, 17, 30, tzinfo=UTC)
SPAN = timedelta(days=4)
ENDPOINTS = ("a:one", "b:two", "c:three")
RETENTION = Retention(raw=timedelta(days=2), hourly=timedelta(days=3), daily=timedelta(days=5))
_numbers = itertools.count()
Found = TypeVar("Found", Sample, Incident)


def any_sample(number: int) -> Sample:
    """The sample of that number, always the same one."""
    chance = random.Random(number)
    at = BEGIN + timedelta(seconds=chance.randrange(int(SPAN.total_seconds()) // 600) * 600)
    error = chance.choice((None, None, ErrorClass.DNS, ErrorClass.AUTH, ErrorClass.OVERLOADED))
    return make_sample(
        0,
        id=f"{chance.getrandbits(64):016x}",
        endpoint=chance.choice(ENDPOINTS),
        vantage=chance.choice(("local", "fra1")),
        task=chance.choice((Task.CHAT, Task.CHAT, Task.REACH)),
        scheduled_at=at - timedelta(seconds=1),
        started_at=at,
        error=error,
        blame=None if error is None else error.blame,
        ttft_s=None if error else round(chance.lognormvariate(-1, 1), 6),
        output_tps=chance.choice((None, chance.uniform(1, 200))),
        prompt_tokens=chance.choice((None, 100)),
        output_tokens=chance.choice((None, 64)),
        cost_usd=chance.choice((None, 0.0001)),
    )


def any_incident(number: int, hours: int) -> Incident:
    """The incident of that number as it is `hours` after it began; after eight it may be over. Many begin together."""
    chance = random.Random(number)
    at = BEGIN + timedelta(hours=chance.randrange(0, 96, 12))
    endpoint = chance.choice(ENDPOINTS)
    return Incident(
        id=f"{chance.getrandbits(64):016x}",
        endpoint=endpoint,
        worst=Status.DEGRADED if hours < 3 else Status.DOWN,
        began_at=at,
        last_at=at + timedelta(hours=hours),
        ended_at=at + timedelta(hours=hours) if hours > 8 and chance.random() < 0.8 else None,
        causes={"slo": 1, "connect": hours} if hours else {"slo": 1},
    )


def any_traffic(number: int, renamed: Sequence[tuple[str, str]]) -> TrafficBatch:
    """The batch of that number, always the same one but for what its endpoint is called now."""
    chance = random.Random(number)
    at = BEGIN + timedelta(seconds=chance.randrange(int(SPAN.total_seconds())))
    endpoint = chance.choice(ENDPOINTS)
    for alias, name in renamed:
        endpoint = name if endpoint == alias else endpoint
    used = Tokens(requests=1, prompt_tokens=chance.randrange(1000), output_tokens=3, reasoning_tokens=number)
    return TrafficBatch(
        id=f"{chance.getrandbits(64):016x}",
        at=BEGIN,
        keys=(number,),
        counts={(endpoint, int(at.timestamp()) // 10 * 10, chance.choice((None, ErrorClass.DNS))): 1 + number},
        activity={(at.date(), endpoint, chance.choice(("", "search"))): used},
    )


numbers = st.integers(0, 150)
growing = st.tuples(st.integers(0, 20), st.integers(0, 30))
steps = st.one_of(
    st.tuples(st.just("append"), st.lists(numbers, min_size=1, max_size=25)),
    st.tuples(st.just("incidents"), st.lists(growing, min_size=1, max_size=8)),
    st.tuples(st.just("traffic"), st.lists(st.integers(0, 40), min_size=1, max_size=8)),
    st.tuples(st.just("tidy"), st.integers(0, 60)),
    st.tuples(st.just("slices"), st.integers(1, 12)),
    st.tuples(st.just("deliver"), st.integers(1, 30)),
    st.tuples(st.just("adopt"), st.permutations(ENDPOINTS)),
)


class Both:
    """Two stores to which the same is done."""

    def __init__(self, sqlite: Store) -> None:
        self.sqlite: Store = sqlite
        self.memory: Store = MemoryStore()
        self.now = BEGIN
        self.renamed: list[tuple[str, str]] = []

    async def take(self, step: tuple[str, object]) -> None:
        match step:
            case ("tidy", int(hours)):
                self.now += timedelta(hours=hours)
            case ("adopt", [str(alias), str(name), *_]):
                self.renamed.append((alias, name))
        for store in (self.sqlite, self.memory):
            await self._do(store, step)

    async def _do(self, store: Store, step: tuple[str, object]) -> None:
        match step:
            case ("append" | "incidents" | "traffic" as kind, list(chosen)):
                await self._append(store, kind, chosen)
            case ("tidy", _):
                await settle(store, self.now, RETENTION)
            case ("slices", int(slices)) if store is self.sqlite:
                for _ in range(slices):
                    await store.upkeep(self.now, FOREVER)
            case ("deliver", int(limit)):
                if batch := await store.waiting("influx", limit):
                    await store.delivered("influx", batch[-1].seq, {}, self.now)
            case ("adopt", [str(alias), str(name), *_]):
                await store.rename({alias: name})

    async def _append(self, store: Store, kind: str, chosen: list[Any]) -> None:
        if kind == "incidents":
            await store.append([], {}, [self.as_named_now(any_incident(*each)) for each in chosen])
        elif kind == "traffic":
            for number in chosen:
                await store.append([], {}, (), any_traffic(number, self.renamed))
        else:
            samples = [self.as_named_now(any_sample(number)) for number in chosen]
            await store.append(samples, {samples[0].endpoint: f"{chosen}"})

    def as_named_now(self, found: Found) -> Found:
        """No endpoint is probed under a former name."""
        for alias, name in self.renamed:
            if found.endpoint == alias:
                found = replace(found, endpoint=name)
        return found

    async def assert_alike(self, *, with_sink: bool) -> None:
        assert await answers(self.sqlite, ENDPOINTS, self.now) == await answers(self.memory, ENDPOINTS, self.now)
        ours, theirs = await self.sqlite.info(), await self.memory.info()
        assert (ours.samples, ours.sinks) == (theirs.samples, theirs.sinks)
        if with_sink:
            waiting = [[stored.sample for stored in await s.waiting("influx", 999)] for s in (self.sqlite, self.memory)]
            assert waiting[0] == waiting[1]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(taken=st.lists(steps, min_size=2, max_size=10), with_sink=st.booleans())
@pytest.mark.slow
async def test_sqlite_answers_as_memory_does(tmp_path: Path, taken: list[tuple[str, object]], with_sink: bool) -> None:
    made = tmp_path / "made.db"
    if not made.exists():
        first = sqlite_store(made)
        await first.open()
        await first.close()
    path = Path(shutil.copy(made, tmp_path / f"store{next(_numbers)}.db"))
    both = Both(sqlite_store(path))
    await both.sqlite.open()
    try:
        for store in (both.sqlite, both.memory):
            await store.subscribe(["influx"] if with_sink else [])
        for step in taken:
            if with_sink or step[0] != "deliver":
                await both.take(step)
        await both.assert_alike(with_sink=with_sink)
    finally:
        await both.sqlite.close()


@pytest.mark.slow
async def test_a_week_of_everything_is_answered_as_memory_does(tmp_path: Path) -> None:
    """One long way, with many samples in every hour."""
    both = Both(sqlite_store(tmp_path / "store.db"))
    await both.sqlite.open()
    chance = random.Random(11)
    try:
        for day in range(6):
            chosen = [chance.randrange(1500) for _ in range(250)]
            await both.take(("append", chosen))
            await both.take(("incidents", [(chance.randrange(60), chance.randrange(30)) for _ in range(40)]))
            await both.take(("traffic", [chance.randrange(100) for _ in range(40)]))
            await both.take(("slices", 40))
            await both.take(("append", [chance.randrange(1500) for _ in range(20)]))
            await both.take(("tidy", 19))
            if day == 3:
                await both.take(("adopt", list(ENDPOINTS)))
            await both.assert_alike(with_sink=False)
    finally:
        await both.sqlite.close()


def test_the_samples_are_those_that_the_test_is_about() -> None:
    samples = [any_sample(number) for number in range(151)]
    assert any_sample(7) == any_sample(7)
    assert {sample.endpoint for sample in samples} == set(ENDPOINTS)
    assert any(sample.id >= "8" for sample in samples)
    incidents = [any_incident(number, 20) for number in range(21)]
    assert {incident.ended_at is None for incident in incidents} == {True, False}
    assert len({incident.began_at for incident in incidents}) < len({incident.id for incident in incidents}) == 21
