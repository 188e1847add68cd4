"""The cost of a query is proportional to its result: every SQLite statement uses an index, and statements are few."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from monitor.store import PageKey, Retention, RollupTier
from monitor.store._sql import SqlStore
from monitor.store._sqlite import sqlite_store
from monitor.store._tables import metadata
from monitor.traffic.counted import Tokens, TrafficBatch
from probes._model import Task
from tests.integration.store.asking import END, EVER, FOREVER, settle
from tests.unit.store.incidents import ended, make_incident
from tests.unit.store.samples import START, make_sample

E = "steady:smollm2"
BIG = ("sample", "block", "hourly", "daily", "incident", "traffic", "activity", "traffic_batch")
"""Tables that grow with history. Others have a row for each endpoint, or for what is new."""
DAY = timedelta(days=1)
NOW = START + 2 * DAY
SHORT = Retention(raw=timedelta(hours=30), hourly=timedelta(hours=40), daily=timedelta(hours=40))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with samples in rows, in blocks and in both, some of them stale."""
    path = tmp_path_factory.mktemp("plans") / "store.db"
    asyncio.run(fill(path))
    return path


def counted(number: int) -> TrafficBatch:
    """Real requests of three endpoints, ten minutes later each time."""
    at, name = START + number * timedelta(minutes=10), f"p:{number % 3}"
    second = int(at.timestamp()) // 10 * 10
    used = Tokens(requests=1)
    return TrafficBatch(
        id=f"{number:016x}",
        at=at,
        keys=(number,),
        counts={(name, second, None): 1},
        activity={(at.date(), name, f"app {number}"): used},
    )


async def fill(path: Path) -> None:
    store = sqlite_store(path)
    await store.open()
    await store.subscribe(["influx"])
    await store.append([make_sample(n * 600, endpoint=f"p:{n % 3}") for n in range(144)], {})
    await store.append([make_sample(n * 600, id=f"{n + 10**9:016x}") for n in range(288)], {E: "{}"})
    batch = await store.waiting("influx", 1000)
    await store.delivered("influx", batch[-10].seq, {}, START)
    await settle(store, NOW)
    await store.append([make_sample(n * 600, id=f"{n + 10**10:016x}") for n in range(288)], {})
    over = [ended(n, id=f"{n + 10**10:016x}", endpoint=f"p:{n % 3}") for n in range(-300, 40)]
    await store.append([], {}, [*over, *(make_incident(n) for n in range(9)), *(ended(n + 9) for n in range(9))])
    for n in range(300):
        await store.append([], {}, (), counted(n))
    await store.close()


@pytest.fixture
async def store(filled: Path, tmp_path: Path) -> Any:
    """A store of that file's content."""
    store = sqlite_store(Path(shutil.copy(filled, tmp_path)))
    await store.open()
    yield store
    await store.close()


