"""What a sink or a router's format declares its options with: the base classes, and the types of single values.

A description under a field is published in the JSON Schema. A default is written as it would stand in the file.
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
    """What every sink has."""

    kind: SinkKind
    """What it is, if its name does not say it."""


class FileSection(Section):
    """What every published file has."""

    router: ClassVar[str | None] = None
    """Whose names of endpoints, `router_ids`, it is made of; None: it needs none."""

    format: FormatName
    """What is written into it."""
    path: FilePath
    """The file; it is replaced by rename."""

    @classmethod
    def problems(
        cls,
        written: Mapping[str, object],  # noqa: ARG003  # for formats that look at more than `router`
        groups: Mapping[str, bool],  # noqa: ARG003
    ) -> Iterator[tuple[str, RefusedError]]:
        """What is wrong with a file, by key, where the `router_ids` of all endpoints are known.

        `groups` are the groups that they name, and whether a message must hide the name of a group.
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


def _holds(annotation: Any, kind: type) -> bool:  # noqa: ANN401  # whatever a field is annotated with
    return annotation is kind or any(_holds(part, kind) for part in get_args(annotation))
