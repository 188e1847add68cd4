"""OpenAI's Chat Completions API, and everything that copies it: Groq, OpenRouter, vLLM, llama.cpp and many more."""

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
    """`max_completion_tokens` for OpenAI's own reasoning models, which refuse the older name."""
    reasoning_tokens: int = 0
    """Room for a reasoning model to think in, on top of the answer's `max_tokens`."""
    include_usage: bool = True
    """Ask for token counts; some copies refuse `stream_options`."""
    temperature: float | None = 0.0
    """None leaves it out, for models that refuse any but their own."""
    reasoning_effort: str | None = None
    """`none`, `minimal`, `low`, …: how long a reasoning model may think."""
    tool_choice: str | None = None
    """`required` or `auto`, for copies that cannot be told which tool to call."""
    extra_body: str | None = None
    """JSON of further fields, such as `{"enable_thinking": false}`: what only one copy knows."""
    models_path: str | None = "/models"
    """Where the list of models is; None for copies that have none: `reach` then asks for the base URL alone."""

    def __post_init__(self) -> None:
        self._extra()

    def _extra(self) -> Mapping[str, object]:
        return _json.object_option("extra_body", self.extra_body)

    @property
    def lists_models(self) -> bool:
        """Whether there is a list of models."""
        return self.models_path is not None

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """The request that asks `prompt` as the only user message; for `reach` the list of models."""
        base_url = endpoint.base_url.rstrip("/")
        headers = _chat.bearer(endpoint.api_key)
        if task is Task.REACH:
            return _chat.get(base_url + (self.models_path or "/"), *headers)
        fields = {
            "model": endpoint.model,
            self.max_tokens_field: prompt.max_tokens + self.reasoning_tokens,
            "stream_options": {"include_usage": True} if self.include_usage else None,
            "temperature": self.temperature,
            "reasoning_effort": self.reasoning_effort,
            "tool_choice": self.tool_choice if task is Task.TOOL_CALL else None,
            **self._extra(),
        }
        return _chat.post(f"{base_url}/chat/completions", _chat.stream_body(task, prompt, fields), *headers)

    def read(self, frame: Frame) -> Iterable[Event]:
        """Deltas, usage, the end, or an error that came with status 200."""
        return _chat.read_chunk(frame)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """OpenAI's error bodies: `{"error": {"message", "type", "code"}}`."""
        return _errors.refusal(status, headers, body)

    def models(self, body: bytes) -> frozenset[str]:
        """The ids of `{"data": [{"id": …}]}`."""
        return _chat.model_ids(body)
