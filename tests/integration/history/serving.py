"""Data to serve: a board with one endpoint up, one down and one unknown, and a store with their samples."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from monitor.domain.incident import Incident
from monitor.store import Store
from monitor.web.context import Context, HistoryContext, history_context
from monitor.web.store_reads import ReadLimits, StoreReads
from probes._model import Blame, ErrorClass, Sample, Task
from tests.integration.daemon.parts import PATIENT_S
from tests.integration.web.serving import ODD, SLASHED, SPECS, Served
from tests.support.board_values import EVERYTHING, make_config
from tests.unit.store.samples import START, make_sample

__all__ = ["ODD", "SLASHED", "Begin", "HistoryContext", "Served"]

NAME = "groq:llama"
NOW = START + timedelta(days=3, minutes=7, seconds=11)
FRESH = ReadLimits(deadline_s=PATIENT_S, kept_s=0)
"""Nothing is kept, and everyone waits: a test sees what is stored."""

Begin = Callable[..., Awaitable[Served]]


def make_history(store: Store, *, now: datetime = NOW, limits: ReadLimits = FRESH, **fields: Any) -> HistoryContext:
    """The past of the served endpoints, as the daemon makes it, at a moment of ours."""
    config = make_config(*SPECS, **fields)
    return replace(history_context(lambda: config, store), now=lambda: now, store_reads=StoreReads(limits))


def context_of(served: Served, history: HistoryContext) -> Context:
    return Context(
        snapshot=lambda: served.board.snapshot,
        problems=lambda: tuple(served.problems),
        history=history,
    )


def path_of(name: str, rest: str) -> str:
    return f"/v1/endpoints/{quote(name, safe='')}/{rest}"


def a_sample(number: int, name: str = NAME, minutes: float = 10.0, **fields: Any) -> Sample:
    """Sample `number` of a row: one every so many minutes, each a little slower, every fifth a failure."""
    at = START + timedelta(minutes=number * minutes)
    plain = make_sample(number, endpoint=name, scheduled_at=at, started_at=at)
    if number % 5 == 4:
        failed = {"error": ErrorClass.OVERLOADED, "blame": Blame.PROVIDER, "status_code": 529}
        return replace(plain, **{**failed, **fields})
    measured = {**EVERYTHING, "ttft_s": round(0.2 + number / 1000, 3)}
    return replace(plain, **{**measured, **fields})


def samples(count: int, **fields: Any) -> list[Sample]:
    return [a_sample(number, **fields) for number in range(count)]


def tool_call(number: int) -> Sample:
    return a_sample(number, id=f"{number + 10**6:016x}", task=Task.TOOL_CALL, ttft_s=9.0)


async def fill(store: Store, samples: list[Sample], incidents: list[Incident] | None = None) -> None:
    await store.append(samples, {}, incidents or [])
