"""Errors as pages. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from monitor.web.pages.links import OVERVIEW, model_link, with_query

_LONGEST: Final = 100
"""The part of a path that is compared with names."""
_MOST_NAMES: Final = 2000
_NEAREST: Final = 3
_SIMILAR: Final = 0.5
_HEADINGS: Final = {
    HTTPStatus.BAD_REQUEST: "This address is not right.",
    HTTPStatus.UNAUTHORIZED: "This page needs the token.",
    HTTPStatus.NOT_FOUND: "There is no such page.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The page cannot be made now.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A page that may have been meant."""

    path: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """An error, and where to go from here."""

    title: str
    status: int
    heading: str
    words: str
    nearest: Sequence[Suggestion] = ()


def error_view(status: HTTPStatus, message: str, nearest: Sequence[Suggestion] = ()) -> ErrorView:
    """The page of an error; `message` is the server's, for people."""
    words = message[:1].upper() + message[1:]
    return ErrorView(
        title=f"{status.value} {status.phrase}",
        status=status.value,
        heading=_HEADINGS.get(status, f"{status.phrase}."),
        words=words if words.endswith((".", "!", "?")) else f"{words}.",
        nearest=nearest,
    )


def nearest(path: str, models: Iterable[str], endpoints: Iterable[str]) -> Sequence[Suggestion]:
    """The models and endpoints whose names are most like the end of a path, the most similar first."""
    asked = unquote(path, errors="replace").strip("/")[:_LONGEST]
    for prefix in ("models/", "endpoints/"):
        asked = asked.removeprefix(prefix)
    found = {model.casefold(): model_suggestion(model) for model in models}
    found |= {name.casefold(): endpoint_suggestion(name) for name in endpoints}
    names = [*found][:_MOST_NAMES]
    similar = difflib.get_close_matches(asked.casefold(), names, n=_NEAREST, cutoff=_SIMILAR)
    inside = [name for name in names if asked and asked.casefold() in name and name not in similar]
    return tuple(found[name] for name in [*similar, *inside][:_NEAREST])


def model_suggestion(model: str) -> Suggestion:
    """The page of a model, or the overview of its endpoints."""
    return Suggestion(path=model_link(model) or with_query(OVERVIEW, {"model": model}), words=model)


def endpoint_suggestion(name: str) -> Suggestion:
    """The overview of an endpoint."""
    return Suggestion(path=with_query(OVERVIEW, {"q": name}), words=name)
