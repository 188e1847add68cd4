"""Tokens counted in o200k_base."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes._tokens import count_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("1, 2, 3", 7),
        ("Hello, world! It's 2026.", 9),
        ("antidisestablishmentarianism", 6),
        ("<|endoftext|>", 7),
        ("日本語", 2),
    ],
)
def test_a_text_has_these_tokens_in_o200k_base(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_has_tokens_half_characters_too(text: str) -> None:
    """A provider's JSON may hold lone surrogates; each counts as the `?` that it can only be sent as."""
    whole = text.encode("utf-8", "replace").decode()
    assert count_tokens(text) == count_tokens(whole) <= len(whole.encode())
    assert (count_tokens(text) == 0) is (text == "")


def test_a_program_that_counts_nothing_does_not_load_the_encoding() -> None:
    """It takes most of a second: `--help` waits for nothing of it."""
    code = "import sys, probes._sample; print('bpe_openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
