"""A route as a value: the server and `/openapi.json` are made from the same routes.

A module of routes has a function `routes(context) -> Sequence[Route]`; `server.ROUTES` lists these functions.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Generic, Literal, TypeVar

from aiohttp import web
from annotated_types import Interval

from monitor.schema.types import StringConstraints
from monitor.web.responses import JSON

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refuser = Callable[[web.Request, HTTPStatus, str, Mapping[str, str]], Awaitable[web.Response]]
"""Makes the answer to a request that is refused, of its status, message and headers."""
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Generic[T]):
    """A parameter in the query or the path, and its parser."""

    name: str
    about: str
    """Its description in the OpenAPI document."""
    parse: Callable[[str], T]
    """Raises ValueError with the expected form: `a number from 0 to 1`."""
    json_type: object = str
    """The type that its JSON Schema is made from."""
    in_path: bool = False
    slashes: bool = False
    """Whether a path parameter may contain slashes."""
    required: bool = False
    """For query parameters; path parameters are always required."""
    example: str | None = None

    def read(self, request: web.Request) -> T | None:
        """The value in a request; None if it is absent. Raises HTTPBadRequest if it is wrong."""
        text = request.match_info.get(self.name) if self.in_path else request.query.get(self.name)
        if text is None and self.required:
            raise web.HTTPBadRequest(text=f"the parameter {self.name} is missing: {self.about}")
        return None if text is None else self._parsed(text)

    def need(self, request: web.Request) -> T:
        """The value of a parameter in the path, or of a required one."""
        value = self.read(request)
        if value is None:
            raise LookupError(f"the route has no parameter {self.name}")
        return value

    def _parsed(self, text: str) -> T:
        try:
            return self.parse(text)
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{self.name} must be {error}, not {text!r}") from None


def path_part(name: str, about: str, *, slashes: bool = False, example: str) -> Parameter[str]:
    """Any text in the path."""
    return Parameter(name=name, about=about, parse=str, in_path=True, slashes=slashes, example=example)


def endpoint_id(example: str = "groq:llama-3.1-8b-instant") -> Parameter[str]:
    """An endpoint's id in the path."""
    return path_part("id", "The endpoint's id, percent-encoded.", slashes=True, example=example)


def cursor(parse: Callable[[str], T], form: str, *, example: str) -> Parameter[T]:
    """Where a page begins; `form`: the pattern of the word."""
    return Parameter(
        name="cursor",
        about="`next` of the previous page; keep the other parameters.",
        parse=parse,
        json_type=Annotated[str, StringConstraints(pattern=f"^{form}$")],
        example=example,
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

    json_type = Annotated[float, Interval(ge=low, le=high)]
    return Parameter(name=name, about=about, parse=parse, json_type=json_type, example=example)


def whole(name: str, about: str, *, low: int, high: int, example: str | None = None) -> Parameter[int]:
    """A whole number in the query, within limits."""

    def parse(text: str) -> int:
        digits = text.isascii() and text.isdecimal() and len(text) <= len(str(high))
        if not digits or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    json_type = Annotated[int, Interval(ge=low, le=high)]
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
    """A possible answer of a route."""

    about: str
    json_type: object = None
    """The type of its JSON; None if it is not JSON or has no schema."""
    content_type: str | None = JSON
    """None if there is no body."""
    status: HTTPStatus = HTTPStatus.OK


def refusal(status: HTTPStatus, about: str) -> Answer:
    """An error answer: `{"error": {"code", "message"}}`. The errors of all routes need not be listed."""
    return Answer(about=about, json_type=Refusal, status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetail:
    """The reason why a request was refused."""

    code: str
    """The name of the status, such as `not_found`."""
    message: str
    """The reason and the remedy, as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The body of every answer with a status from 400 on."""

    error: ErrorDetail


UNCHANGED = Answer(about="Not modified.", content_type=None, status=HTTPStatus.NOT_MODIFIED)
UNKNOWN_ID = refusal(HTTPStatus.NOT_FOUND, "No endpoint has this id.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path with its handler and documentation. The handler's docstring is the description."""

    method: Literal["GET", "POST"] = "GET"
    """GET routes answer HEAD, too."""
    path: str
    """As OpenAPI writes it: `/v1/scores/{id}`."""
    handler: Handler
    answers: Sequence[Answer]
    parameters: Sequence[Parameter[Any]] = ()
    """All parameters: others in the query are refused."""
    body: object = None
    """The type of a POST's JSON body."""
    open: bool = False
    """Needs no token, and is not counted against the rate limit."""
    password: bool = False
    """A page asks for it: the token may also be the password of HTTP Basic."""
    page: Refuser | None = None
    """For pages: makes their errors. Pages take the token as a password, ignore unknown parameters, and are no API."""
    close: Callable[[], Awaitable[None]] | None = None
    """Called when the server stops, to end endless answers."""
