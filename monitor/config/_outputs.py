"""Where figures and samples go, as the file says it: published files, sinks. Each kind declares its own options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import BaseModel, Field, ValidationInfo, WrapValidator

from monitor.config import _types as types
from monitor.config._section import Section, default_of
from monitor.config.model import Config
from monitor.config.options import FileSection, SinkSection


class _AnyFile(BaseModel):
    """A file of which only the format is looked at."""

    format: types.FormatName


class _AnySink(BaseModel):
    """A sink of which only the kind is looked at."""

    kind: types.SinkKind


def _read_file(value: object, _: object, info: ValidationInfo[types.KnownNames]) -> FileSection:
    """A file, read by its format. Pydantic puts the errors inside where they belong."""
    name = _AnyFile.model_validate(value, context=info.context).format
    return info.context.formats[name].model_validate(value, context=info.context)


def _read_sink(value: object, _: object, info: ValidationInfo[types.KnownNames]) -> SinkSection:
    """A sink, read by its kind."""
    kind = _AnySink.model_validate(value, context=info.context).kind
    return info.context.sinks[kind].model_validate(value, context=info.context)


PublishedFile: TypeAlias = Annotated[FileSection, WrapValidator(_read_file)]
AnySink: TypeAlias = Annotated[SinkSection, WrapValidator(_read_sink)]


class Publish(Section):
    """Where figures go, beside HTTP."""

    later = frozenset({"otel_names"})

    files: list[PublishedFile] = Field(default_factory=list)
    """Files that are kept up to date, each replaced by rename."""
    haproxy_agent: types.Maybe[types.AgentAddress] = None
    """host:port that HAProxy's agent checks ask; an IPv6 address in brackets."""
    metrics: types.Detail = default_of(Config, "metrics")
    """How many series /metrics has for each endpoint: basic or full."""


def with_kinds(sinks: object, info: ValidationInfo[types.KnownNames]) -> object:
    """Sinks with the kind that the name of each says, if `kind:` is not written."""
    if not isinstance(sinks, Mapping):
        return sinks
    known = info.context.sinks
    return {
        name: {"kind": name, **sink} if isinstance(sink, Mapping) and name in known else sink
        for name, sink in sinks.items()
    }
