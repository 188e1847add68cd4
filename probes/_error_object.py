"""Finds errors in JSON with a success status, in all known dialects. Pure."""

from __future__ import annotations

from collections.abc import Mapping

_STATUS_KEYS = (
    "code",
    "status",
    "status_code",
    "statusCode",
    "http_status",
    "http_code",
    "httpStatusCode",
    "error_code",
    "errorCode",
)
_ANSWER_KEYS = frozenset(
    {"choices", "candidates", "content", "contentBlockIndex", "data", "delta", "done", "embedding", "embeddings"}
    | {"item", "models", "output", "response", "usage", "usageMetadata", "vector"}
)
"""Next to one of these keys a bare message is part of an answer, not an error."""
_NO_ERROR = frozenset(["", "0", "200", "null", "none", "nil", "false", "ok", "success", "no error"])
_ENDINGS = ("error", "exception")
_MOST_NESTED = 4
"""Maximum nesting of `error` objects; gateways wrap errors."""
_FAULT_STATUSES = range(400, 600)


def error_in(source: Mapping[str, object], nested: int = 0) -> Mapping[str, object] | str | None:
    """The error in an object; None if there is no error."""
    error = source.get("error")
    if error is not None and not _is_no_error(error):
        return _error_at(source, error, nested)
    listed = source.get("errors")
    if isinstance(listed, list) and listed and not _is_no_error(listed[0]):
        return _error_at(source, listed[0], nested)
    reply = source.get("base_resp")
    if isinstance(reply, dict) and not _is_no_error(reply.get("status_code")):
        return reply
    return source if _is_error(source) else None


def message_in(source: Mapping[str, object]) -> str | None:
    """A bare message, which may be an error; None if there is no message, or if it is part of an answer."""
    if not _ANSWER_KEYS.isdisjoint(source):
        return None
    texts = (source.get(key) for key in ("message", "msg", "error_msg"))
    return next((text for text in texts if isinstance(text, str) and text), None)


def status_in(error: Mapping[str, object]) -> int | None:
    """The HTTP status in an error object, written as a number or text; None if there is no status."""
    found = (_status(error.get(key)) for key in (*_STATUS_KEYS, "type"))
    return next((status for status in found if status is not None), None)


def _is_no_error(error: object) -> bool:
    """Whether an error field means no error: null, false, 0, "", or an object of such values."""
    match error:
        case dict():
            return all(_is_no_error(value) for value in error.values())
        case str():
            return error.strip().lower() in _NO_ERROR
        case list():
            return not error
        case _:
            return error is None or error in (0, 200)


def _error_at(source: Mapping[str, object], error: object, nested: int) -> Mapping[str, object] | str:
    """The error in a field, with a status next to it."""
    if isinstance(error, dict):
        inner = error_in(error, nested + 1) if nested < _MOST_NESTED and "error" in error else None
        if isinstance(inner, str):
            return inner
        return _beside(source) | dict(inner if inner is not None else error)
    if isinstance(error, str):
        beside = _beside(source)
        return {**beside, "message": error, "detail": source.get("message")} if beside else error
    if error is True or isinstance(error, list):
        first = error[0] if isinstance(error, list) else None
        worded = any(isinstance(source.get(key), str) for key in ("message", "detail"))
        return first if isinstance(first, str) and not worded else source
    return {"code": error, "message": source.get("message")}


def _beside(source: Mapping[str, object]) -> dict[str, object]:
    return {key: source[key] for key in _STATUS_KEYS if _status(source.get(key)) is not None}


def _is_error(source: Mapping[str, object]) -> bool:
    if "error" in (source.get("object"), source.get("type"), source.get("status")) or source.get("success") is False:
        return True
    if isinstance(source.get("__type"), str):
        return True
    if not _ANSWER_KEYS.isdisjoint(source):
        return False
    if isinstance(source.get("detail"), str | list) and source["detail"]:
        return True
    names = (source.get(key) for key in ("type", "code"))
    named = any(isinstance(name, str) and name.lower().endswith(_ENDINGS) for name in names)
    return message_in(source) is not None and (named or status_in(source) is not None)


def _status(value: object) -> int | None:
    if isinstance(value, str):
        value = int(value[:3]) if value[:3].isascii() and value[:3].isdigit() and not value[3:4].isalnum() else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and value in _FAULT_STATUSES else None
