"""Fills a store with months of history: blocks, rollups and rows lie in the file in the order of a real store.

Blocks are packed, and hours and days rolled up, by the store's own code, and written in bulk past its transactions;
the newest hours go through `append`. Rollups older than the raw samples repeat those of the days that have some.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, Table, create_engine, delete, event, text

from benchmarks.history.data import (
    EVER,
    HOUR,
    MINUTE,
    PROBE,
    VANTAGE,
    Plan,
    endpoint_id,
    family_hour,
    minutes,
    of_endpoint,
    phase,
)
from monitor.store import Store
from monitor.store._blocks import Row as Raw
from monitor.store._blocks import pack
from monitor.store._raw import COLUMNS
from monitor.store._rollup_rows import to_rollup, to_row
from monitor.store._rollups import cluster_day
from monitor.store._tables import block, daily, endpoint, hourly, probe, stale_hour, vantage
from monitor.store._upkeep import ROWS_KEPT
from monitor.store.rollup import merged, rolled
from probes._model import Sample, Task
from tests.support.stored_values import encode_sample

Row: TypeAlias = dict[str, Any]
OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Receives the name of a step, its progress and its total."""

_US = 1_000_000
_REPEATED_DAYS = 7
_HOURS_TO_ROLL = 2
"""Whole hours before the current one that the store has to roll up itself."""
_KEY = {"task": Task.CHAT, "vantage": 1}


@dataclass(slots=True)
class Rollups:
    """Rollups of the families, for the newest whole days before the rows."""

    hours: dict[int, list[Row]] = field(default_factory=dict)
    """By hour since 1970, then by family."""
    days: dict[int, list[Row]] = field(default_factory=dict)
    """The whole days of these hours."""


def rows_from(plan: Plan) -> int:
    """The first hour whose samples are in rows, not in blocks."""
    return plan.hours(ROWS_KEPT.total_seconds() / 86_400)


def _rolled_until(plan: Plan) -> int:
    return plan.hours(0) - _HOURS_TO_ROLL


async def fill(store: Store, url: str, plan: Plan, workers: int, on_progress: OnProgress) -> None:
    """Writes a plan's history into an open, empty store."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        rollups = await _rolled_up(plan, pool, on_progress)
        engine = _bulk_engine(url)
        try:
            with engine.begin() as connection:
                _write_names(connection, plan)
            _write_old(engine, plan, rollups, pool, on_progress)
            await _append_rows(store, plan, on_progress)
            with engine.begin() as connection:
                connection.execute(delete(stale_hour).where(stale_hour.c.bucket < _rolled_until(plan)))
        finally:
            engine.dispose()


def rollups_of(plan: Plan, hour: int) -> list[Row]:
    """The rollups of an hour, by family."""
    return [to_row(rolled(family_hour(plan, number, hour))) for number in range(plan.families)]


def blocks_of(plan: Plan, hour: int) -> list[Row]:
    """Every endpoint's block of an hour."""
    kinds = [
        [dict(encode_sample(replace(sample, id="0" * 16))) for sample in family_hour(plan, number, hour)]
        for number in range(plan.families)
    ]
    chance = random.Random(f"{plan.seed}/{hour}")
    return [_block(plan, kinds[number % plan.families], number, hour, chance) for number in range(plan.endpoints)]


