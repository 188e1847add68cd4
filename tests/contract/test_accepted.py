"""Answers that other clients accept are accepted: unusual forms of a complete and right answer, in every API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from probes._loader import codec, codec_class
from probes._meter import Arrival, Reading, read_stream
from probes._model import ErrorClass, Framing, Task
from tests.contract.dialects import (
    DIALECTS,
    EMBEDDING,
    Message,
    beginning,
    framed,
    judged,
    messages,
    stream,
    with_field,
)

STREAMS = sorted(DIALECTS)
SSE = [api for api in STREAMS if codec_class(api).framing is Framing.SSE]
CHAT = ["openai_chat", "azure_openai", "mistral_chat"]
ODD: list[Any] = [-1, 1.5, "7", [7], {"tokens": 7}, True, 10**30]
EMPTY: list[Any] = [None, [], {}, "", False]

every_stream = pytest.mark.parametrize("api", STREAMS)
every_sse = pytest.mark.parametrize("api", SSE)
every_chat = pytest.mark.parametrize("api", CHAT)


def assert_right(api: str, body: bytes, **fields: Any) -> None:
    taken = judged(api, body, **fields)
    assert (taken.error, taken.answer_ok, taken.detail) == (None, True, None)


@every_stream
@pytest.mark.parametrize("pieces", [[1, ", ", 2, ", ", 3], ["1, 2, ", 3], ["1 2 3 ", 4.5]])
def test_a_number_in_place_of_a_text_is_its_text(api: str, pieces: list[object]) -> None:
    assert_right(api, stream(api, messages(api, pieces=pieces)))


@every_stream
@pytest.mark.parametrize("empty", EMPTY, ids=str)
def test_an_empty_piece_of_any_shape_is_no_content(api: str, empty: object) -> None:
    taken = judged(api, stream(api, messages(api, pieces=["1, 2", empty, ", 3"])))
    assert (taken.error, taken.answer_ok) == (None, True)
    assert judged(api, stream(api, messages(api, pieces=[empty]))).error is ErrorClass.EMPTY


@every_stream
@pytest.mark.parametrize("other", [True, {"a": 1}, [["1"]]], ids=str)
def test_content_of_any_other_shape_stays_malformed(api: str, other: object) -> None:
    assert judged(api, stream(api, messages(api, pieces=["1, 2, 3", other]))).error is ErrorClass.MALFORMED


@every_stream
@pytest.mark.parametrize("usage", [*ODD, [], "none", False], ids=str)
def test_usage_of_any_other_shape_is_not_known(api: str, usage: object) -> None:
    taken = judged(api, stream(api, messages(api, usage=usage)))
    assert (taken.error, taken.answer_ok) == (None, True)
    # 7 tokens in o200k_base, counted here.
    assert (taken.output_tokens, taken.tokens_from) == (7, "counted")


@every_stream
@pytest.mark.parametrize("count", ODD, ids=str)
def test_a_count_that_is_none_is_not_known_and_the_others_are(api: str, count: object) -> None:
    def odd(usage: Any, name: str) -> Any:
        inner = {key: odd(value, name) if isinstance(value, dict) else value for key, value in usage.items()}
        return {
            key: count if name in key.lower() and not isinstance(value, dict) else value for key, value in inner.items()
        }

    usage = DIALECTS[api].usage
    of_prompt = "input" if "input" in json.dumps(usage) else "prompt"
    taken = judged(api, stream(api, messages(api, usage=odd(usage, of_prompt))))
    assert (taken.error, taken.prompt_tokens, taken.output_tokens) == (None, None, 7)


@pytest.mark.parametrize("usage", [*ODD, [], {"prompt_tokens": -1}, {"prompt_tokens": "12"}], ids=str)
def test_an_embedding_beside_odd_usage_is_right(usage: object) -> None:
    assert_right("openai_embeddings", json.dumps({**EMBEDDING, "usage": usage}).encode())


@every_chat
@pytest.mark.parametrize("empty", EMPTY, ids=str)
@pytest.mark.parametrize(
    "field", ["content", "refusal", "tool_calls", "reasoning", "reasoning_content", "function_call"]
)
def test_fields_of_a_delta_may_be_empty_in_any_way(api: str, field: str, empty: object) -> None:
    odd: list[Message] = [
        (None, {"choices": [{"index": 0, "delta": {field: empty}}]}),
        (None, {"choices": [{"index": 0, "delta": empty}]}),
        (None, {"choices": empty}),
    ]
    assert_right(api, stream(api, [*odd, *messages(api)]))


@every_chat
@pytest.mark.parametrize("thought", [{}, [], {"text": "hm"}, True, 5])
def test_reasoning_of_another_shape_is_passed_over(api: str, thought: object) -> None:
    odd: Message = (None, {"choices": [{"index": 0, "delta": {"reasoning": thought}}]})
    assert_right(api, stream(api, [odd, *messages(api)]))


@every_chat
@pytest.mark.parametrize("index", [None, "0", ""])
def test_the_choice_that_was_asked_for_is_known_by_any_index_of_nothing(api: str, index: object) -> None:
    def numbered(message: Message) -> Message:
        name, content = message
        if isinstance(content, bytes) or not content["choices"]:
            return message
        return name, json.loads(json.dumps(content).replace('"index": 0', f'"index": {json.dumps(index)}'))

    assert_right(api, stream(api, map(numbered, messages(api))))


@every_sse
@pytest.mark.parametrize(
    "keep_alive", [b"data:\n\n", b"data: \n\n", b"data\n\n", b"data:  \t \r\n\r\n", b"event: ping\ndata:\n\n"]
)
def test_an_event_without_data_is_a_keep_alive(api: str, keep_alive: bytes) -> None:
    told = [framed(api, message) for message in messages(api)]
    assert_right(api, keep_alive + keep_alive.join(told) + keep_alive)
    assert judged(api, stream(api, beginning(api)) + keep_alive).error is ErrorClass.TRUNCATED
    assert judged(api, keep_alive * 3).error is ErrorClass.TRUNCATED


@every_chat
@pytest.mark.parametrize("done", [b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data:  [DONE] \r\n\r\n", b"data: [DONE]"])
def test_done_may_stand_between_blanks(api: str, done: bytes) -> None:
    assert_right(api, stream(api, beginning(api)) + done)


@pytest.mark.parametrize("api", [*SSE, "ollama_chat"])
def test_a_byte_order_mark_is_passed_over(api: str) -> None:
    assert_right(api, b"\xef\xbb\xbf" + stream(api, messages(api)))


def test_a_byte_order_mark_before_an_embedding_is_passed_over() -> None:
    assert_right("openai_embeddings", b"\xef\xbb\xbf" + json.dumps(EMBEDDING).encode())


@every_stream
@pytest.mark.parametrize(("field", "value"), [("padding", "x" * 50), ("type_", None), ("meta", {"a": [1]}), ("id", 5)])
def test_fields_that_no_client_knows_say_nothing(api: str, field: str, value: object) -> None:
    assert_right(api, stream(api, with_field(messages(api), field, value)))


# Tool calls

ARGUMENTS = '{"first": 1, "second": 2, "third": 3}'
TOOL = "report_numbers"
Piece = dict[str, Any]


def _chat(*pieces: Piece) -> list[Message]:
    def one(piece: Piece) -> dict[str, Any]:
        numbered: Piece = {key: piece[key] for key in ("index", "id") if key in piece}
        return {**numbered, "function": {key: piece[key] for key in ("name", "arguments") if key in piece}}

    return [(None, {"choices": [{"delta": {"tool_calls": [one(piece)]}}]}) for piece in pieces]


def _cohere(*pieces: Piece) -> list[Message]:
    def one(piece: Piece) -> dict[str, Any]:
        numbered: Piece = {key: piece[key] for key in ("id",) if key in piece}
        return {**numbered, "function": {key: piece[key] for key in ("name", "arguments") if key in piece}}

    return [
        (
            None,
            {"type": "tool-call-delta", "index": piece.get("index"), "delta": {"message": {"tool_calls": one(piece)}}},
        )
        for piece in pieces
    ]


BUILDERS: dict[str, Callable[..., list[Message]]] = {**dict.fromkeys(CHAT, _chat), "cohere_chat": _cohere}
ONE_CALL: dict[str, list[Piece]] = {
    "whole": [{"name": TOOL, "arguments": ARGUMENTS}],
    "without an index": [{"name": TOOL}, {"arguments": ARGUMENTS[:9]}, {"arguments": ARGUMENTS[9:]}],
    "a name in pieces": [
        {"index": 0, "name": "report_"},
        {"index": 0, "name": "numbers"},
        {"index": 0, "arguments": ARGUMENTS},
    ],
    "a name repeated": [{"index": 0, "name": TOOL, "arguments": part} for part in (ARGUMENTS[:9], ARGUMENTS[9:], "")],
    "a name and an id repeated": [
        {"id": "a", "name": TOOL, "arguments": part} for part in ("", ARGUMENTS[:9], ARGUMENTS[9:])
    ],
    "an id of each piece": [{"index": 0, "id": "a", "name": TOOL}, {"index": 0, "id": "b", "arguments": ARGUMENTS}],
    "an empty name behind": [{"index": 0, "name": TOOL}, {"index": 0, "name": "", "arguments": ARGUMENTS}],
    "null behind": [
        {"index": 0, "id": "a", "name": TOOL},
        {"index": 0, "id": None, "name": None, "arguments": ARGUMENTS},
    ],
    "arguments that begin empty": [{"index": 0, "name": TOOL, "arguments": {}}, {"index": 0, "arguments": ARGUMENTS}],
    "odd indexes": [{"index": "0", "name": TOOL}, {"index": -1, "arguments": ARGUMENTS}],
}
TWO_CALLS: dict[str, list[Piece]] = {
    "index 0 and an id each": [{"index": 0, "id": one, "name": TOOL, "arguments": ARGUMENTS} for one in "ab"],
    "no index and an id each": [{"id": one, "name": TOOL, "arguments": ARGUMENTS} for one in "ab"],
    "no index and no id": [{"name": TOOL, "arguments": ARGUMENTS}] * 2,
    "index 0 and an id each, in pieces": [
        {"index": 0, "id": "a", "name": TOOL},
        {"index": 0, "arguments": ARGUMENTS},
        {"index": 0, "id": "b", "name": TOOL},
        {"index": 0, "arguments": ARGUMENTS},
    ],
    "ids in turns": [
        {"index": 0, "id": "a", "name": TOOL, "arguments": ARGUMENTS[:9]},
        {"index": 0, "id": "b", "name": TOOL, "arguments": ARGUMENTS[:9]},
        {"index": 0, "id": "a", "arguments": ARGUMENTS[9:]},
        {"index": 0, "id": "b", "arguments": ARGUMENTS[9:]},
    ],
    "two indexes": [{"index": index, "name": TOOL, "arguments": ARGUMENTS} for index in (0, 1)],
}


def calls_of(api: str, told: list[Message]) -> list[tuple[str | None, str]]:
    body = stream(api, [*told, *messages(api, pieces=[])])
    reading: Reading = read_stream(codec(api, {}), body, (Arrival(at_ns=1, end=len(body)),))
    assert judged(api, body, Task.TOOL_CALL).error is None
    return [(call.name, call.arguments) for call in reading.calls.values()]


@pytest.mark.parametrize("api", BUILDERS)
@pytest.mark.parametrize("pieces", ONE_CALL.values(), ids=ONE_CALL)
def test_pieces_of_one_call_are_one_call(api: str, pieces: list[Piece]) -> None:
    assert calls_of(api, BUILDERS[api](*pieces)) == [(TOOL, ARGUMENTS)]


@pytest.mark.parametrize("api", BUILDERS)
@pytest.mark.parametrize("pieces", TWO_CALLS.values(), ids=TWO_CALLS)
def test_two_calls_are_two_however_they_are_numbered(api: str, pieces: list[Piece]) -> None:
    assert calls_of(api, BUILDERS[api](*pieces)) == [(TOOL, ARGUMENTS)] * 2


@every_chat
def test_calls_of_one_chunk_without_an_index_are_numbered_by_their_place(api: str) -> None:
    first, second = (
        [{"function": part}] * 2 for part in ({"name": TOOL, "arguments": ARGUMENTS[:9]}, {"arguments": ARGUMENTS[9:]})
    )
    told: list[Message] = [(None, {"choices": [{"delta": {"tool_calls": part}}]}) for part in (first, second)]
    assert calls_of(api, told) == [(TOOL, ARGUMENTS)] * 2


OBJECT = json.loads(ARGUMENTS)
WHOLE_CALLS: dict[str, Callable[[int], list[Message]]] = {
    "mistral_chat": lambda count: _chat(*[{"index": 0, "name": TOOL, "arguments": OBJECT}] * count),
    "ollama_chat": lambda count: (
        [(None, {"message": {"tool_calls": [{"function": {"name": TOOL, "arguments": OBJECT}}]}, "done": False})]
        * count
    ),
    "gemini_generate": lambda count: (
        [(None, {"candidates": [{"content": {"parts": [{"functionCall": {"name": TOOL, "args": OBJECT}}]}}]})] * count
    ),
    "anthropic_messages": lambda count: [
        (
            "content_block_start",
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "tool_use", "id": f"call_{number}", "name": TOOL, "input": OBJECT},
            },
        )
        for number in range(count)
    ],
}


@pytest.mark.parametrize("api", WHOLE_CALLS)
def test_calls_that_come_whole_are_as_many_as_there_are(api: str) -> None:
    for count in (1, 2):
        calls = calls_of(api, WHOLE_CALLS[api](count))
        assert [(name, json.loads(arguments)) for name, arguments in calls] == [(TOOL, OBJECT)] * count


def test_arguments_given_at_the_start_of_a_block_are_replaced_by_its_deltas() -> None:
    told = WHOLE_CALLS["anthropic_messages"](1)
    for part in (ARGUMENTS[:9], ARGUMENTS[9:]):
        delta = {"type": "input_json_delta", "partial_json": part}
        told.append((None, {"type": "content_block_delta", "index": 0, "delta": delta}))
    assert calls_of("anthropic_messages", told) == [(TOOL, ARGUMENTS)]


def test_another_tools_name_behind_arguments_begins_another_call() -> None:
    pieces = [{"name": TOOL, "arguments": "{"}, {"name": "look", "arguments": "{}"}]
    body = stream("openai_chat", [*_chat(*pieces), *messages("openai_chat", pieces=[])])
    reading = read_stream(codec("openai_chat", {}), body, (Arrival(at_ns=1, end=len(body)),))
    assert [call.name for call in reading.calls.values()] == [TOOL, "look"]
