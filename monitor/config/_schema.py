"""The schema of the configuration file: one pydantic model per mapping. The defaults come from `model`.

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
"""The probes if the file does not define any."""


class Budget(Section):
    """Daily limits (UTC) on the cost of a provider's probes. No probe starts beyond them."""

    usd_per_day: types.Maybe[types.Amount] = None
    """Cost in US dollars. Requires a price for each endpoint of the provider."""
    tokens_per_day: types.Maybe[types.Count] = None
    """Tokens of prompts and answers together."""

    @model_validator(mode="after")
    def _says_something(self) -> Budget:
        if self.usd_per_day is None and self.tokens_per_day is None:
            raise RefusedError("sets no limit; write usd_per_day, tokens_per_day or both")
        return self


class Provider(Section):
    """A company or server that answers requests."""

    api: types.Api
    """The wire API of the provider, such as openai_chat. Default: the catalogue's."""
    base_url: types.Url
    """Base URL of the API, such as https://api.example.com/v1. Default: the catalogue's."""
    api_key: types.Maybe[types.Key] = None
    """The key, preferably as a reference: ${env:NAME}, ${file:/path} or ${credential:NAME}."""
    proxy: types.Maybe[types.ProxyUrl] = None
    """HTTP proxy for this provider, such as http://user:password@host:3128; direct means no proxy. Default: `proxy` of
    the file."""
    max_concurrent: types.Count = default_of(ProviderSpec, "max_concurrent")
    """Maximum number of concurrent probes of this provider."""
    budget: types.Maybe[Budget] = None
    """Daily limits on the cost of its probes. Default: no limit."""
    labels: dict[types.Name, types.Text] = Field(default_factory=dict)
    """Labels that are published with the provider's endpoints."""
    headers: dict[types.HeaderName, types.HeaderValue] = Field(default_factory=dict)
    """Additional headers of every request to the provider."""
    options: dict[str, object] = Field(default_factory=dict)
    """Options of the wire API, for all endpoints of the provider."""
    name: types.Maybe[types.Text] = None
    """Display name."""
    status_page_url: types.Maybe[types.Link] = None
    privacy_policy_url: types.Maybe[types.Link] = None
    terms_of_service_url: types.Maybe[types.Link] = None


class PricingSection(Section):
    """Prices of an endpoint, in USD per million tokens."""

    prompt: types.Price
    completion: types.Price
    cached: types.Maybe[types.Price] = None
    """Price of prompt tokens that the provider read from its cache. Default: the price of other prompt tokens."""


class EndpointSection(Section):
    """One model at one provider."""

    provider: types.ProviderReference
    """A provider's name, from `providers:` or from the catalogue."""
    model: types.ModelOfProvider
    """The provider's name of the model."""
    id: types.Maybe[types.Name] = None
    """The id of the endpoint and of its history. Default: `provider:model`, with - in place of spaces."""
    aliases: types.Aliases = Field(default_factory=list)
    """Former ids of the endpoint. Their history is joined to its own."""
    api: types.Maybe[types.Api] = None
    """The wire API of the endpoint. Default: the provider's."""
    enabled: StrictBool = True
    """false pauses the endpoint."""
    probes: types.Maybe[types.ProbeNames] = None
    """Names from `probes:`. Default: all probes whose task the wire API supports."""
    pricing: types.Maybe[PricingSection] = None
    """Prices of the endpoint. Default: the price from the price list, if the list has the model."""
    labels: dict[types.Name, types.Text] = Field(default_factory=dict)
    """Labels that are published with the endpoint. They are merged into the provider's labels and override them."""
    router_ids: dict[types.Name, types.Text] = Field(default_factory=dict)
    """The endpoint's name in each router, by router."""
    options: dict[str, object] = Field(default_factory=dict)
    """Options of the wire API. They override the provider's options, which apply if the provider has the same api."""
    context_length: types.Maybe[types.Count] = None
    """Context length in tokens. Default: the model's."""
    max_prompt_tokens: types.Maybe[types.Count] = None
    """Maximum number of prompt tokens."""
    max_completion_tokens: types.Maybe[types.Count] = None
    """Maximum number of answer tokens."""
    quantization: types.Maybe[types.Quantization] = None
    """Number format of the weights, such as fp8."""
    supported_parameters: types.Maybe[types.Parameters] = None
    """Parameters that requests may contain, such as tools or temperature. Default: the model's; else not known."""
    tag: types.Maybe[types.Name] = None
    """The name in OpenRouter's lists, such as deepinfra/turbo. Default: the provider."""
    implicit_caching: StrictBool = default_of(Listing, "implicit_caching")
    """Whether the provider caches the beginnings of prompts without a request to do so."""


