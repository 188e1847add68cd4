"""HTTP statuses and error bodies to error classes: the one published table.

A provider's own words (error code, type, message) are more exact than a status and are read first; the status
decides when they say nothing known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from probes import _json
from probes._headers import retry_after_s
from probes._model import ErrorClass, Fault, Headers, MalformedError

STATUS_CLASSES: Mapping[int, ErrorClass] = {
    400: ErrorClass.BAD_REQUEST,
    401: ErrorClass.AUTH,
    402: ErrorClass.PAYMENT,
    403: ErrorClass.AUTH,
    404: ErrorClass.NOT_FOUND,
    408: ErrorClass.SERVER_ERROR,
    409: ErrorClass.SERVER_ERROR,
    410: ErrorClass.NOT_FOUND,
    424: ErrorClass.SERVER_ERROR,
    425: ErrorClass.SERVER_ERROR,
    429: ErrorClass.RATE_LIMITED,
    451: ErrorClass.GEO,
    498: ErrorClass.OVERLOADED,
    # Cancelled, and not by us: we do not cancel and still read the answer.
    499: ErrorClass.SERVER_ERROR,
    503: ErrorClass.OVERLOADED,
    529: ErrorClass.OVERLOADED,
}
"""Statuses that are not told by their hundred."""

_WORDS: tuple[tuple[ErrorClass, re.Pattern[str]], ...] = tuple(
    (error, re.compile("|".join(patterns), re.IGNORECASE))
    for error, patterns in (
        (
            ErrorClass.GEO,
            (
                "unsupported_country",
                "country, region",
                r"not (available|supported) in (your|this) (country|region|location)",
                "unsupported (countries|country|region)",
                "location is not supported",
            ),
        ),
        (
            ErrorClass.CONTENT_FILTER,
            (
                "content[ _](filter|policy)",
                "usage polic(y|ies)",
                "policy_violation",
                "bio_policy",
                "responsibleai",
                "moderation",
            ),
        ),
        # Before payment, since rate limits are answered with an advertisement for paying more.
        (ErrorClass.RATE_LIMITED, ("rate[ _-]?limit", "too many requests")),
        (
            ErrorClass.PAYMENT,
            (
                "insufficient_quota",
                "insufficient (credit|fund|balance)",
                "billing",
                "payment",
                "requires a subscription",
                "credit balance",
                "api usage limits",
                "spend[ _]limit",
            ),
        ),
        (
            ErrorClass.AUTH,
            (
                "(invalid|incorrect|expired)[ _]api[ _]key",
                "api[ _]key[ _](not valid|invalid|expired)",
                "authentication_error",
                "unauthorized",
                "unauthenticated",
            ),
        ),
        (
            ErrorClass.NOT_FOUND,
            ("model_not_found", r"(invalid|unknown)_model\b", "model .{0,80}(does not exist|not found)"),
        ),
    )
)
_OVERLOADED = re.compile(
    "overloaded|experiencing high demand"
    r"|\b(over|at|out of|no|enough|exceeded|insufficient)( full| maximum| available)? capacity"
    "|capacity[ _](exceeded|exhausted|reached)",
    re.IGNORECASE,
)
_UNSAFE = re.compile(r"[^\x20-\x7e\u00a1-\u00ac\u00ae-\u024f…]+")
_MAX_DETAIL = 200
_TELLING = 4000
"""Characters at the beginning of a part in which known words are looked for, which takes long."""
_INTERIM = range(200)
_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = range(500, 1000)


def status_class(status: int) -> ErrorClass:
    """The class of an HTTP status outside 2xx, by the table alone."""
    known = STATUS_CLASSES.get(status)
    if known is not None:
        return known
    if status in _INTERIM:
        return ErrorClass.MALFORMED  # never the last answer, and a change of protocols was not asked for
    if status in _SERVER_ERRORS:
        return ErrorClass.SERVER_ERROR
    # A redirect is not followed (it would carry the key along), so the configured address is what is wrong.
    return ErrorClass.BAD_REQUEST if status in _CLIENT_ERRORS else ErrorClass.NOT_FOUND


def refusal(status: int, headers: Headers, body: bytes) -> Fault:
    """What an answer outside 2xx means, for APIs whose error bodies hold `error` or `message`."""
    words = _body_words(body)
    return Fault(
        error=_refusal_class(status, words),
        detail=": ".join((f"HTTP {status}", *(word for word in words if word != str(status)))),
        retry_after_s=retry_after_s(headers),
    )


def stream_fault(error: Mapping[str, object] | str) -> Fault:
    """What an error object inside a stream means: a known word's class, else `stream_error`."""
    words = _words(error)
    return Fault(
        error=_worded_class(words) or ErrorClass.STREAM_ERROR, detail=": ".join(words) or "error in the stream"
    )


def clean(text: str) -> str:
    """`text` made short and harmless: one line, no control characters, no exotic scripts, 200 characters."""
    line = _UNSAFE.sub(" ", text).strip()
    return line if len(line) <= _MAX_DETAIL else line[: _MAX_DETAIL - 1] + "…"


def _refusal_class(status: int, words: Sequence[str]) -> ErrorClass:
    worded = _worded_class(words)
    if worded is ErrorClass.OVERLOADED or (worded is not None and status in _CLIENT_ERRORS):
        return worded
    return status_class(status)


def _worded_class(words: Sequence[str]) -> ErrorClass | None:
    """The class that the first telling part names; but a lack of capacity is one, wherever it is told."""
    if any(_OVERLOADED.search(part, 0, _TELLING) for part in words):
        return ErrorClass.OVERLOADED
    return next((error for part in words for error, pattern in _WORDS if pattern.search(part, 0, _TELLING)), None)


def _body_words(body: bytes) -> tuple[str, ...]:
    try:
        content = _json.decode(body)
        # Google's copy of OpenAI's API wraps the object in an array.
        only = content[0] if isinstance(content, list) and len(content) == 1 else content
        source = _json.as_object(only)
    except MalformedError:
        return ()
    error = source.get("error")
    return _words(error if isinstance(error, dict | str) else source)


def _words(error: Mapping[str, object] | str) -> tuple[str, ...]:
    """Code, type and message of an error object, each once; the more exact first.

    OpenRouter puts what the provider behind it said, which tells more than its own words, into `metadata`.
    """
    if isinstance(error, str):
        return (error,) if error else ()
    metadata = error.get("metadata")
    behind = metadata.get("raw") if isinstance(metadata, dict) else None
    parts = [*(error.get(key) for key in ("code", "type", "status", "message", "detail")), behind]
    return tuple(dict.fromkeys(str(part) for part in parts if isinstance(part, str | int) and part))
