"""OpenAI's Responses API and compatible APIs: OpenRouter, vLLM, llama.cpp, LM Studio and others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from probes import _chat, _errors, _finish, _json
from probes._model import (
    Done,
    Endpoint,
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
"""The API rejects a smaller `max_output_tokens`."""
_HOTTEST = 2.0
_ENDS = frozenset(f"response.{status}" for status in ("completed", "incomplete", "failed", "cancelled"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIResponses(Probe):
    """`POST {base_url}/responses`, answered by server-sent events. The `type` in the JSON identifies each event.

    `response.completed` and `response.incomplete` prove the end. The API has no `[DONE]`. A `[DONE]` of a compatible
    server is ignored and is no proof, because without the other event a client has no response.
    """

    tasks = _chat.TASKS

    reasoning_tokens: int = 0
    """Tokens for reasoning, in addition to the answer's `max_tokens`."""
    temperature: float | None = 0.0
    """None: omitted, for reasoning models, which reject any value."""
    reasoning_effort: str | None = None
    """The reasoning effort: `none`, `minimal`, `low`, …"""
    tool_choice: str | None = None
    """`required` or `auto`, for servers that cannot force a call of a named tool."""
    models_path: str | None = "/models"
    """The path of the list of models; None for servers without a list: `reach` then requests the base URL."""

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
        """The prompt's limit plus `reasoning_tokens`, but at least the minimum of the API."""
        return max(_LEAST_TOKENS, prompt.max_tokens + self.reasoning_tokens)

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """A request with `prompt` as its input that is not stored; for `reach` a request for the list of models."""
        base_url = endpoint.base_url.rstrip("/")
        headers = _chat.bearer(endpoint.api_key)
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
        """The tool that has to be called, with fewer levels than in Chat Completions, or the schema of the answer."""
        if form is None:
            return {}
        schema = dict(form.schema)
        if task is Task.TOOL_CALL:
            tool = {"name": form.name, "description": form.description, "parameters": schema, "strict": True}
            choice = {"type": "function", "name": form.name}
            return {"tools": [{"type": "function", **tool}], "tool_choice": self.tool_choice or choice}
        return {"text": {"format": {"type": "json_schema", "name": form.name, "schema": schema, "strict": True}}}

    def _optional(self) -> dict[str, object]:
        """The fields that some models reject."""
        fields: dict[str, object] = {}
        if self.temperature is not None:
            fields["temperature"] = self.temperature
        if self.reasoning_effort is not None:
            fields["reasoning"] = {"effort": self.reasoning_effort}
        return fields

    def read(self, frame: Frame) -> Iterable[Event]:
        """Yield deltas, usage, the end, or an error with status 200. Other events are ignored."""
        if frame.data.strip() == b"[DONE]":
            return
        event = _json.as_object(_json.decode(frame.data))
        kind = "error" if frame.event == "error" else _json.get_text(event, "type")
        fault = _errors.fault_in(event)
        if kind == "error":
            yield _error(event, fault)
        elif fault is not None:
            yield fault
        elif kind in _ENDS:
            yield from _usage(event)
            yield _end(kind.removeprefix("response."), _json.get_object(event, "response"))
        else:
            yield from _content(kind, event)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """OpenAI's error bodies: `{"error": {"message", "type", "code"}}`."""
        return _errors.refusal(status, headers, body)

    def models(self, body: bytes) -> frozenset[str]:
        """The ids of `{"data": [{"id": …}]}`."""
        return _chat.model_ids(body)


def _error(event: Mapping[str, object], fault: Fault | None) -> Fault:
    """The fault of an error event. The detail omits `type`: it is the event's, but may identify the error class."""
    untyped = {**event, "type": None}
    found = _errors.fault_in(untyped) or _errors.stream_fault(untyped)
    return found if fault is None else replace(fault, detail=found.detail)


def _content(kind: str, event: Mapping[str, object]) -> Iterator[Event]:
    """The content of an event. The padding `obfuscation` is ignored."""
    match kind:
        case "response.output_text.delta" | "response.refusal.delta":
            if text := _json.get_content(event, "delta"):
                yield Text(text)
        case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
            if text := _json.get_content(event, "delta"):
                yield Reasoning(text)
        case "response.function_call_arguments.delta":
            item_id = _json.get_side_text(event, "item_id") or None
            yield ToolCall(index=_index(event), id=item_id, arguments=_json.get_content(event, "delta"))
        case "response.output_item.added":
            item = _json.get_object(event, "item")
            if item.get("type") == "function_call":
                name, call_id = _json.get_content(item, "name"), _json.get_side_text(item, "id")
                yield ToolCall(index=_index(event), name=name or None, id=call_id or None)


def _index(event: Mapping[str, object]) -> int:
    return _json.get_count(event, "output_index") or 0


def _end(kind: str, response: Mapping[str, object]) -> Event:
    """The meaning of a final event, by its name and by the response's status, error and `incomplete_details`."""
    status = _json.get_side_text(response, "status") or kind
    fault = _errors.fault_in({"error": response.get("error")})
    if fault is not None or kind == "failed" or status == "failed":
        return fault or _errors.stream_fault(_json.get_side_object(response, "error"))
    reason = _json.get_side_text(_json.get_side_object(response, "incomplete_details"), "reason")
    reported = kind if kind != "completed" else status
    if reported == "incomplete":
        return _finish.finish(reason, name="incomplete") or Done(reported, cut=True)
    if reported == "completed":
        return Done(reported, cut=_is_at_limit(response))
    return _finish.finish(reported, name="status") or Done(kind)


def _is_at_limit(response: Mapping[str, object]) -> bool:
    """Whether an answer used all allowed tokens. Some compatible servers (Ollama, vLLM) report that as completed."""
    used = _json.get_count(_json.get_side_object(response, "usage"), "output_tokens")
    most = _json.get_count(response, "max_output_tokens")
    return used is not None and most is not None and used >= most > 0


def _usage(event: Mapping[str, object]) -> Iterator[Usage]:
    usage = _json.get_side_object(_json.get_object(event, "response"), "usage")
    if usage:
        yield Usage(
            prompt=_json.get_count(usage, "input_tokens"),
            output=_json.get_count(usage, "output_tokens"),
            reasoning=_json.get_count(_json.get_side_object(usage, "output_tokens_details"), "reasoning_tokens"),
            cached=_json.get_count(_json.get_side_object(usage, "input_tokens_details"), "cached_tokens"),
        )
