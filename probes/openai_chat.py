"""OpenAI's Chat Completions API and compatible APIs: Groq, OpenRouter, vLLM, llama.cpp and many others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probes import _chat, _errors, _json
from probes._model import Endpoint, Event, Fault, Frame, Headers, Probe, Prompt, Request, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIChat(Probe):
    """`POST {base_url}/chat/completions`, answered by server-sent events."""

    tasks = _chat.TASKS

    max_tokens_field: str = "max_tokens"
    """`max_completion_tokens` for OpenAI's reasoning models, which reject the older name."""
    reasoning_tokens: int = 0
    """Tokens for reasoning, in addition to the answer's `max_tokens`."""
    include_usage: bool = True
    """Request token counts; some compatible servers reject `stream_options`."""
    temperature: float | None = 0.0
    """None: omitted, for models that reject all values except their default."""
    reasoning_effort: str | None = None
    """The reasoning effort: `none`, `minimal`, `low`, …"""
    tool_choice: str | None = None
    """`required` or `auto`, for servers that cannot force a call of a named tool."""
    extra_body: str | None = None
    """JSON of further fields that only some servers support, such as `{"enable_thinking": false}`."""
    models_path: str | None = "/models"
    """The path of the list of models; None for servers without a list: `reach` then requests the base URL."""

    def __post_init__(self) -> None:
        self._extra()

    def _extra(self) -> Mapping[str, object]:
        return _json.object_option("extra_body", self.extra_body)

    @property
    def lists_models(self) -> bool:
        """Whether there is a list of models."""
        return self.models_path is not None

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """A request with `prompt` as the only user message; for `reach` a request for the list of models."""
        base_url = endpoint.base_url.rstrip("/")
        headers = _chat.bearer(endpoint.api_key)
        if task is Task.REACH:
            return _chat.get(base_url + (self.models_path or "/"), *headers)
        fields = {
            "model": endpoint.model,
            self.max_tokens_field: self.most_tokens(prompt),
            "stream_options": {"include_usage": True} if self.include_usage else None,
            "temperature": self.temperature,
            "reasoning_effort": self.reasoning_effort,
            "tool_choice": self.tool_choice if task is Task.TOOL_CALL else None,
            **self._extra(),
        }
        return _chat.post(f"{base_url}/chat/completions", _chat.stream_body(task, prompt, fields), *headers)

    def read(self, frame: Frame) -> Iterable[Event]:
        """Deltas, usage, the end, or an error with status 200."""
        return _chat.read_chunk(frame)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """OpenAI's error bodies: `{"error": {"message", "type", "code"}}`."""
        return _errors.refusal(status, headers, body)

    def models(self, body: bytes) -> frozenset[str]:
        """The ids of `{"data": [{"id": …}]}`."""
        return _chat.model_ids(body)
