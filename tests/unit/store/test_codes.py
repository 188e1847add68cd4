"""The numbers for enum values in existing databases."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest

from monitor.store import StoreError, _codes
from probes._model import Blame, ErrorClass, Task, Timing, TokensFrom

EVER_GIVEN = {
    "TASKS": {"chat": 1, "tool_call": 2, "structured_output": 3, "embedding": 4, "reach": 5},
    "ERRORS": {
        "dns": 1,
        "connect": 2,
        "tls": 3,
        "timeout_ttft": 4,
        "timeout_total": 5,
        "stalled": 6,
        "overloaded": 7,
        "server_error": 8,
        "malformed": 9,
        "truncated": 10,
        "stream_error": 11,
        "empty": 12,
        "wrong_answer": 13,
        "auth": 14,
        "payment": 15,
        "rate_limited": 16,
        "not_found": 17,
        "bad_request": 18,
        "content_filter": 19,
        "geo": 20,
        "skipped": 21,
        "cancelled": 22,
        "internal": 23,
        "overrun": 24,
        "budget": 25,
        "tainted": 26,
        "vantage_offline": 27,
    },
    "BLAMES": {"provider": 1, "account": 2, "monitor": 3, "network": 4},
    "TIMINGS": {"kernel": 1, "loop": 2},
    "TOKEN_SOURCES": {"usage": 1, "counted": 2},
    "WORST": {"degraded": 1, "down": 2},
}
"""Written out once more, so that a number changed by accident is seen. Add to it, never change it."""
TABLES: list[tuple[type[Enum], Mapping[Any, int]]] = [
    (Task, _codes.TASKS),
    (ErrorClass, _codes.ERRORS),
    (Blame, _codes.BLAMES),
    (Timing, _codes.TIMINGS),
    (TokensFrom, _codes.TOKEN_SOURCES),
]


@pytest.mark.parametrize("table", EVER_GIVEN)
def test_a_number_once_given_keeps_its_meaning(table: str) -> None:
    now = {str(word): number for word, number in getattr(_codes, table).items()}
    assert now.items() >= EVER_GIVEN[table].items()


@pytest.mark.parametrize(("words", "numbers"), TABLES)
def test_every_word_has_a_number_of_its_own(words: type[Enum], numbers: Mapping[Any, int]) -> None:
    assert set(numbers) == set(words)
    assert len(set(numbers.values())) == len(numbers)


def test_no_blame_has_the_number_of_none() -> None:
    assert _codes.BLAME_NONE not in _codes.BLAMES.values()


def test_a_number_that_is_not_known_was_given_by_a_newer_version() -> None:
    words = _codes.words_of(_codes.TASKS)
    assert _codes.decode(words, 1) is Task.CHAT
    with pytest.raises(StoreError, match="unknown code 99, written by a newer providerwatch: install that version"):
        _codes.decode(words, 99)
