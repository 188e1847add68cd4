"""The endpoints of a model as its page names, colours and orders them. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.charts.roles import Role, of_provider
from monitor.domain.text import printable
from monitor.routing.tiers import price
from monitor.scoreboard.endpoint import EndpointSnapshot
from monitor.scoreboard.row import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEndpoint:
    """An endpoint of the model, with its name and colour on the page."""

    name: str
    """The provider's name; with the tag, or the id, where several endpoints have the same."""
    role: Role
    snapshot: EndpointSnapshot
    confidence: tuple[float, float] | None
    """The 95 % interval of the score."""

    @property
    def id(self) -> str:
        """The endpoint's id."""
        return self.snapshot.id


def endpoints_of_model(rows: Iterable[Row], model: str) -> tuple[ModelEndpoint, ...]:
    """The endpoints in the order of the configuration, which decides their colours: a colour must not move."""
    own = [(row, row.endpoint) for row in rows if row.model == model and row.endpoint is not None]
    names = _names([snapshot for _, snapshot in own])
    return tuple(
        ModelEndpoint(
            name=name, role=of_provider(number), snapshot=snapshot, confidence=_pair(json.loads(row.body)["confidence"])
        )
        for number, (name, (row, snapshot)) in enumerate(zip(names, own, strict=True))
    )


def best_first(endpoints: Sequence[ModelEndpoint]) -> tuple[ModelEndpoint, ...]:
    """The default order: as routers try the tiers, then by score in hundredths, then by price."""
    return tuple(sorted(endpoints, key=_rank))


def _rank(endpoint: ModelEndpoint) -> tuple[int, float, bool, float, str]:
    snapshot = endpoint.snapshot
    cost = price(snapshot)
    score = -1.0 if snapshot.score is None else round(snapshot.score, 2)
    return snapshot.tier, -score, cost is None, cost or 0.0, snapshot.id


def _names(snapshots: Sequence[EndpointSnapshot]) -> list[str]:
    """The shortest names that tell the endpoints apart."""
    plain = [printable(snapshot.provider_name) for snapshot in snapshots]
    tagged = [
        name if snapshot.tag == snapshot.provider else f"{name} ({printable(snapshot.tag)})"
        for name, snapshot in zip(plain, snapshots, strict=True)
    ]
    names = _unless_repeated(plain, tagged)
    return _unless_repeated(names, [printable(snapshot.id) for snapshot in snapshots])


def _unless_repeated(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    counts = Counter(names)
    return [name if counts[name] == 1 else other for name, other in zip(names, longer, strict=True)]


def _pair(values: Sequence[float] | None) -> tuple[float, float] | None:
    return None if values is None else (values[0], values[1])
