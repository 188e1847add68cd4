"""What the file may hold: one pydantic model for each mapping of it, with the defaults of `model`.

The docstrings of fields are the descriptions in the published JSON Schema.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import (
    Field,
    StrictBool,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import NullableSchema, WithDefaultSchema

from monitor.config import _types as types
from monitor.config import listing
from monitor.config._addresses import is_loopback
from monitor.config._errors import RefusedError
from monitor.config._outputs import AnySink, Publish, with_kinds
from monitor.config._section import Section, default_of, seconds_of
from monitor.config._values import as_duration
from monitor.config.listing import Listing
from monitor.config.model import (
    Config,
    Listen,
    ProbeSpec,
    ProviderSpec,
    ScoringSpec,
)
from monitor.domain.retention import Retention
from probes._model import Task

DEFAULT_PROBES = {"chat": {"task": Task.CHAT.value}}
"""What is probed when the file says nothing."""


class Budget(Section):
    """What probing a provider may cost in a day of UTC. No probe begins beyond."""

    usd_per_day: types.Maybe[types.Amount] = None
    """Needs a price of each of its endpoints."""
    tokens_per_day: types.Maybe[types.Count] = None
    """Of prompts and answers together."""

    @model_validator(mode="after")
    def _says_something(self) -> Budget:
        if self.usd_per_day is None and self.tokens_per_day is None:
            raise RefusedError("says no cap; write usd_per_day, tokens_per_day or both")
        return self


class Provider(Section):
    """A company or server that answers requests."""

    api: types.Api
    """The protocol it speaks, such as openai_chat; the catalogue's, for a provider that is in it."""
    base_url: types.Url
    """Where its API begins, such as https://api.example.com/v1; the catalogue's, for a provider that is in it."""
    api_key: types.Maybe[types.Key] = None
    """Best from outside of the file: ${env:NAME}, ${file:/path} or ${credential:NAME}."""
    proxy: types.Maybe[types.ProxyUrl] = None
    """The HTTP proxy on the way to it, such as http://user:password@host:3128; direct for none; the file's if not
    written."""
    max_concurrent: types.Count = default_of(ProviderSpec, "max_concurrent")
    """How many probes of this provider may run at the same time."""
    budget: types.Maybe[Budget] = None
    """What probing it may cost a day; no limit if not written."""
    labels: dict[types.Name, types.Text] = Field(default_factory=dict)
    """Published beside the figures of its endpoints."""
    headers: dict[types.HeaderName, types.HeaderValue] = Field(default_factory=dict)
    """Further headers of every request to it."""
    options: dict[str, object] = Field(default_factory=dict)
    """Options of its api."""
    name: types.Maybe[types.Text] = None
    """What people call it."""
    status_page_url: types.Maybe[types.Link] = None
    privacy_policy_url: types.Maybe[types.Link] = None
    terms_of_service_url: types.Maybe[types.Link] = None


class PricingSection(Section):
    """What an endpoint charges, in USD per million tokens."""

    prompt: types.Price
    completion: types.Price
    cached: types.Maybe[types.Price] = None
    """Of prompt tokens from the provider's cache; as any other if not written."""


class EndpointSection(Section):
    """One model at one provider."""

    provider: types.ProviderReference
    """A name under `providers:`, or one of the catalogue."""
    model: types.ModelOfProvider
    """The model's name as the provider calls it."""
    id: types.Maybe[types.Name] = None
    """The identity of its history; `provider:model` if not written, with - for spaces."""
    aliases: types.Aliases = Field(default_factory=list)
    """Ids that it had before: their history is joined to its own."""
    api: types.Maybe[types.Api] = None
    """The protocol it speaks, if not that of its provider."""
    enabled: StrictBool = True
    """false pauses it."""
    probes: types.Maybe[types.ProbeNames] = None
    """Names under `probes:`; all that its api can be asked if not written."""
    pricing: types.Maybe[PricingSection] = None
    """The known price, where there is one, if not written."""
    labels: dict[types.Name, types.Text] = Field(default_factory=dict)
    """Published beside its figures, laid over those of its provider."""
    router_ids: dict[types.Name, types.Text] = Field(default_factory=dict)
    """What routers call it, by router."""
    options: dict[str, object] = Field(default_factory=dict)
    """Options of its api, laid over those of the provider (if the api is the provider's)."""
    context_length: types.Maybe[types.Count] = None
    """In tokens, where it is not its model's."""
    max_prompt_tokens: types.Maybe[types.Count] = None
    """The longest prompt that it takes."""
    max_completion_tokens: types.Maybe[types.Count] = None
    """The longest answer that it gives."""
    quantization: types.Maybe[types.Quantization] = None
    """How coarse its weights are."""
    supported_parameters: types.Maybe[types.Parameters] = None
    """What requests may hold, such as tools or temperature; its model's if not written, and not known if neither is."""
    tag: types.Maybe[types.Name] = None
    """What routers call it among other endpoints of its model, such as deepinfra/turbo; its provider if not written."""
    implicit_caching: StrictBool = default_of(Listing, "implicit_caching")
    """Whether the provider keeps the heads of prompts without being asked to."""


