"""Data as `providerwatch top` holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from monitor.console.top.rows import TopData, TopRow, received, top_row
from monitor.console.top.screen import ScreenSize, TopFrame, frame
from monitor.console.top.view import TopView
from tests.unit.score.values import START

NOW_S = 1000.0
USUAL = TopView()


def endpoint(name: str = "groq:llama", **fields: Any) -> dict[str, Any]:
    """An endpoint of a scores document that works."""
    return {
        "id": name,
        "provider": name.partition(":")[0],
        "model": "meta-llama/llama-3.2-1b-instruct",
        "status": "up",
        "score": 0.991,
        "confidence": [0.962, 0.998],
        "evidence": 57,
        "account": None,
        "measured_at": at(-12),
        "stale_after": at(120),
        "uptime": {"1d": {"ratio": 0.982}},
        "ttft_s": {"p50": 0.21, "p90": 0.31},
        "e2e_s": {"p50": 1.2, "p90": 12.25},
        "output_tps": {"p50": 50.4},
        "pricing": {"prompt_usd_per_mtok": 0.027, "completion_usd_per_mtok": 0.2},
        **fields,
    }


def at(seconds: float) -> str:
    """A time relative to the document's."""
    return (START + timedelta(seconds=seconds)).isoformat()


def document(*endpoints: Mapping[str, Any]) -> dict[str, Any]:
    return {"generated_at": START.isoformat(), "vantage": "fra1", "endpoints": [*endpoints]}


def data_of(*endpoints: Mapping[str, Any]) -> TopData:
    """Data that was received at `NOW_S`."""
    return received(TopData(), document(*endpoints), NOW_S)


def make_row(name: str = "groq:llama", **fields: Any) -> TopRow:
    return top_row(endpoint(name, **fields))


def shown(data: TopData, view: TopView = USUAL, *, width: int = 80, height: int = 24, later_s: float = 0) -> TopFrame:
    """The screen, some time after the data was received."""
    return frame(data, view, ScreenSize(width=width, height=height), NOW_S + later_s)


def texts(found: TopFrame) -> list[str]:
    """The lines without styles and spaces at their ends."""
    return ["".join(text for text, _ in line).rstrip() for line in found.lines]


def styles(found: TopFrame, word: str) -> set[str]:
    """The styles of the spans that hold a word."""
    return {style for line in found.lines for text, style in line if word in text}


def ids(found: Iterable[TopRow]) -> list[str]:
    return [row.id for row in found]
