"""The check for a right answer, for each task."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from probes._answers import answer_ok
from probes._calls import Calls, PartialCall
from probes._meter import Reading
from probes._model import Prompt, Task, ToolCall, Vector
from probes._prompts import FORM, prompt_for

RIGHT = '{"first": 1, "second": 2, "third": 3}'
unhurried = settings(deadline=None)


def prompt(task: Task, dimensions: int | None = None) -> Prompt:
    return prompt_for(task, "abcdefgh", prompt_tokens=50, max_tokens=64, dimensions=dimensions)


def judged(task: Task, answer: str = "", *calls: tuple[str | None, str], cut: bool = False) -> bool | None:
    """The judgement on an answer in words, and on tool calls by name and arguments."""
    made = Calls()
    made.update({index: PartialCall(name=name, arguments=arguments) for index, (name, arguments) in enumerate(calls)})
    return answer_ok(task, prompt(task), Reading(answer=answer, calls=made, cut=cut))


# Chat


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
    assert judged(Task.CHAT, answer, cut=cut) is verdict


@unhurried
@given(st.text(alphabet="abc .,\n"), st.text(alphabet="abc .,\n"), st.booleans())
def test_text_around_the_right_numbers_does_not_matter(before: str, after: str, cut: bool) -> None:
    assert judged(Task.CHAT, f"{before} 1, 2, 3 {after}", cut=cut) is True


def test_the_numbers_of_the_prompt_itself_are_right() -> None:
    assert judged(Task.CHAT, prompt(Task.CHAT).text.partition("\n")[2]) is True


def test_what_comes_after_a_hundred_thousand_characters_is_not_looked_at() -> None:
    assert judged(Task.CHAT, "x" * 99_992 + " 1, 2, 3") is True
    assert judged(Task.CHAT, "x" * 100_000 + " 1, 2, 3") is False


# Structured output


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (RIGHT, True),
        (f" \n{RIGHT}\n", True),
        ('{"third": 7, "first": -1, "second": 0}', True),
        ('{"first": 1, "second": 2}', False),
        ('{"first": 1, "second": 2, "third": "3"}', False),
        ('{"first": 1, "second": 2, "third": 3, "fourth": 4}', False),
        ("[1, 2, 3]", False),
        (f"```json\n{RIGHT}\n```", False),
        (f"{RIGHT} I hope this helps!", False),
        (RIGHT * 2, False),
        ("Of course.", False),
        ('{"first": NaN, "second": 2, "third": 3}', False),
        ("[" * 50_000, False),
    ],
)
def test_a_structured_answer_is_json_that_fits_the_schema(answer: str, verdict: bool) -> None:
    assert judged(Task.STRUCTURED_OUTPUT, answer) is verdict


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1.0, -0.0, 1e300, 1.5])
SCALARS = NUMBERS | st.booleans() | st.none() | st.text(max_size=3)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
FIELDS = st.sampled_from([*FORM.fields, "fourth", ""])
ANSWERS = (
    NESTED | st.dictionaries(FIELDS, NUMBERS | NESTED) | st.fixed_dictionaries(dict.fromkeys(FORM.fields, SCALARS))
)


@unhurried
@given(ANSWERS)
@example({"first": 1.0, "second": -2, "third": 10**400})
@example({"first": True, "second": 2, "third": 3})
@example({"first": 1.5, "second": 2, "third": 3})
@example({"first": 1, "second": 2, "third": None})
def test_an_answer_fits_exactly_when_it_is_valid_against_the_schema_that_was_sent(value: object) -> None:
    valid = Draft202012Validator(FORM.schema).is_valid(value)
    assert judged(Task.STRUCTURED_OUTPUT, json.dumps(value)) is valid
    assert judged(Task.TOOL_CALL, "", (FORM.name, json.dumps(value))) is valid


def test_a_structured_answer_that_the_limit_ended_is_judged_only_when_it_is_whole() -> None:
    assert judged(Task.STRUCTURED_OUTPUT, RIGHT[:20], cut=True) is None
    assert judged(Task.STRUCTURED_OUTPUT, RIGHT, cut=True) is True
    assert judged(Task.STRUCTURED_OUTPUT, "[]", cut=True) is False


def test_no_structured_answer_is_not_judged() -> None:
    assert judged(Task.STRUCTURED_OUTPUT) is None


def test_an_answer_far_too_long_is_no_right_one() -> None:
    assert judged(Task.STRUCTURED_OUTPUT, RIGHT + " " * 100_000) is False
    assert judged(Task.STRUCTURED_OUTPUT, "{" + " " * 100_000, cut=True) is False


# Tool call


@pytest.mark.parametrize(
    ("calls", "verdict"),
    [
        ([("report_numbers", RIGHT)], True),
        ([("report_numbers", RIGHT)] * 2, True),
        ([("report", RIGHT)], False),
        ([(None, RIGHT)], False),
        ([("report_numbers", RIGHT), ("delete_everything", "{}")], False),
        ([("report_numbers", "{}")], False),
        ([("report_numbers", "")], False),
        ([("report_numbers", RIGHT[:-1])], False),
        ([("report_numbers", RIGHT), ("report_numbers", "{}")], False),
    ],
)
def test_a_call_is_of_the_offered_tool_with_valid_arguments(calls: list[tuple[str | None, str]], verdict: bool) -> None:
    assert judged(Task.TOOL_CALL, "", *calls) is verdict
    assert judged(Task.TOOL_CALL, "Let me report them.", *calls) is verdict


def test_words_in_place_of_a_call_are_wrong_and_nothing_is_not_judged() -> None:
    assert judged(Task.TOOL_CALL, RIGHT) is False
    assert judged(Task.TOOL_CALL) is None
    assert judged(Task.TOOL_CALL, "I shall call the", cut=True) is False


def test_only_the_last_call_can_have_been_cut_by_the_limit() -> None:
    whole, part = ("report_numbers", RIGHT), ("report_numbers", RIGHT[:9])
    assert judged(Task.TOOL_CALL, "", part, cut=True) is None
    assert judged(Task.TOOL_CALL, "", whole, part, cut=True) is None
    assert judged(Task.TOOL_CALL, "", part, whole, cut=True) is False
    assert judged(Task.TOOL_CALL, "", ("report_numbers", "{}"), part, cut=True) is False
    assert judged(Task.TOOL_CALL, "", whole, cut=True) is True


@pytest.mark.parametrize("task", [Task.TOOL_CALL, Task.STRUCTURED_OUTPUT])
def test_without_a_form_nothing_can_be_right(task: Task) -> None:
    reading = Reading(answer=RIGHT)
    reading.calls.take(ToolCall(index=0, name="report_numbers", arguments=RIGHT))
    assert answer_ok(task, replace(prompt(task), form=None), reading) is False


# Embedding


@pytest.mark.parametrize(
    ("size", "finite", "dimensions", "verdict"),
    [
        (384, True, 384, True),
        (384, True, None, True),
        (384, True, 1536, False),
        (384, False, 384, False),
        (384, False, None, False),
        (0, True, 384, False),
    ],
)
def test_a_vector_has_the_promised_size_and_is_finite(
    size: int, finite: bool, dimensions: int | None, verdict: bool
) -> None:
    reading = Reading(vector=Vector(size=size, finite=finite))
    assert answer_ok(Task.EMBEDDING, prompt(Task.EMBEDDING, dimensions), reading) is verdict


def test_no_vector_is_not_judged() -> None:
    assert judged(Task.EMBEDDING, "1, 2, 3") is None


# Any


def test_an_answer_to_reach_is_not_judged() -> None:
    assert judged(Task.REACH, "1, 2, 3") is None


def _json_like() -> st.SearchStrategy[str]:
    plain = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)
    return st.dictionaries(st.sampled_from(["first", "second", "third", "x"]), plain).map(json.dumps)


answers = st.text(st.characters(exclude_categories=())) | _json_like()


@unhurried
@given(st.sampled_from(Task), answers, st.lists(st.tuples(st.none() | st.text(), answers), max_size=3), st.booleans())
@example(Task.CHAT, "٣ ١٢", [], False)
@example(Task.CHAT, "9" * 5000, [], False)
@example(Task.CHAT, "1" * 9 + "2" * 9 + "3" * 9, [], False)
@example(Task.STRUCTURED_OUTPUT, "9" * 5000, [], False)
@example(Task.STRUCTURED_OUTPUT, '{"first": 1e400, "second": 1, "third": 1}', [], False)
@example(Task.TOOL_CALL, "", [("report_numbers", "\ud800")], True)
def test_any_answer_is_judged(task: Task, answer: str, calls: list[tuple[str | None, str]], cut: bool) -> None:
    assert judged(task, answer, *calls, cut=cut) in {True, False, None}
