"""Which endpoints of a model a request may go to, the best first, each with the reason of its place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypedDict, assert_never

from monitor.domain.status import Status
from monitor.domain.tier import Tier
from monitor.routing.exclusion import why_excluded
from monitor.routing.openrouter.types import Ratio
from monitor.routing.preferences import RoutingPreferences
from monitor.routing.ranking import RankedEndpoint, ranked
from monitor.routing.tiers import price
from monitor.scoreboard.endpoint import Facts

_DIGITS = 6


class RoutedEndpoint(TypedDict):
    """An endpoint that may be asked."""

    id: str
    score: Ratio | None
    status: Status
    reason: str
    """Why it has this place."""


class ExcludedEndpoint(TypedDict):
    """An endpoint that had better not be asked, because the request says so."""

    id: str
    reason: str


class RouteAnswer(TypedDict):
    """All endpoints of the model."""

    endpoints: Sequence[RoutedEndpoint]
    """The best first."""
    excluded: Sequence[ExcludedEndpoint]


def route(facts: Sequence[Facts], wish: RoutingPreferences, seed: int) -> RouteAnswer:
    """Every endpoint of a model: in its place, or left out for a reason."""
    refused = {each.id: why_excluded(each, wish) for each in facts}
    places = ranked([each for each in facts if refused[each.id] is None], wish, seed)
    excluded: list[ExcludedEndpoint] = [{"id": name, "reason": why} for name, why in refused.items() if why]
    if not wish.allow_fallbacks and not wish.order:
        excluded += [_fallback(place, places[0]) for place in places[1:]]
        places = places[:1]
    return {"endpoints": [_routed(place, wish) for place in places], "excluded": excluded}


def _fallback(place: RankedEndpoint, first: RankedEndpoint) -> ExcludedEndpoint:
    return {"id": place.facts.id, "reason": f"`allow_fallbacks` is false, and {first.facts.id} comes first"}


def _routed(place: RankedEndpoint, wish: RoutingPreferences) -> RoutedEndpoint:
    facts = place.facts
    return {
        "id": facts.id,
        "score": None if facts.score is None else round(facts.score, _DIGITS),
        "status": facts.status,
        "reason": "; ".join(_reasons(place, wish)),
    }


def _reasons(place: RankedEndpoint, wish: RoutingPreferences) -> Iterator[str]:
    yield _tier_reason(place)
    trouble = place.facts.account
    if trouble is not None:
        yield f"the newest probes were refused since {_moment(trouble.since)} ({trouble.error})"
    if place.named is not None:
        yield f"number {place.named + 1} in `order`"
    elif wish.order:
        yield "after those that `order` names"
    if place.lacks is None:
        yield "after those that are known to support what is asked for: its parameters are not known"
    elif place.lacks:
        yield f"after those that support {', '.join(place.lacks)}"
    yield from place.misses
    yield _choice(place, wish)


def _tier_reason(place: RankedEndpoint) -> str:
    facts = place.facts
    since = _moment(facts.since)
    match place.tier:
        case Tier.UP:
            return "up"
        case Tier.UNKNOWN:
            return "unknown: nothing speaks against it"
        case Tier.DEGRADED:
            return f"degraded since {since}"
        case Tier.PAUSED:
            return "not probed: it is paused"
        case Tier.MAINTENANCE:
            return f"in maintenance since {since}"
        case Tier.REFUSED | Tier.UNKNOWN_REFUSED:
            return "refused for the account's sake"
        case Tier.DOWN:
            return f"down since {since}"
        case _:
            assert_never(place.tier)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _choice(place: RankedEndpoint, wish: RoutingPreferences) -> str:
    score = "its score is not known" if place.facts.score is None else f"score {place.facts.score:.3f}"
    if not place.may_answer:
        return f"{score}: tried after those that are better off"
    match wish.sort:
        case None:
            return f"{score}, {_price(place.facts)}: drawn by both"
        case _ if place.sorted_by is None:
            return f"{score}; its {wish.sort} is not known, so it is sorted last"
        case "price":
            return f"{score}; sorted by price: ${place.sorted_by:.4g} per million tokens"
        case "throughput":
            return f"{score}; sorted by throughput: {place.sorted_by:.4g} tokens/s at p50"
        case "latency":
            return f"{score}; sorted by latency: {place.sorted_by:.4g} s to the first token at p50"
        case _:
            assert_never(wish.sort)


def _price(facts: Facts) -> str:
    cost = price(facts)
    match cost:
        case None:
            return "a price that is not known"
        case 0:
            return "no price"
        case _:
            return f"${cost:.4g} per million tokens"
