"""Values for tests of real traffic."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from monitor.traffic.calls import Call
from monitor.traffic.reading import CallReader
from probes._model import ErrorClass
from tests.unit.score.values import START

NAME, OTHER = "groq:llama", "my-vllm:llama"
_keys = itertools.count(1)


def reader() -> CallReader:
    """Knows two endpoints, an old name of the one, and what two routers call them."""
    return CallReader(
        [NAME, OTHER],
        {"groq:old": NAME},
        {NAME: {"litellm": "dep-17", "haproxy": "be/both"}, OTHER: {"litellm": "dep-18", "haproxy": "be/both"}},
    )


def reported(call_id: str = "chatcmpl-1", **fields: Any) -> dict[str, Any]:
    """An outcome as it is sent, one that began at `START`."""
    return {"id": call_id, "endpoint": NAME, "at": START.isoformat(), "outcome": "ok", **fields}


def make_call(seconds: float = 0.0, error: ErrorClass | None = None, **fields: Any) -> Call:
    """A call that began so long after `START`, with a key of its own."""
    plain = Call(key=next(_keys), endpoint=NAME, at=START + timedelta(seconds=seconds), error=error)
    return replace(plain, **fields)


def burst(count: int, seconds: float = 0.0, error: ErrorClass | None = None) -> list[Call]:
    """So many at once."""
    return [make_call(seconds, error) for _ in range(count)]


def steady(rate: int, begin_s: int, end_s: int, errors: Iterable[ErrorClass | None] = (None,)) -> list[Call]:
    """So many a second, in turn with these errors."""
    turn = itertools.cycle(errors)
    return [make_call(second + n / rate, next(turn)) for second in range(begin_s, end_s) for n in range(rate)]
