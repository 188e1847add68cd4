"""A route as a value: both the server and `/openapi.json` are made of these, so neither knows what the other does not.

A file of routes has a function `routes(sources) -> Sequence[Route]`; `server.ROUTES` names it.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Generic, Literal, TypeVar

from aiohttp import web

from monitor.schema.json_schema import Words
from monitor.web.responses import JSON

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Generic[T]):
    """A part of the query or the path, and how it is read."""

    name: str
    about: str
    """What it is for, for readers of the OpenAPI document."""
    parse: Callable[[str], T]
    """Raises ValueError with what it should be: `a number from 0 to 1`."""
    json_type: object = str
    """The type that its schema is made of."""
    in_path: bool = False
    slashes: bool = False
    """Whether a part of the path may hold slashes."""
    required: bool = False
    """Of the query; a part of the path always is."""
    example: str | None = None

    def read(self, request: web.Request) -> T | None:
        """The value in a request; None where it is not given. Raises HTTPBadRequest where it is wrong."""
        text = request.match_info.get(self.name) if self.in_path else request.query.get(self.name)
        if text is None and self.required:
            raise web.HTTPBadRequest(text=f"the parameter {self.name} is missing; it is {self.about}")
        return None if text is None else self._parsed(text)

    def need(self, request: web.Request) -> T:
        """The value of one that is always there: of the path, or required."""
        value = self.read(request)
        if value is None:
            raise LookupError(f"the route has no parameter {self.name}")
        return value

    def _parsed(self, text: str) -> T:
        try:
            return self.parse(text)
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{self.name} is {error}, not {text!r}") from None


def endpoint_id(example: str = "groq:llama-3.1-8b-instant") -> Parameter[str]:
    """The id of an endpoint, as a part of the path."""
    return Parameter(
        name="id", about="The endpoint's id, percent-encoded.", parse=str, in_path=True, slashes=True, example=example
    )


def text(name: str, about: str, *, example: str | None = None) -> Parameter[str]:
    """Any text in the query."""
    return Parameter(name=name, about=about, parse=str, example=example)


def choice(name: str, about: str, kind: type[E], *, example: str | None = None) -> Parameter[E]:
    """One of an enum's values in the query."""

    def parse(text: str) -> E:
        if text not in list(kind):
            raise ValueError(f"one of {', '.join(kind)}")
        return kind(text)

    return Parameter(name=name, about=about, parse=parse, json_type=kind, example=example)


def number(name: str, about: str, *, low: float, high: float, example: str | None = None) -> Parameter[float]:
    """A number in the query, within limits."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return value

    json_type = Annotated[float, Words(minimum=low, maximum=high)]
    return Parameter(name=name, about=about, parse=parse, json_type=json_type, example=example)


def whole(name: str, about: str, *, low: int, high: int, example: str | None = None) -> Parameter[int]:
    """A whole number in the query, within limits."""

    def parse(text: str) -> int:
        digits = text.isascii() and text.isdecimal() and len(text) <= len(str(high))
        if not digits or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    json_type = Annotated[int, Words(minimum=low, maximum=high)]
    return Parameter(name=name, about=about, parse=parse, json_type=json_type, example=example)


def moment(name: str, about: str, *, example: str | None = None) -> Parameter[datetime]:
    """A date and time with a zone in the query."""

    def parse(text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text)
            if at.tzinfo is not None:
                return at.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise ValueError("a date and time with a zone, such as 2026-11-22T07:00:00Z")

    return Parameter(name=name, about=about, parse=parse, json_type=datetime, example=example)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer that a route may give."""

    about: str
    json_type: object = None
    """The type that its JSON is of; None where it is no JSON, or nothing is said about it."""
    content_type: str | None = JSON
    """None where there is no body."""
    status: HTTPStatus = HTTPStatus.OK


def refusal(status: HTTPStatus, about: str) -> Answer:
    """An answer with `{"error": {"code", "message"}}`; those that any route may give are added by themselves."""
    return Answer(about=about, json_type=Refusal, status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetail:
    """Why a request was refused."""

    code: str
    """The name of the status, such as `not_found`."""
    message: str
    """What is wrong, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What comes with every status from 400 on."""

    error: ErrorDetail


UNCHANGED = Answer(about="It is as it was.", content_type=None, status=HTTPStatus.NOT_MODIFIED)
UNKNOWN_ID = refusal(HTTPStatus.NOT_FOUND, "No endpoint has this id.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path, who answers there, and all that a reader has to know. The handler's docstring is its description."""

    method: Literal["GET", "POST"] = "GET"
    """Where GET is answered, HEAD is, too."""
    path: str
    """As OpenAPI writes it: `/v1/scores/{id}`."""
    handler: Handler
    answers: Sequence[Answer]
    parameters: Sequence[Parameter[Any]] = ()
    """All that there are: any other in the query is refused."""
    body: object = None
    """The type that a POST's JSON is of."""
    open: bool = False
    """Needs no token, and is not counted against the rate limit."""
    close: Callable[[], Awaitable[None]] | None = None
    """Ends the answers that would go on for ever, when the server stops."""
