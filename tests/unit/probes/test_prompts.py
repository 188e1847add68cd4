"""Synthetic prompts: their size, their nonce, and what passes for an answer."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from probes._model import Prompt
from probes._prompts import answer_ok, chat_prompt, nonce

MEASURED = {
    1: (5, 37),
    60: (14, 64),
    100: (27, 103),
    300: (94, 304),
    1000: (327, 1003),
    3000: (994, 3004),
    3015: (999, 3019),
    3020: (1000, 3023),
    5000: (1495, 5003),
    10_000: (2745, 10_003),
    100_000: (25_245, 100_003),
}
"""By `prompt_tokens`: the numbers in the list, and the tokens of the whole prompt with the nonce kjvmwqhz.

Counted in o200k_base with bpe-openai 0.1.4, which these tests do without. Of all sizes from 100 to 10,000, each with a
nonce of its own, none was more than 2.7 % off. After a change of the prompt count again and write the numbers here.
"""


@pytest.mark.parametrize(("prompt_tokens", "measured"), MEASURED.items())
def test_a_prompt_is_as_long_as_was_asked_for(prompt_tokens: int, measured: tuple[int, int]) -> None:
    numbers, tokens = measured
    text = chat_prompt("kjvmwqhz", prompt_tokens=prompt_tokens, max_tokens=64).text
    assert text == (
        "[kjvmwqhz] Repeat these numbers exactly as they are, separated by commas, and write nothing else:\n"
        + ", ".join(str(number) for number in range(1, numbers + 1))
    )
    assert abs(tokens - prompt_tokens) <= prompt_tokens / 10 or numbers == 5


@given(st.integers(-10, 5000), st.integers(0, 500))
def test_more_tokens_are_never_a_shorter_prompt(prompt_tokens: int, more: int) -> None:
    shorter = chat_prompt("n", prompt_tokens=prompt_tokens, max_tokens=1).text
    assert chat_prompt("n", prompt_tokens=prompt_tokens + more, max_tokens=1).text.startswith(shorter)


@given(st.integers(-(10**6), 2000))
def test_the_smallest_prompt_still_has_an_answer(prompt_tokens: int) -> None:
    prompt = chat_prompt("n", prompt_tokens=prompt_tokens, max_tokens=8)
    assert answer_ok(prompt, prompt.text.partition("\n")[2], cut=False) is True
    assert prompt.max_tokens == 8


def test_a_prompt_begins_with_its_nonce() -> None:
    assert chat_prompt("abcdefgh", prompt_tokens=100, max_tokens=64).text.startswith("[abcdefgh] ")


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=4))
def test_a_nonce_is_eight_letters_and_no_number(parts: list[str]) -> None:
    made = nonce(*parts)
    assert len(made) == 8
    assert set(made) <= set(string.ascii_lowercase)
    assert made == nonce(*parts)


@given(*[st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=3)] * 2)
@example(["ab", "c"], ["a", "bc"])
def test_another_part_is_another_nonce(some: list[str], others: list[str]) -> None:
    assume(some != others)
    assert nonce(*some) != nonce(*others)


PROMPT = Prompt(text="", max_tokens=64, expected=(1, 2, 3))


@pytest.mark.parametrize(
    ("answer", "cut", "verdict"),
    [
        ("1, 2, 3", False, True),
        ("1,2,3,4,5", False, True),
        ("1\n2\n3", False, True),
        ("Sure: [1] and **2** and 3.", False, True),
        ("7, 1, 2, 3", False, True),
        ("001, 002, 003", False, True),
        ("1, 2, 3, 4, 1", True, True),
        ("1, 2", False, False),
        ("1, 2, 9, 3", False, False),
        ("3, 2, 1", False, False),
        ("12, 3", False, False),
        ("123", False, False),
        ("one, two, three", False, False),
        ("I cannot help with that.", False, False),
        ("4, 5, 6, 7", True, False),
        ("1, 2", True, None),
        ("9, 1, 2", True, None),
        ("Sure! Here are the", True, None),
        ("", False, None),
        ("", True, None),
    ],
)
def test_an_answer_holds_the_numbers_that_the_prompt_forces(answer: str, cut: bool, verdict: bool | None) -> None:
    assert answer_ok(PROMPT, answer, cut=cut) is verdict


@given(st.text(), st.booleans())
@example("٣ ١٢", False)
@example("9" * 5000, False)
@example("1" * 9 + "2" * 9 + "3" * 9, False)
def test_any_answer_is_judged(answer: str, cut: bool) -> None:
    assert answer_ok(PROMPT, answer, cut=cut) in {True, False, None}


@given(st.text(alphabet="abc .,\n"), st.text(alphabet="abc .,\n"), st.booleans())
def test_talk_around_the_right_numbers_does_not_matter(before: str, after: str, cut: bool) -> None:
    assert answer_ok(PROMPT, f"{before} 1, 2, 3 {after}", cut=cut) is True
