"""The scores document as a router needs it, and the order that follows from it. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from monitor.domain.status import Status

T = TypeVar("T")

_SCHEMA = "providerwatch/scores/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredEndpoint:
    """What is known of one endpoint."""

    id: str
    provider: str
    model: str
    status: Status
    score: float | None = None
    """The probability that the next request succeeds within its SLO; None: not known."""
    account: str | None = None
    """Why the newest probes were refused for the account's sake: a router with the same key should pass by."""
    stale_after: datetime | None = None
    measured_at: datetime | None = None
    router_ids: Mapping[str, str] = field(default_factory=dict)

    def at(self, now: datetime) -> ScoredEndpoint:
        """The endpoint as it is to be seen at some moment: what is stale is not known any more."""
        if self.stale_after is None or now <= self.stale_after or self.status in _LEFT_ALONE:
            return self
        return replace(self, status=Status.UNKNOWN, score=None)

    @property
    def rank(self) -> tuple[int, float]:
        """What to sort by, the best first. Scores that differ by less than a hundredth are alike."""
        refused = self.account is not None and self.status in {Status.UP, Status.UNKNOWN, Status.DEGRADED}
        tier = _REFUSED if refused else _TIERS[self.status]
        says_nothing = self.status is Status.UNKNOWN or self.status in _LEFT_ALONE
        return tier, 0.0 if says_nothing else -round(self.score or 0.0, 2)


_LEFT_ALONE = frozenset({Status.PAUSED, Status.MAINTENANCE})
_REFUSED = 4
_TIERS: Mapping[Status, int] = {
    Status.UP: 0,
    Status.UNKNOWN: 1,
    Status.DEGRADED: 2,
    Status.PAUSED: 3,
    Status.MAINTENANCE: 3,
    Status.DOWN: 5,
}
"""In which order to try; what refuses the account comes just before what is down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One scores document."""

    generated_at: datetime
    max_age: timedelta
    """How old it may be before nobody should rely on it."""
    endpoints: Mapping[str, ScoredEndpoint]
    """By id."""
    names: Mapping[str, ScoredEndpoint]
    """By id and by what the router calls them; of several with one name the best."""

    def is_fresh(self, now: datetime) -> bool:
        """Whether it may be relied on."""
        return -self.max_age <= now - self.generated_at <= self.max_age

    def order(self, candidates: Iterable[T], now: datetime, name: Callable[[T], str]) -> list[T]:
        """All candidates, the best first; as they came while the document is too old.

        Up, unknown, degraded, left alone, refused, down; among these by score; what is alike stays in its order.
        """
        listed = list(candidates)
        return sorted(listed, key=lambda item: self._rank(name(item), now)) if self.is_fresh(now) else listed

    def followed_by(self, later: Scores, router: str | None) -> Scores:
        """These with the endpoints that a later document tells anew; `router` as for `parse`."""
        endpoints = {**self.endpoints, **later.after(self).endpoints}
        return replace(later, endpoints=endpoints, names=_names(endpoints, router))

    def after(self, before: Scores) -> Scores:
        """These scores, received after `before`. A row that was not measured since keeps its earlier `stale_after`."""
        endpoints = {name: _goes_on(item, before.endpoints.get(name)) for name, item in self.endpoints.items()}
        return (
            self if endpoints == self.endpoints else replace(self, endpoints=endpoints, names=self._renamed(endpoints))
        )

    def _renamed(self, endpoints: Mapping[str, ScoredEndpoint]) -> Mapping[str, ScoredEndpoint]:
        return {name: endpoints[item.id] for name, item in self.names.items()}

    def _rank(self, name: str, now: datetime) -> tuple[int, float]:
        known = self.names.get(name)
        return (_TIERS[Status.UNKNOWN], 0.0) if known is None else known.at(now).rank


def parse(body: bytes, router: str | None = None) -> Scores:
    """Read a document; `router` is whose `router_ids` are names too. Raises ValueError when it is none."""
    try:
        plain = json.loads(body)
        if plain["schema"] != _SCHEMA:
            raise ValueError(f"the scores are {plain['schema']!r}, not {_SCHEMA}")
        generated_at = _moment(plain["generated_at"])
        endpoints = {item["id"]: _endpoint(item, generated_at) for item in plain["endpoints"]}
        return Scores(
            generated_at=generated_at,
            max_age=timedelta(seconds=plain["max_age_s"]),
            endpoints=endpoints,
            names=_names(endpoints, router),
        )
    except (LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError("the answer is no scores document") from error


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
    """A word that a later daemon may bring says nothing to us."""
    return Status(word) if word in set(Status) else Status.UNKNOWN
