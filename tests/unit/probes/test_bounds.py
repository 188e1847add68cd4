"""Limits for very long answers, and redaction of their text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from probes import _driver, _framing, _json, _socket
from probes._answers import answer_ok
from probes._calls import MAX_TEXT
from probes._meter import Reading, read_stream
from probes._model import ErrorClass, Prompt, Secret, Task
from probes._prompts import FORM
from probes._redaction import detail, redacted
from probes._sample import sample
from probes.openai_chat import OpenAIChat
from tests.contract.exchanges import exchange_of, run_to

CODEC = OpenAIChat()
PROMPT = Prompt(text="", max_tokens=9, form=FORM)
RIGHT = json.dumps({"first": 1, "second": 2, "third": 3})
STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def event(**delta: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


def reading_of(body: bytes) -> Reading:
    seen = exchange_of([(0.1, body)])
    return read_stream(CODEC, seen.body, seen.arrivals)


@pytest.mark.parametrize(("field", "kept"), [("content", "answer"), ("reasoning", "thought")])
def test_a_text_is_assembled_up_to_the_length_that_is_checked(field: str, kept: str) -> None:
    reading = reading_of(event(**{field: "x" * 1000}) * 300)
    assert MAX_TEXT < len(getattr(reading, kept)) <= MAX_TEXT + 1000
    assert len(reading.content) == 300
    assert sum(content.size for content in reading.content) == 300_000


def test_the_arguments_of_a_call_are_assembled_up_to_the_length_that_is_checked() -> None:
    call = {"index": 0, "function": {"name": FORM.name, "arguments": "x" * 1000}}
    reading = reading_of(event(tool_calls=[call]) * 300)
    assert MAX_TEXT < len(reading.calls[0].arguments) <= MAX_TEXT + 1000


def test_what_was_not_put_together_is_not_counted_as_tokens() -> None:
    taken = sample(run_to(), CODEC, exchange_of([(0.1, event(content="1, 2, 3 " * 100) * 300 + STOP)]))
    assert (taken.error, taken.output_tokens, taken.tokens_from) == (None, None, None)


@pytest.mark.parametrize(("number", "right"), [(1, True), (16, True), (17, False), (400, False)])
def test_a_tool_that_is_called_very_often_is_a_wrong_answer(number: int, right: bool) -> None:
    calls = [{"index": at, "function": {"name": FORM.name, "arguments": RIGHT}} for at in range(number)]
    reading = reading_of(event(tool_calls=calls) + STOP)
    assert len(reading.calls) == number
    assert answer_ok(Task.TOOL_CALL, PROMPT, reading) is right


KEY = "id-0123456789:wJalr/XUtn+FEMI/K7MDENG"
ENDPOINT = replace(run_to().endpoint, api_key=Secret(KEY), headers=(("X-Auth", Secret('Token say "friend"')),))


@pytest.mark.parametrize(
    "words",
    [
        KEY,
        "id-0123456789",
        "wJalr/XUtn+FEMI/K7MDENG",
        "wJalr\\/XUtn+FEMI\\/K7MDENG",
        "wJalr%2FXUtn%2BFEMI%2FK7MDENG",
        'Token say "friend"',
        'Token say \\"friend\\"',
    ],
)
def test_a_secret_is_taken_out_in_every_form_in_which_it_is_written(words: str) -> None:
    assert redacted(ENDPOINT, f"<{words}>") == "<***>"
    assert detail(ENDPOINT, f"HTTP 401: {words}") == "HTTP 401: ***"


def test_words_without_a_secret_stay_as_they_are() -> None:
    assert redacted(ENDPOINT, "Token 401") == "Token 401"
    assert detail(replace(ENDPOINT, api_key=None, headers=()), "") == "the message has no printable text"


def test_a_fault_of_one_of_many_hidden_secrets_is_still_told() -> None:
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY} "}}).encode()
    run = replace(run_to(), endpoint=ENDPOINT)
    taken = sample(run, CODEC, exchange_of([(0.1, body)], status=401))
    assert taken.error is ErrorClass.AUTH
    assert (taken.detail or "").startswith("HTTP 401: Incorrect API key provided: *** (http")


def test_the_documentation_tells_the_bounds_as_they_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "verdicts.md").read_text()
    told = [int(number) for number in re.findall(r"\d+", page.partition("| bound | of |")[2].partition("\n\n")[0])]
    assert told == [
        *(_driver.MAX_HEADER_BYTES, 128),
        _socket.MAX_HEAD_BYTES,
        *(_socket.MAX_WIRE_BYTES, _socket.MAX_READS),
        *(_driver.MAX_STREAM_BYTES, _driver.MAX_REFUSAL_BYTES),
        _framing.MAX_EVENT_BYTES,
        _framing.MAX_FRAMES,
        *(_framing.MAX_CONTAINERS, _framing.MAX_CONTAINERS_IN_ALL, _json.MAX_DEPTH),
    ]
