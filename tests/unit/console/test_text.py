"""Texts of an exact width in cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from monitor.console.text import fitted, in_ascii, isolated, padded

LETTERS = st.text(alphabet="ab日本é\u0301مر😀-:/", max_size=30)


@pytest.mark.parametrize(
    ("text", "width", "middle", "shown"),
    [
        ("groq:llama", 10, False, "groq:llama"),
        ("groq:llama", 6, False, "groq:…"),
        ("groq:llama", 6, True, "gro…ma"),
        ("groq:llama", 1, True, "…"),
        ("groq:llama", 0, True, ""),
        ("日本語の名前", 5, False, "日本…"),
        ("日本語の名前", 6, True, "日…前"),
        ("aaaae\u0301e\u0301", 5, True, "aa…e\u0301e\u0301"),
        ("aaaa\u0301\u0301bb", 5, True, "aa…bb"),
    ],
)
def test_a_long_text_is_cut_at_its_end_or_in_its_middle(text: str, width: int, middle: bool, shown: str) -> None:
    assert fitted(text, width, middle=middle) == shown


@given(text=LETTERS, width=st.integers(0, 40), middle=st.booleans(), right=st.booleans())
def test_a_cell_has_exactly_its_width_whatever_the_letters(text: str, width: int, middle: bool, right: bool) -> None:
    assert cell_len(padded(fitted(text, width, middle=middle), width, right=right)) == width


def test_padding_goes_to_the_other_side() -> None:
    assert padded("日", 4) == "日  "
    assert padded("ab", 4, right=True) == "  ab"


@given(text=LETTERS)
def test_ascii_is_as_wide_as_the_text_was(text: str) -> None:
    assert in_ascii(text).isascii()
    assert len(in_ascii(text)) == cell_len(text)


def test_signs_have_their_own_ascii() -> None:
    assert in_ascii("● ◐ ✗ ⚙ ‖ – … ▼ ▲ ↑ ↓") == "* ~ x m = - ~ v ^ ^ v"


def test_what_follows_right_to_left_letters_is_not_reordered() -> None:
    assert isolated("groq:مرحبا 1") == "groq:مرحبا 1\N{LEFT-TO-RIGHT MARK}"
    assert isolated("groq:日本 1") == "groq:日本 1"
    assert isolated("groq") == "groq"
