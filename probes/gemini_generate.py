"""Google's Gemini API (`streamGenerateContent`), which Vertex AI also uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from probes import _chat, _errors, _finish, _json
from probes._headers import span_s
from probes._model import (
    Endpoint,
    ErrorClass,
    Event,
    Fault,
    Form,
    Frame,
    Headers,
    MalformedError,
    Probe,
    Prompt,
    Reasoning,
    Request,
    Task,
    Text,
    ToolCall,
    Usage,
)

_COLLECTIONS = ("models/", "tunedModels/")
_REASONS: Mapping[str, ErrorClass] = {
    **dict.fromkeys(
        ("API_KEY_INVALID", "ACCESS_TOKEN_EXPIRED", "CONSUMER_INVALID", "CONSUMER_SUSPENDED", "SERVICE_DISABLED"),
        ErrorClass.AUTH,
    ),
    "BILLING_DISABLED": ErrorClass.PAYMENT,
    "RATE_LIMIT_EXCEEDED": ErrorClass.RATE_LIMITED,
    "MODEL_CAPACITY_EXHAUSTED": ErrorClass.OVERLOADED,
}
"""Reasons of `google.rpc.ErrorInfo`, which are the most exact part of an error."""
_STATUSES: Mapping[str, ErrorClass] = {
    "UNAVAILABLE": ErrorClass.OVERLOADED,
    "UNAUTHENTICATED": ErrorClass.AUTH,
    "PERMISSION_DENIED": ErrorClass.AUTH,
    "NOT_FOUND": ErrorClass.NOT_FOUND,
    "INVALID_ARGUMENT": ErrorClass.BAD_REQUEST,
    "FAILED_PRECONDITION": ErrorClass.BAD_REQUEST,
    # Not cancelled by the probe, which does not read an answer after a cancellation.
    "CANCELLED": ErrorClass.SERVER_ERROR,
}
"""Names of `google.rpc.Code` that identify an error class."""
_UNPAID = re.compile(r"prepay|\bspending cap\b|\bdunning\b", re.IGNORECASE)
_LIMITS = ("QuotaFailure", "RetryInfo")
_PAYMENT_REQUIRED = 402


@dataclass(frozen=True, slots=True, kw_only=True)
class GeminiGenerate(Probe):
    """`POST {base_url}/models/{model}:streamGenerateContent?alt=sse`, answered by server-sent events.

    The base URL ends in the version (`…/v1beta`), or in `…/publishers/google` for Vertex AI. The model's name may begin
    with `models/`.
    """

    tasks = _chat.TASKS

    auth: str = "x-goog-api-key"
    """How the key is sent: in the header `x-goog-api-key`, or as `bearer` (Vertex AI's access tokens)."""
    reasoning_tokens: int = 1000
    """Tokens for thinking, in addition to the answer's `max_tokens`: most models think by default."""
    thinking_budget: int | None = None
    """The maximum tokens for thinking, for models up to 2.5: 0 disables it, -1 means no limit. None: omitted."""
    thinking_level: str | None = None
    """The thinking level, for models from 3 on: `minimal`, `low`, … None: omitted."""
    include_thoughts: bool = False
    """Request summaries of the thoughts; models that do not think reject it."""
    temperature: float | None = 0.0
    """None: omitted."""
    models_path: str | None = "/models"
    """The path of the list of models; None without a list (Vertex AI): `reach` then requests the base URL."""

    def __post_init__(self) -> None:
        """Check the options. Raises ValueError."""
        if self.auth not in {"x-goog-api-key", "bearer"}:
            raise ValueError(f"auth is x-goog-api-key or bearer, not {self.auth!r}")
        if self.thinking_budget is not None and self.thinking_level is not None:
            raise ValueError("thinking_budget and thinking_level exclude each other")

    @property
    def lists_models(self) -> bool:
        """Whether there is a list of models."""
        return self.models_path is not None

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """A request with `prompt` as the only user message; for `reach` a request for the list of models."""
        base_url = endpoint.base_url.rstrip("/")
        if task is Task.REACH:
            path = f"{self.models_path}?pageSize=1000" if self.models_path is not None else "/"
            return _chat.get(base_url + path, *self._key(endpoint))
        body = {
            "contents": [{"role": "user", "parts": [{"text": prompt.text}]}],
            "generationConfig": self._generation(task, prompt),
            **_tool(task, prompt.form),
        }
        url = f"{base_url}/{_resource(endpoint.model)}:streamGenerateContent?alt=sse"
        return _chat.post(url, body, *self._key(endpoint))

    def _key(self, endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
        if endpoint.api_key is None:
            return ()
        key = endpoint.api_key.reveal()
        return (("Authorization", f"Bearer {key}") if self.auth == "bearer" else ("x-goog-api-key", key),)

    def _generation(self, task: Task, prompt: Prompt) -> dict[str, object]:
        fields: dict[str, object] = {"maxOutputTokens": self.most_tokens(prompt)}
        if self.temperature is not None:
            fields["temperature"] = self.temperature
        thinking = {
            "thinkingBudget": self.thinking_budget,
            "thinkingLevel": self.thinking_level,
            "includeThoughts": self.include_thoughts or None,
        }
        given = {name: value for name, value in thinking.items() if value is not None}
        if given:
            fields["thinkingConfig"] = given
        if task is Task.STRUCTURED_OUTPUT and prompt.form is not None:
            fields |= {"responseMimeType": "application/json", "responseJsonSchema": dict(prompt.form.schema)}
        return fields

    def read(self, frame: Frame) -> Iterable[Event]:
        """Yield parts, usage, the end, or an error with status 200."""
        chunk = _json.as_object(_json.only_item(_json.decode(frame.data)))
        fault = _errors.fault_in(chunk)
        if fault is not None:
            yield _exact(fault, _json.get_side_object(chunk, "error"))
            return
        candidates = _json.get_objects(chunk, "candidates")
        blocked = _json.get_object(chunk, "promptFeedback")
        if not candidates and _json.get_text(blocked, "blockReason"):
            yield _blocked(blocked)
        for candidate in candidates:
            if not candidate.get("index"):
                yield from _candidate(candidate, frame.end)
        usage = chunk.get("usageMetadata")
        if isinstance(usage, dict):
            yield _usage(usage)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """Google's error bodies: `{"error": {"code", "status", "message", "details"}}`, some inside an array."""
        fault = _errors.refusal(status, headers, body)
        try:
            error = _json.get_side_object(_json.as_object(_json.only_item(_json.decode(body))), "error")
        except MalformedError:
            return fault
        return _exact(fault, error)

    def models(self, body: bytes) -> frozenset[str]:
        """The names of `{"models": [{"name": "models/…"}]}`, without `models/`."""
        names = _chat.model_ids(body, items="models", key="name")
        return frozenset(name.removeprefix("models/") for name in names)


def _resource(model: str) -> str:
    """The path of a model: `models/…` unless its name begins with another collection."""
    collection, _, name = (model if model.startswith(_COLLECTIONS) else f"models/{model}").partition("/")
    return f"{collection}/{quote(name, safe='')}"


def _tool(task: Task, form: Form | None) -> dict[str, object]:
    if task is not Task.TOOL_CALL or form is None:
        return {}
    function = {"name": form.name, "description": form.description, "parametersJsonSchema": dict(form.schema)}
    calling = {"mode": "ANY", "allowedFunctionNames": [form.name]}
    return {"tools": [{"functionDeclarations": [function]}], "toolConfig": {"functionCallingConfig": calling}}


def _candidate(candidate: Mapping[str, object], end: int) -> Iterator[Event]:
    parts = _json.get_objects(_json.get_object(candidate, "content"), "parts")
    for position, part in enumerate(parts):
        text = _json.get_content(part, "text")
        if text:
            yield Reasoning(text) if part.get("thought") else Text(text)
        call = part.get("functionCall")
        if call is not None:
            # Every call is complete and has no index, and calls may be in one frame or in several. A part is longer
            # than a byte, so its position counted back from the frame's end is unique among all calls.
            yield _tool_call(_json.as_object(call), end - len(parts) + position)
    finished = _finish.finish(
        _json.get_text(candidate, "finishReason"), _json.get_side_text(candidate, "finishMessage")
    )
    if finished is not None:
        yield finished


def _tool_call(call: Mapping[str, object], index: int) -> ToolCall:
    arguments = json.dumps(_json.get_object(call, "args"))
    return ToolCall(index=index, name=_json.get_content(call, "name") or None, arguments=arguments, whole=True)


def _blocked(feedback: Mapping[str, object]) -> Fault:
    """The fault if the prompt was blocked before the model."""
    words = (_json.get_text(feedback, key) for key in ("blockReason", "blockReasonMessage"))
    return Fault(error=ErrorClass.CONTENT_FILTER, detail=": ".join(filter(None, ("prompt blocked", *words))))


def _usage(usage: Mapping[str, object]) -> Usage:
    """Token counts so far. Google's count of the answer excludes thoughts."""
    answer = _json.get_count(usage, "candidatesTokenCount")
    thoughts = _json.get_count(usage, "thoughtsTokenCount")
    return Usage(
        prompt=_json.get_count(usage, "promptTokenCount"),
        output=None if answer is None and thoughts is None else (answer or 0) + (thoughts or 0),
        reasoning=thoughts,
        cached=_json.get_count(usage, "cachedContentTokenCount"),
    )


def _exact(fault: Fault, error: Mapping[str, object]) -> Fault:
    """The fault, refined by the `google.rpc` status and details of the error."""
    listed = error.get("details")
    details = [detail for detail in listed if isinstance(detail, dict)] if isinstance(listed, list) else []
    retry_after_s = next((span for detail in details for span in _spans_s(detail)), fault.retry_after_s)
    return replace(fault, error=_class(fault.error, error, details), retry_after_s=retry_after_s)


def _class(worded: ErrorClass, error: Mapping[str, object], details: list[dict[str, object]]) -> ErrorClass:
    reasons = (str(detail.get("reason")) for detail in details)
    known = next((_REASONS[reason] for reason in reasons if reason in _REASONS), None)
    if known is not None:
        return known
    status = str(error.get("status"))
    if status == "RESOURCE_EXHAUSTED" and worded is not ErrorClass.OVERLOADED:
        return ErrorClass.PAYMENT if _is_unpaid(error, details) else ErrorClass.RATE_LIMITED
    if worded is ErrorClass.STREAM_ERROR or status == "CANCELLED":
        return _STATUSES.get(status, worded)
    return worded


def _is_unpaid(error: Mapping[str, object], details: list[dict[str, object]]) -> bool:
    """Whether the exhausted resource is money (status 402, but 429 until 2026).

    The message of every limit contains "check your plan and billing details", so these words are not evidence. An error
    with a quota or a waiting time is a limit, regardless of its message.
    """
    if error.get("code") == _PAYMENT_REQUIRED:
        return True
    is_limit = any(str(detail.get("@type")).endswith(_LIMITS) for detail in details)
    return not is_limit and _UNPAID.search(str(error.get("message"))) is not None


def _spans_s(detail: Mapping[str, object]) -> Iterator[float]:
    """The waiting time in a `google.rpc.RetryInfo`."""
    delay = detail.get("retryDelay")
    span = span_s(delay) if isinstance(delay, str) else None
    if span is not None:
        yield span