class ArchitectureSection(Section):
    """What a model reads and gives."""

    tokenizer: types.Maybe[types.Text] = None
    """The family of its tokenizer, such as Llama3."""
    instruct_type: types.Maybe[types.Text] = None
    """The template of its prompts, such as llama3."""
    modality: types.Maybe[types.Text] = None
    """Such as text+image->text; made of the two below if not written."""
    input_modalities: types.Inputs = Field(default=list(default_of(listing.Architecture, "input_modalities")))
    output_modalities: types.Maybe[types.Outputs] = None
    """text if not written; embeddings, if the model has `dimensions`."""


class Model(Section):
    """The public name of weights, and who serves them."""

    name: types.Maybe[types.Text] = None
    """What people call it."""
    context_length: types.Maybe[types.Count] = None
    """In tokens."""
    dimensions: types.Maybe[types.Count] = None
    """How many numbers its embeddings have; what `embedding` checks."""
    created: types.Maybe[types.Day] = None
    """When it was published, such as 2024-09-25."""
    description: types.Maybe[types.Prose] = None
    """For people."""
    architecture: ArchitectureSection = Field(default_factory=ArchitectureSection)
    """What it reads and gives."""
    supported_parameters: types.Maybe[types.Parameters] = None
    """What requests to its endpoints may hold, such as tools or temperature; not known if not written."""
    endpoints: list[EndpointSection]


class SloSection(Section):
    """What is good enough: worse counts against the score, not against uptime."""

    ttft: types.Maybe[types.Duration] = None
    """Longest acceptable time to first token."""
    output_tps: types.Maybe[types.Speed] = None
    """Lowest acceptable decode speed, tokens per second."""


