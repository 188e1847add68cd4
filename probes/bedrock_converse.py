"""Amazon Bedrock's ConverseStream API, which is the same for the models of all vendors.

The key is an AWS access key, `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`, which signs the requests, or a Bedrock
API key, which contains no colon and is sent as a bearer token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlsplit

from probes import _chat, _errors, _finish, _json, _sigv4
from probes._model import (
    Done,
    Endpoint,
    ErrorClass,
    Event,
    Fault,
    Form,
    Frame,
    Framing,
    Headers,
    MalformedError,
    Probe,
    Prompt,
    Reasoning,
    Request,
    ServerTime,
    Task,
    Text,
    ToolCall,
    Usage,
)

_REGION = re.compile(r"(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")
"""The region in the names of public, FIPS, dual-stack and private (VPC) hosts of all partitions."""
_PATH_SAFE = ":"
"""The colon in a model's id is not encoded, as RFC 3986 allows. With `%3A` the signature would be wrong, because
aiohttp decodes it and sends a colon."""
_TOOL_CHOICES = ("tool", "any", "auto")
_WORDS: tuple[tuple[ErrorClass, re.Pattern[str]], ...] = (
    (ErrorClass.GEO, re.compile("unsupported countries", re.IGNORECASE)),
    (ErrorClass.CONTENT_FILTER, re.compile("content filter", re.IGNORECASE)),
    (ErrorClass.NOT_FOUND, re.compile("model identifier is invalid|on-demand throughput", re.IGNORECASE)),
)
"""Messages of Bedrock that have the same code, `ValidationException`."""
_CODES: Mapping[str, ErrorClass] = {
    "throttling": ErrorClass.RATE_LIMITED,
    "servicequotaexceeded": ErrorClass.RATE_LIMITED,
    "modelnotready": ErrorClass.OVERLOADED,
    "serviceunavailable": ErrorClass.OVERLOADED,
    "validation": ErrorClass.BAD_REQUEST,
    "resourcenotfound": ErrorClass.NOT_FOUND,
    "accessdenied": ErrorClass.AUTH,
    "notauthorized": ErrorClass.AUTH,
    "incompletesignature": ErrorClass.AUTH,
    "requestexpired": ErrorClass.AUTH,
}
"""Classes by error code in lower case, without `Exception`, for errors that the status does not identify."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BedrockConverse(Probe):
    """`POST {base_url}/model/{model}/converse-stream`, answered by AWS' binary event stream."""

    framing = Framing.AWS_EVENT_STREAM
    tasks = _chat.TASKS

    region: str | None = None
    """The region for signatures; None: the region in the host's name."""
    reasoning_tokens: int = 0
    """Tokens for reasoning, in addition to the answer's `max_tokens`."""
    temperature: float | None = 0.0
    """None: omitted, for models that reject all values except their default."""
    reasoning_effort: str | None = None
    """The reasoning effort (`outputConfig.effort`): `low`, `medium`, `high`, …"""
    tool_choice: str | None = "tool"
    """`any` or `auto` for models that cannot be forced to call a named tool; None: omitted."""
    model_fields: str | None = None
    """JSON for `additionalModelRequestFields`, such as `{"thinking": {"type": "disabled"}}`."""

    def __post_init__(self) -> None:
        if self.tool_choice is not None and self.tool_choice not in _TOOL_CHOICES:
            raise ValueError(f"option 'tool_choice' must be one of {', '.join(_TOOL_CHOICES)}, or null")
        self._model_fields()

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """The unsigned request; for `reach` a GET of the host without a key, since there is no list of models."""
        base_url = endpoint.base_url.rstrip("/")
        if task is Task.REACH:
            return _chat.get(f"{base_url}/")
        url = f"{base_url}/model/{quote(endpoint.model, safe=_PATH_SAFE)}/converse-stream"
        key = endpoint.api_key.reveal() if endpoint.api_key is not None else ""
        headers = [("Authorization", f"Bearer {key}")] if key and ":" not in key else []
        return _chat.post(url, self._body(task, prompt), *headers, accept=self.framing.value)

    def sign(self, request: Request, endpoint: Endpoint, at: datetime) -> Request:
        """The request, signed for the time `at`. Raises ValueError without a region, or for an incomplete key."""
        key = endpoint.api_key.reveal() if endpoint.api_key is not None else ""
        if ":" not in key or request.method == "GET":
            return request
        owner = _sigv4.credentials(key)
        return _sigv4.signed(request, owner, region=self._region(endpoint), service="bedrock", at=at)

    def read(self, frame: Frame) -> Iterable[Event]:
        """Content, the end, usage and the provider's processing time, or the error that ended the stream."""
        match frame.headers.get(":message-type"):
            case "error":
                return (_stream_fault(frame.headers.get(":error-code", ""), frame.headers.get(":error-message", "")),)
            case "exception":
                return (_exception(frame),)
        return _read_event(frame.event, _json.as_object(_json.decode(frame.data)))

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """The code in `x-amzn-errortype` and `{"message"}`. The code is more exact than the status."""
        error = _error_body(body)
        named = _json.get_side_text(error, "__type") or _json.get_side_text(error, "code")
        name = headers.get("x-amzn-errortype") or named
        code = name.partition(":")[0].rpartition("#")[2]
        message = _json.get_side_text(error, "message") or _json.get_side_text(error, "Message")
        fault = _errors.refusal(status, headers, json.dumps({"code": code, "message": message}).encode())
        return _sharpened(fault, _errors.status_class(status), _CODES.get(_stem(code)), message)

    def _region(self, endpoint: Endpoint) -> str:
        if self.region is not None:
            return self.region
        found = _REGION.search(urlsplit(endpoint.base_url).hostname or "")
        if found is None:
            raise ValueError("the host name contains no AWS region; set the option 'region'")
        return found[1]

    def _body(self, task: Task, prompt: Prompt) -> dict[str, object]:
        inference: dict[str, object] = {"maxTokens": self.most_tokens(prompt)}
        if self.temperature is not None:
            inference["temperature"] = self.temperature
        body: dict[str, object] = {
            "messages": [{"role": "user", "content": [{"text": prompt.text}]}],
            "inferenceConfig": inference,
        }
        output: dict[str, object] = {}
        if prompt.form is not None and task is Task.TOOL_CALL:
            body["toolConfig"] = self._tools(prompt.form)
        if prompt.form is not None and task is Task.STRUCTURED_OUTPUT:
            output["textFormat"] = _text_format(prompt.form)
        if self.reasoning_effort is not None:
            output["effort"] = self.reasoning_effort
        optional = {"outputConfig": output, "additionalModelRequestFields": self._model_fields()}
        return body | {name: value for name, value in optional.items() if value}

    def _tools(self, form: Form) -> dict[str, object]:
        schema = {"json": dict(form.schema)}
        spec = {"name": form.name, "description": form.description, "inputSchema": schema}
        tools: dict[str, object] = {"tools": [{"toolSpec": spec}]}
        if self.tool_choice is None:
            return tools
        choice = {"name": form.name} if self.tool_choice == "tool" else {}
        return tools | {"toolChoice": {self.tool_choice: choice}}

    def _model_fields(self) -> Mapping[str, object]:
        return _json.object_option("model_fields", self.model_fields)


