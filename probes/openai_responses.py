"""OpenAI's Responses API, and what copies it: OpenRouter, vLLM, llama.cpp, LM Studio and more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from probes import _chat, _errors, _json
from probes._model import (
    Done,
    Endpoint,
    ErrorClass,
    Event,
    Fault,
    Form,
    Frame,
    Headers,
    Probe,
    Prompt,
    Reasoning,
    Request,
    Task,
    Text,
    ToolCall,
    Usage,
)

_LEAST_TOKENS = 16
"""The API refuses a smaller `max_output_tokens`."""
_HOTTEST = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIResponses(Probe):
    """`POST {base_url}/responses`, answered by server-sent events, told apart by the `type` in their JSON.

    `response.completed` and `response.incomplete` prove the end. The API has no `[DONE]`; one that a copy sends is
    passed over and proves nothing, for without the other event a client has no response.
    """

    tasks = _chat.TASKS

    reasoning_tokens: int = 0
    """Room for a reasoning model to think in, on top of the answer's `max_tokens`."""
    temperature: float | None = 0.0
    """None leaves it out, for reasoning models, which refuse any."""
    reasoning_effort: str | None = None
    """`none`, `minimal`, `low`, …: how long a reasoning model may think."""
    tool_choice: str | None = None
    """`required` or `auto`, for copies that cannot be told which tool to call."""
    models_path: str | None = "/models"
    """Where the list of models is; None for copies that have none: `reach` then asks for the base URL alone."""

    def __post_init__(self) -> None:
        if self.reasoning_tokens < 0:
            raise ValueError(f"option 'reasoning_tokens' of openai_responses is 0 or more, not {self.reasoning_tokens}")
        if self.temperature is not None and not 0 <= self.temperature <= _HOTTEST:
            raise ValueError(f"option 'temperature' of openai_responses is 0 to 2 or null, not {self.temperature}")

    @property
    def lists_models(self) -> bool:
        """Whether there is a list of models."""
        return self.models_path is not None

    def most_tokens(self, prompt: Prompt) -> int:
        """The prompt's own limit and room to think in, but never fewer than the API takes."""
        return max(_LEAST_TOKENS, prompt.max_tokens + self.reasoning_tokens)

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """The request that asks `prompt` and has nothing stored; for `reach` the list of models."""
        base_url = endpoint.base_url.rstrip("/")
        key = endpoint.api_key
        headers = [("Authorization", f"Bearer {key.reveal()}")] if key is not None else []
        if task is Task.REACH:
            return _chat.get(base_url + (self.models_path or "/"), *headers)
        body = {
            "model": endpoint.model,
            "input": prompt.text,
            "max_output_tokens": self.most_tokens(prompt),
            "stream": True,
            "store": False,
            **self._task_fields(task, prompt.form),
            **self._optional(),
        }
        return _chat.post(f"{base_url}/responses", body, *headers)

    def _task_fields(self, task: Task, form: Form | None) -> dict[str, object]:
        """The tool that has to be called, flatter than in Chat Completions; or the schema of the answer."""
        if form is None:
            return {}
        schema = dict(form.schema)
        if task is Task.TOOL_CALL:
            tool = {"name": form.name, "description": form.description, "parameters": schema, "strict": True}
            choice = {"type": "function", "name": form.name}
            return {"tools": [{"type": "function", **tool}], "tool_choice": self.tool_choice or choice}
        return {"text": {"format": {"type": "json_schema", "name": form.name, "schema": schema, "strict": True}}}

    def _optional(self) -> dict[str, object]:
        """What some models refuse."""
        fields: dict[str, object] = {}
        if self.temperature is not None:
            fields["temperature"] = self.temperature
        if self.reasoning_effort is not None:
            fields["reasoning"] = {"effort": self.reasoning_effort}
        return fields

    def read(self, frame: Frame) -> Iterable[Event]:
        """Deltas, usage, the end, or an error that came with status 200. Other events say nothing to a probe."""
        if frame.data.strip() == b"[DONE]":
            return
        event = _json.as_object(_json.decode(frame.data))
        match "error" if frame.event == "error" else _json.get_text(event, "type"):
            case "response.completed":
                yield from _usage(event)
                yield Done("completed", cut=_is_at_limit(event))
            case "response.incomplete":
                yield from _usage(event)
                yield _incomplete(event)
            case "response.failed":
                yield from _usage(event)
                yield _errors.stream_fault(_json.get_object(_json.get_object(event, "response"), "error"))
            case "error":
                yield _errors.stream_fault(_error(event))
            case kind:
                yield from _content(kind, event)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """OpenAI's error bodies: `{"error": {"message", "type", "code"}}`."""
        return _errors.refusal(status, headers, body)

    def models(self, body: bytes) -> frozenset[str]:
        """The ids of `{"data": [{"id": …}]}`."""
        return _chat.model_ids(body)


def _content(kind: str, event: Mapping[str, object]) -> Iterator[Event]:
    """What an event adds to the answer. Its padding, `obfuscation`, is not content."""
    match kind:
        case "response.output_text.delta" | "response.refusal.delta":
            if text := _json.get_text(event, "delta"):
                yield Text(text)
        case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
            if text := _json.get_text(event, "delta"):
                yield Reasoning(text)
        case "response.function_call_arguments.delta":
            yield ToolCall(index=_index(event), arguments=_json.get_text(event, "delta"))
        case "response.output_item.added":
            item = _json.get_object(event, "item")
            if item.get("type") == "function_call":
                yield ToolCall(index=_index(event), name=_json.get_text(item, "name") or None)


def _index(event: Mapping[str, object]) -> int:
    return _json.get_count(event, "output_index") or 0


def _is_at_limit(event: Mapping[str, object]) -> bool:
    """Whether an answer took all the tokens that it might: some copies (Ollama, vLLM) call that completed as well."""
    response = _json.get_object(event, "response")
    used, most = _json.get_object(response, "usage").get("output_tokens"), response.get("max_output_tokens")
    return isinstance(used, int) and isinstance(most, int) and used >= most > 0


def _incomplete(event: Mapping[str, object]) -> Event:
    response = _json.get_object(event, "response")
    reason = _json.get_text(_json.get_object(response, "incomplete_details"), "reason")
    if reason == "content_filter":
        return Fault(error=ErrorClass.CONTENT_FILTER, detail="incomplete: content_filter")
    return Done(reason or "incomplete", cut=reason == "max_output_tokens")


def _error(event: Mapping[str, object]) -> Mapping[str, object] | str:
    """An error event's words: at the top, as documented, or at `error`, as OpenAI's servers send them."""
    error = event.get("error")
    return error if isinstance(error, dict | str) and error else {**event, "type": None}


def _usage(event: Mapping[str, object]) -> Iterator[Usage]:
    usage = _json.get_object(_json.get_object(event, "response"), "usage")
    if usage:
        yield Usage(
            prompt=_json.get_count(usage, "input_tokens"),
            output=_json.get_count(usage, "output_tokens"),
            reasoning=_json.get_count(_json.get_object(usage, "output_tokens_details"), "reasoning_tokens"),
            cached=_json.get_count(_json.get_object(usage, "input_tokens_details"), "cached_tokens"),
        )
