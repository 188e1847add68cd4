"""Anthropic's Messages API and compatible APIs: OpenRouter, DeepSeek, vLLM, llama.cpp and others."""

from __future__ import annotations

import json
import re
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

_OLD_VERSION = "2023-06-01"
_AUTHS = ("bearer", "x-api-key")
_THINKING = ("enabled", "adaptive", "disabled", "between_tools")
_LEAST_THINKING = 1024
_AUTO = "auto"
_ANTHROPICS = re.compile(r"^https://([a-z0-9-]+\.)*anthropic\.com(:|/|$)", re.IGNORECASE)
_OWN_TEMPERATURE = re.compile(r"claude|minimax|kimi-k(2\.[5-9]|[3-9])|(^|/)(o\d|gpt-5)", re.IGNORECASE)
"""Models that reject any temperature, or 0, at every provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnthropicMessages(Probe):
    """`POST {base_url}/messages`; the base URL ends in `/v1`. The answer is a stream of server-sent events.

    Only `message_stop` proves the end: without it Anthropic's TypeScript client returns no message. The stop reason
    comes one event earlier and is no proof. `output_tokens` in `message_start` is not final and is ignored: if an
    answer breaks off before `message_delta`, its output tokens are counted locally.
    """

    tasks = _chat.TASKS

    auth: str = "bearer"
    """How the key is sent: `bearer`, as Anthropic's clients do since October 2026 and most compatible servers expect;
    or `x-api-key`, for servers that support only the older header, which Anthropic still accepts."""
    version: str = "2026-10-21"
    """The header `anthropic-version`."""
    temperature: float | str | None = "auto"
    """`auto`: 0 without thinking, for models that accept it (Claude and a few others do not). A number is sent only
    without thinking and is allowed only with version 2023-06-01, since later versions reject it. None: omitted, for
    servers that reject 0."""
    thinking: str | None = None
    """`adaptive`, `enabled` (Claude 4.6 and older), `disabled` or `between_tools`. None: `enabled` if
    `reasoning_tokens` is set, else the model's default. Many models think by default, and then reject a request to
    call a named tool."""
    reasoning_tokens: int = 0
    """Tokens for thinking, in addition to the answer's `max_tokens`; at least 1024 if thinking is `enabled`."""
    effort: str | None = None
    """The effort: `low`, `medium`, `high`, …"""
    models_path: str | None = "/models?limit=1000"
    """The path of the list of models; None for servers without a list: `reach` then requests the base URL."""

    def __post_init__(self) -> None:
        for option, problem in self._problems():
            raise ValueError(f"option {option!r} of anthropic_messages {problem}")

    def _problems(self) -> Iterator[tuple[str, str]]:
        if self.auth not in _AUTHS:
            yield "auth", f"is {' or '.join(_AUTHS)}, not {self.auth!r}"
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", self.version):
            yield "version", f"is a date like {_OLD_VERSION}, not {self.version!r}"
        if self.thinking not in {None, *_THINKING}:
            yield "thinking", f"is one of {', '.join(_THINKING)}, not {self.thinking!r}"
        yield from self._number_problems()

    def _number_problems(self) -> Iterator[tuple[str, str]]:
        least = _LEAST_THINKING if self._mode == "enabled" else 0
        if self.reasoning_tokens < least:
            yield "reasoning_tokens", f"is {least} or more, not {self.reasoning_tokens}"
        if self.temperature in {None, _AUTO}:
            return
        if isinstance(self.temperature, str) or not 0 <= (self.temperature or 0) <= 1:
            yield "temperature", f"is auto, 0 to 1 or null, not {self.temperature}"
        elif self.version != _OLD_VERSION:
            yield "temperature", f"is refused by version {self.version}: only {_OLD_VERSION} takes one"

    @property
    def _mode(self) -> str | None:
        """The requested type of thinking; None: the model decides."""
        return self.thinking or ("enabled" if self.reasoning_tokens else None)

    @property
    def _thinks(self) -> bool:
        return self._mode in {"enabled", "adaptive"}

    @property
    def lists_models(self) -> bool:
        """Whether there is a list of models."""
        return self.models_path is not None

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """A request with `prompt` as the only user message; for `reach` a request for the list of models."""
        base_url = endpoint.base_url.rstrip("/")
        headers = [("anthropic-version", self.version), *self._credentials(endpoint)]
        if task is Task.REACH:
            return _chat.get(base_url + (self.models_path or "/"), *headers)
        body = {
            "model": endpoint.model,
            "messages": _chat.messages(prompt),
            "max_tokens": self.most_tokens(prompt),
            "stream": True,
            **self._tools(task, prompt.form),
            **self._output(task, prompt.form),
            **self._sampling(endpoint),
        }
        return _chat.post(f"{base_url}/messages", body, *headers)

    def _credentials(self, endpoint: Endpoint) -> Iterator[tuple[str, str]]:
        if endpoint.api_key is not None:
            key = endpoint.api_key.reveal()
            yield ("x-api-key", key) if self.auth == "x-api-key" else ("Authorization", f"Bearer {key}")

    def _tools(self, task: Task, form: Form | None) -> dict[str, object]:
        """The tool that has to be called. To a model that thinks, the tool is only offered."""
        if form is None or task is not Task.TOOL_CALL:
            return {}
        tool = {"name": form.name, "description": form.description, "input_schema": dict(form.schema)}
        choice = {"type": "auto"} if self._thinks else {"type": "tool", "name": form.name}
        return {"tools": [tool], "tool_choice": choice}

    def _output(self, task: Task, form: Form | None) -> dict[str, object]:
        """The effort, and the schema of the answer."""
        config: dict[str, object] = {}
        if self.effort is not None:
            config["effort"] = self.effort
        if form is not None and task is Task.STRUCTURED_OUTPUT:
            config["format"] = {"type": "json_schema", "schema": dict(form.schema)}
        return {"output_config": config} if config else {}

    def _sampling(self, endpoint: Endpoint) -> dict[str, object]:
        fields: dict[str, object] = {}
        if self._mode is not None:
            budget = {"budget_tokens": self.reasoning_tokens} if self._mode == "enabled" else {}
            fields["thinking"] = {"type": self._mode, **budget}
        own = _OWN_TEMPERATURE.search(endpoint.model) or _ANTHROPICS.search(endpoint.base_url)
        temperature = self.temperature if self.temperature != _AUTO else None if own else 0.0
        if temperature is not None and not self._thinks:
            fields["temperature"] = temperature
        return fields

    def read(self, frame: Frame) -> Iterable[Event]:
        """Yield content, usage, the end, or an error with status 200. Pings are ignored."""
        if frame.data.strip() == b"[DONE]":
            # OpenRouter ends every stream with it.
            return
        event = _json.as_object(_json.decode(frame.data))
        fault = _errors.fault_in(event)
        if fault is not None or frame.event == "error":
            yield fault or _errors.stream_fault(event)
            return
        match _json.get_text(event, "type"):
            case "message_start":
                yield from _usage(_json.get_side_object(_json.get_object(event, "message"), "usage"), ended=False)
            case "content_block_start":
                yield from _block(event)
            case "content_block_delta":
                yield from _delta(event)
            case "message_delta":
                yield from _usage(_json.get_side_object(event, "usage"), ended=True)
                yield from _stop(_json.get_object(event, "delta"))
            case "message_stop":
                yield Done()

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """Anthropic's error bodies: `{"type": "error", "error": {"type", "message"}}`."""
        fault = _errors.refusal(status, headers, body)
        # This is the whole message for a caller from an unsupported country.
        if fault.detail == "HTTP 403: forbidden: Request not allowed":
            return replace(fault, error=ErrorClass.GEO)
        return fault

    def models(self, body: bytes) -> frozenset[str]:
        """The ids of `{"data": [{"id": …}]}`, without those of retired models."""
        listed = map(_json.as_object, _json.get_list(_json.as_object(_json.decode(body)), "data"))
        return frozenset(_json.get_text(model, "id") for model in listed if model.get("lifecycle") != "retired") - {""}


