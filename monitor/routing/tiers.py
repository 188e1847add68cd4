"""The routing policy: the meaning of each tier for every router, in one table. Pure.

Every output derives from it: `/v1/route`, `/v1/check`, the files, HAProxy's agent checks, OpenRouter's documents. The
client and the plug-ins, which may not import this module, have a copy; a test compares them.

If no member of a group (a backend, a cluster, a model) is usable, routers use all of them: `weights.fail_open` changes
their use to NORMAL. So the words below depend on the use, not on the tier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from monitor.domain.tier import RoutingUse, Tier
from monitor.routing.openrouter.types import OpenRouterStatus
from monitor.scoreboard.endpoint import EndpointSnapshot

FULL: Final = 100
"""The weight of an endpoint with score 1, or without a score."""
FALLBACK: Final = 20
"""The weight of a fallback with score 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPolicy:
    """The meaning of one tier."""

    use: RoutingUse
    by_score: bool
    """Whether the score counts in the weight and in the client's order. False: the score is out of date."""
    route_order: int
    """The place in `/v1/route` and in the documents for OpenRouter's clients; the smaller, the sooner."""
    drawn: bool
    """Whether `/v1/route` draws lots by score and price; else it comes after all that are drawn, by score."""
    openrouter: OpenRouterStatus
    """The number in OpenRouter's documents."""

    @property
    def most_weight(self) -> int:
        """The weight at score 1."""
        return FALLBACK if self.use is RoutingUse.FALLBACK else FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class UseWords:
    """The words of each output for one use."""

    check: HTTPStatus
    """The status code of `/v1/check`."""
    envoy_degraded: bool
    """Whether `/v1/check` has the header `x-envoy-degraded: true`."""
    haproxy: Literal["up", "down"]
    """The state in an agent check's answer."""
    envoy: Literal["HEALTHY", "DEGRADED", "UNHEALTHY"]
    """The health in a discovery file."""
    listed: bool
    """Whether it has a weight above 0 in HAProxy's map and in Traefik, and is in vLLM's list."""


POLICY: Final[Mapping[Tier, TierPolicy]] = {
    Tier.UP: TierPolicy(
        use=RoutingUse.NORMAL, by_score=True, route_order=0, drawn=True, openrouter=OpenRouterStatus.NORMAL
    ),
    Tier.UNKNOWN: TierPolicy(
        use=RoutingUse.NORMAL, by_score=False, route_order=0, drawn=True, openrouter=OpenRouterStatus.NORMAL
    ),
    Tier.DEGRADED: TierPolicy(
        use=RoutingUse.FALLBACK, by_score=True, route_order=1, drawn=True, openrouter=OpenRouterStatus.DEGRADED
    ),
    Tier.REFUSED: TierPolicy(
        use=RoutingUse.FALLBACK, by_score=True, route_order=2, drawn=False, openrouter=OpenRouterStatus.REFUSED
    ),
    Tier.UNKNOWN_REFUSED: TierPolicy(
        use=RoutingUse.FALLBACK, by_score=False, route_order=2, drawn=False, openrouter=OpenRouterStatus.REFUSED
    ),
    Tier.PAUSED: TierPolicy(
        use=RoutingUse.NONE, by_score=False, route_order=3, drawn=False, openrouter=OpenRouterStatus.PAUSED
    ),
    Tier.MAINTENANCE: TierPolicy(
        use=RoutingUse.NONE, by_score=False, route_order=4, drawn=False, openrouter=OpenRouterStatus.MAINTENANCE
    ),
    Tier.DOWN: TierPolicy(
        use=RoutingUse.NONE, by_score=True, route_order=5, drawn=False, openrouter=OpenRouterStatus.DOWN
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


def route_order(endpoint: EndpointSnapshot) -> int:
    """The place of an endpoint's tier in `/v1/route`; the smaller, the sooner."""
    return POLICY[endpoint.tier].route_order


def price(endpoint: EndpointSnapshot) -> float | None:
    """An endpoint's price in USD per million tokens, for three prompt tokens per output token."""
    pricing = endpoint.pricing
    return None if pricing is None else (3 * pricing.prompt + pricing.completion) / 4
