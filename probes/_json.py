"""Decodes untrusted JSON with limits, and reads typed values with clear errors.

Functions raise MalformedError when a value has the wrong type, unless they say otherwise.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import NoReturn

from probes._model import MalformedError

MAX_COUNT = 2**53
"""The largest integer that every JSON implementation represents exactly."""
MAX_DEPTH = 64
"""The maximum nesting of arrays and objects. Answers of providers need far less."""

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def decode(data: bytes) -> object:
    """The value of a JSON text in UTF-8, with or without a byte order mark. NaN and Infinity are rejected."""
    return _decoded(data, _PLAIN)


def decode_numerals(data: bytes) -> object:
    """Like `decode`, but numbers with a fraction or an exponent remain bytes.

    Converting the thousands of numbers of a vector would take most of the time, and their values are not needed.
    """
    return _decoded(data, _NUMERALS)


def _decoded(data: bytes, decoder: json.JSONDecoder) -> object:
    if _is_too_deep(data):
        raise MalformedError("JSON nested too deeply")
    try:
        return decoder.decode(data.decode("utf-8-sig"))
    except ValueError as error:
        raise MalformedError(f"not JSON: {str(error)[:80]}") from None


def encode(value: object) -> bytes:
    """A decoded value as JSON."""
    return json.dumps(value).encode()


def object_option(name: str, text: str | None) -> Mapping[str, object]:
    """The JSON object of an option; empty for None. Raises ValueError with a message for users."""
    try:
        return {} if text is None else as_object(decode(text.encode()))
    except MalformedError as error:
        raise ValueError(f"option {name!r} must be a JSON object: {error}") from None


def is_cut(data: bytes) -> bool:
    """Whether a JSON text ends within an array, an object or a string."""
    outside = _outside_strings(data)
    return _opened(outside) > outside.count(b"]") + outside.count(b"}") or b'"' in outside


def containers(data: bytes) -> int:
    """The number of arrays and objects in a JSON text. With few brackets, those in strings count, too."""
    opened = _opened(data)
    return opened if opened <= MAX_DEPTH else _opened(_outside_strings(data))


def _outside_strings(data: bytes) -> bytes:
    """The text outside strings, plus the quote of an unterminated string. Takes linear time."""
    plain = _ESCAPE.sub(b"", data) if b"\\" in data else data
    parts = plain.split(b'"')
    return b"".join(parts[::2]) + (b'"' if len(parts) % 2 == 0 else b"")


def _opened(data: bytes) -> int:
    return data.count(b"[") + data.count(b"{")


def _is_too_deep(data: bytes) -> bool:
    if _opened(data) <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_outside_strings(data)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_constant("a number out of range")


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is not JSON")


# Decoders are created once, because creating one takes longer than decoding an event.
_PLAIN = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_NUMERALS = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=str.encode)


def as_object(value: object) -> Mapping[str, object]:
    """`value` as a JSON object."""
    if not isinstance(value, dict):
        raise MalformedError(f"expected an object, not {_kind(value)}")
    return value


def only_item(value: object) -> object:
    """The item of an array with one item, as some errors are sent; otherwise the value itself."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def get_object(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The object at `key`; empty when missing, null, or otherwise empty (PHP writes `[]` for `{}`)."""
    value = source.get(key)
    return value if isinstance(value, dict) else {} if _is_empty(value) else as_object(value)


def get_side_object(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The object at `key`; empty if the value has another type. For optional data."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def get_list(source: Mapping[str, object], key: str) -> list[object]:
    """The array at `key`; empty when missing, null, or otherwise empty."""
    value = source.get(key)
    if isinstance(value, list):
        return value
    if not _is_empty(value):
        raise MalformedError(f"{key!r} must be an array, not {_kind(value)}")
    return []


def get_objects(source: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    """The objects of the array at `key`, without nulls."""
    return [as_object(item) for item in get_list(source, key) if item is not None]


def get_text(source: Mapping[str, object], key: str) -> str:
    """The string at `key`; empty when missing or null."""
    value = source.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedError(f"{key!r} must be a string, not {_kind(value)}")
    return value


def get_content(source: Mapping[str, object], key: str) -> str:
    """The model's text at `key`; some servers send a single digit as a number. Empty in the cases of `get_object`."""
    value = source.get(key)
    if isinstance(value, str):
        return value
    if _is_empty(value):
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return get_text(source, key)


def get_side_text(source: Mapping[str, object], key: str) -> str:
    """The string at `key`; empty if the value has another type. For optional data."""
    value = source.get(key)
    return value if isinstance(value, str) else ""


def get_count(source: Mapping[str, object], key: str) -> int | None:
    """The non-negative integer at `key`, which may be written as `5.0`; None for other values."""
    value = source.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_COUNT else None


def _is_empty(value: object) -> bool:
    return value is None or value is False or value in ("", [], {})


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
