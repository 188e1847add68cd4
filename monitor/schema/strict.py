"""Parses plain JSON strictly as a type; errors name the field. Pure.

Supports the types of request bodies: TypedDicts, lists, literals, numbers, text, booleans and null.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from monitor.schema.json_schema import Words

_LONGEST_SHOWN = 80


class WrongBodyError(ValueError):
    """A request body is wrong; the message names the field."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place or 'the body'} {what}")
        self.place = place


def read(kind: Any, plain: object, place: str = "") -> Any:  # noqa: ANN401  # a value of `kind`
    """The value as a `kind`. Integers are not booleans; unknown keys are refused. Raises WrongBodyError."""
    origin, arguments = get_origin(kind), get_args(kind)
    match origin:
        case _ if origin is NotRequired:
            return read(arguments[0], plain, place)
        case _ if origin in {Union, types.UnionType}:
            return _either(arguments, plain, place)
        case _ if origin is Annotated:
            return _bounded(read(arguments[0], plain, place), arguments[1:], place)
        case _ if origin is Literal:
            return _literal(arguments, plain, place)
        case _ if origin is not None and issubclass(origin, Sequence):
            return _list(arguments[0], plain, place)
        case _ if is_typeddict(kind):
            return _mapping(kind, plain, place)
        case _:
            return _plain(kind, plain, place)


_WORDS: Mapping[type, tuple[type | tuple[type, ...], str]] = {
    str: (str, "text"),
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
}


def _plain(kind: type, plain: object, place: str) -> object:
    takes, word = _WORDS[kind]
    if kind is int and isinstance(plain, float) and plain.is_integer():
        return int(plain)  # to JSON, 1.0 is 1
    is_number = kind is int or kind is float
    if not isinstance(plain, takes) or (is_number and isinstance(plain, bool)) or not _finite(plain):
        raise WrongBodyError(place, f"has to be {word}, not {_shown(plain)}")
    return plain


def _finite(plain: object) -> bool:
    return not isinstance(plain, float) or math.isfinite(plain)


def _either(kinds: Sequence[Any], plain: object, place: str) -> object:
    """The value as the first kind of the same JSON type; null if that is allowed."""
    if plain is None and type(None) in kinds:
        return None
    words = {_word(kind): kind for kind in reversed(kinds) if kind is not type(None)}
    word = next((name for name, takes in _JSON.items() if isinstance(plain, takes)), None)
    if len(words) > 1 and word not in words:
        raise WrongBodyError(place, f"has to be {' or '.join(sorted(words))}, not {_shown(plain)}")
    return read(words[word] if word in words else next(iter(words.values())), plain, place)


_JSON: Mapping[str, type | tuple[type, ...]] = {
    "an object": Mapping,
    "a list": list,
    "text": str,
    "true or false": bool,
    "a number": (int, float),
}


def _word(kind: Any) -> str:  # noqa: ANN401
    """The JSON type of a type."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _word(get_args(kind)[0])
    if origin is None:
        return "an object" if is_typeddict(kind) else "a number" if kind is int else _WORDS[kind][1]
    return "text" if origin is Literal else "a list"


def _literal(words: Sequence[object], plain: object, place: str) -> object:
    if not isinstance(plain, str) or plain not in words:
        raise WrongBodyError(place, f"has to be one of {', '.join(map(str, words))}, not {_shown(plain)}")
    return plain


def _list(kind: object, plain: object, place: str) -> list[object]:
    if not isinstance(plain, list):
        raise WrongBodyError(place, f"has to be a list, not {_shown(plain)}")
    return [read(kind, name, f"{place}[{number}]") for number, name in enumerate(plain)]


def _mapping(kind: Any, plain: object, place: str) -> dict[str, object]:  # noqa: ANN401
    if not isinstance(plain, Mapping):
        raise WrongBodyError(place, f"has to be an object, not {_shown(plain)}")
    hints = get_type_hints(kind, include_extras=True)
    for name in plain:
        if name not in hints:
            raise WrongBodyError(_below(place, name), f"is not a known field; known fields: {', '.join(hints)}")
    for name, hint in hints.items():
        if kind.__total__ and name not in plain and get_origin(hint) is not NotRequired:
            raise WrongBodyError(_below(place, name), "is missing")
    return {name: read(hints[name], value, _below(place, name)) for name, value in plain.items()}


def _bounded(value: Any, keywords: Sequence[object], place: str) -> object:  # noqa: ANN401
    for words in keywords:
        if isinstance(words, Words):
            _check(value, words, place)
    return value


def _check(value: Any, words: Words, place: str) -> None:  # noqa: ANN401
    if words.minimum is not None and value < words.minimum:
        raise WrongBodyError(place, f"has to be at least {words.minimum:g}, not {_shown(value)}")
    if words.maximum is not None and value > words.maximum:
        raise WrongBodyError(place, f"has to be at most {words.maximum:g}, not {_shown(value)}")
    if words.max_length is not None and len(value) > words.max_length:
        raise WrongBodyError(place, f"is too long; at most {words.max_length} characters are allowed")
    if words.pattern is not None and re.search(words.pattern, value) is None:
        raise WrongBodyError(place, f"has to look like {words.pattern}, not {_shown(value)}")
    if words.max_items is not None and len(value) > words.max_items:
        raise WrongBodyError(place, f"has too many entries; at most {words.max_items} are allowed")


def _below(place: str, name: object) -> str:
    shown = str(name)
    shown = shown if shown.isprintable() and 0 < len(shown) <= _LONGEST_SHOWN else repr(shown[:_LONGEST_SHOWN])
    return f"{place}.{shown}" if place else shown


def _shown(plain: object) -> str:
    match plain:
        case None:
            return "null"
        case bool():
            return str(plain).lower()
        case list():
            return "a list"
        case Mapping():
            return "an object"
        case int() | float() if not isinstance(plain, int) or abs(plain) < 10**_LONGEST_SHOWN:
            return str(plain)
        case int():
            return "a number with too many digits"
        case _:
            return repr(plain if len(str(plain)) <= _LONGEST_SHOWN else f"{str(plain)[:_LONGEST_SHOWN]}…")
