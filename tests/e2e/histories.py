"""Stores for tests of the whole daemon, read by independent programs: sqlite3 and psql."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.support.daemon import quick_probes
from tests.support.postgres import Postgres
from tests.support.providers import Providers

STEADY, DEAD = "steady:smol", "dead:smol"
_ROWS = "SELECT e.id, count(*), count(DISTINCT s.id) FROM sample s JOIN endpoint e ON e.key = s.endpoint GROUP BY e.id"
_LAG = "SELECT max(lag_s) FROM sample WHERE scheduled_at BETWEEN {} AND {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A time in which the store did not work, by the wall clock."""

    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.begin_s

    def in_sql(self, query: str) -> str:
        """A query that asks for a span of time in microseconds."""
        return query.format(int(self.begin_s * 1e6), int(self.end_s * 1e6))


@dataclass(frozen=True, slots=True, kw_only=True)
class InFile:
    """A history in an SQLite file."""

    file: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def counts(self) -> Counter[str]:
        """Samples by endpoint; none is there twice."""
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as database:
            rows = database.execute(_ROWS).fetchall()
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return _counted([(name, int(count), int(distinct)) for name, count, distinct in rows])

    def worst_lag_s(self, trouble: Trouble) -> float:
        """The largest delay of a probe that began in that time."""
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as database:
            return int(database.execute(trouble.in_sql(_LAG)).fetchone()[0]) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class OnServer:
    """A history in a PostgreSQL database."""

    server: Postgres
    database: str

    @property
    def url(self) -> str:
        return self.server.url(self.database)

    def counts(self) -> Counter[str]:
        """Samples by endpoint; none is there twice."""
        rows = (line.split("|") for line in self.server.sql(_ROWS, self.database).splitlines())
        return _counted([(name, int(count), int(distinct)) for name, count, distinct in rows])

    def worst_lag_s(self, trouble: Trouble) -> float:
        """The largest delay of a probe that began in that time."""
        return int(self.server.sql(trouble.in_sql(_LAG), self.database)) / 1e6


def _counted(rows: list[tuple[str, int, int]]) -> Counter[str]:
    assert all(count == distinct for _, count, distinct in rows), rows
    return Counter({name: count for name, count, _ in rows})


def config(store: str, providers: Providers, every: str = "1s") -> Mapping[str, object]:
    """A steady and a dead provider of one model."""
    addresses = {"steady": f"{providers.model}/v1", "dead": "http://127.0.0.1:9/v1"}
    return {
        "store": store,
        "providers": {name: {"api": "openai_chat", "base_url": url} for name, url in addresses.items()},
        "models": {"hf/smol": {"endpoints": [{"provider": name, "model": "smol"} for name in addresses]}},
        "probes": quick_probes(every, max_tokens=4),
        "scoring": {"count_wrong_answers": False},
    }
