"""Converts LiteLLM's log event of a finished request into an outcome for `POST /v1/outcomes`. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from probes._errors import refusal
from probes._model import ErrorClass

Outcome: TypeAlias = Mapping[str, str | int | float]
"""An entry of `POST /v1/outcomes`."""

_BY_NAME: Mapping[str, ErrorClass] = {
    "Timeout": ErrorClass.TIMEOUT_TOTAL,
    "APITimeoutError": ErrorClass.TIMEOUT_TOTAL,
    "APIConnectionError": ErrorClass.CONNECT,
    "MidStreamFallbackError": ErrorClass.STREAM_ERROR,
    "APIResponseValidationError": ErrorClass.MALFORMED,
    "ContentPolicyViolationError": ErrorClass.CONTENT_FILTER,
}
"""Exceptions with a status code that LiteLLM invents."""
_NO_CONNECTION = "connection error"
_CALLERS = frozenset({ErrorClass.BAD_REQUEST, ErrorClass.CONTENT_FILTER})
"""Errors of one caller's request, which are no evidence about the next request."""
_LONGEST_ID, _LONGEST_APP = 200, 64
_LONGEST_PROMPT_FOR_TTFT = 2_000
"""In tokens. The SLO is for short prompts."""
_STATUSES = range(100, 600)


def outcome(call: Mapping[str, Any], endpoint: str, *, is_warm: bool) -> Outcome | None:
    """The outcome of a call from the event that LiteLLM sends to loggers; None: no evidence about the endpoint.

    None are answers from a cache, refusals by LiteLLM itself and errors of one caller's request. `is_warm`: LiteLLM's
    first imports are done, so that they are not part of the time to first token.
    """
    event: Mapping[str, Any] = call.get("standard_logging_object") or {}
    began_s = _seconds(call.get("api_call_start_time"))
    if not event or event.get("cache_hit") or began_s is None:
        return None
    head: dict[str, str | int | float] = {
        "id": f"{event.get('litellm_call_id')}/{event.get('model_id')}/{began_s:.6f}"[-_LONGEST_ID:],
        "endpoint": endpoint,
        "at": datetime.fromtimestamp(began_s, UTC).isoformat(timespec="microseconds"),
    }
    app = (event.get("metadata") or {}).get("user_api_key_alias")
    if app:
        head["app"] = str(app)[:_LONGEST_APP]
    if event.get("status") == "success":
        return {**head, "outcome": "ok", **_tokens(event), **_times(call, event, began_s, is_warm)}
    verdict = _verdict(event.get("error_information") or {})
    return None if verdict is None else {**head, **verdict}


def _verdict(error: Mapping[str, Any]) -> Mapping[str, str | int] | None:
    if str(error.get("error_rate_limit_category") or "").startswith("litellm"):
        return None
    name, message = str(error.get("error_class")), str(error.get("error_message") or "")
    status = _status(error.get("error_code"))
    named = _BY_NAME.get(name) or (ErrorClass.CONNECT if _NO_CONNECTION in message.lower() else None)
    if named is None and status is None:
        return None
    kind = named or refusal(status or 0, {}, json.dumps({"error": message}).encode()).error
    if kind in _CALLERS:
        return None
    return {"outcome": kind.value} if named or status is None else {"outcome": kind.value, "status_code": status}


def _times(call: Mapping[str, Any], event: Mapping[str, Any], began_s: float, is_warm: bool) -> Mapping[str, float]:
    first_s, end_s = _seconds(call.get("completion_start_time")), _seconds(call.get("end_time"))
    times = {} if end_s is None or end_s < began_s else {"e2e_s": round(end_s - began_s, 6)}
    short = int(event.get("prompt_tokens") or 0) <= _LONGEST_PROMPT_FOR_TTFT
    if event.get("stream") and is_warm and short and first_s is not None and first_s >= began_s:
        times["ttft_s"] = round(first_s - began_s, 6)
    return times


def _tokens(event: Mapping[str, Any]) -> Mapping[str, int]:
    """LiteLLM sends 0 for an unknown count."""
    usage = (event.get("metadata") or {}).get("usage_object") or {}
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    counts = {
        "prompt_tokens": event.get("prompt_tokens"),
        "output_tokens": event.get("completion_tokens"),
        "reasoning_tokens": reasoning,
    }
    return {name: int(count) for name, count in counts.items() if count}


def _seconds(at: object) -> float | None:
    """LiteLLM's times are naive and in this machine's zone."""
    return at.timestamp() if isinstance(at, datetime) else None


def _status(code: object) -> int | None:
    text = str(code)
    return int(text) if text.isascii() and text.isdecimal() and int(text) in _STATUSES else None
