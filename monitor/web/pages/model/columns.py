"""The columns of the table of providers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Column(StrEnum):
    """A column that a visitor may choose, by its name in the address; the provider always stands first."""

    STATUS = "status"
    SCORE = "score"
    UPTIME = "uptime"
    TTFT = "ttft"
    SPEED = "speed"
    E2E = "e2e"
    PRICE = "price"
    CONTEXT = "context"
    OUTPUT = "output"
    QUANTIZATION = "quantization"
    TOOLS = "tools"
    STRUCTURED = "structured"
    SERVED = "served"
    HEADROOM = "headroom"
    INCIDENT = "incident"


DEFAULT_COLUMNS: Final = tuple(
    column for column in Column if column not in {Column.STRUCTURED, Column.SERVED, Column.HEADROOM}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLabel:
    """The head of a column; `about` says what its figures are."""

    words: str
    about: str
    is_number: bool = True


HEADS: Final[Mapping[Column, ColumnLabel]] = {
    Column.STATUS: ColumnLabel(words="Status", about="The published status, and for how long", is_number=False),
    Column.SCORE: ColumnLabel(
        words="Score, 95 %", about="The probability that the next request succeeds, and its interval", is_number=False
    ),
    Column.UPTIME: ColumnLabel(words="Uptime 24 h", about="Share of counted requests of the last day that succeeded"),
    Column.TTFT: ColumnLabel(words="TTFT p50 / p95", about="Time to first token of successful probes, last 30 minutes"),
    Column.SPEED: ColumnLabel(words="Tokens/s", about="Median output speed of successful probes, last 30 minutes"),
    Column.E2E: ColumnLabel(
        words="End to end p95", about="Time to the last token of successful probes, last 30 minutes"
    ),
    Column.PRICE: ColumnLabel(
        words="$/M in / out", about="USD per million prompt, completion and cached prompt tokens, as configured"
    ),
    Column.CONTEXT: ColumnLabel(words="Context", about="Tokens that prompt and answer may have together"),
    Column.OUTPUT: ColumnLabel(words="Max output", about="Tokens that an answer may have"),
    Column.QUANTIZATION: ColumnLabel(words="Quant.", about="The number format of the weights", is_number=False),
    Column.TOOLS: ColumnLabel(words="Tool errors", about="Share of probes of the last day whose tool call failed"),
    Column.STRUCTURED: ColumnLabel(
        words="Structured errors", about="Share of probes of the last day whose structured output failed"
    ),
    Column.SERVED: ColumnLabel(words="Served model", about="The model that the answers name", is_number=False),
    Column.HEADROOM: ColumnLabel(words="Headroom", about="What the provider's rate limits leave"),
    Column.INCIDENT: ColumnLabel(words="Now", about="The open incident", is_number=False),
}
