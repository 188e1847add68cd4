"""Cohere's Chat API, version 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from probes import _chat, _errors, _finish, _json
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

_REFUSALS: Mapping[int, ErrorClass] = {
    # "A request or response contains a deny-listed token". Other APIs use this status for full capacity.
    498: ErrorClass.CONTENT_FILTER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CohereChat(Probe):
    """`POST {base_url}/v2/chat`, answered by server-sent events.

    The base URL is that of the host (`https://api.cohere.com`), with or without `/v2`.
    """

    tasks = _chat.TASKS

    temperature: float | None = 0.0
    """None: omitted."""
    thinking: str | None = None
    """`disabled` or `enabled`, for reasoning models; None: omitted, and these models reason."""
    thinking_budget: int | None = None
    """The maximum tokens for thinking; needs `thinking: enabled`."""
    reasoning_tokens: int = 0
    """Tokens for reasoning, in addition to the answer's `max_tokens`."""
    tool_choice: str | None = "REQUIRED"
    """None: omitted, for models older than command-r7b, which reject it."""
    strict_tools: bool = True
    """Enforce the tool's schema in calls; the first requests after a change of the tool then take longer."""

    def __post_init__(self) -> None:
        """Check the options. Raises ValueError."""
        if self.thinking not in {None, "disabled", "enabled"}:
            raise ValueError(f"thinking is disabled or enabled, not {self.thinking!r}")
        if self.thinking_budget is not None and self.thinking != "enabled":
            raise ValueError("thinking_budget needs thinking: enabled")

    @property
    def lists_models(self) -> bool:
        """There is a list of models."""
        return True

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """A request with `prompt` as the only user message; for `reach` a request for the list of models."""
        host = endpoint.base_url.rstrip("/").removesuffix("/v2")
        headers = _chat.bearer(endpoint.api_key)
        if task is Task.REACH:
            return _chat.get(f"{host}/v1/models?page_size=1000", *headers)
        body = {
            "model": endpoint.model,
            "messages": _chat.messages(prompt),
            "max_tokens": self.most_tokens(prompt),
            "stream": True,
            **self._optional(),
            **self._task_fields(task, prompt.form),
        }
        return _chat.post(f"{host}/v2/chat", body, *headers)

    def _optional(self) -> dict[str, object]:
        fields: dict[str, object] = {}
        if self.temperature is not None:
            fields["temperature"] = self.temperature
        if self.thinking is not None:
            budget = {} if self.thinking_budget is None else {"token_budget": self.thinking_budget}
            fields["thinking"] = {"type": self.thinking, **budget}
        return fields

    def _task_fields(self, task: Task, form: Form | None) -> dict[str, object]:
        """The tools for `tool_call`, or the schema of the answer."""
        if form is None:
            return {}
        if task is Task.STRUCTURED_OUTPUT:
            return {"response_format": {"type": "json_object", "json_schema": dict(form.schema)}}
        fields: dict[str, object] = {"tools": _chat.task_fields(task, form)["tools"]}
        if self.tool_choice is not None:
            fields["tool_choice"] = self.tool_choice
        if self.strict_tools:
            fields["strict_tools"] = True
        return fields

    def read(self, frame: Frame) -> Iterable[Event]:
        """Yield deltas, usage, the end, or an error with status 200. Events without content are ignored."""
        if frame.data.strip() == b"[DONE]":
            return  # some gateways add it; the proof of the end is `message-end`
        message = _json.as_object(_json.decode(frame.data))
        fault = _errors.fault_in(message)
        if fault is not None:
            yield fault
            return
        delta = _json.get_object(message, "delta")
        match message.get("type"):
            case "content-start" | "content-delta":
                yield from _content(_json.get_object(_json.get_object(delta, "message"), "content"))
            case "tool-plan-delta":
                # The model's plan is reasoning, not the answer.
                plan = _json.get_side_text(_json.get_side_object(delta, "message"), "tool_plan")
                if plan:
                    yield Reasoning(plan)
            case "tool-call-start" | "tool-call-delta":
                call = _json.get_object(_json.get_object(delta, "message"), "tool_calls")
                yield _tool_call(call, _json.get_count(message, "index") or 0)
            case "message-end":
                yield from _end(delta)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """Cohere's error bodies: `{"message": …}`."""
        fault = _errors.refusal(status, headers, body)
        return replace(fault, error=_REFUSALS.get(status, fault.error))

    def models(self, body: bytes) -> frozenset[str]:
        """The names of `{"models": [{"name": …}]}`."""
        return _chat.model_ids(body, items="models", key="name")


def _content(content: Mapping[str, object]) -> Iterator[Event]:
    thought, text = _json.get_side_text(content, "thinking"), _json.get_content(content, "text")
    if thought:
        yield Reasoning(thought)
    if text:
        yield Text(text)


def _tool_call(call: Mapping[str, object], index: int) -> ToolCall:
    function = _json.get_object(call, "function")
    return ToolCall(
        index=index,
        name=_json.get_content(function, "name") or None,
        arguments=_json.get_content(function, "arguments"),
        id=_json.get_side_text(call, "id") or None,
    )


def _end(delta: Mapping[str, object]) -> Iterator[Event]:
    usage = delta.get("usage")
    if isinstance(usage, dict):
        yield _usage(usage)
    yield _errors.fault_in(delta) or _finish.finish(_json.get_text(delta, "finish_reason")) or Done()


def _usage(usage: Mapping[str, object]) -> Usage:
    """The processed tokens; if missing, the billed tokens, which exclude those of the template."""
    tokens = _json.get_side_object(usage, "tokens") or _json.get_side_object(usage, "billed_units")
    return Usage(
        prompt=_json.get_count(tokens, "input_tokens"),
        output=_json.get_count(tokens, "output_tokens"),
        cached=_json.get_count(usage, "cached_tokens"),
    )
