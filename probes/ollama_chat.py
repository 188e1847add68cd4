"""Ollama's native chat API, of a local server or of Ollama's cloud. The answer consists of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from probes import _chat, _errors, _finish, _json
from probes._model import (
    Done,
    Endpoint,
    Event,
    Fault,
    Form,
    Frame,
    Framing,
    Headers,
    Probe,
    Prompt,
    Reasoning,
    Request,
    ServerTime,
    Task,
    Text,
    ToolCall,
    Usage,
)

_LATEST = ":latest"
"""The default tag of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaChat(Probe):
    """`POST {base_url}/api/chat`; the base URL is `http://127.0.0.1:11434`, or `https://ollama.com` with a key."""

    framing = Framing.JSON_LINES
    tasks = _chat.TASKS

    think: bool | str | None = None
    """Whether a thinking model thinks, or its effort: `low`, `medium`, `high`. None: the model's default."""
    reasoning_tokens: int = 0
    """Tokens for thinking, in addition to the answer's `max_tokens`."""
    temperature: float | None = 0.0
    """None: the model's default."""
    seed: int | None = None
    """With the same seed the answer is the same, even if the temperature is above 0."""

    @property
    def lists_models(self) -> bool:
        """There is a list of models."""
        return True

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """A request with `prompt` as the only user message; for `reach` a request for the list of models."""
        base_url = endpoint.base_url.rstrip("/")
        headers = _chat.bearer(endpoint.api_key)
        if task is Task.REACH:
            return _chat.get(f"{base_url}/api/tags", *headers)
        options = {
            "num_predict": self.most_tokens(prompt),
            "temperature": self.temperature,
            "seed": self.seed,
        }
        body = {
            "model": endpoint.model,
            "messages": _chat.messages(prompt),
            "stream": True,
            "options": {name: value for name, value in options.items() if value is not None},
            **({} if self.think is None else {"think": self.think}),
            **_task_fields(task, prompt.form),
        }
        return _chat.post(f"{base_url}/api/chat", body, *headers, accept=self.framing.value)

    def read(self, frame: Frame) -> Iterable[Event]:
        """Yield a piece of the message, the end with its counts, or an error with status 200."""
        line = _json.as_object(_json.decode(frame.data))
        fault = _errors.fault_in(line)
        if fault is not None:
            yield fault
            return
        yield from _message(_json.get_object(line, "message"))
        if line.get("done") is True:
            yield from _end(line)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """Ollama's error bodies: `{"error": "…"}`."""
        return _errors.refusal(status, headers, body)

    def models(self, body: bytes) -> frozenset[str]:
        """The names of `{"models": [{"name", "model"}]}`. Names with the tag `latest` are also included without it."""
        names = _chat.model_ids(body, items="models", key="name") | _chat.model_ids(body, items="models", key="model")
        return names | {name.removesuffix(_LATEST) for name in names}


def _task_fields(task: Task, form: Form | None) -> dict[str, object]:
    """Like the fields of OpenAI's chat, but a call cannot be forced, and the schema is not wrapped."""
    fields = _chat.task_fields(task, form)
    if "tools" in fields:
        return {"tools": fields["tools"]}
    return {"format": dict(form.schema)} if form else {}


def _message(message: Mapping[str, object]) -> Iterator[Event]:
    thought = _json.get_side_text(message, "thinking")
    if thought:
        yield Reasoning(thought)
    text = _json.get_content(message, "content")
    if text:
        yield Text(text)
    for position, call in enumerate(_json.get_objects(message, "tool_calls")):
        yield _tool_call(call, position)


def _tool_call(call: Mapping[str, object], position: int) -> ToolCall:
    """A complete call. Older servers send no index."""
    function = _json.get_object(call, "function")
    index = _json.get_count(function, "index")
    return ToolCall(
        index=position if index is None else index,
        name=_json.get_content(function, "name") or None,
        arguments=json.dumps(_json.get_object(function, "arguments")),
        id=_json.get_side_text(call, "id") or None,
        whole=True,
    )


def _end(line: Mapping[str, object]) -> Iterator[Event]:
    yield Usage(prompt=_json.get_count(line, "prompt_eval_count"), output=_json.get_count(line, "eval_count"))
    duration_ns = _json.get_count(line, "total_duration")
    if duration_ns is not None:
        yield ServerTime(duration_ns / 1e9)
    yield _finish.finish(_json.get_text(line, "done_reason")) or Done()
