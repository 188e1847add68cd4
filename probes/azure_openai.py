"""Azure OpenAI's chat completions: OpenAI's chat at a customer's own resource, under the names of deployments."""

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

    `reach` asks for the list of models. It names what the resource could deploy, not its deployments, so nothing can be
    told from it about an endpoint's model.
    """

    tasks = _chat.TASKS

    api_version: str | None = None
    """`2024-10-21` and the like, for the dated API; None for `/openai/v1`, which has no versions."""
    auth: str = "api-key"
    """`api-key`, or `bearer` when the key is a token of Entra's."""
    max_tokens_field: str = "max_tokens"
    """`max_completion_tokens` for reasoning models, which refuse the older name."""
    reasoning_tokens: int = 0
    """Room for a reasoning model to think in, on top of the answer's `max_tokens`."""
    include_usage: bool = True
    """Ask for token counts; API versions before 2024-09 refuse `stream_options`."""
    temperature: float | None = 0.0
    """None leaves it out, for models that refuse any but their own."""
    reasoning_effort: str | None = None
    """`none`, `minimal`, `low`, …: how long a reasoning model may think."""
    tool_choice: str | None = None
    """`required` or `auto`, for models that cannot be told which tool to call."""

    def __post_init__(self) -> None:
        if self.auth not in {"api-key", "bearer"}:
            raise ValueError(f"option 'auth' of azure_openai is 'api-key' or 'bearer', not {self.auth!r}")

    @property
    def lists_models(self) -> bool:
        """There is a list of models."""
        return True

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """The request that asks `prompt` as the only user message; for `reach` the list of models."""
        headers = self._key(endpoint)
        if task is Task.REACH:
            return _chat.get(self._url(endpoint, "models"), *headers)
        deployed = "" if self.api_version is None else f"deployments/{quote(endpoint.model, safe='')}/"
        fields = {
            "model": None if deployed else endpoint.model,
            self.max_tokens_field: prompt.max_tokens + self.reasoning_tokens,
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
        """As OpenAI's chat; chunks that carry only the content filter's findings say nothing."""
        return _chat.read_chunk(frame)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """OpenAI's error bodies; that the content filter refused may stand in their `innererror` alone."""
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
