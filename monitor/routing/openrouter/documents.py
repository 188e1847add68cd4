"""OpenRouter's documents, made of endpoints as they are at one moment. Pure; `types` has the types.

Their units are theirs: percent, milliseconds, USD per token as text. What they call a percentile is what so many
percent of requests reach or do better, so that speeds fall from p50 to p99.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from monitor.config.listing import Architecture
from monitor.routing.openrouter.types import (
    ListedEndpoint,
    ListedModel,
    ListedModelsDocument,
    ListedPercentiles,
    ListedPricing,
    ListedProvider,
    ListedProvidersDocument,
    ModelArchitecture,
    ModelEndpoints,
    ModelEndpointsDocument,
    OpenRouterStatus,
    ProviderwatchFigures,
)
from monitor.routing.tiers import POLICY, price, route_order
from monitor.score.outcomes import Counts
from monitor.scoreboard.endpoint import EndpointSnapshot, rounded
from probes._model import Pricing
from probes._serialize import timestamp

ENOUGH_FOR_UPTIME: Final = 3
"""Least number of counted samples for a published uptime: one a minute gives about five in the shortest window."""
ENOUGH_FOR_PERCENTILES: Final = 5
"""Least number of successes for which percentiles are published."""
_FIGURE_WINDOWS: Final = ("5m", "30m", "1h", "1d")
_UNKNOWN_PRICE: Final = "-1"
_OTHER: Final = "Other"


def endpoints_document(endpoints: Sequence[EndpointSnapshot]) -> ModelEndpointsDocument:
    """The document of a model."""
    return {"data": model_endpoints(endpoints)}


def models_document(
    endpoints: Iterable[EndpointSnapshot], offset: int = 0, limit: int | None = None
) -> ListedModelsDocument:
    """The list of models, or a page of it."""
    models = [*by_model(endpoints).values()]
    end = len(models) if limit is None else offset + limit
    following = f"/api/v1/models?offset={end}&limit={limit}" if end < len(models) else None
    return {
        "data": [_listed_model(model) for model in models[offset:end]],
        "total_count": len(models),
        "links": {"next": following},
    }


def providers_document(endpoints: Iterable[EndpointSnapshot]) -> ListedProvidersDocument:
    """The list of the providers that have endpoints."""
    first = {endpoint.provider: endpoint for endpoint in reversed([*endpoints])}
    return {"data": [_provider(first[slug]) for slug in sorted(first)]}


def by_model(endpoints: Iterable[EndpointSnapshot]) -> dict[str, list[EndpointSnapshot]]:
    """The endpoints of each model, in the order of the configuration."""
    found: dict[str, list[EndpointSnapshot]] = {}
    for endpoint in endpoints:
        found.setdefault(endpoint.model, []).append(endpoint)
    return found


def status_of(endpoint: EndpointSnapshot) -> OpenRouterStatus:
    """The endpoint's status as OpenRouter's number."""
    return POLICY[endpoint.tier].openrouter


def usd_per_token(usd_per_mtok: float) -> str:
    """A price as a decimal number without an exponent: 0.05 per million is `0.00000005`."""
    return f"{Decimal(repr(usd_per_mtok)).scaleb(-6).normalize():f}"


def percent(counts: Counts) -> float | None:
    """Uptime in percent; None with too few samples."""
    if counts.ratio is None or counts.counted < ENOUGH_FOR_UPTIME:
        return None
    return round(100 * counts.ratio, 3)


def latency_ms(endpoint: EndpointSnapshot) -> ListedPercentiles | None:
    """Percentiles of the time to first token in milliseconds."""
    return _percentiles(ttft_s(endpoint), 1000)


def throughput(endpoint: EndpointSnapshot) -> ListedPercentiles | None:
    """Tokens per second that 50, 75, 90 and 99 % of requests reached."""
    return _percentiles(throughput_tps(endpoint), 1)


def _percentiles(found: Mapping[str, float], factor: float) -> ListedPercentiles | None:
    if not found:
        return None
    p50, p75, p90, p99 = (round(found[name] * factor, 3) for name in ("p50", "p75", "p90", "p99"))
    return {"p50": p50, "p75": p75, "p90": p90, "p99": p99}


def ttft_s(endpoint: EndpointSnapshot) -> Mapping[str, float]:
    """Percentiles of the time to first token; empty with too little data."""
    found = endpoint.summaries["ttft_s"]
    return _enough(found.count, found.quantiles)


def throughput_tps(endpoint: EndpointSnapshot) -> Mapping[str, float]:
    """Throughput that so many percent of requests reached; empty with too little data."""
    found = endpoint.summaries["e2e_tps"]
    return _enough(found.count, found.reached or {})


def _enough(count: int, found: Mapping[str, float | None]) -> dict[str, float]:
    if count < ENOUGH_FOR_PERCENTILES:
        return {}
    return {name: value for name, value in found.items() if value is not None}


def model_endpoints(endpoints: Sequence[EndpointSnapshot]) -> ModelEndpoints:
    """A model and its endpoints; `endpoints` must not be empty."""
    first = endpoints[0]
    card = first.spec.listing.model
    return {
        "id": first.model,
        "name": first.model_name,
        "created": _seconds(card.created),
        "description": card.description,
        "architecture": _architecture(card.architecture),
        "endpoints": [_listed_endpoint(endpoint) for endpoint in endpoints],
    }


def _listed_endpoint(endpoint: EndpointSnapshot) -> ListedEndpoint:
    spec, listing = endpoint.spec, endpoint.spec.listing
    return {
        "name": f"{endpoint.provider_name} | {endpoint.model}",
        "model_id": endpoint.model,
        "model_name": endpoint.model_name,
        "provider_name": endpoint.provider_name,
        "tag": endpoint.tag,
        "context_length": spec.context_length or 0,
        "max_completion_tokens": listing.max_completion_tokens,
        "max_prompt_tokens": listing.max_prompt_tokens,
        "pricing": _pricing(endpoint.pricing),
        "quantization": listing.quantization,
        "supported_parameters": list(listing.supported_parameters or ()),
        "status": status_of(endpoint),
        "uptime_last_5m": percent(endpoint.counts["5m"]),
        "uptime_last_30m": percent(endpoint.counts["30m"]),
        "uptime_last_1d": percent(endpoint.counts["1d"]),
        "latency_last_30m": latency_ms(endpoint),
        "throughput_last_30m": throughput(endpoint),
        "supports_implicit_caching": listing.implicit_caching,
        "supports_tool_choice": {"auto": False, "function": False, "none": False, "required": False},
        "supports_diarization": False,
        "native_tools": {},
        "service_tier": None,
        "providerwatch": _figures(endpoint),
    }


def _figures(endpoint: EndpointSnapshot) -> ProviderwatchFigures:
    pricing = endpoint.pricing
    return {
        "id": endpoint.id,
        "status": endpoint.status,
        "score": rounded(endpoint.score),
        "measured_at": None if endpoint.measured_at is None else timestamp(endpoint.measured_at),
        "source": endpoint.source,
        "window": "30m",
        "sample_count": endpoint.summaries["ttft_s"].count,
        "ttft_s": _quantiles(endpoint, "ttft_s"),
        "output_tps": _quantiles(endpoint, "output_tps"),
        "e2e_tps": _quantiles(endpoint, "e2e_tps"),
        "uptime_ratio": {window: rounded(endpoint.counts[window].ratio) for window in _FIGURE_WINDOWS},
        "uptime_count": {window: endpoint.counts[window].counted for window in _FIGURE_WINDOWS},
        "prompt_usd_per_mtok": None if pricing is None else pricing.prompt,
        "completion_usd_per_mtok": None if pricing is None else pricing.completion,
    }


def _quantiles(endpoint: EndpointSnapshot, name: str) -> dict[str, float | None]:
    return {share: rounded(value) for share, value in endpoint.summaries[name].quantiles.items()}


def _listed_model(endpoints: Sequence[EndpointSnapshot]) -> ListedModel:
    first, shown = endpoints[0], shown_for(endpoints)
    card = first.spec.listing.model
    return {
        "id": first.model,
        "canonical_slug": first.model,
        "name": first.model_name,
        "created": _seconds(card.created),
        "description": card.description,
        "context_length": max(endpoint.spec.context_length or 0 for endpoint in endpoints) or None,
        "architecture": _architecture(card.architecture),
        "pricing": _pricing(shown.pricing),
        "top_provider": {
            "context_length": shown.spec.context_length,
            "max_completion_tokens": shown.spec.listing.max_completion_tokens,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": _supported_by_any(endpoints),
        "supported_voices": None,
        "default_parameters": None,
        "links": {"details": f"/api/v1/models/{quote(first.model)}/endpoints"},
    }


def shown_for(endpoints: Sequence[EndpointSnapshot]) -> EndpointSnapshot:
    """The endpoint whose price and limits are shown for a model: the cheapest in the best tier."""

    def rank(endpoint: EndpointSnapshot) -> tuple[int, bool, float]:
        cost = price(endpoint)
        return route_order(endpoint), cost is None, cost or 0

    return min(endpoints, key=rank)


def _supported_by_any(endpoints: Iterable[EndpointSnapshot]) -> list[str]:
    return list(
        dict.fromkeys(name for endpoint in endpoints for name in endpoint.spec.listing.supported_parameters or ())
    )


def _provider(endpoint: EndpointSnapshot) -> ListedProvider:
    card = endpoint.spec.listing.provider
    return {
        "name": endpoint.provider_name,
        "slug": endpoint.provider,
        "status_page_url": card.status_page_url,
        "privacy_policy_url": card.privacy_policy_url,
        "terms_of_service_url": card.terms_of_service_url,
    }


def _pricing(pricing: Pricing | None) -> ListedPricing:
    if pricing is None:
        return {"prompt": _UNKNOWN_PRICE, "completion": _UNKNOWN_PRICE}
    prices: ListedPricing = {"prompt": usd_per_token(pricing.prompt), "completion": usd_per_token(pricing.completion)}
    if pricing.cached is not None:
        prices["input_cache_read"] = usd_per_token(pricing.cached)
    return prices


def _architecture(architecture: Architecture) -> ModelArchitecture:
    made = f"{'+'.join(architecture.input_modalities)}->{'+'.join(architecture.output_modalities)}"
    return {
        "tokenizer": architecture.tokenizer or _OTHER,
        "instruct_type": architecture.instruct_type,
        "modality": architecture.modality or made,
        "input_modalities": list(architecture.input_modalities),
        "output_modalities": list(architecture.output_modalities),
    }


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())
