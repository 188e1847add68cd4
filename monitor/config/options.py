"""Base classes and value types for the options of a sink or of a published file.

The docstring of a field is its description in the JSON Schema. A default has the notation of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_args

from pydantic import Field

from monitor.config._errors import RefusedError
from monitor.config._section import Section
from monitor.config._types import (
    Amount,
    Count,
    Duration,
    FilePath,
    FormatName,
    Key,
    Maybe,
    Name,
    SinkKind,
    SinkUrl,
    Size,
    Text,
)
from monitor.schema.place import quoted

__all__ = [
    "Amount",
    "Count",
    "Duration",
    "Extensions",
    "Field",
    "FilePath",
    "FileSection",
    "FormatName",
    "Key",
    "Maybe",
    "Name",
    "RefusedError",
    "Section",
    "SinkKind",
    "SinkSection",
    "SinkUrl",
    "Size",
    "Text",
    "quoted",
    "seconds",
]


class SinkSection(Section):
    """The options of every sink."""

    kind: SinkKind
    """The kind of the sink. Default: the sink's name."""


class FileSection(Section):
    """The options of every published file."""

    router: ClassVar[str | None] = None
    """The router whose `router_ids` the format needs; None: it needs no router ids."""

    format: FormatName
    """The format of the file."""
    path: FilePath
    """Path of the file. It is replaced by rename."""

    @classmethod
    def problems(
        cls,
        written: Mapping[str, object],  # noqa: ARG003  # for formats with further checks
        groups: Mapping[str, bool],  # noqa: ARG003
    ) -> Iterator[tuple[str, RefusedError]]:
        """The problems of a file, each with its key. Called only if the `router_ids` of all endpoints are valid.

        `groups`: the groups in these `router_ids`, and whether a message must hide a group's name.
        """
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """The kinds of sinks and the formats of files that a configuration may name."""

    sinks: Mapping[str, type[SinkSection]] = field(default_factory=dict)
    formats: Mapping[str, type[FileSection]] = field(default_factory=dict)


NO_EXTENSIONS = Extensions()


def seconds(key: str, default: str) -> Any:  # noqa: ANN401  # text in the schema, seconds once validated
    """A field `key_s` that holds seconds; the file writes it as `key`, a duration."""
    return Field(default=default, alias=key, validate_default=True)


def keys_of(section: type[Section], kind: type) -> tuple[str, ...]:
    """The keys whose value is of a class, such as `Secret`."""
    fields = section.model_fields.items()
    return tuple(field.alias or name for name, field in fields if _holds(field.annotation, kind))


def _holds(annotation: Any, kind: type) -> bool:  # noqa: ANN401  # any annotation of a field
    return annotation is kind or any(_holds(part, kind) for part in get_args(annotation))
