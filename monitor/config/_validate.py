"""Validates a document against the schema, and converts pydantic's errors to messages without secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.config._document import ConfigDocument
from monitor.config._errors import Problem, RefusedError, did_you_mean
from monitor.config._schema import File
from monitor.config._sections import file_at, sink_at
from monitor.config._types import KnownNames
from monitor.config._values import either
from monitor.schema.messages import message
from monitor.schema.place import Place

_ON_KEY = "[key]"
"""The last part of pydantic's location for an error in a key."""

_MESSAGES: Mapping[str, str] = {
    "model_type": "must be a mapping: lines of `key: value`",
    "dict_type": "must be a mapping: lines of `key: value`",
    "list_type": "must be a list: lines that begin with `- `",
    "too_short": "is empty; write an entry, or leave the key out",
}
"""Those that are said in YAML's words."""


def validate(document: ConfigDocument, known: KnownNames) -> tuple[File | None, tuple[Problem, ...]]:
    """The validated file, or the problems. Values that are already marked as broken are not reported again."""
    try:
        return File.model_validate(document.data, context=known), ()
    except ValidationError as error:
        details = error.errors(include_url=False)
    return None, tuple(_problems(document, details, known))


def _problems(document: ConfigDocument, details: Iterable[ErrorDetails], known: KnownNames) -> Iterable[Problem]:
    for detail in details:
        place = detail["loc"]
        written = place in document.values
        if detail["type"] == "extra_forbidden":
            yield _unknown_key(document, place, known)
        elif place[-1:] == (_ON_KEY,) and not written:
            yield document.key_problem(place[:-1], _refused(detail))
        elif document.is_broken(place):
            continue
        elif detail["type"] == "missing" and not written:
            yield document.problem(place, RefusedError("is missing; add it"))
        else:
            refused = _refused(detail)
            from_outside = document.is_secret(place) and detail["type"] in {"bool_type", "int_type", "float_type"}
            yield document.problem(place, _only_text(refused) if from_outside else refused)


def _refused(detail: ErrorDetails) -> RefusedError:
    match detail:
        case {"ctx": {"error": RefusedError() as refused}}:
            return refused
        case {"input": None}:
            return RefusedError("is empty; write a value, or leave the key out")
        case {"type": "string_type", "input": bool() | int() | float()}:
            return RefusedError("must be text; put it in quotes")
        case _:
            return RefusedError(message(detail["type"], detail.get("ctx", {}), _MESSAGES))


def _only_text(refused: RefusedError) -> RefusedError:
    return RefusedError(f"{refused.message}, and a `${{…}}` reference always gives text; write the value into the file")


def _unknown_key(document: ConfigDocument, place: Place, known: KnownNames) -> Problem:
    section = _section_at(document, place[:-1], known)
    formats = _formats_with(place, known)
    if formats:
        return document.problem(place, RefusedError(f"is for the format {either(formats)} only; remove it"))
    if place[-1] in section.later:
        return document.key_problem(place, RefusedError("is not supported by this version yet; remove it"))
    if did_you_mean(str(place[-1]), section.known_keys()):
        return document.key_problem(place, RefusedError("unknown key", options=section.known_keys()))
    return document.key_problem(place, RefusedError(f"unknown key; known keys: {', '.join(section.known_keys())}"))


def _formats_with(place: Place, known: KnownNames) -> list[str]:
    """The formats of published files that have this key."""
    match place:
        case ("publish", "files", _, key):
            return [name for name, kind in known.formats.items() if key in kind.known_keys()]
        case _:
            return []


def _section_at(document: ConfigDocument, place: Place, known: KnownNames) -> Any:  # noqa: ANN401  # a subclass of Section, found by walking types
    kind, rest = _beginning(document, place, known)
    for step in rest:
        kind = get_args(kind)[-1] if get_origin(kind) else kind.model_fields[step].annotation
        if get_origin(kind) in {Union, UnionType}:
            kind = get_args(kind)[0]
    return kind


def _beginning(document: ConfigDocument, place: Place, known: KnownNames) -> tuple[Any, Place]:
    """The section class at the beginning of a place, and the rest of the place below it."""
    match place:
        case ("sinks", _, *_):
            return sink_at(document, place[:2], known), place[2:]
        case ("publish", "files", _, *_):
            return file_at(document, place[:3], known), place[3:]
        case _:
            return File, place