class ArchitectureSection(Section):
    """Input and output of a model."""

    tokenizer: types.Maybe[types.Text] = None
    """Tokenizer family, such as Llama3."""
    instruct_type: types.Maybe[types.Text] = None
    """Prompt template, such as llama3."""
    modality: types.Maybe[types.Text] = None
    """Such as text+image->text. Default: derived from the input and output modalities."""
    input_modalities: types.Inputs = Field(default=list(default_of(listing.Architecture, "input_modalities")))
    output_modalities: types.Maybe[types.Outputs] = None
    """Default: text; embeddings if the model has `dimensions`."""


class Model(Section):
    """A model and the endpoints that serve it."""

    name: types.Maybe[types.Text] = None
    """Display name."""
    context_length: types.Maybe[types.Count] = None
    """Context length in tokens."""
    dimensions: types.Maybe[types.Count] = None
    """Number of dimensions of its embeddings. The task `embedding` checks it."""
    created: types.Maybe[types.Day] = None
    """Publication date, such as 2024-09-25."""
    description: types.Maybe[types.Prose] = None
    """Description for users."""
    architecture: ArchitectureSection = Field(default_factory=ArchitectureSection)
    """Input and output of the model."""
    supported_parameters: types.Maybe[types.Parameters] = None
    """Parameters that requests to its endpoints may contain, such as tools or temperature. Default: not known."""
    endpoints: list[EndpointSection]


class SloSection(Section):
    """Service level objective: a slower answer lowers the score, but not uptime."""

    ttft: types.Maybe[types.Duration] = None
    """Longest acceptable time to first token."""
    output_tps: types.Maybe[types.Speed] = None
    """Lowest acceptable decode speed, tokens per second."""


