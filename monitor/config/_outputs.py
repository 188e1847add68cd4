"""The outputs in the file: published files and sinks. Each kind declares its own options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import BaseModel, Field, ValidationInfo, WrapValidator

from monitor.config import _types as types
from monitor.config._section import Section, default_of
from monitor.config.model import Config
from monitor.config.options import FileSection, SinkSection


class _AnyFile(BaseModel):
    """A published file; validates only its format."""

    format: types.FormatName


class _AnySink(BaseModel):
    """A sink; validates only its kind."""

    kind: types.SinkKind


def _read_file(value: object, _: object, info: ValidationInfo[types.KnownNames]) -> FileSection:
    """Validate a file with the class of its format. Pydantic adds the place to the errors."""
    name = _AnyFile.model_validate(value, context=info.context).format
    return info.context.formats[name].model_validate(value, context=info.context)


def _read_sink(value: object, _: object, info: ValidationInfo[types.KnownNames]) -> SinkSection:
    """Validate a sink with the class of its kind."""
    kind = _AnySink.model_validate(value, context=info.context).kind
    return info.context.sinks[kind].model_validate(value, context=info.context)


PublishedFile: TypeAlias = Annotated[FileSection, WrapValidator(_read_file)]
AnySink: TypeAlias = Annotated[SinkSection, WrapValidator(_read_sink)]


class Publish(Section):
    """Outputs besides HTTP."""

    later = frozenset({"otel_names"})

    files: list[PublishedFile] = Field(default_factory=list)
    """Files that the daemon keeps up to date. Each is replaced by rename."""
    haproxy_agent: types.Maybe[types.AgentAddress] = None
    """host:port of the server for HAProxy's agent checks, with an IPv6 address in brackets."""
    metrics: types.Detail = default_of(Config, "metrics")
    """Number of series per endpoint in /metrics: basic or full."""


def with_kinds(sinks: object, info: ValidationInfo[types.KnownNames]) -> object:
    """Sinks with their kind: the sink's name is the kind if `kind:` is missing."""
    if not isinstance(sinks, Mapping):
        return sinks
    known = info.context.sinks
    return {
        name: {"kind": name, **sink} if isinstance(sink, Mapping) and name in known else sink
        for name, sink in sinks.items()
    }