def _block(event: Mapping[str, object]) -> Iterator[Event]:
    """The start of a block: the name of a tool, or the first text."""
    block = _json.get_object(event, "content_block")
    match block.get("type"):
        case "tool_use":
            given = _json.get_side_object(block, "input")
            yield ToolCall(
                index=_index(event),
                name=_json.get_content(block, "name") or None,
                # Compatible servers send all arguments here, and some repeat them in deltas.
                arguments=json.dumps(given) if given else "",
                id=_json.get_side_text(block, "id") or None,
                whole=bool(given),
            )
        case "text":
            yield from _text(block)
        case "thinking":
            yield from _thought(block)


def _delta(event: Mapping[str, object]) -> Iterator[Event]:
    """A piece of a block. Signatures and citations are ignored."""
    delta = _json.get_object(event, "delta")
    match delta.get("type"):
        case "text_delta":
            yield from _text(delta)
        case "thinking_delta":
            yield from _thought(delta)
        case "input_json_delta":
            yield ToolCall(index=_index(event), arguments=_json.get_content(delta, "partial_json"))


def _text(part: Mapping[str, object]) -> Iterator[Event]:
    if text := _json.get_content(part, "text"):
        yield Text(text)


def _thought(part: Mapping[str, object]) -> Iterator[Event]:
    if thought := _json.get_side_text(part, "thinking"):
        yield Reasoning(thought)


def _index(event: Mapping[str, object]) -> int:
    return _json.get_count(event, "index") or 0


def _stop(delta: Mapping[str, object]) -> Iterator[Event]:
    """The stop reason. Anthropic's classifiers end an answer with `refusal`, even after text was sent."""
    why = _json.get_side_text(_json.get_side_object(delta, "stop_details"), "explanation")
    end = _finish.finish(_json.get_text(delta, "stop_reason"), why, proof=False, name="stop reason")
    if end is not None:
        yield end


def _usage(usage: Mapping[str, object], *, ended: bool) -> Iterator[Usage]:
    """Token counts. Each report includes all tokens so far. Cache writes and reads are prompt tokens, too."""
    if not usage:
        return
    fresh, written, cached = (
        _json.get_count(usage, key)
        for key in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    )
    details = _json.get_side_object(usage, "output_tokens_details")
    yield Usage(
        prompt=None if fresh is None else fresh + (written or 0) + (cached or 0),
        output=_json.get_count(usage, "output_tokens") if ended else None,
        reasoning=_json.get_count(details, "thinking_tokens") if ended else None,
        cached=cached,
    )