@contextmanager
def statements(store: SqlStore) -> Iterator[list[tuple[str, Any]]]:
    """What the store sends meanwhile, with its parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        sent.append((statement, parameters[0] if many else parameters))

    engines = [store._database.reader, store._database.writer]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def scans(path: str, sent: list[tuple[str, Any]]) -> list[str]:
    """The steps of their plans that read a big table from end to end."""
    found = []
    for statement, parameters in sent:
        if statement.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            steps = plan(path, statement, parameters)
            names = [step.split()[1] for step in steps if step.startswith("SCAN")]
            found += [f"{name}: {statement}" for name in names if name in BIG]
    return found


def plan(path: str, statement: str, parameters: Any) -> list[str]:
    """The steps in which SQLite would do it."""
    with closing(sqlite3.connect(path)) as other:
        return [step[3] for step in other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


ASKED: dict[str, Callable[[SqlStore], Awaitable[object]]] = {
    "first page": lambda store: store.page(E, since=EVER, before=None, limit=50),
    "later page": lambda store: store.page(E, since=EVER, before=PageKey(at=NOW, id="8" * 16), limit=50),
    "page of a task": lambda store: store.page(E, since=EVER, before=None, limit=50, task=Task.CHAT),
    "points": lambda store: store.points(E, Task.CHAT, "ttft_s", START, NOW),
    "points of all tasks": lambda store: store.points(E, None, "ttft_s", START, NOW),
    "hours": lambda store: store.rollups(E, RollupTier.HOUR, EVER, END, ["ttft_s"]),
    "days": lambda store: store.rollups(E, RollupTier.DAY, EVER, END, ["ttft_s"]),
    "hours apart": lambda store: store.hours(E, Task.CHAT, [START + n * DAY for n in range(-14, 3)], ["ttft_s"]),
    "minutes": lambda store: store.tallies(START, 60),
    "tallies": lambda store: store.tallies(START, 86_400),
    "spent": lambda store: store.spent(START),
    "samples": lambda store: store.samples(START),
    "samples of a span": lambda store: store.samples(START, START + timedelta(hours=1)),
    "waiting": lambda store: store.waiting("influx", 100),
    "first seen": lambda store: store.first_seen(),
    "states": lambda store: store.states(),
    "newest incidents": lambda store: store.incidents(endpoint=None, since=NOW, before=None, limit=50),
    "all incidents": lambda store: store.incidents(endpoint=None, since=EVER, before=None, limit=1000),
    "later incidents": lambda store: store.incidents(
        endpoint=None, since=START, before=PageKey(at=NOW, id="8" * 16), limit=50
    ),
    "incidents of one": lambda store: store.incidents(
        endpoint=E, since=START, before=PageKey(at=NOW, id="8" * 16), limit=50
    ),
    "open incidents": lambda store: store.open_incidents(),
    "append": lambda store: store.append([make_sample(n) for n in range(100)], {E: "{}"}, [make_incident(3), ended(4)]),
    "traffic of seconds": lambda store: store.traffic(NOW, 10),
    "traffic of days": lambda store: store.traffic(NOW, 86_400),
    "activity": lambda store: store.activity(NOW.date()),
    "activity of one": lambda store: store.activity(NOW.date(), [E]),
    "counted": lambda store: store.counted_keys(NOW),
    "append traffic": lambda store: store.append([], {}, (), counted(1000)),
    "delivered": lambda store: store.delivered("influx", 9999, {}, NOW),
    "tidy": lambda store: settle(store, NOW + timedelta(hours=8), FOREVER),
    "retention": lambda store: settle(store, NOW + timedelta(hours=50), SHORT),
    "adopt": lambda store: store.rename({"p:1": E}),
}


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize("name", ASKED)
async def test_nothing_reads_a_table_that_grows_from_end_to_end(store: SqlStore, name: str, analysed: bool) -> None:
    path = store._database.place
    if analysed:
        with closing(sqlite3.connect(path)) as other:
            other.execute("ANALYZE")
    with statements(store) as sent:
        await ASKED[name](store)
    assert sent
    assert scans(path, sent) == []


async def test_an_append_sends_as_many_statements_for_a_hundred_samples_as_for_one(store: SqlStore) -> None:
    """New ones, those that are there already, and those whose hour is sealed. Names are sent once."""
    await store.append([make_sample(0, id=f"{10**12:016x}")], {E: "{}"})
    for first in (0, 10**6):
        counts = []
        for count in (1, 100):
            samples = [make_sample(first + n, id=f"{n + first + 10**11 + count:016x}") for n in range(count)]
            for _ in range(2):
                with statements(store) as sent:
                    await store.append(samples, {E: "{}"})
                counts.append(len(sent))
        assert len(set(counts)) == 1
        assert counts[0] <= 6


async def test_a_page_deep_in_history_reads_no_more_than_the_first(store: SqlStore) -> None:
    counts = []
    before = None
    for _ in range(4):
        with statements(store) as sent:
            portion = await store.page(E, since=EVER, before=before, limit=20)
        before = PageKey(at=portion[-1].started_at, id=portion[-1].id)
        counts.append(len(sent))
    assert len(set(counts)) == 1
    assert counts[0] <= 6


PAGES: dict[str, tuple[str | None, list[str]]] = {
    "all": (None, ["ix_incident_began", "ix_incident_ended"]),
    "one": (E, ["ix_incident_endpoint", "ix_incident_endpoint"]),
}


@pytest.mark.parametrize("name", PAGES)
async def test_incidents_are_a_range_of_those_that_began_and_a_few_that_ended_lately(
    store: SqlStore, name: str
) -> None:
    """However long the history before is, a page of the newest walks at the most through that of its one endpoint."""
    endpoint, indexes = PAGES[name]
    with statements(store) as sent:
        await store.incidents(endpoint=endpoint, since=NOW, before=None, limit=50)
    queries = [each for each in sent if each[0].startswith("SELECT")]
    for query, index in zip(queries, indexes, strict=True):
        steps = [step for step in plan(store._database.place, *query) if " incident " in step]
        assert all(f"SEARCH incident USING INDEX {index} " in step for step in steps)
        assert steps


async def test_a_full_page_of_incidents_is_one_statement(store: SqlStore) -> None:
    with statements(store) as sent:
        assert len(await store.incidents(endpoint=None, since=EVER, before=None, limit=50)) == 50
    assert [statement.split()[0] for statement, _ in sent] == ["BEGIN", "SELECT"]


async def test_a_sink_that_lags_does_not_make_every_slice_look_at_everything(store: SqlStore) -> None:
    """What cannot be sealed is looked at once, and again when the sink has moved on or an hour has passed."""
    await store.subscribe(["influx", "stuck"])
    now = NOW + timedelta(days=2)
    await settle(store, now)
    with statements(store) as sent:
        assert not await store.upkeep(now, FOREVER)
    assert len(sent) <= 16
    assert not any("min(sample" in statement for statement, _ in sent)


@pytest.mark.parametrize("analysed", [False, True])
async def test_a_day_of_ttft_reads_no_row_of_a_sample(store: SqlStore, analysed: bool) -> None:
    path = store._database.place
    with closing(sqlite3.connect(path)) as other:
        if analysed:
            other.execute("ANALYZE")
        with statements(store) as sent:
            assert await store.points(E, Task.CHAT, "ttft_s", START, NOW)
        ((statement, parameters),) = [each for each in sent if "FROM sample" in each[0]]
        plan = [step[3] for step in other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert any(
        "SEARCH sample USING COVERING INDEX ix_sample_span (endpoint=? AND started_at>?" in step for step in plan
    )


async def test_a_span_of_hours_begins_in_the_index_where_it_is_asked_to(store: SqlStore) -> None:
    with statements(store) as sent:
        await store.rollups(E, RollupTier.HOUR, START, NOW, ["ttft_s"])
    with closing(sqlite3.connect(store._database.place)) as other:
        ((statement, parameters),) = [each for each in sent if "FROM hourly" in each[0]]
        plan = [step[3] for step in other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert any("(endpoint=? AND task=? AND vantage=? AND bucket>? AND bucket<?)" in step for step in plan)


@pytest.mark.parametrize("analysed", [False, True])
async def test_hours_that_lie_apart_are_found_one_by_one(store: SqlStore, analysed: bool) -> None:
    """And in few statements."""
    with closing(sqlite3.connect(store._database.place)) as other:
        if analysed:
            other.execute("ANALYZE")
        with statements(store) as sent:
            assert await store.hours(E, Task.CHAT, [START + n * DAY for n in range(-14, 3)], ["ttft_s"])
        ((statement, parameters),) = [each for each in sent if "FROM hourly" in each[0]]
        plan = [step[3] for step in other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert any("(endpoint=? AND task=? AND vantage=? AND bucket=?)" in step for step in plan)
    assert len(sent) <= 6


async def test_reading_a_month_of_hours_takes_few_statements(store: SqlStore) -> None:
    for tier, most in ((RollupTier.HOUR, 6), (RollupTier.DAY, 12)):
        with statements(store) as sent:
            await store.rollups(E, tier, EVER, END, ["ttft_s"])
        assert len(sent) <= most


async def test_the_hours_of_a_day_that_is_over_lie_side_by_side(path: Path) -> None:
    """However many endpoints were rolled up between them."""
    store = sqlite_store(path)
    await store.open()
    for hour in range(26):
        at = START.replace(hour=0) + timedelta(hours=hour)
        late = [make_sample(0, id=f"{hour * 100 + n:016x}", endpoint=f"p:{n}", started_at=at) for n in range(5)]
        await store.append(late, {})
        await settle(store, at + timedelta(hours=1))
    await store.close()
    with closing(sqlite3.connect(path)) as other:
        day = "SELECT endpoint, max(rowid) - min(rowid) FROM hourly WHERE bucket / 24 = ? GROUP BY endpoint"
        over, today = (other.execute(day, (START.timestamp() // 86_400 + more,)).fetchall() for more in (0, 1))
    assert over == [(key, 23) for key in range(1, 6)]
    assert today == [(key, 5) for key in range(1, 6)]


def test_the_big_tables_are_tables() -> None:
    assert set(BIG) <= metadata.tables.keys()