class ProbeSection(Section):
    """What to ask, how often, what is good enough."""

    task: types.Asked
    every: types.Interval = seconds_of("every_s")
    """How often, or within which limits, such as 15s..5m: rarely while all is well and sure."""
    prompt_tokens: types.Count = default_of(ProbeSpec, "prompt_tokens")
    max_tokens: types.Count = default_of(ProbeSpec, "max_tokens")
    ttft_timeout: types.Duration = seconds_of("ttft_timeout_s")
    """Deadline of the first token."""
    timeout: types.Duration = seconds_of("timeout_s")
    """Deadline of the whole answer."""
    slo: SloSection = Field(default_factory=SloSection)

    @field_validator("timeout")
    @classmethod
    def _not_before_ttft_timeout(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("ttft_timeout", value):
            standard = as_duration(default_of(ProbeSpec, "ttft_timeout_s"))
            raise RefusedError(f"must not be shorter than ttft_timeout (which is {standard} if not written)")
        return value


class Scoring(Section):
    """How samples become statuses."""

    confirm: StrictBool = default_of(ScoringSpec, "confirm")
    """Probe beside the schedule where that is worth it: at once after a surprise, then ever later; often while down."""
    count_wrong_answers: StrictBool = default_of(ScoringSpec, "count_wrong_answers")
    """Count a well-formed but wrong answer as a failure."""
    blame: dict[types.Movable, types.Blamed] = Field(default_factory=dict)
    """Error classes to be counted as the fault of `provider` or `account`, against the published table."""


_SHORTEST_RAW_S = 2 * 86_400.0
"""The windows up to a day are counted from samples."""
_SHORTEST_HOURLY_S = 91 * 86_400.0
"""The windows up to 90 days are counted from hours, or from days that are made of them."""


def _kept(tier: str) -> Any:  # noqa: ANN401  # text in the schema, seconds once validated
    return Field(default=_standard(tier), validate_default=True)


def _standard(tier: str) -> str:
    kept: timedelta = default_of(Retention, tier)
    return as_duration(kept.total_seconds())


class RetentionSection(Section):
    """How long history is kept: samples, and what is made of them by the hour and by the day."""

    raw: types.Duration = _kept("raw")
    """Samples, each as it was taken; at least 2d."""
    hourly: types.Duration = _kept("hourly")
    """Counts and quantiles by the hour; at least 91d, and not shorter than raw."""
    daily: types.Duration = _kept("daily")
    """Counts and quantiles by the day; not shorter than hourly."""

    @field_validator("raw")
    @classmethod
    def _holds_a_day(cls, value: float) -> float:
        if value < _SHORTEST_RAW_S:
            raise RefusedError("must be at least 2d: uptime of the last day is counted from samples")
        return value

    @field_validator("hourly")
    @classmethod
    def _not_before_raw(cls, value: float, info: ValidationInfo) -> float:
        if value < _SHORTEST_HOURLY_S:
            raise RefusedError("must be at least 91d: uptime of the last 90 days is counted from hours")
        return _not_shorter(value, "raw", info)

    @field_validator("daily")
    @classmethod
    def _not_before_hourly(cls, value: float, info: ValidationInfo) -> float:
        return _not_shorter(value, "hourly", info)


def _not_shorter(value: float, tier: str, info: ValidationInfo) -> float:
    if value < info.data.get(tier, value):
        raise RefusedError(f"must not be shorter than {tier} (which is {_standard(tier)} if not written)")
    return value


class Maintenance(Section):
    """A span of time in which endpoints are left alone: no probe is sent, and none is missed."""

    endpoints: types.Patterns
    """Ids, or patterns of them such as groq:*."""
    begin: types.Moment = Field(alias="from")
    """Date, time and zone, such as 2026-12-01T02:00Z."""
    end: types.Moment = Field(alias="to")
    """The moment from which on they are probed again."""

    @field_validator("end")
    @classmethod
    def _after_begin(cls, value: datetime, info: ValidationInfo) -> datetime:
        if "begin" in info.data and value <= info.data["begin"]:
            raise RefusedError("{value} must be after `from`")
        return value


class File(Section):
    """Configuration of Providerwatch."""

    later = frozenset({"alerts"})

    vantage: types.Name = default_of(Config, "vantage")
    """The name of the place that probes run from."""
    canaries: types.Canaries = Field(default_factory=list)
    """host:port of machines that are asked whether the network of this place works when a provider falls silent."""
    public: StrictBool = default_of(Config, "public")
    """true allows to listen beyond this machine without a token."""
    token: types.Maybe[types.Key] = None
    """What clients send as a bearer token."""
    rate_limit: types.Count = default_of(Config, "rate_limit")
    """Requests per second that one client address may make of the HTTP server."""
    listen: types.Address = Field(default=f"{Listen().host}:{Listen().port}", validate_default=True)
    """host:port of the HTTP server; an IPv6 address in brackets."""
    store: types.Store = default_of(Config, "store")
    """sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or
    postgresql://user:password@host:5432/database."""
    retention: RetentionSection = Field(default_factory=RetentionSection)
    max_concurrent: types.Count = default_of(Config, "max_concurrent")
    """How many probes may run at the same time, of all providers."""
    grace: types.Duration = seconds_of("grace_s", Config)
    """How long running probes may take to finish after a request to stop."""
    proxy: types.Maybe[types.ProxyUrl] = None
    """The HTTP proxy on the way to all providers that are not on this machine and do not name their own; direct for
    none. Variables such as HTTPS_PROXY are not read."""
    providers: dict[types.ProviderName, Provider] = Field(default_factory=dict)
    """Those that are not in the catalogue, and what is to be different about those that are."""
    models: dict[types.Name, Model]
    """By public name: author/slug as OpenRouter writes it, or any other word."""
    probes: dict[types.Name, ProbeSection] = Field(default=DEFAULT_PROBES, validate_default=True, min_length=1)
    """Applied to every endpoint that does not name its own."""
    scoring: Scoring = Field(default_factory=Scoring)
    maintenance: list[Maintenance] = Field(default_factory=list)
    """When endpoints are left alone."""
    publish: Publish = Field(default_factory=Publish)
    sinks: dict[types.Name, AnySink] = Field(default_factory=dict)
    """Where samples go, beside the store, by name. A name is the kind, unless `kind:` says otherwise."""

    @field_validator("sinks", mode="before")
    @classmethod
    def _called_by_kind(cls, value: object, info: ValidationInfo[types.KnownNames]) -> object:
        return with_kinds(value, info)

    @field_validator("listen")
    @classmethod
    def _guarded(cls, value: Listen, info: ValidationInfo) -> Listen:
        open_to_all = not info.data.get("public", True) and info.data.get("token", "unreadable") is None
        if open_to_all and not is_loopback(value.host):
            raise RefusedError("{value} can be reached from other machines; add `token:` or `public: true`")
        return value


class WithoutNull(GenerateJsonSchema):
    """Describes what may be left out as what may be written: nothing may be written as null."""

    def nullable_schema(self, schema: NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return (
            super().default_schema(schema)
            if schema.get("default", ...) is not None
            else self.generate_inner(schema["schema"])
        )
