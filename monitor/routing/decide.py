"""The endpoints of a model for one request, best first, each with the reason for its place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import assert_never

from typing_extensions import TypedDict

from monitor.domain.status import Status
from monitor.domain.tier import Tier
from monitor.routing.filters import why_excluded
from monitor.routing.openrouter.types import Ratio
from monitor.routing.preferences import RoutingPreferences
from monitor.routing.ranking import RankedEndpoint, ranked
from monitor.routing.tiers import price
from monitor.scoreboard.endpoint import EndpointSnapshot, rounded


class RoutedEndpoint(TypedDict):
    """An endpoint that the request may use."""

    id: str
    score: Ratio | None
    status: Status
    reason: str
    """The reason for the position of the endpoint."""


class ExcludedEndpoint(TypedDict):
    """An endpoint that the request's preferences exclude."""

    id: str
    reason: str


class RouteAnswer(TypedDict):
    """All endpoints of the model."""

    endpoints: Sequence[RoutedEndpoint]
    """The best first."""
    excluded: Sequence[ExcludedEndpoint]


def route(endpoints: Sequence[EndpointSnapshot], preferences: RoutingPreferences, seed: int) -> RouteAnswer:
    """Every endpoint of a model, ranked or excluded with the reason."""
    refused = {endpoint.id: why_excluded(endpoint, preferences) for endpoint in endpoints}
    candidates = ranked([endpoint for endpoint in endpoints if refused[endpoint.id] is None], preferences, seed)
    excluded: list[ExcludedEndpoint] = [{"id": name, "reason": why} for name, why in refused.items() if why]
    if not preferences.allow_fallbacks and not preferences.order:
        excluded += [_fallback(candidate, candidates[0]) for candidate in candidates[1:]]
        candidates = candidates[:1]
    return {"endpoints": [_routed(candidate, preferences) for candidate in candidates], "excluded": excluded}


def _fallback(candidate: RankedEndpoint, first: RankedEndpoint) -> ExcludedEndpoint:
    return {"id": candidate.endpoint.id, "reason": f"`allow_fallbacks` is false, and {first.endpoint.id} comes first"}


def _routed(candidate: RankedEndpoint, preferences: RoutingPreferences) -> RoutedEndpoint:
    endpoint = candidate.endpoint
    return {
        "id": endpoint.id,
        "score": rounded(endpoint.score),
        "status": endpoint.status,
        "reason": "; ".join(_reasons(candidate, preferences)),
    }


def _reasons(candidate: RankedEndpoint, preferences: RoutingPreferences) -> Iterator[str]:
    yield _tier_reason(candidate)
    trouble = candidate.endpoint.account
    if trouble is not None:
        yield f"the provider refuses the account since {_moment(trouble.since)} ({trouble.error})"
    if candidate.named is not None:
        yield f"number {candidate.named + 1} in `order`"
    elif preferences.order:
        yield "after the endpoints in `order`"
    if candidate.lacks is None:
        yield "after endpoints that support `parameters`: this endpoint's parameters are not known"
    elif candidate.lacks:
        yield f"after endpoints that support {', '.join(candidate.lacks)}"
    yield from candidate.misses
    yield _score_reason(candidate, preferences)


def _tier_reason(candidate: RankedEndpoint) -> str:
    endpoint = candidate.endpoint
    since = _moment(endpoint.since)
    match endpoint.tier:
        case Tier.UP:
            return "up"
        case Tier.UNKNOWN:
            return "unknown: no recent sample, so it counts as up"
        case Tier.DEGRADED:
            return f"degraded since {since}"
        case Tier.PAUSED:
            return "paused: not probed"
        case Tier.MAINTENANCE:
            return f"in maintenance since {since}"
        case Tier.REFUSED | Tier.UNKNOWN_REFUSED:
            return "the provider refuses this account"
        case Tier.DOWN:
            return f"down since {since}"
        case _:
            assert_never(endpoint.tier)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _score_reason(candidate: RankedEndpoint, preferences: RoutingPreferences) -> str:
    score = "unknown score" if candidate.endpoint.score is None else f"score {candidate.endpoint.score:.3f}"
    if not candidate.may_answer:
        return f"{score}: after endpoints of a better tier"
    match preferences.sort:
        case None:
            return f"{score}, {_price(candidate.endpoint)}: random order weighted by both"
        case _ if candidate.sorted_by is None:
            return f"{score}; unknown {preferences.sort}, so it is sorted last"
        case "price":
            return f"{score}; sorted by price: ${candidate.sorted_by:.4g} per million tokens"
        case "throughput":
            return f"{score}; sorted by throughput: {candidate.sorted_by:.4g} tokens/s at p50"
        case "latency":
            return f"{score}; sorted by latency: {candidate.sorted_by:.4g} s to the first token at p50"
        case _:
            assert_never(preferences.sort)


def _price(endpoint: EndpointSnapshot) -> str:
    cost = price(endpoint)
    match cost:
        case None:
            return "unknown price"
        case 0:
            return "free"
        case _:
            return f"${cost:.4g} per million tokens"
