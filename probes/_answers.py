"""Checks whether an answer is right. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import assert_never

from probes import _json
from probes._meter import Reading
from probes._model import Form, MalformedError, Prompt, Task

_LONGEST = 100_000
"""Characters of an answer that are checked; right answers are far shorter."""
_MOST_CALLS = 16
"""Calls that are checked; a right answer has one."""


def answer_ok(task: Task, prompt: Prompt, reading: Reading) -> bool | None:
    """Whether the answer is right.

    None: nothing can be checked, because there is no answer (reasoning alone, `reach`) or the token limit cut it.
    """
    match task:
        case Task.CHAT:
            return _holds_numbers(prompt.expected, reading.answer, cut=reading.cut)
        case Task.TOOL_CALL:
            return _calls_tool(prompt.form, reading)
        case Task.STRUCTURED_OUTPUT:
            return _fits(prompt.form, reading.answer, cut=reading.cut) if reading.answer else None
        case Task.EMBEDDING:
            vector = reading.vector
            return None if vector is None else vector.finite and prompt.dimensions in {None, vector.size}
        case Task.REACH:
            return None
    assert_never(task)


def _holds_numbers(expected: tuple[int, ...], answer: str, *, cut: bool) -> bool | None:
    """Whether `answer` contains the numbers in sequence."""
    if not answer:
        return None
    numbers = [int(digits) for digits in re.findall(r"\d{1,9}", answer[:_LONGEST])]
    size = len(expected)
    if any(tuple(numbers[at : at + size]) == expected for at in range(len(numbers))):
        return True
    return None if cut and len(numbers) <= size else False


def _calls_tool(form: Form | None, reading: Reading) -> bool | None:
    """Whether the offered tool was called with valid arguments.

    Text instead of a call is wrong even when the limit cut it: the call has to come first.
    """
    if not reading.calls:
        return False if reading.answer else None
    calls = list(reading.calls.values())
    if form is None or len(calls) > _MOST_CALLS or any(call.name != form.name for call in calls):
        return False
    # Only the last call can be cut by the limit.
    checks = [_fits(form, call.arguments, cut=reading.cut and call is calls[-1]) for call in calls]
    return False if False in checks else None if None in checks else True


def _fits(form: Form | None, text: str, *, cut: bool) -> bool | None:
    """Whether a text is JSON that matches the form's schema."""
    if form is None or len(text) > _LONGEST:
        return False
    try:
        value = _json.decode(text.encode("utf-8", "replace"))
    except MalformedError:
        return None if cut else False
    return _is_filled_in(form.fields, value)


def _is_filled_in(fields: Collection[str], value: object) -> bool:
    """Whether a JSON value is an object with an integer for each field and nothing else.

    As in JSON Schema, 1.0 is an integer and `true` is not.
    """
    return isinstance(value, dict) and value.keys() == {*fields} and all(map(_is_integer, value.values()))


def _is_integer(value: object) -> bool:
    return (isinstance(value, float) and value.is_integer()) or (isinstance(value, int) and not isinstance(value, bool))
