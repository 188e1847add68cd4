"""Annotations of the types of bodies and documents, beside those of `annotated_types`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator, SkipValidation, StringConstraints
from pydantic_core import PydanticCustomError

__all__ = ["WHOLE", "Day", "Field", "Moment", "SkipValidation", "StringConstraints", "Time", "keys"]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _time(value: object) -> datetime:
    with suppress(ValueError, OverflowError):
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    raise PydanticCustomError("time", "not a time with a time zone")


WHOLE = BeforeValidator(_whole)
"""For an `int` in a body: to JSON, 1.0 is 1, which pydantic's strict mode refuses."""
Time: TypeAlias = Annotated[datetime, PlainValidator(_time, json_schema_input_type=datetime)]
"""A time in a body: text with a zone. It becomes UTC."""
Moment: TypeAlias = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time in a document: text, RFC 3339."""
Day: TypeAlias = Annotated[str, Field(json_schema_extra={"format": "date"})]


def keys(names: Iterable[str]) -> Any:  # noqa: ANN401  # as `Field`
    """The keys of a mapping, all required."""
    required = list(names)

    def declare(schema: dict[str, Any]) -> None:
        schema |= {"properties": dict.fromkeys(required, schema.pop("additionalProperties")), "required": required}

    return Field(json_schema_extra=declare)
