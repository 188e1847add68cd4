"""What pydantic's errors are called in messages, of the configuration as of request bodies. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_unicode": "must not contain half a character (\\uD800 to \\uDFFF); write it whole",
    "string_too_long": "is too long; at most {max_length} characters are allowed",
    "string_pattern_mismatch": "must look like {pattern}",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "list_type": "must be a list",
    "time": "must be a time with a time zone, such as 2026-11-24T07:00:00.123Z",
    "dict_type": "must be an object",
    "too_long": "has too many entries; at most {max_length} are allowed",
    "greater_than": "must be more than {gt:.15g}",
    "greater_than_equal": "must be at least {ge:.15g}",
    "less_than_equal": "must be at most {le:.15g}",
}
"""By the type of the error; the fields are those of its context."""


def message(kind: str, context: Mapping[str, object], own: Mapping[str, str] = MappingProxyType({})) -> str:
    """What an error of a type says. `own` comes before the messages of this module."""
    return (own.get(kind) or _MESSAGES.get(kind, "cannot be used")).format_map(context)
