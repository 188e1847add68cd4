"""A snapshot's endpoints by model, and ready OpenRouter documents.

A document is made at the first request after its content changed, and kept until the next change. Pure: the documents
depend on the snapshot alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.routing.openrouter.documents import by_model, endpoints_document, models_document, providers_document
from monitor.routing.openrouter.file import endpoints_of, serialised
from monitor.routing.tiers import route_order
from monitor.scoreboard.endpoint import EndpointSnapshot
from monitor.scoreboard.snapshot import Snapshot
from monitor.web.responses import Document, ready


class OpenRouterCache:
    """The newest snapshot by model, and its documents."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._endpoints: list[EndpointSnapshot] = []
        self._by_model: Mapping[str, list[EndpointSnapshot]] = {}
        self._fresh: dict[str, Document] = {}
        self._kept: dict[str, tuple[object, Document]] = {}

    def endpoints(self, snapshot: Snapshot, model: str) -> list[EndpointSnapshot]:
        """The endpoints of a model; empty if there is no such model."""
        self._follow(snapshot)
        return self._by_model.get(model, [])

    def models(self, snapshot: Snapshot, offset: int = 0, limit: int | None = None) -> Document:
        """The list of models, or a page of it. It depends on the configuration and on each endpoint's tier."""
        self._follow(snapshot)
        if offset > 0 or (limit is not None and limit < len(self._by_model)):
            return ready(serialised(models_document(self._endpoints, offset, limit)))
        return self._ready("models", self._statuses, lambda: models_document(self._endpoints))

    def providers(self, snapshot: Snapshot) -> Document:
        """The list of providers."""
        self._follow(snapshot)
        return self._ready("providers", self._specs, lambda: providers_document(self._endpoints))

    def model(self, snapshot: Snapshot, name: str) -> Document | None:
        """A model and its endpoints; None if there is no such model."""
        endpoints = self.endpoints(snapshot, name)
        return (
            self._ready(f"model {name}", lambda: endpoints, lambda: endpoints_document(endpoints))
            if endpoints
            else None
        )

    def _follow(self, snapshot: Snapshot) -> None:
        if snapshot is not self._snapshot:
            self._snapshot, self._fresh = snapshot, {}
            self._endpoints = endpoints_of(snapshot)
            self._by_model = by_model(self._endpoints)

    def _ready(self, name: str, basis_of: Callable[[], object], make: Callable[[], Mapping[str, object]]) -> Document:
        """A document of this snapshot: the kept one if its content is unchanged."""
        if name not in self._fresh:
            known, basis = self._kept.get(name), basis_of()
            if known is None or known[0] != basis:
                known = self._kept[name] = basis, ready(serialised(make()))
            self._fresh[name] = known[1]
        return self._fresh[name]

    def _statuses(self) -> object:
        return [(item.spec, route_order(item)) for item in self._endpoints]

    def _specs(self) -> object:
        return [item.spec for item in self._endpoints]
