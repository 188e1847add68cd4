"""The types of OpenRouter's documents with the fields of its API, and of the key `providerwatch`, which we add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Annotated, NotRequired

from annotated_types import Interval
from typing_extensions import TypedDict

from monitor.schema.types import StringConstraints

UsdPerToken = Annotated[str, StringConstraints(pattern=r"^(-1|[0-9]+(\.[0-9]+)?)$")]
Percent = Annotated[float, Interval(ge=0, le=100)]
Ratio = Annotated[float, Interval(ge=0, le=1)]


class OpenRouterStatus(IntEnum):
    """0 for normal routing, else why to avoid the endpoint. OpenRouter's enum is open; the meanings are ours."""

    NORMAL = 0
    DEGRADED = -1
    REFUSED = -2
    MAINTENANCE = -3
    DOWN = -5
    PAUSED = -10


class ListedPricing(TypedDict):
    """USD per token as decimal numbers in text; -1 if the price is not known."""

    prompt: UsdPerToken
    completion: UsdPerToken
    input_cache_read: NotRequired[UsdPerToken]
    """For prompt tokens from the provider's cache."""


class ListedPercentiles(TypedDict):
    """Values that 50, 75, 90 and 99 % of requests reached or beat: times rise, speeds fall."""

    p50: float
    p75: float
    p90: float
    p99: float


class ModelArchitecture(TypedDict):
    """Input and output of a model."""

    tokenizer: str
    instruct_type: str | None
    modality: str
    input_modalities: Sequence[str]
    output_modalities: Sequence[str]


class ToolChoiceSupport(TypedDict):
    """Supported values of `tool_choice`. Always false: this is not probed."""

    auto: bool
    function: bool
    none: bool
    required: bool


class ProviderwatchFigures(TypedDict):
    """The same figures with units in their names, sample counts, and percentiles of the values themselves."""

    id: str
    """The endpoint's id in `/v1/scores`."""
    status: str
    score: Ratio | None
    """The estimated probability that the next request succeeds within its SLO."""
    measured_at: str | None
    source: str
    """`synthetic`: from probes alone."""
    window: str
    """The window of `ttft_s`, `output_tps` and `e2e_tps`."""
    sample_count: int
    """Number of successes in `ttft_s`."""
    ttft_s: Mapping[str, float | None]
    output_tps: Mapping[str, float | None]
    """Decode speed, tokens per second."""
    e2e_tps: Mapping[str, float | None]
    """Output tokens divided by the duration of the request; the source of `throughput_last_30m`."""
    uptime_ratio: Mapping[str, Ratio | None]
    """By window, 0 to 1."""
    uptime_count: Mapping[str, int]
    """Counted samples, by window."""
    prompt_usd_per_mtok: float | None
    completion_usd_per_mtok: float | None


class ListedEndpoint(TypedDict):
    """One endpoint of a model."""

    name: str
    model_id: str
    model_name: str
    provider_name: str
    tag: str
    context_length: int
    """0 if not known."""
    max_completion_tokens: int | None
    max_prompt_tokens: int | None
    pricing: ListedPricing
    quantization: str | None
    supported_parameters: Sequence[str]
    """Empty if not known."""
    status: OpenRouterStatus
    uptime_last_5m: Percent | None
    """Percent; null with fewer than 3 counted samples."""
    uptime_last_30m: Percent | None
    uptime_last_1d: Percent | None
    latency_last_30m: ListedPercentiles | None
    """Milliseconds to the first token; null with fewer than 5 successes."""
    throughput_last_30m: ListedPercentiles | None
    """Tokens per second."""
    supports_implicit_caching: bool
    supports_tool_choice: ToolChoiceSupport
    supports_diarization: bool
    """Always false: speech is not probed."""
    native_tools: Mapping[str, object]
    """Always empty: the provider's own tools are not probed."""
    service_tier: None
    providerwatch: ProviderwatchFigures


class ModelEndpoints(TypedDict):
    """A model and its endpoints."""

    id: str
    name: str
    created: int
    """Seconds since 1970; 0 if not known."""
    description: str
    architecture: ModelArchitecture
    endpoints: Sequence[ListedEndpoint]


class ModelEndpointsDocument(TypedDict):
    """`/api/v1/models/{author}/{slug}/endpoints`."""

    data: ModelEndpoints


class OpenRouterFileDocument(TypedDict):
    """The file of `providerwatch export --format openrouter`: all `…/endpoints` documents."""

    data: Sequence[ModelEndpoints]


class TopProvider(TypedDict):
    """The limits of the endpoint that is shown for a model."""

    context_length: int | None
    max_completion_tokens: int | None
    is_moderated: bool


class ModelLinks(TypedDict):
    """Links to details."""

    details: str


class ListedModel(TypedDict):
    """A model in the list of models. Price and limits are those of the cheapest endpoint in the best tier."""

    id: str
    canonical_slug: str
    name: str
    created: int
    description: str
    context_length: int | None
    """The longest of its endpoints'."""
    architecture: ModelArchitecture
    pricing: ListedPricing
    top_provider: TopProvider
    per_request_limits: None
    supported_parameters: Sequence[str]
    """Of any of its endpoints."""
    supported_voices: None
    default_parameters: None
    links: ModelLinks


class PageLinks(TypedDict):
    """Link to the next page."""

    next: str | None
    """null on the last page."""


class ListedModelsDocument(TypedDict):
    """`/api/v1/models`."""

    data: Sequence[ListedModel]
    total_count: int
    """Models on all pages."""
    links: PageLinks


class ListedProvider(TypedDict):
    """A provider that has endpoints."""

    name: str
    slug: str
    status_page_url: str | None
    privacy_policy_url: str | None
    terms_of_service_url: str | None


class ListedProvidersDocument(TypedDict):
    """`/api/v1/providers`."""

    data: Sequence[ListedProvider]
