"""Values of documents from other machines: what has an unexpected type is not measured."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.console.document import bounds, listed, mapping, moment, number, text

STRANGE: list[object] = [None, True, "x", [], {}, -1, 1e12, float("nan")]


def test_a_value_of_another_type_is_not_measured() -> None:
    for value in STRANGE:
        assert number(value) is None
        assert bounds(value) is None
        assert moment(value) is None
    assert mapping([1]) == {}
    assert listed("ab") == ()
    assert text(7) == text("") == text(None) == "–"
    assert bounds([0.1, "x"]) is None


def test_a_value_of_its_type_is_taken() -> None:
    assert number(3) == 3.0
    assert bounds([0.1, 0.9]) == (0.1, 0.9)
    assert moment("2026-11-22T07:00:00") == moment("2026-11-22T07:00:00Z") == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert mapping({"a": 1}) == {"a": 1}
    assert listed([1]) == [1]


@pytest.mark.parametrize("character", ["\x1b", "\r", "\u202e", "\u200b"])
def test_characters_that_steer_a_terminal_are_replaced(character: str) -> None:
    assert text(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"
