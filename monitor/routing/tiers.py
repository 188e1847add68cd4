"""Tiers: an endpoint's status and account error as one rank for routing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from monitor.domain.tier import RoutingUse, Tier, tier_of
from monitor.routing.openrouter.types import OfferStatus
from monitor.scoreboard.endpoint import Facts

FULL: Final = 100
"""The weight of an endpoint that always answers, or of which nothing is known."""
FALLBACK: Final = 20
"""The weight of a fallback that always answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPolicy:
    """What one tier means."""

    use: RoutingUse
    most_weight: int
    """The weight at score 1."""
    by_score: bool
    """Whether the score counts: in the weight, and in the client's order. Else it is of another time."""
    route_order: int
    """The place in `/v1/route` and among OpenRouter's offers; the smaller, the sooner."""
    drawn: bool
    """Whether `/v1/route` draws lots by score and price; else it comes after all that are drawn, by score."""
    offer: OfferStatus
    """The number in OpenRouter's documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseWords:
    """How the outputs say one use."""

    check: HTTPStatus
    """Of `/v1/check`."""
    envoy_degraded: bool
    """Whether `/v1/check` has the header `x-envoy-degraded: true`."""
    haproxy: Literal["up", "down"]
    """The state in an agent check's answer."""
    envoy: Literal["HEALTHY", "DEGRADED", "UNHEALTHY"]
    """The health in a discovery file."""
    listed: bool
    """Whether it has a weight in a map or a service of Traefik, and a place in vLLM's list; else 0, and none."""


POLICY: Final[Mapping[Tier, TierPolicy]] = {
    Tier.UP: TierPolicy(
        use=RoutingUse.NORMAL, most_weight=FULL, by_score=True, route_order=0, drawn=True, offer=OfferStatus.NORMAL
    ),
    Tier.UNKNOWN: TierPolicy(
        use=RoutingUse.NORMAL, most_weight=FULL, by_score=False, route_order=0, drawn=True, offer=OfferStatus.NORMAL
    ),
    Tier.DEGRADED: TierPolicy(
        use=RoutingUse.FALLBACK,
        most_weight=FALLBACK,
        by_score=True,
        route_order=1,
        drawn=True,
        offer=OfferStatus.DEGRADED,
    ),
    Tier.REFUSED: TierPolicy(
        use=RoutingUse.FALLBACK,
        most_weight=FALLBACK,
        by_score=True,
        route_order=2,
        drawn=False,
        offer=OfferStatus.REFUSED,
    ),
    Tier.UNKNOWN_REFUSED: TierPolicy(
        use=RoutingUse.FALLBACK,
        most_weight=FALLBACK,
        by_score=False,
        route_order=2,
        drawn=False,
        offer=OfferStatus.REFUSED,
    ),
    Tier.PAUSED: TierPolicy(
        use=RoutingUse.NONE, most_weight=FULL, by_score=False, route_order=3, drawn=False, offer=OfferStatus.PAUSED
    ),
    Tier.MAINTENANCE: TierPolicy(
        use=RoutingUse.NONE, most_weight=FULL, by_score=False, route_order=4, drawn=False, offer=OfferStatus.MAINTENANCE
    ),
    Tier.DOWN: TierPolicy(
        use=RoutingUse.NONE, most_weight=FULL, by_score=True, route_order=5, drawn=False, offer=OfferStatus.DOWN
    ),
}
"""In the order in which a client tries them."""

WORDS: Final[Mapping[RoutingUse, UseWords]] = {
    RoutingUse.NORMAL: UseWords(check=HTTPStatus.OK, envoy_degraded=False, haproxy="up", envoy="HEALTHY", listed=True),
    RoutingUse.FALLBACK: UseWords(
        check=HTTPStatus.OK, envoy_degraded=True, haproxy="up", envoy="DEGRADED", listed=True
    ),
    RoutingUse.NONE: UseWords(
        check=HTTPStatus.SERVICE_UNAVAILABLE, envoy_degraded=False, haproxy="down", envoy="UNHEALTHY", listed=False
    ),
}


def tier_of_facts(facts: Facts) -> Tier:
    """The tier of an endpoint."""
    return tier_of(facts.status, refused=facts.account is not None)


def route_order(facts: Facts) -> int:
    """The place of an endpoint's tier in `/v1/route`; the smaller, the sooner."""
    return POLICY[tier_of_facts(facts)].route_order


def price(facts: Facts) -> float | None:
    """An endpoint's price in USD per million tokens, for three prompt tokens per output token."""
    pricing = facts.spec.endpoint.pricing
    return None if pricing is None else (3 * pricing.prompt + pricing.completion) / 4