def _text_format(form: Form) -> dict[str, object]:
    schema = {"name": form.name, "description": form.description, "schema": json.dumps(dict(form.schema))}
    return {"type": "json_schema", "structure": {"jsonSchema": schema}}


def _read_event(kind: str | None, event: Mapping[str, object]) -> Iterator[Event]:
    index = _json.get_count(event, "contentBlockIndex") or 0
    match kind:
        case "contentBlockStart":
            tool = _json.get_object(_json.get_object(event, "start"), "toolUse")
            name = _json.get_content(tool, "name")
            if name:
                yield ToolCall(index=index, name=name, id=_json.get_side_text(tool, "toolUseId") or None)
        case "contentBlockDelta":
            yield from _read_delta(index, _json.get_object(event, "delta"))
        case "messageStop":
            yield _finish.finish(_json.get_text(event, "stopReason"), name="stop reason") or Done()
        case "metadata":
            yield from _read_metadata(event)
        case _:
            fault = _errors.fault_in(event)
            if fault is not None:
                yield fault


def _read_delta(index: int, delta: Mapping[str, object]) -> Iterator[Event]:
    """Text, reasoning or a tool's arguments. Signatures and encrypted reasoning are ignored."""
    thought = _json.get_side_text(_json.get_side_object(delta, "reasoningContent"), "text")
    if thought:
        yield Reasoning(thought)
    text = _json.get_content(delta, "text")
    if text:
        yield Text(text)
    arguments = _json.get_content(_json.get_object(delta, "toolUse"), "input")
    if arguments:
        yield ToolCall(index=index, arguments=arguments)


def _read_metadata(metadata: Mapping[str, object]) -> Iterator[Event]:
    usage = _json.get_side_object(metadata, "usage")
    if usage:
        yield _usage(usage)
    latency_ms = _json.get_count(_json.get_side_object(metadata, "metrics"), "latencyMs")
    if latency_ms is not None:
        yield ServerTime(latency_ms / 1000)


def _usage(usage: Mapping[str, object]) -> Usage:
    """Token counts. `inputTokens` excludes tokens read from or written to the cache."""
    fresh = _json.get_count(usage, "inputTokens")
    cached = _json.get_count(usage, "cacheReadInputTokens")
    written = _json.get_count(usage, "cacheWriteInputTokens")
    return Usage(
        prompt=None if fresh is None else fresh + (cached or 0) + (written or 0),
        output=_json.get_count(usage, "outputTokens"),
        cached=cached,
    )


def _exception(frame: Frame) -> Fault:
    error = _json.as_object(_json.decode(frame.data))
    messages = (_json.get_text(error, key) for key in ("message", "originalMessage"))
    return _stream_fault(frame.event or "", ": ".join(filter(None, messages)))


def _stream_fault(code: str, message: str) -> Fault:
    fault = _errors.stream_fault({"code": code, "message": message})
    return _sharpened(fault, ErrorClass.STREAM_ERROR, _CODES.get(_stem(code)), message)


def _sharpened(fault: Fault, plain: ErrorClass, named: ErrorClass | None, message: str) -> Fault:
    """The fault with the class of Bedrock's message or code, if the general words did not identify the error."""
    if fault.error is not plain:
        return fault
    worded = next((error for error, pattern in _WORDS if pattern.search(message)), None)
    return replace(fault, error=worded or named or plain)


def _stem(code: str) -> str:
    return code.lower().removesuffix("exception")


def _error_body(body: bytes) -> Mapping[str, object]:
    try:
        return _json.as_object(_json.decode(body))
    except MalformedError:
        return {}