class ProbeSection(Section):
    """A probe: its task, interval, limits and service level objective."""

    task: types.Asked
    every: types.Interval = seconds_of("every_s")
    """The interval, or its limits such as 15s..5m: the more certain the status, the longer the interval."""
    prompt_tokens: types.Count = default_of(ProbeSpec, "prompt_tokens")
    max_tokens: types.Count = default_of(ProbeSpec, "max_tokens")
    ttft_timeout: types.Duration = seconds_of("ttft_timeout_s")
    """Deadline for the first token."""
    timeout: types.Duration = seconds_of("timeout_s")
    """Deadline for the whole answer."""
    slo: SloSection = Field(default_factory=SloSection)

    @field_validator("timeout")
    @classmethod
    def _not_before_ttft_timeout(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("ttft_timeout", value):
            standard = as_duration(default_of(ProbeSpec, "ttft_timeout_s"))
            raise RefusedError(f"must not be shorter than ttft_timeout (default: {standard})")
        return value


class Scoring(Section):
    """Rules that compute the status from samples."""

    confirm: StrictBool = default_of(ScoringSpec, "confirm")
    """Run extra probes between ticks: at once after a surprise, then at growing distances; often while down."""
    count_wrong_answers: StrictBool = default_of(ScoringSpec, "count_wrong_answers")
    """Count a well-formed but wrong answer as a failure."""
    blame: dict[types.Movable, types.Blamed] = Field(default_factory=dict)
    """Error classes whose blame differs from the published table: `provider` or `account`."""


_SHORTEST_RAW_S = 2 * 86_400.0
"""Windows up to a day are computed from samples."""
_SHORTEST_HOURLY_S = 91 * 86_400.0
"""Windows up to 90 days are computed from hourly counts, or from daily counts, which come from hourly ones."""


def _kept(tier: str) -> Any:  # noqa: ANN401  # text in the schema, seconds once validated
    return Field(default=_standard(tier), validate_default=True)


def _standard(tier: str) -> str:
    kept: timedelta = default_of(Retention, tier)
    return as_duration(kept.total_seconds())


class RetentionSection(Section):
    """Retention of history: samples, hourly rollups and daily rollups."""

    raw: types.Duration = _kept("raw")
    """Single samples; at least 2d."""
    hourly: types.Duration = _kept("hourly")
    """Counts and quantiles per hour; at least 91d, and not shorter than raw."""
    daily: types.Duration = _kept("daily")
    """Counts and quantiles per day; not shorter than hourly."""

    @field_validator("raw")
    @classmethod
    def _holds_a_day(cls, value: float) -> float:
        if value < _SHORTEST_RAW_S:
            raise RefusedError("must be at least 2d: uptime of the last day is computed from samples")
        return value

    @field_validator("hourly")
    @classmethod
    def _not_before_raw(cls, value: float, info: ValidationInfo) -> float:
        if value < _SHORTEST_HOURLY_S:
            raise RefusedError("must be at least 91d: uptime of the last 90 days is computed from hourly counts")
        return _not_shorter(value, "raw", info)

    @field_validator("daily")
    @classmethod
    def _not_before_hourly(cls, value: float, info: ValidationInfo) -> float:
        return _not_shorter(value, "hourly", info)


def _not_shorter(value: float, tier: str, info: ValidationInfo) -> float:
    if value < info.data.get(tier, value):
        raise RefusedError(f"must not be shorter than {tier} (default: {_standard(tier)})")
    return value


class Maintenance(Section):
    """A maintenance window: endpoints are not probed, and the missing probes do not count."""

    endpoints: types.Patterns
    """Endpoint ids, or patterns such as groq:*."""
    begin: types.Moment = Field(alias="from")
    """Start: date, time and zone, such as 2026-12-01T02:00Z."""
    end: types.Moment = Field(alias="to")
    """End: probes run again from this time on."""

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
    """Name of the location from which this daemon probes."""
    canaries: types.Canaries = Field(default_factory=list)
    """host:port of other machines. If a provider does not answer, a TCP connection to them tests the local network."""
    public: StrictBool = default_of(Config, "public")
    """true allows other machines to connect without a token."""
    token: types.Maybe[types.Key] = None
    """The bearer token that clients must send."""
    rate_limit: types.Count = default_of(Config, "rate_limit")
    """Maximum number of HTTP requests per second for one client address."""
    pages: StrictBool = default_of(Config, "pages")
    """false turns off the pages for people, such as the overview at /."""
    public_pages: StrictBool = default_of(Config, "public_pages")
    """true shows the pages without the token. They then leave out account trouble, budgets and router ids."""
    listen: types.Address = Field(default=f"{Listen().host}:{Listen().port}", validate_default=True)
    """host:port of the HTTP server, with an IPv6 address in brackets."""
    store: types.Store = default_of(Config, "store")
    """sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, or
    postgresql://user:password@host:5432/database."""
    retention: RetentionSection = Field(default_factory=RetentionSection)
    max_concurrent: types.Count = default_of(Config, "max_concurrent")
    """Maximum number of concurrent probes of all providers."""
    grace: types.Duration = seconds_of("grace_s", Config)
    """How long running probes may continue after a request to stop."""
    proxy: types.Maybe[types.ProxyUrl] = None
    """HTTP proxy for all providers without their own `proxy`, except those on this machine; direct means no proxy.
    Variables such as HTTPS_PROXY are not read."""
    providers: dict[types.ProviderName, Provider] = Field(default_factory=dict)
    """Providers that are not in the catalogue, and settings that override the catalogue's."""
    models: dict[types.Name, Model]
    """Models by public name: author/slug as on OpenRouter, or any other name."""
    probes: dict[types.Name, ProbeSection] = Field(default=DEFAULT_PROBES, validate_default=True, min_length=1)
    """Probes by name. They apply to every endpoint without its own `probes`."""
    scoring: Scoring = Field(default_factory=Scoring)
    maintenance: list[Maintenance] = Field(default_factory=list)
    """Maintenance windows."""
    publish: Publish = Field(default_factory=Publish)
    sinks: dict[types.Name, AnySink] = Field(default_factory=dict)
    """Destinations of samples besides the store, by name. The name is also the kind if `kind:` is missing."""

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
    """Describes an optional key without null, because the file may omit a key but not set it to null."""

    def nullable_schema(self, schema: NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return (
            super().default_schema(schema)
            if schema.get("default", ...) is not None
            else self.generate_inner(schema["schema"])
        )
