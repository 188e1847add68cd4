"""OpenRouter's documents, made of the facts about endpoints. Pure; `offers` has their types.

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
    ListedModel,
    ListedModelsDocument,
    ListedProvider,
    ListedProvidersDocument,
    Offer,
    OfferArchitecture,
    OfferedModel,
    OfferedModelDocument,
    OfferPercentiles,
    OfferPricing,
    OfferStatus,
    OfferTwins,
)
from monitor.routing.tiers import POLICY, price, route_order, tier_of_facts
from monitor.score.outcomes import Counts
from monitor.scoreboard.endpoint import Facts
from probes._model import Pricing
from probes._serialize import timestamp

ENOUGH_FOR_UPTIME: Final = 3
"""Least number of counted samples for a published uptime: one a minute gives about five in the shortest window."""
ENOUGH_FOR_PERCENTILES: Final = 5
"""Least number of successes for which percentiles are published."""
_TWIN_WINDOWS: Final = ("5m", "30m", "1h", "1d")
_DIGITS: Final = 6
_UNKNOWN_PRICE: Final = "-1"
_OTHER: Final = "Other"


def endpoints_document(facts: Sequence[Facts]) -> OfferedModelDocument:
    """The document of a model."""
    return {"data": offered_model(facts)}


def models_document(facts: Iterable[Facts], offset: int = 0, limit: int | None = None) -> ListedModelsDocument:
    """The list of models, or a page of it."""
    models = [*by_model(facts).values()]
    end = len(models) if limit is None else offset + limit
    following = f"/api/v1/models?offset={end}&limit={limit}" if end < len(models) else None
    return {
        "data": [_listed(model) for model in models[offset:end]],
        "total_count": len(models),
        "links": {"next": following},
    }


def providers_document(facts: Iterable[Facts]) -> ListedProvidersDocument:
    """The list of the providers that have endpoints."""
    first = {endpoint.spec.endpoint.provider: endpoint for endpoint in reversed([*facts])}
    return {"data": [_provider(first[slug]) for slug in sorted(first)]}


def by_model(facts: Iterable[Facts]) -> dict[str, list[Facts]]:
    """The endpoints of each model, in the order of the configuration."""
    found: dict[str, list[Facts]] = {}
    for endpoint in facts:
        found.setdefault(endpoint.spec.model, []).append(endpoint)
    return found


def provider_name(facts: Facts) -> str:
    """What people call the provider."""
    return facts.spec.listing.provider.name or facts.spec.endpoint.provider


def tag(facts: Facts) -> str:
    """The endpoint's tag in OpenRouter's documents."""
    return facts.spec.listing.tag or facts.spec.endpoint.provider


def status_of(facts: Facts) -> OfferStatus:
    """The endpoint's status as OpenRouter's number."""
    return POLICY[tier_of_facts(facts)].offer


def usd_per_token(usd_per_mtok: float) -> str:
    """A price as a decimal number without an exponent: 0.05 per million is `0.00000005`."""
    return f"{Decimal(repr(usd_per_mtok)).scaleb(-6).normalize():f}"


def percent(counts: Counts) -> float | None:
    """Uptime in percent; None with too few samples."""
    if counts.ratio is None or counts.counted < ENOUGH_FOR_UPTIME:
        return None
    return round(100 * counts.ratio, 3)


def latency_ms(facts: Facts) -> OfferPercentiles | None:
    """Percentiles of the time to first token in milliseconds."""
    found = facts.summaries["ttft_s"]
    return _percentiles(found.count, found.quantiles, 1000)


def throughput(facts: Facts) -> OfferPercentiles | None:
    """Tokens per second that 50, 75, 90 and 99 % of requests reached."""
    found = facts.summaries["e2e_tps"]
    return _percentiles(found.count, found.reached or {}, 1)


def _percentiles(count: int, found: Mapping[str, float | None], factor: float) -> OfferPercentiles | None:
    known = {name: round(value * factor, 3) for name, value in found.items() if value is not None}
    if count < ENOUGH_FOR_PERCENTILES or not known:
        return None
    return {"p50": known["p50"], "p75": known["p75"], "p90": known["p90"], "p99": known["p99"]}


def offered_model(facts: Sequence[Facts]) -> OfferedModel:
    """A model and its endpoints; `facts` must not be empty."""
    spec = facts[0].spec
    card = spec.listing.model
    return {
        "id": spec.model,
        "name": spec.model_name or spec.model,
        "created": _seconds(card.created),
        "description": card.description,
        "architecture": _architecture(card.architecture),
        "endpoints": [_offer(endpoint) for endpoint in facts],
    }


def _offer(facts: Facts) -> Offer:
    spec, listing = facts.spec, facts.spec.listing
    return {
        "name": f"{provider_name(facts)} | {spec.model}",
        "model_id": spec.model,
        "model_name": spec.model_name or spec.model,
        "provider_name": provider_name(facts),
        "tag": tag(facts),
        "context_length": spec.context_length or 0,
        "max_completion_tokens": listing.max_completion_tokens,
        "max_prompt_tokens": listing.max_prompt_tokens,
        "pricing": _pricing(spec.endpoint.pricing),
        "quantization": listing.quantization,
        "supported_parameters": list(listing.supported_parameters or ()),
        "status": status_of(facts),
        "uptime_last_5m": percent(facts.counts["5m"]),
        "uptime_last_30m": percent(facts.counts["30m"]),
        "uptime_last_1d": percent(facts.counts["1d"]),
        "latency_last_30m": latency_ms(facts),
        "throughput_last_30m": throughput(facts),
        "supports_implicit_caching": listing.implicit_caching,
        "supports_tool_choice": {"auto": False, "function": False, "none": False, "required": False},
        "supports_diarization": False,
        "native_tools": {},
        "service_tier": None,
        "providerwatch": _twins(facts),
    }


def _twins(facts: Facts) -> OfferTwins:
    pricing = facts.spec.endpoint.pricing
    return {
        "id": facts.id,
        "status": facts.status,
        "score": _round(facts.score),
        "measured_at": None if facts.measured_at is None else timestamp(facts.measured_at),
        "source": facts.source,
        "window": "30m",
        "sample_count": facts.summaries["ttft_s"].count,
        "ttft_s": _quantiles(facts, "ttft_s"),
        "output_tps": _quantiles(facts, "output_tps"),
        "e2e_tps": _quantiles(facts, "e2e_tps"),
        "uptime_ratio": {window: _round(facts.counts[window].ratio) for window in _TWIN_WINDOWS},
        "uptime_count": {window: facts.counts[window].counted for window in _TWIN_WINDOWS},
        "prompt_usd_per_mtok": None if pricing is None else pricing.prompt,
        "completion_usd_per_mtok": None if pricing is None else pricing.completion,
    }


def _quantiles(facts: Facts, name: str) -> dict[str, float | None]:
    return {share: _round(value) for share, value in facts.summaries[name].quantiles.items()}


def _listed(facts: Sequence[Facts]) -> ListedModel:
    spec, shown = facts[0].spec, shown_for(facts).spec
    card = spec.listing.model
    return {
        "id": spec.model,
        "canonical_slug": spec.model,
        "name": spec.model_name or spec.model,
        "created": _seconds(card.created),
        "description": card.description,
        "context_length": max(endpoint.spec.context_length or 0 for endpoint in facts) or None,
        "architecture": _architecture(card.architecture),
        "pricing": _pricing(shown.endpoint.pricing),
        "top_provider": {
            "context_length": shown.context_length,
            "max_completion_tokens": shown.listing.max_completion_tokens,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": _supported_by_any(facts),
        "supported_voices": None,
        "default_parameters": None,
        "links": {"details": f"/api/v1/models/{quote(spec.model)}/endpoints"},
    }


def shown_for(facts: Sequence[Facts]) -> Facts:
    """The endpoint whose price and limits are shown for a model: the cheapest in the best tier."""

    def rank(endpoint: Facts) -> tuple[int, bool, float]:
        cost = price(endpoint)
        return route_order(endpoint), cost is None, cost or 0

    return min(facts, key=rank)


def _supported_by_any(facts: Iterable[Facts]) -> list[str]:
    return list(dict.fromkeys(name for endpoint in facts for name in endpoint.spec.listing.supported_parameters or ()))


def _provider(facts: Facts) -> ListedProvider:
    card = facts.spec.listing.provider
    return {
        "name": provider_name(facts),
        "slug": facts.spec.endpoint.provider,
        "status_page_url": card.status_page_url,
        "privacy_policy_url": card.privacy_policy_url,
        "terms_of_service_url": card.terms_of_service_url,
    }


def _pricing(pricing: Pricing | None) -> OfferPricing:
    if pricing is None:
        return {"prompt": _UNKNOWN_PRICE, "completion": _UNKNOWN_PRICE}
    prices: OfferPricing = {"prompt": usd_per_token(pricing.prompt), "completion": usd_per_token(pricing.completion)}
    if pricing.cached is not None:
        prices["input_cache_read"] = usd_per_token(pricing.cached)
    return prices


def _architecture(architecture: Architecture) -> OfferArchitecture:
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


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
