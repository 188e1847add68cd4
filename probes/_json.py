"""JSON from strangers: decoding with bounds, and typed access that says what is wrong.

Every function raises MalformedError when the value is not of the shape asked for.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from probes._model import MalformedError

MAX_COUNT = 2**53
"""The largest integer that every JSON implementation keeps exact."""
MAX_DEPTH = 64
"""How deeply arrays and objects may be nested; no provider comes near it."""

_STRING = re.compile(rb'"(?:(?:[^"\\]++|\\.)*+"|(?<=(")).*)', re.DOTALL)
"""A string, or one that is not ended, with all behind it: else every quote in that would be tried as a beginning.

Both begin with the one quote, since a search for a fixed first byte is thirty times faster.
"""
_BRACKET = re.compile(rb"[\[\]{}]")


def decode(data: bytes) -> object:
    """The value of a JSON text in UTF-8. NaN and Infinity, which JSON does not have, are refused."""
    return _decoded(data, _finite)


def decode_numerals(data: bytes) -> object:
    """The same, but numbers with a fraction or an exponent stay the bytes that they are written in.

    To work out the thousands of a vector takes most of the time, and nobody needs their values.
    """
    return _decoded(data, str.encode)


def _decoded(data: bytes, parse_float: Callable[[str], object]) -> object:
    if _is_too_deep(data):
        raise MalformedError("JSON nested too deeply")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, parse_float=parse_float)
    except ValueError as error:
        raise MalformedError(f"not JSON: {str(error)[:80]}") from None


def object_option(name: str, text: str | None) -> Mapping[str, object]:
    """The JSON object that an option holds; empty without one. Raises ValueError with words for its user."""
    try:
        return {} if text is None else as_object(decode(text.encode()))
    except MalformedError as error:
        raise ValueError(f"option {name!r} should be an object in JSON: {error}") from None


def is_cut(data: bytes) -> bool:
    """Whether a JSON text stops in the middle of an array, an object or a string."""
    outside = _STRING.sub(rb"\1", data)
    return _opened(outside) > outside.count(b"]") + outside.count(b"}") or b'"' in outside


def containers(data: bytes) -> int:
    """How many arrays and objects a JSON text holds, or at most holds: of few brackets those in strings count too."""
    opened = _opened(data)
    return opened if opened <= MAX_DEPTH else _opened(_STRING.sub(b"", data))


def _opened(data: bytes) -> int:
    return data.count(b"[") + data.count(b"{")


def _is_too_deep(data: bytes) -> bool:
    if _opened(data) <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_constant("a number beyond all bounds")


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is not JSON")


def as_object(value: object) -> Mapping[str, object]:
    """`value` as a JSON object."""
    if not isinstance(value, dict):
        raise MalformedError(f"an object was expected, not {_kind(value)}")
    return value


def get_object(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The object at `key`; empty when absent or null."""
    value = source.get(key)
    return {} if value is None else as_object(value)


def get_list(source: Mapping[str, object], key: str) -> list[object]:
    """The array at `key`; empty when absent or null."""
    value = source.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedError(f"{key!r} should be an array, not {_kind(value)}")
    return value


def get_text(source: Mapping[str, object], key: str) -> str:
    """The string at `key`; empty when absent or null."""
    value = source.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedError(f"{key!r} should be a string, not {_kind(value)}")
    return value


def get_count(source: Mapping[str, object], key: str) -> int | None:
    """The non-negative integer at `key`, which may be written as `5.0`; None when absent or null."""
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise MalformedError(f"{key!r} should be a count, not {_kind(value)}")
    return value


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number out of place"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
