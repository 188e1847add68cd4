"""The types of single values in the file, for pydantic: each converts the written value into the one that is used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StrictInt,
    StrictStr,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticKnownError

from monitor.config import _addresses, _values, listing
from monitor.config._errors import RefusedError
from monitor.config.model import Canary, Listen, MetricsDetail
from probes._model import Blame, ErrorClass, Secret, Task

if TYPE_CHECKING:
    from monitor.config.options import FileSection, SinkSection

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """The names that the file may refer to, as pydantic's validation context. None: unknown, so not checked."""

    apis: Collection[str]
    providers: Collection[str] | None
    """Defined in the file or in the catalogue."""
    probes: Collection[str] | None
    sinks: Mapping[str, type[SinkSection]]
    """By kind."""
    formats: Mapping[str, type[FileSection]]
    folder: Path
    """The base folder of relative paths."""


def _from_text(parse: Callable[[str], object]) -> PlainValidator:
    def read(value: object) -> object:
        if not isinstance(value, str):
            raise PydanticKnownError("string_type")
        return parse(value)

    return PlainValidator(read)


def _given(value: T) -> T:
    if value is None:
        raise PydanticKnownError("missing")
    return value


def _api(value: str, info: ValidationInfo[KnownNames]) -> str:
    names = sorted(info.context.apis)
    if value not in names:
        raise RefusedError(f"{{value}} is not an api of this version; write {_values.either(names)}", options=names)
    return value


def _provider(value: str, info: ValidationInfo[KnownNames]) -> str:
    names = info.context.providers
    if names is not None and value not in names:
        message = "{value} is neither written under `providers:` nor in the catalogue; add it there or correct it"
        raise RefusedError(message, options=names)
    return value


def _probe(value: str, info: ValidationInfo[KnownNames]) -> str:
    names = info.context.probes
    if names is not None and value not in names:
        raise RefusedError("{value} is not written under `probes:`; add it there or correct it", options=names)
    return value


def _sink_kind(value: str, info: ValidationInfo[KnownNames | None]) -> str:
    """Check the kind of a sink. A sink that is created in code has no context, so its kind is not checked."""
    if info.context is None:
        return value
    return _values.known_word(value, "is no kind of sink", tuple(info.context.sinks))


def _format(value: str, info: ValidationInfo[KnownNames | None]) -> str:
    if info.context is None:
        return value
    return _values.known_word(value, "is not known", tuple(info.context.formats))


def _text_path(value: object, info: ValidationInfo[KnownNames | None]) -> Path:
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    path = _addresses.file_path(value)
    return path if info.context is None else info.context.folder / path


_TEXT = WithJsonSchema({"type": "string", "minLength": 1})

