"""Synthetic prompts: their size to the token, their nonce, what they ask for."""

from __future__ import annotations

import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from probes._model import Prompt, Task
from probes._prompts import FORM, _numbers, nonce, prompt_for, to_be_counted
from probes._tokens import count_tokens

unhurried = settings(deadline=None)
ROOT = Path(__file__).parents[3]
ASKED = sorted(set(Task) - {Task.REACH})
"""The tasks that ask something."""
NONCES = (nonce("one"), nonce("two"), nonce("three"))
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
"""By `prompt_tokens`: the numbers in chat's list, and the tokens of the whole prompt with the nonce kjvmwqhz."""


def asked(prompt_tokens: int, unique: str = "kjvmwqhz", task: Task = Task.CHAT) -> Prompt:
    return prompt_for(task, unique, prompt_tokens=prompt_tokens, max_tokens=64)


def exact(prompt: Prompt) -> int:
    """As they are counted where a provider tells no usage."""
    encoded, listed = to_be_counted(prompt.text)
    return count_tokens(encoded) + listed


# Size


@pytest.mark.parametrize(("prompt_tokens", "measured"), MEASURED.items())
def test_a_prompt_is_as_long_as_was_asked_for(prompt_tokens: int, measured: tuple[int, int]) -> None:
    numbers, tokens = measured
    prompt = asked(prompt_tokens)
    assert prompt.text == (
        "[kjvmwqhz] Repeat these numbers exactly as they are, separated by commas, and write nothing else:\n"
        + ", ".join(str(number) for number in range(1, numbers + 1))
    )
    assert exact(prompt) == count_tokens(prompt.text) == tokens
    assert abs(tokens - prompt_tokens) <= prompt_tokens / 10 or numbers == 5


@pytest.mark.parametrize("task", ASKED)
@pytest.mark.parametrize("unique", NONCES)
def test_the_tokens_of_a_prompt_are_counted_exactly_without_encoding_the_list(task: Task, unique: str) -> None:
    """Every size from 1 to 5000 once, spread over tasks and nonces; neighbours of the jumps with all of them."""
    turn = ASKED.index(task) * len(NONCES) + NONCES.index(unique)
    sizes = {*range(1 + turn, 5001, len(ASKED) * len(NONCES)), *range(1, 41), *range(3000, 3041)}
    wrong = [size for size in sizes if exact(made := asked(size, unique, task)) != count_tokens(made.text)]
    assert wrong == []


@unhurried
@given(st.integers(1, 5000), st.lists(st.text(), max_size=3), st.sampled_from(ASKED))
def test_the_tokens_of_any_prompt_are_counted_exactly(prompt_tokens: int, parts: list[str], task: Task) -> None:
    prompt = asked(prompt_tokens, nonce(*parts), task)
    assert prompt.tokens is not None
    assert 0 <= prompt.tokens - count_tokens(prompt.text) <= 4
    assert exact(prompt) == count_tokens(prompt.text)


def test_a_prompt_is_made_without_the_tokenizer() -> None:
    """It takes 144 MB and most of a second."""
    code = (
        "import sys; from probes._prompts import prompt_for; from probes._model import Task;"
        "[prompt_for(task, 'kjvmwqhz', prompt_tokens=100, max_tokens=64) for task in Task];"
        "sys.exit('bpe_openai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


@pytest.mark.parametrize("task", ASKED)
def test_every_task_has_a_prompt_of_about_that_size(task: Task) -> None:
    tokens = asked(1000, task=task).tokens
    assert tokens is not None
    assert 950 <= tokens <= 1050


@unhurried
@given(st.integers(-10, 5000), st.integers(0, 500))
def test_more_tokens_are_never_a_shorter_prompt(prompt_tokens: int, more: int) -> None:
    assert asked(prompt_tokens + more).text.startswith(asked(prompt_tokens).text)


@unhurried
@given(st.integers(-(10**6), 200), st.sampled_from(ASKED))
def test_the_smallest_prompt_still_has_an_answer(prompt_tokens: int, task: Task) -> None:
    numbers = asked(prompt_tokens, task=task).text.partition("\n")[2]
    assert numbers.startswith("1, 2, 3, 4, 5")


# What is asked


@pytest.mark.parametrize("task", ASKED)
def test_a_prompt_begins_with_its_nonce(task: Task) -> None:
    assert asked(100, "abcdefgh", task).text.startswith("[abcdefgh] ")


def test_the_list_of_a_length_is_made_once() -> None:
    """A long one takes milliseconds of the loop that all probes share."""
    prompt_for(Task.CHAT, "abcdefgh", prompt_tokens=4321, max_tokens=9)
    before = _numbers.cache_info()
    for unique in NONCES:
        prompt_for(Task.TOOL_CALL, unique, prompt_tokens=4321, max_tokens=9)
    after = _numbers.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (0, len(NONCES))


def test_tasks_ask_different_things() -> None:
    assert len({asked(100, task=task).text.partition("\n")[0] for task in ASKED}) == len(ASKED)


def test_reaching_a_provider_asks_nothing() -> None:
    assert asked(100, task=Task.REACH) == Prompt(text="", max_tokens=64)


@pytest.mark.parametrize("task", ASKED)
def test_a_prompt_carries_what_its_answer_is_checked_by(task: Task) -> None:
    prompt = prompt_for(task, "n", prompt_tokens=100, max_tokens=8, dimensions=384)
    assert prompt.max_tokens == 8
    assert prompt.expected == ((1, 2, 3) if task is Task.CHAT else ())
    assert prompt.form is (FORM if task in {Task.TOOL_CALL, Task.STRUCTURED_OUTPUT} else None)
    assert prompt.dimensions == (384 if task is Task.EMBEDDING else None)


def test_the_form_takes_three_numbers_and_nothing_else() -> None:
    Draft202012Validator.check_schema(dict(FORM.schema))
    form = Draft202012Validator(dict(FORM.schema))
    right = {"first": 1, "second": 2, "third": 3}
    assert form.is_valid(right)
    for wrong in ({}, {**right, "fourth": 4}, {**right, "third": "3"}, {"first": 1, "second": 2}, [1, 2, 3]):
        assert not form.is_valid(wrong)


# Nonce


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
