"""Synthetic prompts: a nonce first, any size, an answer that the prompt forces and a check can find.

The question is to copy a list of numbers. Even a model of 135 million parameters does that reliably, it fills any
prompt and any answer, and an answer to something else is found out. The nonce comes first, so that
no prompt cache can answer for the model.
"""

from __future__ import annotations

import hashlib
import re

from probes._model import Prompt

_FRAME_TOKENS = 18
"""Tokens in o200k_base of everything but the list, less the separator that its first number does not need."""
_TOKENS_PER_NUMBER = 3
"""Of a comma, a space and a number of up to three digits; one of four to six digits takes one more."""
_SHORT_NUMBERS = 999
_SHORTEST_LIST = 5
_RUN = (1, 2, 3)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def nonce(*parts: str) -> str:
    """Eight letters that depend on every part; letters only, so that they are never taken for an answer."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)


def chat_prompt(unique: str, *, prompt_tokens: int, max_tokens: int) -> Prompt:
    """A prompt of about `prompt_tokens` tokens that begins with `unique` and asks for its list of numbers."""
    numbers = ", ".join(str(number) for number in range(1, _list_length(prompt_tokens) + 1))
    question = "Repeat these numbers exactly as they are, separated by commas, and write nothing else:"
    return Prompt(text=f"[{unique}] {question}\n{numbers}", max_tokens=max_tokens, expected=_RUN)


def _list_length(prompt_tokens: int) -> int:
    tokens = prompt_tokens - _FRAME_TOKENS
    long_tokens = max(tokens - _SHORT_NUMBERS * _TOKENS_PER_NUMBER, 0)
    length = (tokens - long_tokens) // _TOKENS_PER_NUMBER + long_tokens // (_TOKENS_PER_NUMBER + 1)
    return max(length, _SHORTEST_LIST)


def answer_ok(prompt: Prompt, answer: str, *, cut: bool) -> bool | None:
    """Whether `answer` holds the numbers that the prompt forces.

    None when there is nothing to judge: no visible answer, or one that `cut` (the token limit) ended too early.
    """
    if not answer:
        return None
    numbers = [int(digits) for digits in re.findall(r"\d{1,9}", answer)]
    size = len(prompt.expected)
    if any(tuple(numbers[at : at + size]) == prompt.expected for at in range(len(numbers))):
        return True
    return None if cut and len(numbers) <= size else False
