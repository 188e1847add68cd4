"""Mistral's Chat Completions API: similar to OpenAI's, but some fields have other names or are rejected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from probes import _chat, _errors, _json
from probes._model import Endpoint, Event, Fault, Frame, Headers, MalformedError, Probe, Prompt, Request, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class MistralChat(Probe):
    """`POST {base_url}/chat/completions`, answered by server-sent events. Usage is sent without a request for it."""

    tasks = _chat.TASKS

    reasoning_tokens: int = 0
    """Tokens for reasoning, in addition to the answer's `max_tokens`."""
    temperature: float | None = 0.0
    """None: omitted, for models that reject all values except their default."""
    random_seed: int | None = None
    """With the same seed the answer is the same, even if the temperature is above 0."""
    reasoning_effort: str | None = None
    """`none` or `high`, for models that think only on request."""
    tool_choice: str | None = "any"
    """`any`, `required` or `auto`; None: force a call of the named tool."""

    @property
    def lists_models(self) -> bool:
        """There is a list of models."""
        return True

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """A request with `prompt` as the only user message; for `reach` a request for the list of models."""
        base_url = endpoint.base_url.rstrip("/")
        headers = _chat.bearer(endpoint.api_key)
        if task is Task.REACH:
            return _chat.get(f"{base_url}/models", *headers)
        fields = {
            "model": endpoint.model,
            "max_tokens": self.most_tokens(prompt),
            "temperature": self.temperature,
            "random_seed": self.random_seed,
            "reasoning_effort": self.reasoning_effort,
            "tool_choice": self.tool_choice if task is Task.TOOL_CALL else None,
        }
        return _chat.post(f"{base_url}/chat/completions", _chat.stream_body(task, prompt, fields), *headers)

    def read(self, frame: Frame) -> Iterable[Event]:
        """Like OpenAI's chat, but content may be a list of parts, and the arguments of a tool call may be an object."""
        return _chat.read_chunk(frame, arguments_as_objects=True)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """`{"object": "error", "message", "type", "code"}`, or `{"detail": [{"loc", "msg"}]}` for wrong requests."""
        fault = _errors.refusal(status, headers, body)
        return replace(fault, detail=": ".join((fault.detail or f"HTTP {status}", *_problems(body))))

    def models(self, body: bytes) -> frozenset[str]:
        """The ids and aliases of `{"data": [{"id", "aliases"}]}`."""
        cards = map(_json.as_object, _json.get_list(_json.as_object(_json.decode(body)), "data"))
        aliases = (alias for card in cards for alias in _json.get_list(card, "aliases") if isinstance(alias, str))
        return _chat.model_ids(body) | frozenset(aliases)


def _problems(body: bytes) -> list[str]:
    """The problems of the request that a refusal lists, one for each field."""
    try:
        source = _json.as_object(_json.decode(body))
        message = source.get("message")
        listed = _json.get_list(message if isinstance(message, dict) else source, "detail")
        return [_problem(_json.as_object(problem)) for problem in listed]
    except MalformedError:
        return []


def _problem(problem: Mapping[str, object]) -> str:
    where = ".".join(str(part) for part in _json.get_list(problem, "loc"))
    return f"{where}: {_json.get_text(problem, 'msg')}"
