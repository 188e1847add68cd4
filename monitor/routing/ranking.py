"""The order in which to try a model's endpoints. Pure: the random draw comes from a seed.

Criteria in order of precedence: usable tier, `order`, support of the requested parameters, tier, preferred speed, then
`sort` or a random draw. The draw is weighted by score and 1/price²: each endpoint gets an exponentially distributed
time with that rate, which equals drawing without replacement (Efraimidis and Spirakis, 2006). So excluding one endpoint
does not change the order of the others.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from monitor.domain.tier import Tier
from monitor.routing.filters import lacking, named_by
from monitor.routing.openrouter.documents import ENOUGH_FOR_PERCENTILES
from monitor.routing.preferences import RoutingPreferences, Sort
from monitor.routing.tiers import POLICY, price, tier_of_facts
from monitor.scoreboard.endpoint import Facts

Rank: TypeAlias = tuple[float, ...]
"""Smaller comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedEndpoint:
    """An endpoint with its ranking criteria."""

    facts: Facts
    tier: Tier
    named: int | None
    """Its position in `order`, from 0."""
    lacks: tuple[str, ...] | None
    """Requested parameters that it does not support; None: not known."""
    misses: tuple[str, ...]
    """Preferred speeds that it does not reach."""
    sorted_by: float | None
    """The value that `sort` compares; None if it is not known or there is no `sort`."""

    @property
    def may_answer(self) -> bool:
        """Whether its tier is usable."""
        return POLICY[self.tier].drawn


def ranked(facts: Sequence[Facts], preferences: RoutingPreferences, seed: int) -> list[RankedEndpoint]:
    """All endpoints, best first."""
    candidates = [candidate_of(endpoint, preferences) for endpoint in facts]
    rates = _rates([candidate.facts for candidate in candidates if candidate.may_answer])

    def rank(candidate: RankedEndpoint) -> tuple[Rank, str]:
        last = _drawn(candidate.facts, rates, seed) if candidate.may_answer else _by_score(candidate.facts)
        return (*_before_chance(candidate, preferences), *last), candidate.facts.id

    return sorted(candidates, key=rank)


def candidate_of(facts: Facts, preferences: RoutingPreferences) -> RankedEndpoint:
    """An endpoint's criteria without the random draw."""
    name = named_by(preferences.order, facts)
    return RankedEndpoint(
        facts=facts,
        tier=tier_of_facts(facts),
        named=None if name is None else preferences.order.index(name),
        lacks=lacking(facts, preferences),
        misses=tuple(_missed(facts, preferences)),
        sorted_by=None if preferences.sort is None else sort_value(facts, preferences.sort),
    )


def sort_value(facts: Facts, sort: Sort) -> float | None:
    """The value that `sort` compares: USD per million tokens, tokens/s at p50, or seconds to the first token at p50."""
    match sort:
        case "price":
            return price(facts)
        case "throughput":
            return throughput_tps(facts).get("p50")
        case "latency":
            return ttft_s(facts).get("p50")
        case _:
            assert_never(sort)


def ttft_s(facts: Facts) -> Mapping[str, float]:
    """Percentiles of the time to first token; empty with too little data."""
    found = facts.summaries["ttft_s"]
    return _enough(found.count, found.quantiles)


def throughput_tps(facts: Facts) -> Mapping[str, float]:
    """Throughput that so many percent of requests reached; empty with too little data."""
    found = facts.summaries["e2e_tps"]
    return _enough(found.count, found.reached or {})


def _enough(count: int, found: Mapping[str, float | None]) -> dict[str, float]:
    if count < ENOUGH_FOR_PERCENTILES:
        return {}
    return {name: value for name, value in found.items() if value is not None}


def _missed(facts: Facts, preferences: RoutingPreferences) -> list[str]:
    """The preferred speeds that an endpoint does not reach. A figure that is not known counts as fast enough."""
    most_ttft_s, least_tps = preferences.most_ttft_s, preferences.least_tps
    late = [
        f"{found:.4g} s to the first token at {share}, and `preferred_max_latency` is {most_ttft_s[share]:g} s"
        for share, found in ttft_s(facts).items()
        if found > most_ttft_s.get(share, math.inf)
    ]
    slow = [
        f"{found:.4g} tokens/s at {share}, and `preferred_min_throughput` is {least_tps[share]:g}"
        for share, found in throughput_tps(facts).items()
        if found < least_tps.get(share, -math.inf)
    ]
    return late + slow


def _before_chance(candidate: RankedEndpoint, preferences: RoutingPreferences) -> Rank:
    order = POLICY[candidate.tier].route_order
    late = 0 if candidate.may_answer else order
    named = len(preferences.order) if candidate.named is None else candidate.named
    support = 1 if candidate.lacks is None else 2 * bool(candidate.lacks)
    # With `sort` a degraded endpoint counts like one that is up, since it answers.
    well = 0 if preferences.sort else order
    return late, named, support, well, bool(candidate.misses), _sorted(candidate, preferences)


def _sorted(candidate: RankedEndpoint, preferences: RoutingPreferences) -> float:
    if preferences.sort is None:
        return 0
    if candidate.sorted_by is None:
        return math.inf
    return -candidate.sorted_by if preferences.sort == "throughput" else candidate.sorted_by


def _rates(facts: Sequence[Facts]) -> Mapping[str, float]:
    """The weight of each endpoint by id; infinite if it is free.

    An unknown score counts as the lowest of the others, an unknown price as the highest.
    """
    scores = [endpoint.score for endpoint in facts if endpoint.score is not None]
    prices = [cost for endpoint in facts if (cost := price(endpoint)) is not None]
    lowest, dearest = min(scores, default=1.0), max(prices, default=0.0) or 1.0
    cheapest = min((cost for cost in prices if cost > 0), default=1.0)

    def rate(endpoint: Facts) -> float:
        known = price(endpoint)
        times = (dearest if known is None else known) / cheapest
        score = lowest if endpoint.score is None else endpoint.score
        return score / (times * times) if times > 0 else math.inf

    return {endpoint.id: rate(endpoint) for endpoint in facts}


def _drawn(facts: Facts, rates: Mapping[str, float], seed: int) -> Rank:
    """An endpoint's random time. Free endpoints come first, drawn by score."""
    digest = hashlib.blake2b(f"{seed}\0{facts.id}".encode(errors="replace"), digest_size=8).digest()
    patience = -math.log((int.from_bytes(digest) + 0.5) / 2**64)
    rate = rates[facts.id]
    if math.isinf(rate):
        return 0, _over(patience, 1.0 if facts.score is None else facts.score)
    return 1, _over(patience, rate)


def _over(patience: float, rate: float) -> float:
    return patience / rate if rate > 0 else math.inf


def _by_score(facts: Facts) -> Rank:
    cost = price(facts)
    return math.inf if facts.score is None else -facts.score, math.inf if cost is None else cost
