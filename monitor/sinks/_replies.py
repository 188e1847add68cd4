"""Interprets a server's answer to a write: which lines were accepted. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import quote

from monitor.sinks._protocol import SinkError
from probes._errors import clean
from probes._headers import retry_after_s
from probes._model import Headers

_CREDENTIALS: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_ABOUT_LINES: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_DROPPED: Final = re.compile(r"\bdropped=(\d+)")
"""The number of lines that InfluxDB 2 dropped from an accepted batch; it gives the reason of one."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """All lines are written."""


@dataclass(frozen=True, slots=True)
class Refused:
    """At least one line is rejected for good."""

    reason: str
    dropped: int | None = None
    """How many, if the server says so; the others are written."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Too many lines at once."""

    reason: str


Reply: TypeAlias = Accepted | Refused | TooLarge | SinkError


def reply(status: int, headers: Headers, body: bytes, token: str | None) -> Reply:
    """The meaning of an answer. The server's message is redacted, shortened, and on one line."""
    message = _words(body, token)
    words = f"{status}: {message}" if message else f"{status} {_phrase(status)}".strip()
    match status:
        case HTTPStatus.NO_CONTENT:
            return Accepted()
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return TooLarge(words)
        case _ if status in _ABOUT_LINES:
            dropped = _DROPPED.search(message)
            return Refused(words, int(dropped[1]) if dropped else None)
        case _ if status in _CREDENTIALS:
            return SinkError(f"the server rejected the token: {words}")
        case _ if status == HTTPStatus.NOT_FOUND:
            return SinkError(f"the server has no such URL, org or bucket: {words}")
        case _:
            return SinkError(f"the server answered {words}", retry_after_s=retry_after_s(headers))


def _words(body: bytes, token: str | None) -> str:
    """The server's message, out of its JSON if it sent JSON."""
    text = body.decode("utf-8", "replace")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    match parsed:
        case {"message": str(message)} | {"error": str(message)}:
            text = message
    return clean(_redacted(text, token) if token else text)


def _redacted(text: str, token: str) -> str:
    """The text without the token in any of its encodings."""
    for form in (token, json.dumps(token)[1:-1], token.replace("/", "\\/"), quote(token, safe="")):
        text = text.replace(form, "***")
    return text


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
