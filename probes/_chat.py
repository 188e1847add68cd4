"""The common part of OpenAI's Chat Completions API and compatible APIs: requests and chunks. Pure.

Codecs differ in addresses, headers and a few fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from probes import _errors, _finish, _json
from probes._model import (
    Done,
    Event,
    Form,
    Frame,
    Prompt,
    Reasoning,
    Request,
    Secret,
    Task,
    Text,
    ToolCall,
    Usage,
)

TASKS = frozenset({Task.CHAT, Task.TOOL_CALL, Task.STRUCTURED_OUTPUT, Task.REACH})
"""The tasks of an API with chat, tools and JSON Schema."""
_FIRST = (None, 0, "", "0")
"""Spellings of the index of the first choice."""


def post(url: str, body: Mapping[str, object], *headers: tuple[str, str], accept: str = "text/event-stream") -> Request:
    """A POST request with a JSON body."""
    given = (("Content-Type", "application/json"), ("Accept", accept), *headers)
    return Request(method="POST", url=url, headers=given, body=json.dumps(body).encode())


def get(url: str, *headers: tuple[str, str]) -> Request:
    """A GET request for JSON."""
    return Request(method="GET", url=url, headers=(("Accept", "application/json"), *headers), body=b"")


def bearer(key: Secret | None) -> list[tuple[str, str]]:
    """The header with the key; none without a key."""
    return [] if key is None else [("Authorization", f"Bearer {key.reveal()}")]


def stream_body(task: Task, prompt: Prompt, fields: Mapping[str, object]) -> dict[str, object]:
    """The body of a request for a stream. Fields with the value None are omitted."""
    given = {name: value for name, value in fields.items() if value is not None}
    return {"messages": messages(prompt), "stream": True, **task_fields(task, prompt.form), **given}


def messages(prompt: Prompt) -> list[dict[str, str]]:
    """The prompt as the only message."""
    return [{"role": "user", "content": prompt.text}]


def task_fields(task: Task, form: Form | None) -> dict[str, object]:
    """The fields of a task: the tool that has to be called, or the schema of the answer."""
    if form is None:
        return {}
    schema = dict(form.schema)
    if task is Task.TOOL_CALL:
        function = {"name": form.name, "description": form.description, "parameters": schema}
        return {
            "tools": [{"type": "function", "function": function}],
            "tool_choice": {"type": "function", "function": {"name": form.name}},
        }
    json_schema = {"name": form.name, "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": json_schema}}


def read_chunk(frame: Frame, *, arguments_as_objects: bool = False) -> Iterable[Event]:
    """Yield deltas, usage, the end, or an error with status 200.

    `arguments_as_objects`: whether a tool call's arguments may be an object, which OpenAI's clients cannot read.
    """
    if frame.data.strip() == b"[DONE]":
        yield Done()
        return
    chunk = _json.as_object(_json.decode(frame.data))
    fault = _errors.fault_in(chunk)
    if fault is not None:
        yield fault
        return
    for choice in _json.get_objects(chunk, "choices"):
        if choice.get("index") in _FIRST:
            yield from _choice(choice, arguments_as_objects=arguments_as_objects)
    usage = chunk.get("usage")
    if isinstance(usage, dict):
        yield _usage(usage)


def model_ids(body: bytes, *, items: str = "data", key: str = "id") -> frozenset[str]:
    """The names in a list of models: `{"data": [{"id": …}]}`. Some servers send the bare array."""
    value = _json.decode(body)
    found = value if isinstance(value, list) else _json.get_list(_json.as_object(value), items)
    return frozenset(_json.get_text(_json.as_object(item), key) for item in found) - {""}


def _choice(choice: Mapping[str, object], *, arguments_as_objects: bool) -> Iterator[Event]:
    delta = _json.get_object(choice, "delta")
    thought = _json.get_side_text(delta, "reasoning_content") or _json.get_side_text(delta, "reasoning")
    if thought:
        yield Reasoning(thought)
    yield from _content(delta)
    refusal = _json.get_content(delta, "refusal")
    if refusal:
        yield Text(refusal)
    for place, call in enumerate(_json.get_objects(delta, "tool_calls")):
        yield _tool_call(call, place, arguments_as_objects=arguments_as_objects)
    end = _finish.finish(_json.get_text(choice, "finish_reason"))
    if end is not None:
        yield end


def _content(delta: Mapping[str, object]) -> Iterator[Event]:
    """Text, or Mistral's list of parts. A part `thinking` contains another list."""
    content = delta.get("content")
    if isinstance(content, list):
        for part in map(_json.as_object, content):
            if _json.get_text(part, "type") == "thinking":
                thoughts = (_json.get_content(piece, "text") for piece in _json.get_objects(part, "thinking"))
                yield from (Reasoning(text) for text in thoughts if text)
            elif text := _json.get_content(part, "text"):
                yield Text(text)
    elif text := _json.get_content(delta, "content"):
        yield Text(text)


def _tool_call(call: Mapping[str, object], place: int, *, arguments_as_objects: bool) -> ToolCall:
    function = _json.get_object(call, "function")
    index, whole = _json.get_count(call, "index"), arguments_as_objects and isinstance(function.get("arguments"), dict)
    return ToolCall(
        index=place if index is None else index,
        name=_json.get_content(function, "name") or None,
        arguments=json.dumps(function["arguments"]) if whole else _json.get_content(function, "arguments"),
        id=_json.get_side_text(call, "id") or None,
        whole=whole,
    )


def _usage(usage: Mapping[str, object]) -> Usage:
    details = _json.get_side_object(usage, "completion_tokens_details")
    cached = _json.get_count(_json.get_side_object(usage, "prompt_tokens_details"), "cached_tokens")
    return Usage(
        prompt=_json.get_count(usage, "prompt_tokens"),
        output=_json.get_count(usage, "completion_tokens"),
        reasoning=_json.get_count(details, "reasoning_tokens"),
        # DeepSeek's own field.
        cached=_json.get_count(usage, "prompt_cache_hit_tokens") if cached is None else cached,
    )