Maybe: TypeAlias = Annotated[T | None, BeforeValidator(_given)]
"""May be omitted, but must not be empty."""
Text: TypeAlias = Annotated[StrictStr, AfterValidator(_values.text)]
Prose: TypeAlias = Annotated[StrictStr, AfterValidator(_values.prose)]
Name: TypeAlias = Annotated[StrictStr, AfterValidator(_values.name)]
ModelOfProvider: TypeAlias = Annotated[StrictStr, AfterValidator(_values.model_of_provider)]
ProviderName: TypeAlias = Annotated[StrictStr, AfterValidator(_values.provider_name)]
Aliases: TypeAlias = Annotated[list[Name], Field(min_length=1)]
HeaderName: TypeAlias = Annotated[StrictStr, AfterValidator(_values.header_name)]
HeaderValue: TypeAlias = Annotated[Secret, _from_text(_values.header_value), _TEXT]
Key: TypeAlias = Annotated[Secret, _from_text(_values.secret), _TEXT]
Url: TypeAlias = Annotated[StrictStr, AfterValidator(_addresses.base_url)]
ProxyUrl: TypeAlias = Annotated[Secret, _from_text(_addresses.proxy), _TEXT]
Link: TypeAlias = Annotated[StrictStr, AfterValidator(_addresses.link)]
SinkUrl: TypeAlias = Annotated[StrictStr, AfterValidator(_addresses.sink_url)]
SinkKind: TypeAlias = Annotated[StrictStr, AfterValidator(_sink_kind)]
FormatName: TypeAlias = Annotated[StrictStr, AfterValidator(_format)]
Size: TypeAlias = Annotated[
    int,
    PlainValidator(_values.size_bytes),
    WithJsonSchema(
        {"type": ["string", "integer"], "pattern": rf"^({_values.SIZE}|.*\$\{{.*)$", "minimum": _values.SMALLEST_FILE}
    ),
]
Store: TypeAlias = Annotated[StrictStr, AfterValidator(_addresses.store)]
Address: TypeAlias = Annotated[Listen, PlainValidator(_addresses.listen), _TEXT]
AgentAddress: TypeAlias = Annotated[Listen, PlainValidator(_addresses.agent), _TEXT]
Canaries: TypeAlias = Annotated[
    list[Annotated[Canary, _from_text(_addresses.canary), _TEXT]],
    Field(max_length=8),
    AfterValidator(_values.distinct),
]
FilePath: TypeAlias = Annotated[Path, PlainValidator(_text_path), _TEXT]
"""Absolute, or relative to the folder of the file."""
Asked: TypeAlias = Annotated[Task, _from_text(_values.task), WithJsonSchema({"type": "string", "enum": list(Task)})]
Movable: TypeAlias = Annotated[
    ErrorClass,
    _from_text(_values.movable_class),
    WithJsonSchema({"type": "string", "enum": list(_values.MOVABLE)}),
]
"""An error class whose blame the configuration may change."""
Blamed: TypeAlias = Annotated[
    Blame, _from_text(_values.blamed), WithJsonSchema({"type": "string", "enum": list(_values.BLAMES)})
]
Detail: TypeAlias = Annotated[
    MetricsDetail,
    _from_text(_values.metrics_detail),
    WithJsonSchema({"type": "string", "enum": list(MetricsDetail)}),
]
Duration: TypeAlias = Annotated[
    float,
    PlainValidator(_values.duration_s),
    WithJsonSchema({"type": "string", "pattern": rf"^({_values.DURATION}|.*\$\{{.*)$"}),
]
Moment: TypeAlias = Annotated[
    datetime, PlainValidator(_values.moment), WithJsonSchema({"type": "string", "examples": ["2026-12-01T02:00Z"]})
]
"""Converted to UTC."""
Day: TypeAlias = Annotated[
    datetime, PlainValidator(_values.day), WithJsonSchema({"type": "string", "examples": ["2024-09-25"]})
]
"""00:00 UTC of the day, if no time is given."""
Patterns: TypeAlias = Annotated[list[Name], Field(min_length=1)]
Interval: TypeAlias = Annotated[
    _values.Interval,
    PlainValidator(_values.interval),
    WithJsonSchema({"type": "string", "pattern": rf"^({_values.DURATION}( ?\.\. ?{_values.DURATION})?|.*\$\{{.*)$"}),
]
Count: TypeAlias = Annotated[StrictInt, Field(ge=1, le=1_000_000_000)]
Price: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0)]
Amount: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]
Speed: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]
Quantization: TypeAlias = Annotated[
    StrictStr,
    AfterValidator(_values.one_of(listing.QUANTIZATIONS)),
    WithJsonSchema({"type": "string", "enum": list(listing.QUANTIZATIONS)}),
]
Inputs: TypeAlias = Annotated[
    list[
        Annotated[
            StrictStr,
            AfterValidator(_values.one_of(listing.INPUTS)),
            WithJsonSchema({"type": "string", "enum": list(listing.INPUTS)}),
        ]
    ],
    Field(min_length=1),
    AfterValidator(_values.distinct),
]
Outputs: TypeAlias = Annotated[
    list[
        Annotated[
            StrictStr,
            AfterValidator(_values.one_of(listing.OUTPUTS)),
            WithJsonSchema({"type": "string", "enum": list(listing.OUTPUTS)}),
        ]
    ],
    Field(min_length=1),
    AfterValidator(_values.distinct),
]
Parameters: TypeAlias = Annotated[list[Name], AfterValidator(_values.distinct)]
Api: TypeAlias = Annotated[StrictStr, AfterValidator(_api)]
ProviderReference: TypeAlias = Annotated[StrictStr, AfterValidator(_provider)]
ProbeReference: TypeAlias = Annotated[StrictStr, AfterValidator(_probe)]
ProbeNames: TypeAlias = Annotated[list[ProbeReference], Field(min_length=1), AfterValidator(_values.distinct)]