def _block(plan: Plan, kind: list[dict[str, Any]], number: int, hour: int, chance: random.Random) -> Row:
    """The block of an endpoint. Its sequence numbers have uneven steps, since other endpoints' samples lie between."""
    shift_us = phase(number).microseconds + phase(number).seconds * _US
    before = (hour - plan.hours(plan.raw_days)) * 60
    unrest = max(1, plan.endpoints // 40)
    rows: list[Raw] = [
        row
        | {
            "seq": (before + minute) * plan.endpoints + number + chance.randrange(unrest),
            "id": chance.getrandbits(64) - (1 << 63),
            "scheduled_at": row["scheduled_at"] + shift_us,
            "started_at": row["started_at"] + shift_us,
        }
        for minute, row in enumerate(kind)
    ]
    data = pack(rows, COLUMNS)
    return {"endpoint": number + 1, "hour": hour, "samples": len(rows), "last_seq": rows[-1]["seq"], "data": data}


async def _rolled_up(plan: Plan, pool: ProcessPoolExecutor, on_progress: OnProgress) -> Rollups:
    """Rolled-up hours and days of the span with raw samples, at most a week."""
    newest = _rolled_until(plan)
    first = (newest // 24 - min(_REPEATED_DAYS, plan.raw_days)) * 24
    hours = range(first, newest)
    found = Rollups()
    for hour, rows in zip(hours, pool.map(rollups_of, [plan] * len(hours), hours), strict=True):
        found.hours[hour] = rows
        on_progress("rolling up", hour - first, len(hours))
    for day in range(first // 24, newest // 24):
        by_family = zip(*(found.hours[day * 24 + hour] for hour in range(24)), strict=True)
        found.days[day] = [to_row(merged(map(to_rollup, rows))) for rows in by_family]
    return found


def _bulk_engine(url: str) -> Engine:
    scheme, _, rest = url.partition(":")
    driver = {"sqlite": "sqlite", "postgresql": "postgresql+pg8000"}[scheme]
    engine = create_engine(f"{driver}:{rest}")
    if scheme == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    return engine


def _write_names(connection: Connection, plan: Plan) -> None:
    first = EVER + plan.hours(plan.days) * HOUR
    names = [
        {"key": number + 1, "id": endpoint_id(number), "first_at": first + phase(number)}
        for number in range(plan.endpoints)
    ]
    connection.execute(endpoint.insert(), names)
    connection.execute(vantage.insert(), [{"id": VANTAGE}])
    connection.execute(probe.insert(), [{"id": PROBE}])
    _count_from(connection, (rows_from(plan) - plan.hours(plan.raw_days)) * 60 * plan.endpoints)


def _count_from(connection: Connection, seq: int) -> None:
    """Lets the database's sequences continue after the blocks; on PostgreSQL also those of the name keys."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES ('sample', :seq)"), {"seq": seq})
        return
    for name, column, last in (("sample", "seq", seq), ("endpoint", "key", None)):
        number = last or text(f"(SELECT max(key) FROM {name})")
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', '{column}'), {number})"))


def _write_old(
    engine: Engine, plan: Plan, rollups: Rollups, pool: ProcessPoolExecutor, on_progress: OnProgress
) -> None:
    """Writes hour by hour, one transaction each."""
    oldest, newest = plan.hours(plan.days), _rolled_until(plan)
    sealed = range(plan.hours(plan.raw_days), rows_from(plan))
    period = min(_REPEATED_DAYS, plan.raw_days)
    blocks = _ahead(pool, plan, sealed)
    for hour in range(oldest, newest):
        with engine.begin() as connection:
            _insert(connection, hourly, _of_all(plan, rollups.hours, hour, period * 24))
            if hour % 24 == 23:
                _insert(connection, daily, _of_all(plan, rollups.days, hour // 24, period))
                for number in range(plan.endpoints):
                    cluster_day(connection, {**_KEY, "endpoint": number + 1}, hour // 24)
            if hour in sealed:
                _insert(connection, block, next(blocks))
        on_progress("writing hours", hour - oldest, newest - oldest)


def _ahead(pool: ProcessPoolExecutor, plan: Plan, hours: Iterable[int]) -> Iterator[list[Row]]:
    """Blocks by hour, in order; a few hours are computed ahead."""
    waiting = []
    for hour in hours:
        waiting.append(pool.submit(blocks_of, plan, hour))
        if len(waiting) > 6:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _of_all(plan: Plan, made: dict[int, list[Row]], bucket: int, period: int) -> list[Row]:
    """Every endpoint's rollup of a bucket; if none was computed, that of the same time in a later week."""
    first = min(made)
    kinds = made[bucket if bucket in made else first + (bucket - first) % period]
    return [
        kinds[number % plan.families] | _KEY | {"endpoint": number + 1, "bucket": bucket}
        for number in range(plan.endpoints)
    ]


def _insert(connection: Connection, table: Table, rows: list[Row]) -> None:
    connection.execute(table.insert(), rows)


def samples_of(plan: Plan, hour: int) -> Iterator[list[Sample]]:
    """The samples of an hour so far, by minute, in the order of their starts."""
    kinds = [family_hour(plan, number, hour) for number in range(plan.families)]
    chance = random.Random(f"{plan.seed}/{hour}/rows")
    in_order = sorted(range(plan.endpoints), key=phase)
    for minute in minutes(plan, hour):
        yield [of_endpoint(kinds[number % plan.families][minute], number, chance) for number in in_order]


async def _append_rows(store: Store, plan: Plan, on_progress: OnProgress) -> None:
    first = rows_from(plan)
    hours = range(first, plan.hours(0) + 1)
    for hour in hours:
        for samples in samples_of(plan, hour):
            await store.append(samples, {})
        on_progress("appending", hour - first, len(hours))


def now_after(plan: Plan, more_minutes: int) -> Plan:
    """The plan with a later now."""
    return replace(plan, now=plan.now + more_minutes * MINUTE)
