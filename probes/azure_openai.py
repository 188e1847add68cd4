"""Azure OpenAI's Chat Completions API: each customer has a resource, and models have the names of deployments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote

from probes import _chat, _errors, _json
from probes._model import (
    Endpoint,
    ErrorClass,
    Event,
    Fault,
    Frame,
    Headers,
    MalformedError,
    Probe,
    Prompt,
    Request,
    Task,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureOpenAI(Probe):
    """`POST {base_url}/openai/…/chat/completions`; the endpoint's model is the deployment's name.

    `reach` requests the list of models. It contains the models that the resource can deploy, not its deployments, so it
    does not show whether the endpoint's model exists.
    """

    tasks = _chat.TASKS

    api_version: str | None = None
    """A version such as `2024-10-21` for the dated API; None for `/openai/v1`, which has no versions."""
    auth: str = "api-key"
    """`api-key`, or `bearer` if the key is an Entra token."""
    max_tokens_field: str = "max_tokens"
    """`max_completion_tokens` for reasoning models, which reject the older name."""
    reasoning_tokens: int = 0
    """Tokens for reasoning, in addition to the answer's `max_tokens`."""
    include_usage: bool = True
    """Request token counts; API versions before 2024-09 reject `stream_options`."""
    temperature: float | None = 0.0
    """None: omitted, for models that reject all values except their default."""
    reasoning_effort: str | None = None
    """The reasoning effort: `none`, `minimal`, `low`, …"""
    tool_choice: str | None = None
    """`required` or `auto`, for models that cannot be forced to call a named tool."""

    def __post_init__(self) -> None:
        if self.auth not in {"api-key", "bearer"}:
            raise ValueError(f"option 'auth' of azure_openai is 'api-key' or 'bearer', not {self.auth!r}")

    @property
    def lists_models(self) -> bool:
        """There is a list of models."""
        return True

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """A request with `prompt` as the only user message; for `reach` a request for the list of models."""
        headers = self._key(endpoint)
        if task is Task.REACH:
            return _chat.get(self._url(endpoint, "models"), *headers)
        deployed = "" if self.api_version is None else f"deployments/{quote(endpoint.model, safe='')}/"
        fields = {
            "model": None if deployed else endpoint.model,
            self.max_tokens_field: self.most_tokens(prompt),
            "stream_options": {"include_usage": True} if self.include_usage else None,
            "temperature": self.temperature,
            "reasoning_effort": self.reasoning_effort,
            "tool_choice": self.tool_choice if task is Task.TOOL_CALL else None,
        }
        body = _chat.stream_body(task, prompt, fields)
        return _chat.post(self._url(endpoint, f"{deployed}chat/completions"), body, *headers)

    def _key(self, endpoint: Endpoint) -> list[tuple[str, str]]:
        if self.auth == "bearer" or endpoint.api_key is None:
            return _chat.bearer(endpoint.api_key)
        return [("api-key", endpoint.api_key.reveal())]

    def _url(self, endpoint: Endpoint, path: str) -> str:
        resource = endpoint.base_url.rstrip("/")
        if self.api_version is None:
            return f"{resource}/openai/v1/{path}"
        return f"{resource}/openai/{path}?api-version={quote(self.api_version, safe='')}"

    def read(self, frame: Frame) -> Iterable[Event]:
        """The events of OpenAI's chat. Chunks with content filter results alone have no events."""
        return _chat.read_chunk(frame)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """OpenAI's error bodies. A refusal by the content filter may be visible only in `innererror`."""
        fault = _errors.refusal(status, headers, body)
        vague = fault.error in {ErrorClass.BAD_REQUEST, ErrorClass.STREAM_ERROR}
        filtered = vague and _inner_code(body) == "ResponsibleAIPolicyViolation"
        return replace(fault, error=ErrorClass.CONTENT_FILTER) if filtered else fault


def _inner_code(body: bytes) -> str:
    try:
        error = _json.get_object(_json.as_object(_json.decode(body)), "error")
        return _json.get_text(_json.get_object(error, "innererror"), "code")
    except MalformedError:
        return ""
