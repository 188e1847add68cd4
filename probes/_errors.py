"""Maps HTTP statuses and error bodies to error classes, by the published table.

A provider's error code, type and message are more exact than the status, so they are used first. The status decides if
they are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from probes import _json
from probes._error_object import error_in, message_in, status_in
from probes._headers import retry_after_s
from probes._model import ErrorClass, Fault, Headers, MalformedError
from probes._status import CLIENT_ERRORS, INTERIM, SERVER_ERRORS, is_success

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
    # Not cancelled by the probe: a probe that cancels does not read the answer.
    499: ErrorClass.SERVER_ERROR,
    503: ErrorClass.OVERLOADED,
    529: ErrorClass.OVERLOADED,
}
"""Statuses whose class does not follow from their first digit."""

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
        # Before payment, since rate limit messages advertise paid plans.
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
_LOOSE_WORDS: tuple[tuple[ErrorClass, re.Pattern[str]], ...] = tuple(
    (error, re.compile("|".join(patterns), re.IGNORECASE))
    for error, patterns in (
        (
            ErrorClass.OVERLOADED,
            (
                r"\bservice (is )?(temporarily |currently )?unavailable",
                r"\b(server|service|model|engine|system) (is )?(too |currently |temporarily )?busy\b",
            ),
        ),
        (ErrorClass.GEO, (r"\b(country|region) .{0,20}not supported", "unsupported_country")),
        (ErrorClass.CONTENT_FILTER, ("(sensitive|unsafe|inappropriate) content", "safety (system|filter|policy)")),
        (
            ErrorClass.RATE_LIMITED,
            (
                r"\bthrottl",
                r"\bquota (is )?exceeded",
                r"exceeded .{0,40}\bquota",
                r"\b(requests|tokens) per (second|minute|hour|day)",
                r"\blimited to \d+ .{0,20}\b(calls|requests)\b",
                r"too many (concurrent|tokens)",
                r"\bslow down\b",
            ),
        ),
        (
            ErrorClass.PAYMENT,
            (
                r"\b(out of|no|not enough|more|add) (credit|fund|balance)",
                r"\bbalance (is )?(too low|not enough|insufficient|exhausted|used up)",
                r"\barrears?\b|\barrearage|\boverdue",
                r"\bsubscription\b.{0,30}(expired|required|inactive)",
            ),
        ),
        (
            ErrorClass.AUTH,
            (
                r"\b(missing|invalid|incorrect|expired|revoked|unknown|bad|no|wrong) (api |access |auth |bearer )*"
                "(key|token|credentials?)",
                "(key|token|credentials?) (is |was |has been |are )*"
                "(missing|invalid|incorrect|expired|revoked|wrong|not valid)",
                r"\bauthenticat(e|ion) (fail|error|is required|required)",
                r"\b(permission|access) denied|\bforbidden\b|\bnot authorized",
            ),
        ),
        (
            ErrorClass.NOT_FOUND,
            (
                r"\b(no such|unknown|unsupported|invalid) (model|deployment)",
                r"\b(model|deployment)\b.{0,80}\b(not exist|not found|not available|no longer|retired|decommissioned)",
                "^not[ _]found$",
            ),
        ),
        (
            ErrorClass.BAD_REQUEST,
            (
                r"\b(invalid|unsupported|missing|unknown) (request|parameter|argument|field|value)",
                r"\bmaximum context length|\bcontext length exceeded|\bprompt is too long",
                r"\bfield required|\bvalue_error",
            ),
        ),
    )
)
"""Words for errors without a status. They are less certain than `_WORDS`, so a known status has priority."""
_TYPES: Mapping[str, ErrorClass] = {
    name: error
    for error, names in (
        (
            ErrorClass.BAD_REQUEST,
            "invalidrequest badrequest validation invalidargument invalidparameter unprocessableentity",
        ),
        (ErrorClass.BAD_REQUEST, "failedprecondition requesttoolarge contextlengthexceeded unsupportedparameter"),
        (
            ErrorClass.AUTH,
            "authentication unauthorized unauthenticated forbidden permission permissiondenied accessdenied",
        ),
        (ErrorClass.AUTH, "notauthorized invalidapikey invalidkey invalidtoken expiredtoken unrecognizedclient"),
        (ErrorClass.AUTH, "incompletesignature invalidsignature"),
        (ErrorClass.NOT_FOUND, "notfound modelnotfound resourcenotfound"),
        (ErrorClass.RATE_LIMITED, "ratelimit ratelimited ratelimitexceeded throttling toomanyrequests quotaexceeded"),
        (ErrorClass.RATE_LIMITED, "resourceexhausted servicequotaexceeded limitrequests requestlimitexceeded"),
        (ErrorClass.OVERLOADED, "overloaded unavailable serviceunavailable modelnotready engineoverloaded busy"),
        (ErrorClass.PAYMENT, "paymentrequired insufficientbalance insufficientcredits arrearage"),
        (ErrorClass.CONTENT_FILTER, "contentfilter contentpolicy datainspectionfailed"),
        (ErrorClass.GEO, "unsupportedcountry unsupportedregion"),
    )
    for name in names.split()
}
"""Error names in lower case, without `_error`, for errors without a status."""
_TYPE_ENDING = re.compile("(error|exception)$")
_STATUS_IN_TEXT = re.compile(
    r"\s*(?:HTTP(?:/[\d.]+)? |status(?: code)? |error code: )?([45]\d\d)(?=\s*(?:$|[:,-]|[A-Z]))", re.IGNORECASE
)
_UNSAFE = re.compile(r"[^\x20-\x7e\u00a1-\u00ac\u00ae-\u024f…]+")
MAX_DETAIL = 200
"""Maximum number of characters of a sample's `detail`."""
_NAMES = ("code", "type", "status", "error_type", "__type")
_MESSAGES = ("message", "detail", "msg", "error_msg", "status_msg")
_LONGEST_NAME = 80
_OWN_TROUBLE = ("internal", "servererror", "apierror")
_TELLING = 4000
"""Characters of each part that are searched for known words, since the search is slow."""


