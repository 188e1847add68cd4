"""Validates request bodies; errors name the field, what is wrong with it, and what is allowed. Pure."""

from __future__ import annotations

import json
from functools import cache
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import is_typeddict

from monitor.schema.messages import message
from monitor.schema.place import Place, dotted, quoted

_CONFIG: Final = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
_MOST_ERRORS = 1_000
"""With more of them, a body of a mebibyte takes pydantic's list of errors longer than anything else."""
_LONGEST_NUMBER = 80
_MUST, _LIKE = "must be ", "must look like "
_WRONG_TYPES = frozenset({"string_type", "bool_type", "int_type", "float_type", "list_type", "dict_type"})


class WrongBodyError(ValueError):
    """A request body is wrong; the message names the field."""

    def __init__(self, place: Place, what: str, whole: str = "the body") -> None:
        """`whole`: what the message calls the place ()."""
        super().__init__(f"{dotted(place)}: {what}" if place else f"{whole} {what}")


def validated(kind: object, plain: object, whole: str = "the body") -> Any:  # noqa: ANN401  # a value of `kind`
    """A plain JSON value as a `kind`. Raises WrongBodyError."""
    try:
        return _validator(kind).validate_python((plain,))[0]
    except ValidationError as error:
        raise WrongBodyError(*_problem(kind, plain, error), whole) from None


@cache
def _validator(kind: object) -> Any:  # noqa: ANN401  # pydantic has no name for it
    several: Any = (kind,)
    return TypeAdapter(tuple[several], config=_CONFIG).validator  # a TypedDict by itself takes no `config`


def _problem(kind: object, plain: object, error: ValidationError) -> tuple[Place, str]:
    """Where the body is wrong, and how: a field that is not known before others."""
    if error.error_count() > _MOST_ERRORS:
        return (), f"has {error.error_count()} mistakes; {_known_fields(kind, ())}"
    found = [(_place(detail, plain), detail) for detail in error.errors(include_url=False)]
    place, first = min(found, key=_rank) if len(found) > 1 else found[0]
    if first["type"] == "extra_forbidden":
        return place, f"is not a known field; {_known_fields(kind, place[:-1])}"
    text = _text(first)
    if _is_wrong_type(first):
        others = [_text(detail).removeprefix(_MUST) for at, detail in found if at == place and detail is not first]
        text = " or ".join(dict.fromkeys([text, *others]))
    return place, f"{text}, not {_shown(first['input'])}" if text.startswith((_MUST, _LIKE)) else text


def _rank(item: tuple[Place, ErrorDetails]) -> tuple[bool, bool, int]:
    """The sort key. A union has an error for each of its types, of which one tells more than "another type"."""
    place, detail = item
    return detail["type"] != "extra_forbidden", _is_wrong_type(detail), -len(place)


def _is_wrong_type(detail: ErrorDetails) -> bool:
    no_word = detail["type"] == "literal_error" and not isinstance(detail["input"], str)
    return no_word or detail["type"] in _WRONG_TYPES


def _place(detail: ErrorDetails, plain: Any) -> Place:  # noqa: ANN401  # any JSON
    """The place of an error, without the names that pydantic puts between for the types of a union."""
    place: list[str | int] = []
    for step in detail["loc"][1:]:
        if isinstance(step, int) or (isinstance(plain, dict) and step in plain):
            place.append(step)
            plain = plain[step]
    return (*place, detail["loc"][-1]) if detail["type"] == "missing" else (*place,)


def _text(detail: ErrorDetails) -> str:
    return message(detail["type"], detail.get("ctx", {}))


def _known_fields(kind: Any, place: Place) -> str:  # noqa: ANN401  # found by walking types
    """The fields that an object at a place may have."""
    for step in place:
        kind = get_args(kind)[0] if isinstance(step, int) else get_type_hints(kind).get(step, kind)
        if get_origin(kind) in {Union, UnionType}:
            kind = next((item for item in get_args(kind) if is_typeddict(item) or get_origin(item) is list), kind)
    return f"known fields: {', '.join(get_type_hints(kind))}"


def _shown(value: object) -> str:
    match value:
        case str():
            return quoted(value)
        case list():
            return "a list"
        case dict():
            return "an object"
        case int() if abs(value) >= 10**_LONGEST_NUMBER:
            return "a number with too many digits"
        case None | bool():
            return json.dumps(value)
        case _:
            return str(value)
