"""In which order the endpoints of a model are to be tried. Pure: chance comes from a seed.

What comes first decides, and the next only between equals: whether an endpoint may answer at all, `order`, whether it
supports what is asked for, whether it is well, whether it is as quick as is preferred, and then `sort` or chance. The
chance is weighed by score and 1/price², as if drawn from an urn: each endpoint waits for an exponentially distributed
time with that rate, which is the same as drawing without putting back (Efraimidis and Spirakis, 2006). So leaving one
endpoint out does not mix up the others.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from monitor.routing.filters import lacking, named_by
from monitor.routing.openrouter.documents import ENOUGH_FOR_PERCENTILES
from monitor.routing.preferences import RoutingPreferences, Sort
from monitor.routing.tiers import Tier, price, tier_of
from monitor.scoreboard.endpoint import Facts

Rank: TypeAlias = tuple[float, ...]
"""The smaller, the sooner."""
_MAY_ANSWER = {Tier.FINE, Tier.DEGRADED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedEndpoint:
    """An endpoint, and all that decides on its place."""

    facts: Facts
    tier: Tier
    named: int | None
    """The number of its name in `order`, from 0."""
    lacks: tuple[str, ...] | None
    """Wanted parameters that it does not support; None: not known."""
    misses: tuple[str, ...]
    """What it is slower in than preferred."""
    sorted_by: float | None
    """What `sort` looks at; None where that is not known, or nothing is sorted."""

    @property
    def may_answer(self) -> bool:
        """Whether a request has a fair chance."""
        return self.tier in _MAY_ANSWER


def ranked(facts: Sequence[Facts], preferences: RoutingPreferences, seed: int) -> list[RankedEndpoint]:
    """All of them, the best first."""
    candidates = [candidate_of(endpoint, preferences) for endpoint in facts]
    rates = _rates([candidate.facts for candidate in candidates if candidate.may_answer])

    def rank(candidate: RankedEndpoint) -> tuple[Rank, str]:
        last = _drawn(candidate.facts, rates, seed) if candidate.may_answer else _by_score(candidate.facts)
        return (*_before_chance(candidate, preferences), *last), candidate.facts.id

    return sorted(candidates, key=rank)


def candidate_of(facts: Facts, preferences: RoutingPreferences) -> RankedEndpoint:
    """What decides on the place of an endpoint, but for chance."""
    name = named_by(preferences.order, facts)
    return RankedEndpoint(
        facts=facts,
        tier=tier_of(facts),
        named=None if name is None else preferences.order.index(name),
        lacks=lacking(facts, preferences),
        misses=tuple(_missed(facts, preferences)),
        sorted_by=None if preferences.sort is None else sort_value(facts, preferences.sort),
    )


def sort_value(facts: Facts, sort: Sort) -> float | None:
    """What `sort` looks at: USD per million tokens, tokens per second at p50, or seconds to the first token at p50."""
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
    """What so many percent of requests reached; empty with too little data."""
    found = facts.summaries["e2e_tps"]
    return _enough(found.count, found.reached or {})


def _enough(count: int, found: Mapping[str, float | None]) -> dict[str, float]:
    if count < ENOUGH_FOR_PERCENTILES:
        return {}
    return {name: value for name, value in found.items() if value is not None}


def _missed(facts: Facts, preferences: RoutingPreferences) -> list[str]:
    """What is slower than preferred; a figure that is not known counts as fast enough."""
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
    late = 0 if candidate.may_answer else candidate.tier
    named = len(preferences.order) if candidate.named is None else candidate.named
    support = 1 if candidate.lacks is None else 2 * bool(candidate.lacks)
    # Who sorts wants the fastest or the cheapest, if it answers: a degraded one does.
    well = 0 if preferences.sort else candidate.tier
    return late, named, support, well, bool(candidate.misses), _sorted(candidate, preferences)


def _sorted(candidate: RankedEndpoint, preferences: RoutingPreferences) -> float:
    if preferences.sort is None:
        return 0
    if candidate.sorted_by is None:
        return math.inf
    return -candidate.sorted_by if preferences.sort == "throughput" else candidate.sorted_by


def _rates(facts: Sequence[Facts]) -> Mapping[str, float]:
    """By id, how heavily each endpoint weighs; infinitely, where it costs nothing.

    An unknown score is taken for the lowest of the others, an unknown price for the dearest: it is no merit.
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
    """How long an endpoint waits for its turn: those that cost nothing come first, drawn by score among themselves."""
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