def status_class(status: int) -> ErrorClass:
    """The class of an HTTP status by the table alone; for 2xx that of an error in the body."""
    known = STATUS_CLASSES.get(status)
    if known is not None:
        return known
    if status in INTERIM:
        return ErrorClass.MALFORMED  # never a final answer, and no protocol change was requested
    if is_success(status):
        return ErrorClass.STREAM_ERROR
    if status in SERVER_ERRORS:
        return ErrorClass.SERVER_ERROR
    # A redirect is not followed, since that would send the key along. The configured URL is wrong.
    return ErrorClass.BAD_REQUEST if status in CLIENT_ERRORS else ErrorClass.NOT_FOUND


def refusal(status: int, headers: Headers, body: bytes) -> Fault:
    """The fault of a refusal, for APIs whose error bodies contain `error` or `message`. The status may be 2xx."""
    error = _body_error(body)
    words = _words(error)
    return Fault(
        error=_stream_error_class(error, words) if is_success(status) else _refusal_class(status, words),
        detail=": ".join((f"HTTP {status}", *(word for word in words if word != str(status)))),
        retry_after_s=retry_after_s(headers),
    )


def stream_fault(error: Mapping[str, object] | str) -> Fault:
    """The fault of an error in a stream, by its words, status and type; by default `stream_error`."""
    words = _words(error)
    return Fault(error=_stream_error_class(error, words), detail=": ".join(words) or "error in the stream")


def fault_in(source: Mapping[str, object]) -> Fault | None:
    """The fault of an error in an object with status 200, in any dialect; None if there is no error."""
    error = error_in(source)
    if error is not None:
        return stream_fault(error)
    message = message_in(source)
    fault = stream_fault(source) if message is not None else None
    # A bare message is not always an error.
    return fault if fault is not None and fault.error is not ErrorClass.STREAM_ERROR else None


def clean(text: str, longest: int = MAX_DETAIL) -> str:
    """`text` as one short line without control characters and exotic scripts."""
    line = _UNSAFE.sub(" ", text).strip()
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _refusal_class(status: int, words: Sequence[str]) -> ErrorClass:
    worded = _worded_class(words)
    if worded is ErrorClass.OVERLOADED or (worded is not None and status in CLIENT_ERRORS):
        return worded
    return status_class(status)


def _stream_error_class(error: Mapping[str, object] | str, words: Sequence[str]) -> ErrorClass:
    """The class of an error that came with a success status; by default `stream_error`."""
    status = _status_in(error)
    if status is not None:
        found = _refusal_class(status, words)
        return ErrorClass.STREAM_ERROR if found is ErrorClass.SERVER_ERROR else found
    return _worded_class(words) or _typed_class(error) or _found(_LOOSE_WORDS, words) or ErrorClass.STREAM_ERROR


def _status_in(error: Mapping[str, object] | str) -> int | None:
    if not isinstance(error, str):
        status = status_in(error)
        if status is not None:
            return status
        error = str(error.get("message") or "")
    found = _STATUS_IN_TEXT.match(error)
    return int(found[1]) if found is not None else None


def _typed_class(error: Mapping[str, object] | str) -> ErrorClass | None:
    """The class by the error's name alone; `stream_error` for names of internal errors."""
    names = [error] if isinstance(error, str) else [error.get(key) for key in _NAMES]
    if not isinstance(error, str) and isinstance(error.get("detail"), list):
        return ErrorClass.BAD_REQUEST  # FastAPI's list of what is wrong with a request
    for name in filter(None, names):
        last = str(name)[:_LONGEST_NAME].rpartition("#")[2]
        letters = re.sub("[^a-z]", "", last.lower())
        known = _TYPES.get(_TYPE_ENDING.sub("", letters))
        if known is not None:
            return known
        if letters.startswith(_OWN_TROUBLE):
            return ErrorClass.STREAM_ERROR
    return None


def _worded_class(words: Sequence[str]) -> ErrorClass | None:
    """The class by the first part with known words. Words for overload have priority in any part."""
    if any(_OVERLOADED.search(part, 0, _TELLING) for part in words):
        return ErrorClass.OVERLOADED
    return _found(_WORDS, words)


def _found(table: tuple[tuple[ErrorClass, re.Pattern[str]], ...], words: Sequence[str]) -> ErrorClass | None:
    return next((error for part in words for error, pattern in table if pattern.search(part, 0, _TELLING)), None)


def _body_error(body: bytes) -> Mapping[str, object] | str:
    """The error in a refusal's body; empty if the body has no JSON object."""
    try:
        # Google's OpenAI-compatible API wraps the object in an array.
        source = _json.as_object(_json.only_item(_json.decode(body)))
    except MalformedError:
        return {}
    error = error_in(source)
    return source if error is None else error


def _words(error: Mapping[str, object] | str) -> tuple[str, ...]:
    """Code, type and message of an error object, each once, the most exact first.

    OpenRouter puts the upstream provider's error, which is more exact, into `metadata`.
    """
    if isinstance(error, str):
        return (error,) if error else ()
    metadata = error.get("metadata")
    behind = metadata.get("raw") if isinstance(metadata, dict) else None
    parts = [*(error.get(key) for key in (*_NAMES, *_MESSAGES)), behind]
    return tuple(dict.fromkeys(str(part) for part in parts if isinstance(part, str | int) and part))
