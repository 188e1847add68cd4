"""OpenAI's Chat Completions API, and everything that copies it: Groq, OpenRouter, vLLM, llama.cpp and many more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from probes import _errors, _json
from probes._model import (
    Done,
    Endpoint,
    ErrorClass,
    Event,
    Fault,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIChat(Probe):
    """`POST {base_url}/chat/completions`, answered by server-sent events."""

    tasks = frozenset({Task.CHAT})

    max_tokens_field: str = "max_tokens"
    """`max_completion_tokens` for OpenAI's own reasoning models, which refuse the older name."""
    include_usage: bool = True
    """Ask for token counts; some copies refuse `stream_options`."""
    temperature: float | None = 0.0
    """None leaves it out, for models that refuse any but their own."""
    reasoning_effort: str | None = None
    """`minimal`, `low`, …: how long a reasoning model may think."""

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """The request that asks `prompt` as the only user message."""
        body: dict[str, object] = {
            "model": endpoint.model,
            "messages": [{"role": "user", "content": prompt.text}],
            self.max_tokens_field: prompt.max_tokens,
            "stream": True,
        }
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if self.include_usage:
            body["stream_options"] = {"include_usage": True}
        if self.reasoning_effort is not None:
            body["reasoning_effort"] = self.reasoning_effort
        headers = [("Content-Type", "application/json"), ("Accept", "text/event-stream")]
        if endpoint.api_key is not None:
            headers.append(("Authorization", f"Bearer {endpoint.api_key.reveal()}"))
        return Request(
            method="POST",
            url=f"{endpoint.base_url.rstrip('/')}/chat/completions",
            headers=tuple(headers),
            body=json.dumps(body).encode(),
        )

    def read(self, frame: Frame) -> Iterable[Event]:
        """Deltas, usage, the end, or an error that came with status 200."""
        if frame.data.strip() == b"[DONE]":
            yield Done()
            return
        chunk = _json.as_object(_json.decode(frame.data))
        fault = _fault(chunk)
        if fault is not None:
            yield fault
            return
        for choice in map(_json.as_object, _json.get_list(chunk, "choices")):
            if not choice.get("index"):
                yield from _choice(choice)
        usage = chunk.get("usage")
        if usage is not None:
            yield _usage(_json.as_object(usage))

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """OpenAI's error bodies: `{"error": {"message", "type", "code"}}`."""
        return _errors.refusal(status, headers, body)


def _fault(chunk: Mapping[str, object]) -> Fault | None:
    """The error that a chunk carries: at `error`, or vLLM's `{"object": "error", "message": …}`."""
    error = chunk.get("error")
    if isinstance(error, dict | str) and error:
        return _errors.stream_fault(error)
    return _errors.stream_fault(chunk) if chunk.get("object") == "error" else None


def _choice(choice: Mapping[str, object]) -> Iterator[Event]:
    delta = _json.get_object(choice, "delta")
    thought = _json.get_text(delta, "reasoning_content") or _json.get_text(delta, "reasoning")
    if thought:
        yield Reasoning(thought)
    answer = _json.get_text(delta, "content") or _json.get_text(delta, "refusal")
    if answer:
        yield Text(answer)
    for call in map(_json.as_object, _json.get_list(delta, "tool_calls")):
        yield _tool_call(call)
    reason = _json.get_text(choice, "finish_reason")
    if reason:
        yield _end(reason)


def _tool_call(call: Mapping[str, object]) -> ToolCall:
    function = _json.get_object(call, "function")
    return ToolCall(
        index=_json.get_count(call, "index") or 0,
        name=_json.get_text(function, "name") or None,
        arguments=_json.get_text(function, "arguments"),
    )


def _end(reason: str) -> Event:
    match reason:
        case "error":
            return Fault(error=ErrorClass.STREAM_ERROR, detail="finish reason: error")
        case "content_filter":
            return Fault(error=ErrorClass.CONTENT_FILTER, detail="finish reason: content_filter")
        case _:
            return Done(reason)


def _usage(usage: Mapping[str, object]) -> Usage:
    return Usage(
        prompt=_json.get_count(usage, "prompt_tokens"),
        output=_json.get_count(usage, "completion_tokens"),
        reasoning=_json.get_count(_json.get_object(usage, "completion_tokens_details"), "reasoning_tokens"),
        cached=_json.get_count(_json.get_object(usage, "prompt_tokens_details"), "cached_tokens"),
    )
