"""The scores document for a router, and the order of endpoints. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from monitor.domain.status import Status
from monitor.domain.tier import RoutingUse, Tier, tier_of

T = TypeVar("T")

_SCHEMA = "providerwatch/scores/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredEndpoint:
    """An endpoint of the scores document."""

    id: str
    provider: str
    model: str
    status: Status
    score: float | None = None
    """The estimated probability that the next request succeeds within its SLO; None: not known."""
    account: str | None = None
    """Error class while the provider refuses the account: requests with the same key fail, too."""
    stale_after: datetime | None = None
    measured_at: datetime | None = None
    router_ids: Mapping[str, str] = field(default_factory=dict)

    def at(self, now: datetime) -> ScoredEndpoint:
        """The endpoint at a time: a stale one has status unknown."""
        if self.stale_after is None or now <= self.stale_after or self.status in _LEFT_ALONE:
            return self
        return replace(self, status=Status.UNKNOWN, score=None)

    @property
    def rank(self) -> tuple[int, float]:
        """Sort key, best first. Scores that differ by less than a hundredth are equal."""
        return self._tier, -round(self.score or 0.0, 2) if self._tier in BY_SCORE else 0.0

    @property
    def use(self) -> RoutingUse:
        """How a router should use the endpoint. If all endpoints are `NONE`, the router should use all of them."""
        return USES[self._tier]

    @property
    def _tier(self) -> Tier:
        return tier_of(self.status, refused=self.account is not None)


_LEFT_ALONE = frozenset({Status.PAUSED, Status.MAINTENANCE})
USES: Mapping[Tier, RoutingUse] = {
    Tier.UP: RoutingUse.NORMAL,
    Tier.UNKNOWN: RoutingUse.NORMAL,
    Tier.DEGRADED: RoutingUse.FALLBACK,
    Tier.REFUSED: RoutingUse.FALLBACK,
    Tier.UNKNOWN_REFUSED: RoutingUse.FALLBACK,
    Tier.PAUSED: RoutingUse.NONE,
    Tier.MAINTENANCE: RoutingUse.NONE,
    Tier.DOWN: RoutingUse.NONE,
}
BY_SCORE = frozenset({Tier.UP, Tier.DEGRADED, Tier.REFUSED, Tier.DOWN})
"""Tiers that are sorted by score. Both are copies of the columns `use` and `by_score` of `monitor/routing/tiers.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One scores document."""

    generated_at: datetime
    max_age: timedelta
    """The age from which on the document must not be used."""
    endpoints: Mapping[str, ScoredEndpoint]
    """By id."""
    names: Mapping[str, ScoredEndpoint]
    """By id and by router name; of several with one name the best."""

    def is_fresh(self, now: datetime) -> bool:
        """Whether the document is young enough to be used."""
        return -self.max_age <= now - self.generated_at <= self.max_age

    def order(self, candidates: Iterable[T], now: datetime, name: Callable[[T], str]) -> list[T]:
        """All candidates, best first; unchanged if the document is too old.

        The order is up, unknown, degraded, refused, paused, maintenance, down. `BY_SCORE` tiers are sorted by score.
        Equal candidates keep their order.
        """
        listed = list(candidates)
        return sorted(listed, key=lambda item: self._rank(name(item), now)) if self.is_fresh(now) else listed

    def followed_by(self, later: Scores, router: str | None) -> Scores:
        """These scores, updated with the endpoints of a later document; `router` as for `parse`."""
        endpoints = {**self.endpoints, **later.after(self).endpoints}
        return replace(later, endpoints=endpoints, names=_names(endpoints, router))

    def after(self, before: Scores) -> Scores:
        """These scores, received after `before`. A row without a newer measurement keeps its earlier `stale_after`."""
        endpoints = {name: _goes_on(item, before.endpoints.get(name)) for name, item in self.endpoints.items()}
        return (
            self if endpoints == self.endpoints else replace(self, endpoints=endpoints, names=self._renamed(endpoints))
        )

    def _renamed(self, endpoints: Mapping[str, ScoredEndpoint]) -> Mapping[str, ScoredEndpoint]:
        return {name: endpoints[item.id] for name, item in self.names.items()}

    def _rank(self, name: str, now: datetime) -> tuple[int, float]:
        known = self.names.get(name)
        return (Tier.UNKNOWN, 0.0) if known is None else known.at(now).rank


def parse(body: bytes, router: str | None = None) -> Scores:
    """Parse a document; names of `router` are used, too. Raises ValueError if it is no scores document."""
    try:
        plain = json.loads(body)
        if plain["schema"] != _SCHEMA:
            raise ValueError(f"the scores document has schema {plain['schema']!r}; this version reads {_SCHEMA}")
        generated_at = _moment(plain["generated_at"])
        endpoints = {item["id"]: _endpoint(item, generated_at) for item in plain["endpoints"]}
        return Scores(
            generated_at=generated_at,
            max_age=timedelta(seconds=plain["max_age_s"]),
            endpoints=endpoints,
            names=_names(endpoints, router),
        )
    except (LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError("the answer is not a scores document") from error


def _names(endpoints: Mapping[str, ScoredEndpoint], router: str | None) -> Mapping[str, ScoredEndpoint]:
    routed: dict[str, ScoredEndpoint] = {}
    for endpoint in endpoints.values():
        name = endpoint.router_ids.get(router) if router is not None else None
        if name is not None:
            routed[name] = min(routed.get(name, endpoint), endpoint, key=lambda item: item.rank)
    return {**endpoints, **routed}


def _goes_on(later: ScoredEndpoint, before: ScoredEndpoint | None) -> ScoredEndpoint:
    known = None if before is None or before.measured_at != later.measured_at else before.stale_after
    if known is None or later.stale_after is None or later.stale_after <= known:
        return later
    return replace(later, stale_after=known)


def _endpoint(plain: Mapping[str, Any], generated_at: datetime) -> ScoredEndpoint:
    score, account, stale_after = plain["score"], plain["account"], plain["stale_after"]
    measured_at = None if plain.get("measured_at") is None else _moment(plain["measured_at"])
    # Dated later than the document: the daemon's clock was ahead. Such a row would never get stale.
    ahead = max(timedelta(), measured_at - generated_at) if measured_at is not None else timedelta()
    return ScoredEndpoint(
        id=str(plain["id"]),
        provider=str(plain["provider"]),
        model=str(plain["model"]),
        status=_status(plain["status"]),
        score=None if score is None else float(score),
        account=None if account is None else str(account["class"]),
        stale_after=None if stale_after is None else _moment(stale_after) - ahead,
        measured_at=measured_at,
        router_ids={str(router): str(name) for router, name in plain["router_ids"].items()},
    )


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return at


def _status(word: str) -> Status:
    """Statuses of later versions count as unknown."""
    return Status(word) if word in set(Status) else Status.UNKNOWN
