"""A query that computes for long lets the event loop have its turn in between: both share the interpreter's lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.store import RollupTier
from monitor.store._sql import SqlStore
from monitor.store._sqlite import sqlite_store
from tests.integration.store.asking import END, EVER, settle
from tests.unit.store.samples import START, make_sample

E = "steady:smollm2"
DAY = timedelta(days=1)

ASKED: dict[str, tuple[int, Callable[[SqlStore], Awaitable[object]]]] = {
    "minutes": (40, lambda store: store.tallies(EVER, 60)),
    "hours": (1, lambda store: store.tallies(EVER, 3_600)),
    "days": (2, lambda store: store.tallies(EVER, 86_400)),
    "spent": (40, lambda store: store.spent(EVER)),
    "points": (6, lambda store: store.points(E, None, "ttft_s", EVER, END)),
    "samples": (40, lambda store: store.samples(EVER)),
    "rollups": (1, lambda store: store.rollups(E, RollupTier.HOUR, EVER, END, ["ttft_s"])),
}
"""How often each yields at least: for each block and each portion of rows, or for a few of them."""


@pytest.mark.parametrize("name", ASKED)
async def test_a_query_yields_after_each_portion(path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    least, ask = ASKED[name]
    store = sqlite_store(path)
    await store.open()
    await store.append([make_sample(number * 300) for number in range(800)], {})
    await settle(store, START + timedelta(hours=70))
    waits: list[object] = []
    monkeypatch.setattr("monitor.store._threads.select", lambda *wait: waits.append(wait))
    await ask(store)
    assert len(waits) >= least
    await store.close()
