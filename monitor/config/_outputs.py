"""Where figures and samples go, as the file says it: published files, sinks."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from monitor.config import _types as types
from monitor.config._errors import RefusedError
from monitor.config._section import Section, default_of, seconds_of
from monitor.config.model import Config, InfluxSpec, NdjsonSpec
from monitor.domain.formats import Format


class PublishedFile(Section):
    """A file that is kept up to date, replaced by rename."""

    format: types.PublishFormat
    path: types.FilePath
    cluster: types.Maybe[types.Name] = None
    """Which of Envoy's clusters, where `router_ids` name several: a file holds one."""

    options: dict[types.VllmOption, types.Text] = Field(default_factory=dict)
    """What stands in the file for vLLM's router beside the engines: routing_logic, session_key, callbacks."""

    @field_validator("options")
    @classmethod
    def _only_of_vllm(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if info.data.get("format", Format.VLLM) is not Format.VLLM:
            raise RefusedError("is for the format vllm only; remove it")
        return value

    @field_validator("cluster")
    @classmethod
    def _only_of_envoy(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("format", Format.ENVOY_EDS) is not Format.ENVOY_EDS:
            raise RefusedError("is for the format envoy-eds only; remove it")
        return value


class Publish(Section):
    """Where figures go, beside HTTP."""

    later = frozenset({"otel_names"})

    files: list[PublishedFile] = Field(default_factory=list)
    haproxy_agent: types.Maybe[types.AgentAddress] = None
    """host:port that HAProxy's agent checks ask; an IPv6 address in brackets."""
    metrics: types.Detail = default_of(Config, "metrics")
    """How many series /metrics has for each endpoint: basic or full."""


class SinkSection(Section):
    """Where samples go, beside the store."""

    kind: types.SinkKind
    """What it is, if its name does not say it."""


class Influx(SinkSection):
    """A server that takes InfluxDB's v2 line protocol."""

    kind: types.SinkKind = "influx"

    url: types.SinkUrl
    """Where the server is, such as http://127.0.0.1:8086."""
    org: types.Text = default_of(InfluxSpec, "org")
    """InfluxDB 2 wants one; others take no notice of it."""
    bucket: types.Text
    token: types.Maybe[types.Key] = None
    """Best from outside of the file: ${env:NAME}, ${file:/path} or ${credential:NAME}."""
    timeout: types.Duration = seconds_of("timeout_s", InfluxSpec)
    """How long one write may take."""


class Ndjson(SinkSection):
    """A file of JSON lines that is rotated."""

    kind: types.SinkKind = "ndjson"
    path: types.FilePath
    """The file; rotated ones lie beside it as path.1, path.2, …"""
    max_bytes: types.Size = Field(default=default_of(NdjsonSpec, "max_bytes"))
    """It is rotated before it grows beyond."""
    keep: types.Count = default_of(NdjsonSpec, "keep")
    """How many rotated files are kept."""


def says_kind(name: object, sink: object) -> bool:
    """Whether a sink's name does."""
    return isinstance(sink, Mapping) and name in SINKS


class _AnySink(BaseModel):
    """A sink of which only the kind is looked at."""

    kind: types.SinkKind


SINKS: Mapping[str, type[SinkSection]] = {"influx": Influx, "ndjson": Ndjson}
"""By kind."""


def read_sink(value: object, _: object, info: ValidationInfo) -> SinkSection:
    """A sink, read by its kind. Pydantic puts the errors inside where they belong."""
    kind = _AnySink.model_validate(value).kind
    return SINKS[kind].model_validate(value, context=info.context)
