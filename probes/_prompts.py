"""Synthetic prompts of any size, with a nonce and an answer that can be checked.

The task is to copy a list of numbers. Even a model of 135 million parameters does that reliably (with random numbers it
fails at every fourth list). The list can have any length, and a wrong answer is detected. The nonce is at the
beginning, so that prompt caches do not apply.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from probes._model import Form, Prompt, Task

_QUESTIONS: Final = {
    Task.CHAT: "Repeat these numbers exactly as they are, separated by commas, and write nothing else:",
    Task.TOOL_CALL: "Call the tool report_numbers with the first three of these numbers:",
    Task.STRUCTURED_OUTPUT: "Answer in JSON, with the first three of these numbers as first, second and third:",
    Task.EMBEDDING: "Numbers:",
}
FORM: Final = Form(
    name="report_numbers",
    description="Reports three numbers.",
    fields=("first", "second", "third"),
)
"""The form of the answer to `tool_call` and `structured_output`."""

_QUESTION_TOKENS: Final = {Task.CHAT: 17, Task.TOOL_CALL: 13, Task.STRUCTURED_OUTPUT: 18, Task.EMBEDDING: 2}
"""Tokens of a question in o200k_base, with its line end."""
_NONCE_TOKENS = 8
"""The maximum number of tokens of a nonce in brackets; most have six."""
_FRAME_TOKENS = 18
"""Tokens in o200k_base of chat's question with a nonce, less the separator that the first number does not need."""
_TOKENS_PER_NUMBER = 3
"""Tokens of a comma, a space and a number of up to three digits. A number of four to six digits takes one more."""
_SHORT_NUMBERS = 999
_SHORTEST_LIST = 5
_RUN = (1, 2, 3)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def nonce(*parts: str) -> str:
    """Eight letters that depend on every part. They contain no digits, so that they cannot be part of an answer."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)


def prompt_for(
    task: Task, unique: str, *, prompt_tokens: int, max_tokens: int, dimensions: int | None = None
) -> Prompt:
    """A prompt for `task` of about `prompt_tokens` tokens that begins with `unique`."""
    if task is Task.REACH:
        return Prompt(text="", max_tokens=max_tokens)
    length = _list_length(prompt_tokens)
    head = f"[{unique}] {_QUESTIONS[task]}\n"
    return Prompt(
        text=head + _numbers(length),
        max_tokens=max_tokens,
        expected=_RUN if task is Task.CHAT else (),
        tokens=_NONCE_TOKENS + _QUESTION_TOKENS[task] + _list_tokens(length),
        form=FORM if task in {Task.TOOL_CALL, Task.STRUCTURED_OUTPUT} else None,
        dimensions=dimensions if task is Task.EMBEDDING else None,
    )


def to_be_counted(text: str) -> tuple[str, int]:
    """The part of a prompt that has to be encoded to count its tokens, and the tokens of its list.

    Encoding a long list would block the event loop for milliseconds.
    """
    head, end, numbers = text.partition("\n")
    return head + end, _list_tokens(numbers.count(",") + 1) if numbers else 0


@lru_cache(maxsize=32)
def _numbers(length: int) -> str:
    """The list. Cached: a list of 100,000 tokens takes about 5 ms, and a configuration has few lengths."""
    return ", ".join(map(str, range(1, length + 1)))


def _list_length(prompt_tokens: int) -> int:
    tokens = prompt_tokens - _FRAME_TOKENS
    long_tokens = max(tokens - _SHORT_NUMBERS * _TOKENS_PER_NUMBER, 0)
    length = (tokens - long_tokens) // _TOKENS_PER_NUMBER + long_tokens // (_TOKENS_PER_NUMBER + 1)
    return max(length, _SHORTEST_LIST)


def _list_tokens(length: int) -> int:
    """The tokens of the list, without encoding it."""
    return length * _TOKENS_PER_NUMBER + max(length - _SHORT_NUMBERS, 0) - (_TOKENS_PER_NUMBER - 1)
